// SPDX-License-Identifier: BSL-1.0
/// \file
/// Store: keeps the write-ahead log. Opens append-only streams of frames (sealed envelope lines) and says what recovery found.
///
/// When to use which: MemoryStore for tests and dry runs (forgets at power loss), FileStore<FileSystem> for one machine. A store over a
/// database keeps frames as rows and gets its verdicts from the same pure functions (wal/recovery). Not offered: a store that truncates.
///
/// Laws, each with its usual bug:
///   STORE-1   append(expected_last, group) is all or nothing, also across a crash. Bug: half a batch after power loss.
///   STORE-2   append answers errc::conflict unless the last LSN is expected_last; the identical group again, while it is the last, answers
///             the same LSN. Bug: compare and write as two steps; a retry that doubles.
///   STORE-3   what sync() acknowledged survives power loss, byte for byte and in order. Bug: ack before fsync; fsync retried after a failure.
///   STORE-4   after any failed sync the stream is failed: every later append, sync and prove answers errc::log_failed. Bug: sticky only until the next call.
///   STORE-5   recover() ends every earlier tenure: what it returned, and what any earlier sync acknowledged, stays in what every later
///             tenure reads. A sync of an ended tenure answers errc::conflict. Before recover() and behind close() there is no tenure: append, sync and
///             prove answer an error, and close() again answers success. Bug: claim after read; sync blind to the next owner; a handle that writes without a claim.
///   STORE-6   all that recover() returns is on the medium when it returns. Bug: acting on the page cache.
///   STORE-7   recover() twice without an append between: the same tail, and the second copies nothing. Bug: a recovery that grows the log.
///   STORE-8   a missing LSN at or below the proof is a bad verdict with its evidence, never a shorter log; what prove(),
///             close() or a witness has proven counts. Bug: truncate at the first bad checksum; a proof that is not there.
///   STORE-9   inspect() claims nothing, changes no byte and stands in no owner's way. Bug: a repair tool that looks; a read transaction that stays open.
///   STORE-10  scan() gives frames in order without gaps, verified again while they are read. Bug: checksums checked at open only.
///   STORE-11  no frame is ever given that was not appended. Bug: recycled blocks read as frames.
///   STORE-12  a verb that the claims exclude answers errc::unsupported. Bug: a verb that does nothing and says that all is well.
///   STORE-13  bytes that a cut tail or a bad verdict rests on stay where they are, or whole somewhere else. Bug: a repair that overwrites the evidence.
///   STORE-14  what is not the store's own (a stray file, a leftover of a dead owner) means nothing to it and does no harm. Bug: every file is a segment.
///   STORE-15  a frame, of up to limits::line_bytes_max bytes, comes back byte for byte; what is no frame (empty, or with a newline) is errc::invalid_argument, and nothing of its group is appended.
///             Bug: text that is trimmed or normalised; a newline that splits a line.
///   STORE-16  recovery and scan take time and memory in proportion to the log, whatever its bytes say. Bug: a length field that is believed.
///   STORE-17  a log that has lost nothing that was promised is usable: Clean, or TornTail with its evidence. Bug: unproven bytes taken for damage.
///   STORE-18  what a newer format wrote is UnsupportedVersion, and another stream's log is Foreign; a frame that is damaged is neither. Bug: what is not understood is skipped as
///             garbage; damage that an operator cannot accept.
///   STORE-19  a reader beside a trimming owner reads a whole history, of before or after. Bug: a file that is opened late, and gone.
///   STORE-20  drop_before(lsn) takes nothing at or above lsn, also across a crash: the log begins at an lsn that was asked for, or at an earlier base, and with a
///             whole checkpoint (wal/checkpoint.hpp) or with LSN 1. Bug: deleted before the checkpoint is durable; off by one.
///   STORE-21  drop_before(lsn) of what begins no durable checkpoint is errc::invalid_argument, of an ended tenure errc::conflict; then nothing goes. Behind a
///             trim names, LSNs and hashes go on as they would have. Bug: a tail that starts again; a name that is used twice.
/// Thread-safety: append and sync may be called at the same time, each by one thread at a time; every other verb alone.
#ifndef KFM_DET_CONTRACTS_STORE_HPP
#define KFM_DET_CONTRACTS_STORE_HPP

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

