// SPDX-License-Identifier: BSL-1.0
/// \file
/// Sink: where outputs are published. Keeps every version for ever; *current* is a view of the publications.
///
/// When to use which: MemorySink for tests, FileSink for one process and large outputs, SqliteSink for one machine with queries. Not offered: a sink that orders by arrival,
/// by lease token or by content: exhaustive models refuted each of them.
///
/// Laws, each with its usual bug:
///   SINK-1   the visible state is a function of the *set* of requests accepted, never of their order or number. Current is the publication
///            of highest Order that is not withdrawn (equal orders: by effect id). Bug: last write by arrival wins.
///   SINK-2   an effect publishes once: the same upsert again answers `unchanged` (or `withdrawn`) and changes nothing. Bug: a duplicate row on replay.
///   SINK-3   the same effect with another order, key or content is errc::hash_mismatch, and nothing changes. Bug: DO NOTHING counted as applied.
///   SINK-4   withdraw() also takes back effects that the sink has not seen: when their upsert arrives later its version is kept in history and
///            stays withdrawn. Bug: a late request publishes what was undone.
///   SINK-5   find(EffectId) answers for the effect, never for its content. Bug: contents A, B, A: the third run is taken for done.
///   SINK-6   begin() raises the scope's token floor durably before it answers; a request whose token is below the floor is errc::stale_token (the error names the
///            highest), and so is an equal token of another owner. A higher token raises the floor. Bug: a paused owner publishes after a new one.
///   SINK-7   the highest head of a stream is durable before a request's first effect; the same place with another hash is errc::forked.
///            Bug: a publication whose log nobody can ask for.
///   SINK-8   a version's bytes hash to what its key was made of, when they come in and when they go out; else errc::hash_mismatch. Bug: silent corruption.
///   SINK-9   a business key belongs to the first scope that used it; another one's request is errc::wrong_scope and nothing of it is applied. Bug: two updaters, one table.
///   SINK-10  business keys are compared byte for byte. Bug: case, Unicode or number forms that collide.
///   SINK-11  with `atomic_batch` a request is visible whole or not at all, also across a crash; without it a crash may leave a part, never a torn piece.
///            Bug: the rows in one transaction, the head in another.
///   SINK-12  late, superseded and withdrawn publications stay in history. Bug: undo of the newer one restores nothing.
///   SINK-13  a request that is refused changes nothing but the floor. Bug: half applied, then an error.
///   SINK-14  StoredVersion content publishes bytes that are stored already; an unknown key is errc::not_found. Bug: a dangling pointer.
/// Optional: `scope_of(const BusinessKey&) -> result<std::optional<Scope>>`, the scope that a key belongs to (SINK-9). Without it an accepted loss of the
/// log cannot list the publications whose runs are gone: nothing else tells them from those of another updater in the same sink.
/// Decided, where the laws leave room (check_sink asks for no more):
///   What a verb answered stays: for a sink that is opened again, and with `survives_power_loss` behind a power loss (SINK-6, 7, 11).
///   A verdict on a request (stale_token and the other refusals) is answered only once the floor that the request raises is durable.
///   Several reasons to refuse: any of them. `created` or `moved`, where everything on the key was taken back before: either.
///   Bytes that come again under a stored key need not be looked at. A key that valid_business_key() refuses may be refused (invalid_argument,
///   limit_exceeded); numbers above 2^63 - 1 too (limit_exceeded). A visitor that answers an error ends the walk, and the verb answers that error.
///   Small requests and large ones are alike: 300 outputs in a request, 5 MiB of bytes and 300 members of metadata are accepted; what is beyond a
///   backend's documented limit is errc::limit_exceeded. Requests that come from several threads at the same time are all accepted, each whole.
///   A staged file may be gone when its request was not answered: the sink may have taken it over. Whoever sends it again stages it again.
/// Thread-safety: verbs may be called from any thread; a backend may serialise them.
#ifndef KFM_DET_CONTRACTS_SINK_HPP
#define KFM_DET_CONTRACTS_SINK_HPP

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

