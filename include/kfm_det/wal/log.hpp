// SPDX-License-Identifier: BSL-1.0
/// \file
/// Log: orders and seals records, elects the group-commit leader, and decides what is durable. One per tenure, over one stream of a Store.
///
/// Laws, each with its usual bug:
///   LOG-1  an answer of commit() is durable: everything up to the head it gives survives power loss. Bug: ack of what was appended after the leader's sync began.
///   LOG-2  a group is whole in the log or not at all, and its records stand together. Bug: records of two writers interleaved.
///   LOG-3  LSNs have no gaps and no doubles; `prev` of each line is the hash of the line before, across tenures and segments. Bug: a chain that restarts with the file.
///   LOG-4  `ts` never goes back, `seq` of a run only grows. Bug: the wall clock is set back.
///   LOG-5  after a failed sync or a conflict nothing is acknowledged any more. Bug: refresh expected_last and try again.
///   LOG-6  a sink below a head that a DONE records is SinkRegressed; nothing is written. Bug: merging with a restored sink.
///   LOG-7  an answer that is lost (errc::timed_out) is taken neither for done nor for not done: nothing that hangs on it is acknowledged, and no group is in the
///          log twice. Bug: a timeout as success; a timeout as failure, and the group again behind itself.
///   LOG-8  what a signer signs is the last line of a group, and a line longer than the limit is refused with its signature. Bug: MARKs or half a group signed.
/// Thread-safety: append, commit and sync may be called from any thread. One sync serves all who wait (a leader syncs, the others follow).
#ifndef KFM_DET_WAL_LOG_HPP
#define KFM_DET_WAL_LOG_HPP

#include <algorithm>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/contracts/signer.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/wal/envelope.hpp"
#include "kfm_det/wal/envelope_reader.hpp"
#include "kfm_det/wal/recovery.hpp"

namespace kfm_det::wal {

/// Gets every record in order: its line (LSN, incarnation, hash) and what it says.
using RecordVisitor = function_ref<result<void>(const Line&, const WalRecord&)>;

/// Reads the records of a stream that was recovered or inspected. Errors: as scan; unsupported_version for a record this version does not know.
template <class Stream>
[[nodiscard]] result<Lsn> read_records(Stream& stream, Lsn from, RecordVisitor visitor) {
  return stream.scan(from, [&](const Frame& frame) -> result<void> {
    const Line line = read_line(frame.bytes);
    KFM_DET_TRY(const WalRecord record, read_record(line));
    return visitor(line, record);
  });
}

/// As read_records, and no further than `upto`, whatever stands behind it.
template <class Stream>
[[nodiscard]] result<void> read_upto(Stream& stream, Lsn from, Lsn upto, RecordVisitor visitor) {
  bool enough = upto < std::max<Lsn>(from, 1);
  if (enough) return success();
  auto read = read_records(stream, from, [&](const Line& line, const WalRecord& record) -> result<void> {
    KFM_DET_TRY(visitor(line, record));
    enough = line.lsn >= upto;
    return enough ? result<void>(Error(errc::cancelled, "far enough")) : result<void>(success());
  });
  if (!read && !enough) return read.error();
  return success();
}

/// `{"hash","incarnation","lsn"}` in a DONE record: the head that its effect carried.
[[nodiscard]] inline Json head_json(const Head& head) {
  return Json::object({{"hash", Json(head.hash.hex())}, {"incarnation", Json(head.incarnation)}, {"lsn", Json(head.lsn)}});
}
[[nodiscard]] inline result<std::optional<Head>> head_of(const WalRecord& record, const StreamId& stream) {
  const Json* json = record.payload.find("head");
  if (!json) return std::optional<Head>();
  Head head;
  head.stream = stream;
  KFM_DET_TRY(head.incarnation, get_u64(*json, "incarnation"));
  KFM_DET_TRY(head.lsn, get_u64(*json, "lsn"));
  KFM_DET_TRY(const std::string hash, get_string(*json, "hash"));
  KFM_DET_TRY(head.hash, Digest::from_hex(hash));
  return std::optional<Head>(std::move(head));
}

/// The highest head that a DONE carries since the last accepted loss: a sink that has not seen it was put back (SinkRegressed).
class DoneHeads {
 public:
  [[nodiscard]] result<void> see(const WalRecord& record, const StreamId& stream) {
    KFM_DET_TRY(const auto head, wal::head_of(record, stream));
    see(record, head);
    return success();
  }
  /// The same for who has read the record's head already.
  void see(const WalRecord& record, const std::optional<Head>& head) {
    if (record.phase == Phase::CONTROL && record.operation == operation::loss) highest_ = Head{};
    if (head && is_above(*head, highest_)) highest_ = *head;
  }
  /// lsn 0: none.
  [[nodiscard]] const Head& highest() const { return highest_; }
  /// False when the sink was put back; the recovery says so then.
  [[nodiscard]] bool agree(const Head& witness, Recovery& recovery) const {
    if (!is_above(highest_, witness)) return true;
    recovery.verdict = Verdict::sink_regressed;
    recovery.evidence.push_back({highest_.stream.text, 0, 0, "a finished effect carried LSN " + std::to_string(highest_.lsn) + ", but the sink has seen only LSN " + std::to_string(witness.lsn)});
    return false;
  }