/// What a store promises beyond the required laws.
struct StoreClaims {
  bool survives_power_loss = false;
  bool many_processes = false;
  bool detects_corruption = false;
  bool trims = false;
};

/// One sealed line of the log, without its newline. The bytes live as long as the visitor's call.
struct Frame {
  Lsn lsn = 0;
  BytesView bytes;
};

/// What recovery found. Never a bool.
enum class Verdict : std::uint8_t {
  clean,                ///< everything that was ever acknowledged is there, and nothing else
  torn_tail,            ///< something unproven was cut behind the tail; it is kept as evidence
  corrupt_committed,    ///< something at or below the proof is damaged or missing
  hole,                 ///< a segment between two others is missing
  regressed,            ///< the log ends below a witness: an older copy was put back
  forked,               ///< the same LSN with another hash: two histories
  sink_regressed,       ///< the sink is below a head that the log knows it had
  foreign,              ///< frames of another stream
  unsupported_version,  ///< written by a newer format
  io_error,             ///< the medium cannot be read now
};

[[nodiscard]] constexpr std::string_view name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::clean: return "Clean";
    case Verdict::torn_tail: return "TornTail";
    case Verdict::corrupt_committed: return "CorruptCommitted";
    case Verdict::hole: return "Hole";
    case Verdict::regressed: return "Regressed";
    case Verdict::forked: return "Forked";
    case Verdict::sink_regressed: return "SinkRegressed";
    case Verdict::foreign: return "Foreign";
    case Verdict::unsupported_version: return "UnsupportedVersion";
    case Verdict::io_error: return "IoError";
  }
  return "unknown";
}

struct RecoverOptions {
  bool accept_loss = false;  ///< an operator's explicit word: go on behind the last good frame, in the next incarnation
};

/// True when a tenure may write behind it.
[[nodiscard]] constexpr bool is_usable(Verdict verdict) noexcept { return verdict == Verdict::clean || verdict == Verdict::torn_tail; }

/// True when an operator may say: go on without what is missing (RecoverOptions::accept_loss). What is foreign, newer or unreadable is not lost: it has to
/// be put right, and no word of an operator makes a tenure of it.
[[nodiscard]] constexpr bool can_accept(Verdict verdict) noexcept {
  return verdict == Verdict::corrupt_committed || verdict == Verdict::hole || verdict == Verdict::regressed || verdict == Verdict::forked || verdict == Verdict::sink_regressed;
}
/// True when a tenure begins with this verdict.
[[nodiscard]] constexpr bool may_begin(Verdict verdict, RecoverOptions options) noexcept { return is_usable(verdict) || (options.accept_loss && can_accept(verdict)); }

/// A region of the medium that explains a verdict. Its bytes stay where they are: old segments are never written again.
struct Evidence {
  std::string where;          ///< file, row or object
  std::uint64_t offset = 0;   ///< in bytes
  std::uint64_t length = 0;   ///< in bytes; 0: a missing thing
  std::string sentence;
};

struct Recovery {
  Verdict verdict = Verdict::clean;
  Incarnation incarnation = 1;  ///< of the tenure that begins; one above the log's when a loss was accepted
  Head tail;                    ///< the last good frame; lsn 0 for an empty log
  Lsn base = 1;                 ///< where the log begins: above 1 once it was trimmed
  Lsn proven = 0;               ///< the highest LSN that is proven durable by what an earlier tenure left, or by a witness
  std::vector<Evidence> evidence;
  Lsn known = 0;                ///< the highest LSN that anything says was there: behind a bad verdict, what is lost ends here or later
};

struct Tail {
  Lsn last = 0;     ///< appended
  Lsn durable = 0;  ///< acknowledged by sync
  Lsn base = 1;     ///< where the log begins; scan() begins here at the earliest
};

using FrameVisitor = function_ref<result<void>(const Frame&)>;