struct SinkClaims {
  bool atomic_batch = false;          ///< a request is visible whole or not at all, also across a crash
  bool many_processes = false;        ///< several may have it open, and each sees at once what another one was answered
  bool survives_power_loss = false;   ///< what a verb answered; without it, what a kill of the process leaves
};

/// Bytes that a sink keeps for ever, by their idempotency key.
struct StoredVersion {
  IdempotencyKey key;
  Digest bytes_hash;         ///< SHA-256 of the bytes
  std::uint64_t size = 0;    ///< in bytes
  Json metadata;             ///< an object, labels included
  friend bool operator==(const StoredVersion&, const StoredVersion&) = default;
};

/// A file that holds an output too large for memory: whole, synced, hashed while it was written. The sink may take it over by rename or copy it.
struct StagedFile {
  std::string path;
  std::uint64_t size = 0;  ///< in bytes
};

/// Content that may be new: bytes (in memory, or in a staged file) under the key that they give.
struct NewVersion {
  IdempotencyKey key;
  Digest bytes_hash;                 ///< SHA-256 of the bytes
  std::variant<Bytes, StagedFile> bytes;
  Json metadata;                     ///< an object
};
/// Content that the sink has already, named by its key (rollback).
struct StoredKey {
  IdempotencyKey key;
};
/// "This key has no content any more": current of the key is empty.
struct Tombstone {};
using Content = std::variant<NewVersion, StoredKey, Tombstone>;

struct Upsert {
  EffectId effect;
  RunId run;
  Order order;
  BusinessKey business_key;
  Content content;
};
struct Withdrawal {
  EffectId effect;
  RunId run;
  Order order;
  BusinessKey business_key;
};

enum class UpsertResult : std::uint8_t {
  created,     ///< the first thing that is current of its business key
  moved,       ///< current of its key is now this publication
  unchanged,   ///< applied before, and not withdrawn
  superseded,  ///< kept in history; a publication of higher order is current
  withdrawn,   ///< kept in history; its effect was withdrawn
};

enum class PublicationState : std::uint8_t { current, superseded, withdrawn };

/// An effect that reached the sink.
struct Publication {
  EffectId effect;
  RunId run;
  Order order;
  BusinessKey business_key;
  PublicationState state = PublicationState::current;
  bool tombstone = false;
  std::optional<StoredVersion> version;  ///< none for a tombstone, and for a withdrawal whose upsert never came
  friend bool operator==(const Publication&, const Publication&) = default;
};

using BytesVisitor = function_ref<result<void>(BytesView)>;
using PublicationVisitor = function_ref<result<void>(const Publication&)>;
using KeyVisitor = function_ref<result<void>(const BusinessKey&)>;

[[nodiscard]] constexpr std::string_view name(UpsertResult value) noexcept {
  switch (value) {
    case UpsertResult::created: return "created";
    case UpsertResult::moved: return "moved";
    case UpsertResult::unchanged: return "unchanged";
    case UpsertResult::superseded: return "superseded";
    case UpsertResult::withdrawn: return "withdrawn";
  }
  return "unknown";
}
[[nodiscard]] constexpr std::string_view name(PublicationState value) noexcept {
  switch (value) {
    case PublicationState::current: return "current";
    case PublicationState::superseded: return "superseded";
    case PublicationState::withdrawn: return "withdrawn";
  }
  return "unknown";
}