 private:
  static bool is_above(const Head& a, const Head& b) { return std::pair(a.incarnation, a.lsn) > std::pair(b.incarnation, b.lsn); }
  Head highest_;
};

/// Reads what a recovery kept, and judges the sink behind the read: an owner may be at work, and a DONE follows its effect.
template <class Stream, class Si>
[[nodiscard]] result<void> read_beside_sink(Stream& stream, Si& sink, const StreamId& id, Recovery& recovery, RecordVisitor visitor) {
  DoneHeads heads;
  KFM_DET_TRY(read_upto(stream, 1, recovery.tail.lsn, [&](const Line& line, const WalRecord& record) -> result<void> {
    KFM_DET_TRY(heads.see(record, id));
    return visitor(line, record);
  }));
  KFM_DET_TRY(const Head after, sink.witness(id));
  (void)heads.agree(after, recovery);
  return success();
}

/// Reads the whole log of a stream beside its sink, without a tenure: no byte changes. Answers that must not be taken back rest on `proven`.
/// Errors: the verdict's own code, sink_regressed among them; as read_records.
template <class St, class Si>
[[nodiscard]] result<Recovery> inspect_log(St& store, Si& sink, const StreamId& id, RecordVisitor visitor) {
  KFM_DET_TRY(const Head witness, sink.witness(id));
  KFM_DET_TRY(auto stream, store.open_stream(id));
  KFM_DET_TRY(Recovery recovery, stream.inspect(std::span<const Head>(&witness, 1)));
  if (!is_usable(recovery.verdict)) return verdict_error(recovery, id);
  KFM_DET_TRY(read_beside_sink(stream, sink, id, recovery, visitor));
  if (!is_usable(recovery.verdict)) return verdict_error(recovery, id);
  return recovery;
}

struct LogOptions {
  std::size_t line_bytes_max = limits::line_bytes_max;   ///< a longer line is errc::limit_exceeded; larger plans travel in parts
  RecoverOptions recover;
  Signing signing = Signing::each_group;                 ///< means nothing without a signer
  Duration segment_age{0};                               ///< a group goes into a new segment when the first one of this tenure's segment is so old by the log's clock; 0: never. Of stores that have segments
};

template <class Stream, Clock C, Signer Sg = NoSigner>
class Log {
 public:
  /// Begins a tenure: recovers the stream against the sink's witness, reads every record (`visitor` may fold them), judges the sink.
  /// Errors: the verdict's own code (corrupt_committed, hole, regressed, forked, sink_regressed, foreign, unsupported_version, io_error), conflict.
  [[nodiscard]] static result<Log> open(Stream stream, StreamId id, const Head& witness, C clock, RecordVisitor visitor, LogOptions options = {}, Sg signer = {}) {
    KFM_DET_TRY(Recovery recovery, stream.recover(std::span<const Head>(&witness, 1), options.recover));
    if (!may_begin(recovery.verdict, options.recover)) return verdict_error(recovery, id);
    auto state = std::make_unique<State>(std::move(stream), id, std::move(clock), options, std::move(signer));
    DoneHeads heads;
    KFM_DET_TRY(read_records(state->stream, 1, [&](const Line& line, const WalRecord& record) -> result<void> {
      KFM_DET_TRY(heads.see(record, id));
      state->last_ts = std::max(state->last_ts, record.ts);
      return visitor(line, record);
    }));
    state->incarnation = recovery.incarnation;
    if (!heads.agree(witness, recovery)) {
      if (!options.recover.accept_loss) {
        (void)state->stream.close();
        return verdict_error(recovery, id);
      }
      ++state->incarnation;
    }
    state->tail = state->durable = recovery.tail;
    state->recovery = std::move(recovery);
    return Log(std::move(state));
  }