namespace store_clause {
template <class S> concept movable = std::movable<S>;
template <class S> concept has_claims = requires { { S::claims } -> std::convertible_to<StoreClaims>; };
template <class S> concept has_stream = requires { typename S::Stream; } && std::movable<typename S::Stream>;
template <class S> concept opens_stream = requires(S& store, const StreamId& id) { { store.open_stream(id) } -> std::same_as<result<typename S::Stream>>; };
template <class S> concept recovers = requires(typename S::Stream& stream, std::span<const Head> witnesses, RecoverOptions options) { { stream.recover(witnesses, options) } -> std::same_as<result<Recovery>>; };
template <class S> concept inspects = requires(typename S::Stream& stream, std::span<const Head> witnesses) { { stream.inspect(witnesses) } -> std::same_as<result<Recovery>>; };
template <class S> concept appends = requires(typename S::Stream& stream, Lsn expected_last, std::span<const BytesView> group) { { stream.append(expected_last, group) } -> std::same_as<result<Lsn>>; };
template <class S> concept syncs = requires(typename S::Stream& stream) { { stream.sync() } -> std::same_as<result<Lsn>>; };
template <class S> concept scans = requires(typename S::Stream& stream, Lsn from, FrameVisitor visitor) { { stream.scan(from, visitor) } -> std::same_as<result<Lsn>>; };
template <class S> concept has_tail = requires(const typename S::Stream& stream) { { stream.tail() } -> std::same_as<Tail>; };
template <class S> concept proves = requires(typename S::Stream& stream) { { stream.prove() } -> std::same_as<result<void>>; };
template <class S> concept closes = requires(typename S::Stream& stream) { { stream.close() } -> std::same_as<result<void>>; };
template <class S> concept drops = requires(typename S::Stream& stream, Lsn lsn) { { stream.drop_before(lsn) } -> std::same_as<result<void>>; };
}  // namespace store_clause

template <class S>
concept StorePolicy = store_clause::movable<S> && store_clause::has_claims<S> && store_clause::has_stream<S> && store_clause::opens_stream<S> &&
                      store_clause::recovers<S> && store_clause::inspects<S> && store_clause::appends<S> && store_clause::syncs<S> &&
                      store_clause::scans<S> && store_clause::has_tail<S> && store_clause::proves<S> && store_clause::closes<S> && store_clause::drops<S>;

/// Says in sentences which clauses S misses, all of them at once.
template <class S>
consteval bool diagnose_store() {
  using namespace store_clause;
  static_assert(movable<S>, "kfm_det store: must be movable");
  static_assert(has_claims<S>, "kfm_det store: needs `static constexpr StoreClaims claims`: what it promises beyond the required laws");
  static_assert(has_stream<S>, "kfm_det store: needs a movable type `Stream`");
  static_assert(opens_stream<S>, "kfm_det store: needs `result<Stream> open_stream(const StreamId&)`");
  static_assert(recovers<S>, "kfm_det store: Stream needs `result<Recovery> recover(span<const Head> witnesses, RecoverOptions)`, the first call of a tenure");
  static_assert(inspects<S>, "kfm_det store: Stream needs `result<Recovery> inspect(span<const Head> witnesses)`, which changes no byte");
  static_assert(appends<S>, "kfm_det store: Stream needs `result<Lsn> append(Lsn expected_last, span<const BytesView> group)`, all or nothing");
  static_assert(syncs<S>, "kfm_det store: Stream needs `result<Lsn> sync()`: every frame up to the answer survives power loss");
  static_assert(scans<S>, "kfm_det store: Stream needs `result<Lsn> scan(Lsn from, FrameVisitor)`, in order and without gaps");
  static_assert(has_tail<S>, "kfm_det store: Stream needs `Tail tail() const`");
  static_assert(proves<S>, "kfm_det store: Stream needs `result<void> prove()`: leaves a durable proof behind the tail");
  static_assert(closes<S>, "kfm_det store: Stream needs `result<void> close()`: proves and lets go");
  static_assert(drops<S>, "kfm_det store: Stream needs `result<void> drop_before(Lsn)`; errc::unsupported unless it claims `trims`");
  return StorePolicy<S>;
}

}  // namespace kfm_det

#endif