namespace sink_clause {
template <class S> concept movable = std::movable<S>;
template <class S> concept has_claims = requires { { S::claims } -> std::convertible_to<SinkClaims>; };
template <class S> concept begins = requires(S& sink, const Tenure& tenure, const StreamId& stream) { { sink.begin(tenure, stream) } -> std::same_as<result<Head>>; };
template <class S> concept upserts = requires(S& sink, const Tenure& tenure, const Head& head, std::span<const Upsert> batch) { { sink.upsert(tenure, head, batch) } -> std::same_as<result<std::vector<UpsertResult>>>; };
template <class S> concept withdraws = requires(S& sink, const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) { { sink.withdraw(tenure, head, batch) } -> std::same_as<result<void>>; };
template <class S> concept finds_effect = requires(S& sink, const EffectId& effect) { { sink.find(effect) } -> std::same_as<result<std::optional<Publication>>>; };
template <class S> concept finds_version = requires(S& sink, const IdempotencyKey& key) { { sink.find(key) } -> std::same_as<result<std::optional<StoredVersion>>>; };
template <class S> concept reads = requires(S& sink, const IdempotencyKey& key, BytesVisitor visitor) { { sink.read(key, visitor) } -> std::same_as<result<void>>; };
template <class S> concept tells_current = requires(S& sink, const BusinessKey& key) { { sink.current(key) } -> std::same_as<result<std::optional<Publication>>>; };
template <class S> concept tells_history = requires(S& sink, const BusinessKey& key, PublicationVisitor visitor) { { sink.history(key, visitor) } -> std::same_as<result<void>>; };
template <class S> concept lists_keys = requires(S& sink, KeyVisitor visitor) { { sink.keys(visitor) } -> std::same_as<result<void>>; };
template <class S> concept witnesses = requires(S& sink, const StreamId& stream) { { sink.witness(stream) } -> std::same_as<result<Head>>; };
}  // namespace sink_clause

template <class S>
concept SinkPolicy = sink_clause::movable<S> && sink_clause::has_claims<S> && sink_clause::begins<S> && sink_clause::upserts<S> && sink_clause::withdraws<S> &&
                     sink_clause::finds_effect<S> && sink_clause::finds_version<S> && sink_clause::reads<S> && sink_clause::tells_current<S> &&
                     sink_clause::tells_history<S> && sink_clause::lists_keys<S> && sink_clause::witnesses<S>;

/// Says in sentences which clauses S misses, all of them at once.
template <class S>
consteval bool diagnose_sink() {
  using namespace sink_clause;
  static_assert(movable<S>, "kfm_det sink: must be movable");
  static_assert(has_claims<S>, "kfm_det sink: needs `static constexpr SinkClaims claims`");
  static_assert(begins<S>, "kfm_det sink: needs `result<Head> begin(const Tenure&, const StreamId&)`: raises the token floor, then answers the witness");
  static_assert(upserts<S>, "kfm_det sink: needs `result<vector<UpsertResult>> upsert(const Tenure&, const Head&, span<const Upsert>)`");
  static_assert(withdraws<S>, "kfm_det sink: needs `result<void> withdraw(const Tenure&, const Head&, span<const Withdrawal>)`, also of effects it has not seen");
  static_assert(finds_effect<S>, "kfm_det sink: needs `result<optional<Publication>> find(const EffectId&)`: did this very effect happen");
  static_assert(finds_version<S>, "kfm_det sink: needs `result<optional<StoredVersion>> find(const IdempotencyKey&)`: are these bytes stored");
  static_assert(reads<S>, "kfm_det sink: needs `result<void> read(const IdempotencyKey&, BytesVisitor)`");
  static_assert(tells_current<S>, "kfm_det sink: needs `result<optional<Publication>> current(const BusinessKey&)`");
  static_assert(tells_history<S>, "kfm_det sink: needs `result<void> history(const BusinessKey&, PublicationVisitor)`, by order, late and withdrawn ones too");
  static_assert(lists_keys<S>, "kfm_det sink: needs `result<void> keys(KeyVisitor)`: every business key ever seen, sorted by bytes");
  static_assert(witnesses<S>, "kfm_det sink: needs `result<Head> witness(const StreamId&)`: the highest head it was given");
  return SinkPolicy<S>;
}

}  // namespace kfm_det

#endif