  /// Seals the records as one atomic group and appends them; nothing is durable yet. Fills in entry_id and ts. Answers the LSN of the last one.
  /// Errors: limit_exceeded and invalid_json (nothing was appended), no_space and io_error (nothing was appended), conflict, log_failed (LOG-5).
  [[nodiscard]] result<Lsn> append(std::span<WalRecord> records) {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    return my.append(records, false);
  }

  /// append and sync in one: when it answers, the group is durable. Concurrent callers share syncs.
  [[nodiscard]] result<Head> commit(std::span<WalRecord> records) {
    State& my = *state_;
    std::unique_lock guard(my.mutex);
    KFM_DET_TRY(const Lsn upto, my.append(records, true));
    return my.wait_durable(guard, upto);
  }

  /// Everything appended so far becomes durable. Answers the durable head.
  [[nodiscard]] result<Head> sync() {
    State& my = *state_;
    std::unique_lock guard(my.mutex);
    return my.wait_durable(guard, my.tail.lsn, true);
  }

  /// The highest head that a sync acknowledged in this tenure, or that recovery found.
  [[nodiscard]] Head durable() const { const std::scoped_lock guard(state_->mutex); return state_->durable; }
  [[nodiscard]] Head tail() const { const std::scoped_lock guard(state_->mutex); return state_->tail; }
  [[nodiscard]] Incarnation incarnation() const { return state_->incarnation; }
  [[nodiscard]] const Recovery& recovery() const { return state_->recovery; }
  [[nodiscard]] const StreamId& stream_id() const { return state_->id; }
  /// For readers of the tenure: every record from `from` on.
  [[nodiscard]] result<Lsn> read(Lsn from, RecordVisitor visitor) { return wal::read_records(state_->stream, from, visitor); }
  [[nodiscard]] std::size_t line_bytes_max() const { return state_->options.line_bytes_max; }

  /// What is below a durable checkpoint that begins at `lsn` may go. Errors: the store's; unsupported where it does not trim.
  [[nodiscard]] result<void> drop_before(Lsn lsn) { return state_->stream.drop_before(lsn); }
  /// Where the store has an archive: every finished segment goes there, and stays a part of the log. Errors: the store's.
  [[nodiscard]] result<void> archive_finished() requires requires(Stream& stream) { stream.archive_finished(); } { return state_->stream.archive_finished(); }
  /// An idle moment: leaves a durable MARK behind the tail.
  [[nodiscard]] result<void> prove() { return state_->stream.prove(); }
  /// A graceful end: proves, and lets go of the stream.
  [[nodiscard]] result<void> close() { return state_->stream.close(); }

 private:
  struct State {
    State(Stream opened, StreamId stream_id, C clock_policy, LogOptions opts, Sg its_signer)
        : stream(std::move(opened)), id(std::move(stream_id)), clock(std::move(clock_policy)), options(opts), signer(std::move(its_signer)) { envelope.stream = id; }

    Stream stream;
    StreamId id;
    C clock;
    LogOptions options;
    [[no_unique_address]] Sg signer;
    std::mutex mutex;
    std::condition_variable changed;
    bool syncing = false;
    std::optional<Error> broken;        // LOG-5
    Incarnation incarnation = 1;
    Head tail, durable;
    Instant last_ts{0};
    std::optional<Instant> segment_since;   // the first group since this tenure, or `segment_age`, began a segment
    struct Place { Lsn lsn; Digest hash; };
    std::deque<Place> pending;          // tails of groups that are appended and not durable
    Recovery recovery;
    Envelope envelope;                  // of the group at hand; kept, as the buffers below are, so that an append allocates nothing
    std::string lines;
    std::vector<std::pair<std::size_t, std::size_t>> spans;
    std::vector<BytesView> views;

    result<Lsn> append(std::span<WalRecord> records, bool durable_next) {
      if (broken) return *broken;
      if (records.empty()) return Error(errc::invalid_argument, "an empty group of records", id.text, "Append at least one.");
      lines.clear();
      spans.clear();
      envelope.incarnation = incarnation;
      envelope.lsn = tail.lsn;
      envelope.prev = tail.hash;
      envelope.group_index = 0;
      envelope.group_count = static_cast<std::uint32_t>(records.size());
      envelope.durable_upto = durable.lsn;
      const Instant ts = std::max(clock.now(), last_ts);
      for (WalRecord& record : records) {
        ++envelope.lsn;
        record.ts = ts;
        record.entry_id = entry_id(envelope.prev, record.wal_id, record.seq);
        const std::size_t start = lines.size();
        KFM_DET_TRY(envelope.prev, seal(record, durable_next));
        const std::size_t length = lines.size() - start;
        if (length > options.line_bytes_max)
          return Error(errc::limit_exceeded, "a record of " + std::to_string(length) + " bytes; a line has at most " + std::to_string(options.line_bytes_max),
                       "step " + record.step_id, "Keep large values in the sink and name them by hash, or raise limits.line_bytes_max.");
        spans.emplace_back(start, length);
        ++envelope.group_index;
      }
      if constexpr (requires { stream.begin_segment(); }) {
        if (options.segment_age.ns > 0 && segment_since && ts - *segment_since >= options.segment_age) {
          KFM_DET_TRY(stream.begin_segment());
          segment_since.reset();
        }
      }
      views.clear();
      for (const auto& [start, length] : spans) views.push_back(BytesView(lines).substr(start, length));
      auto appended = stream.append(tail.lsn, views);
      if (!appended) {
        const errc code = appended.error().code();
        if (code == errc::conflict || code == errc::log_failed) broken = appended.error();
        return appended.error();
      }
      move_to(tail, {envelope.lsn, envelope.prev});
      last_ts = ts;
      if (!segment_since) segment_since = ts;
      pending.push_back({tail.lsn, tail.hash});
      return tail.lsn;
    }

    result<Digest> seal(const WalRecord& record, bool durable_next) {
      if constexpr (!std::same_as<Sg, NoSigner>) {   // a log without a signer pays nothing
        const bool last = envelope.group_index + 1 == envelope.group_count;
        if (last && (options.signing == Signing::each_group || (options.signing == Signing::each_sync && durable_next))) return seal_signed_frame(lines, envelope, record, signer);
      }
      return seal_frame(lines, envelope, record);
    }

    /// Leader or follower: returns once `upto` is durable. `look` forces one sync call even if nothing is pending (it looks for a later tenure).
    result<Head> wait_durable(std::unique_lock<std::mutex>& guard, Lsn upto, bool look = false) {
      while (look || durable.lsn < upto) {
        if (broken) return *broken;
        if (syncing) { changed.wait(guard); continue; }
        syncing = true;
        guard.unlock();
        auto synced = stream.sync();
        guard.lock();
        syncing = false;
        look = false;
        if (!synced) {
          broken = synced.error();
        } else {
          while (!pending.empty() && pending.front().lsn <= synced.value()) { move_to(durable, pending.front()); pending.pop_front(); }
        }
        changed.notify_all();
      }
      if (broken) return *broken;
      return durable;
    }

    void move_to(Head& head, const Place& place) const {   // field by field: a stream's name that is there already costs no allocation
      head.stream = id;
      head.incarnation = incarnation;
      head.lsn = place.lsn;
      head.hash = place.hash;
    }
  };

  explicit Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
  std::unique_ptr<State> state_;
};

}  // namespace kfm_det::wal

#endif
