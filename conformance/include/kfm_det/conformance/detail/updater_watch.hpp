// SPDX-License-Identifier: BSL-1.0
/// \file
/// Watched backends: store, lock, sink and sources of one updater's process, which can be killed, paused or failed at any call, and what is seen on the way.
///
/// An Owner is one process: once dead, nothing of it reaches a backend any more, not even from destructors. The Watch outlives all of them: it keeps what
/// was appended and what is durable, and asks RUN-1, RUN-2, RUN-3, RUN-4 and RUN-6 at the calls themselves. Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_WATCH_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_WATCH_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/plan_fixture.hpp"
#include "kfm_det/conformance/sink_fixture.hpp"
#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/source_reader.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/wal/envelope_reader.hpp"
#include "kfm_det/wal/record.hpp"

namespace kfm_det::conformance {


namespace detail {

/// The process is gone. Passes through the updater; the kit catches it.
struct Killed {};

/// What is seen of the log and the sink of one world, over all its processes.
class Watch {
 public:
  struct Entry {
    Bytes bytes;
    std::shared_ptr<const wal::WalRecord> record;   ///< null: another writer's format
  };

  /// The first law that was seen to break. Kept, not thrown: the code under test may catch everything.
  std::optional<BrokenLaw> broken;
  void complain(std::string law, std::string sentence) {
    if (!broken) broken = BrokenLaw{std::move(law), std::move(sentence)};
  }
  /// How often it had something to look at. Unknown: its intent was in the log that a tenure found, and no DONE.
  struct Met {
    std::uint64_t effects = 0, published = 0, done = 0, unknown_there = 0, unknown_sent = 0, committed = 0;
  } met;
  std::function<std::optional<Publication>(const EffectId&)> find_effect;
  /// Requests to the sink that were answered with a timeout, and are under way to it.
  std::vector<std::function<void(AnySink&)>> under_way;

  void recovered(std::map<Lsn, Bytes> frames) {
    base_ = frames.empty() ? 1 : frames.begin()->first;   // what was trimmed had been durable, and counts
    for (auto entry = entries_.lower_bound(base_); entry != entries_.end();) {
      const auto kept = frames.find(entry->first);
      if (kept == frames.end() || kept->second != entry->second.bytes) entry = entries_.erase(entry);
      else { frames.erase(kept); ++entry; }
    }
    for (auto& [lsn, bytes] : frames) keep(lsn, bytes);
    late_.clear();
    durable_ = recovered_ = entries_.empty() ? 0 : entries_.rbegin()->first;
  }
  void appended(Lsn last, std::span<const BytesView> group) {
    Lsn lsn = last - group.size();
    for (const BytesView frame : group) {
      keep(++lsn, frame);
      const auto& record = entries_[lsn].record;
      if (!record) continue;
      if (record->operation == wal::operation::checkpoint && record->token < highest_token_)
        late_ = "a checkpoint of token " + std::to_string(record->token) + " went into the log behind records of token " + std::to_string(highest_token_) + ": its owner was overtaken";
      highest_token_ = std::max(highest_token_, record->token);
    }
  }
  void synced(Lsn durable) {
    durable_ = std::max(durable_, durable);
    if (!late_.empty()) complain("RUN-21", std::exchange(late_, {}));
  }

  /// RUN-3 and RUN-6, of what is about to be appended.
  void before_append(std::span<const BytesView> group) {
    std::vector<std::shared_ptr<const wal::WalRecord>> records;
    for (const BytesView frame : group)
      if (auto record = record_of(frame)) records.push_back(std::move(record));
    for (const auto& record : records) {
      if (record->phase == wal::Phase::UPSERT && record->status == wal::Status::DONE && record->operation == wal::operation::upsert) done(*record);
      if (record->phase == wal::Phase::COMMIT) commit(*record, records);
    }
  }
  /// RUN-9. The sink has answered begin(): from here on it refuses whoever was there before.
  void begun(const Tenure& tenure) { begun_.insert(tenure.token.value); }
  void before_request(const Tenure& tenure, std::string_view verb) {
    if (!begun_.contains(tenure.token.value))
      complain("RUN-9", std::string(verb) + " reached the sink with token " + std::to_string(tenure.token.value) + ", which never began there: until then an owner of before can still publish");
  }
  /// RUN-1 and RUN-2, of what is about to reach the sink.
  void before_effect(const Head& head, const EffectId& effect, const RunId& run, std::string_view operation) {
    const std::string hex = effect.hex();
    bool intended = false, readable = false, found = false, is_done = false;
    for (const auto& [lsn, entry] : entries_) {
      if (lsn > durable_) break;
      if (!entry.record) { intended = intended || (!readable && entry.bytes.find(hex) != Bytes::npos); continue; }
      readable = true;
      const wal::WalRecord& record = *entry.record;
      if (record.phase != wal::Phase::UPSERT || record.operation != operation || text_of(record.payload, "effect") != hex) continue;
      intended = intended || record.status == wal::Status::IN_PROGRESS;
      found = found || lsn <= recovered_;
      is_done = is_done || record.status == wal::Status::DONE;
    }
    ++met.effects;
    if (found && !is_done) ++met.unknown_sent;
    const std::string what = std::string(operation) + " of effect " + hex.substr(0, 12);
    if (!intended) complain("RUN-1", what + " reached the sink, and the durable log (up to " + std::to_string(durable_) + ") has no intent that names it");
    else if (head.lsn > durable_) complain("RUN-1", what + " carries the head " + std::to_string(head.lsn) + ", and the log is durable up to " + std::to_string(durable_) + " only");
    if (operation != wal::operation::upsert) return;
    carried_[effect] = head;
    const Json* steps = nullptr;
    std::set<std::string> ran;
    for (const auto& [lsn, entry] : entries_) {
      if (!entry.record || entry.record->wal_id != run) continue;
      if (entry.record->phase == wal::Phase::PLAN)
        if (const Json* plan = entry.record->payload.find("plan")) steps = plan->find("steps");
      if (entry.record->phase == wal::Phase::EXECUTE && entry.record->status == wal::Status::DONE) ran.insert(entry.record->step_id);
    }
    if (!steps) return;
    ++met.published;
    for (const Json& step : steps->items())
      if (const std::string id = text_of(step, "id"); !ran.contains(id)) return complain("RUN-2", what + " reached the sink, and step " + id + " of its plan has not run");
  }

  [[nodiscard]] const std::map<Lsn, Entry>& entries() const { return entries_; }
  [[nodiscard]] Lsn durable() const { return durable_; }
  [[nodiscard]] Lsn last() const { return entries_.empty() ? 0 : entries_.rbegin()->first; }
  /// Where the log began when it was recovered last: above 1 once it was trimmed.
  [[nodiscard]] Lsn base() const { return base_; }
  /// Records that `of` likes.
  template <class Of>
  [[nodiscard]] std::vector<const wal::WalRecord*> records(Of&& of) const {
    std::vector<const wal::WalRecord*> out;
    for (const auto& [lsn, entry] : entries_)
      if (entry.record && of(*entry.record)) out.push_back(entry.record.get());
    return out;
  }
  /// Is there such a record that no power loss takes, or none at all? Otherwise nobody can say before the next recovery.
  template <class Of>
  [[nodiscard]] bool is_certain(Of&& of) const {
    for (const auto& [lsn, entry] : entries_)
      if (lsn > durable_ && entry.record && of(*entry.record)) return false;
    return true;
  }
  /// A process begins that may look and never recover: it finds what is there.
  void looks_only() { recovered_ = last(); }
  /// Whether what the last tenure found calls an effect DONE that carried a head above `lsn`.
  [[nodiscard]] bool found_done_above(Lsn lsn) const {
    for (const auto& [at, entry] : entries_) {
      if (at > recovered_) break;
      if (!entry.record || entry.record->phase != wal::Phase::UPSERT || entry.record->status != wal::Status::DONE) continue;
      const Json* head = entry.record->payload.find("head");
      if (const auto carried = head ? get_u64(*head, "lsn") : result<std::uint64_t>(std::uint64_t{0}); carried && carried.value() > lsn) return true;
    }
    return false;
  }
  /// Whether the last tenure wrote a plan, or something about an effect.
  [[nodiscard]] bool worked_since_recovery() const {
    return std::any_of(entries_.upper_bound(recovered_), entries_.end(), [](const auto& one) { return one.second.record && (one.second.record->phase == wal::Phase::PLAN || one.second.record->phase == wal::Phase::UPSERT); });
  }
  [[nodiscard]] static std::string text_of(const Json& object, std::string_view member) {
    const Json* found = object.find(member);
    return found && found->string() ? std::string(*found->string()) : std::string();
  }

 private:
  /// Parsed once: the worlds of a check write the same lines over and over.
  static std::shared_ptr<const wal::WalRecord> record_of(BytesView frame) {
    static thread_local std::unordered_map<Bytes, std::shared_ptr<const wal::WalRecord>> known;   // unordered: a cache, asked by key only
    if (known.size() > 20'000) known.clear();
    const auto [at, is_new] = known.try_emplace(Bytes(frame));
    if (!is_new) return at->second;
    const wal::Line line = wal::read_line(frame);
    if (line.kind != wal::LineKind::frame) return nullptr;
    if (auto record = wal::read_record(line)) at->second = std::make_shared<const wal::WalRecord>(std::move(record).value());
    return at->second;
  }
  void keep(Lsn lsn, BytesView frame) { entries_[lsn] = Entry{Bytes(frame), record_of(frame)}; }

  void done(const wal::WalRecord& record) {
    const std::string hex = text_of(record.payload, "effect");
    const auto effect = EffectId::from_hex(hex);
    if (!effect || !find_effect) return;
    bool was_unknown = false;
    for (const auto& [lsn, entry] : entries_)
      was_unknown = was_unknown || (lsn <= recovered_ && entry.record && entry.record->phase == wal::Phase::UPSERT && text_of(entry.record->payload, "effect") == hex);
    ++met.done;
    if (was_unknown && !carried_.contains(effect.value())) ++met.unknown_there;
    if (!find_effect(effect.value())) {
      if (was_unknown)
        return complain("RUN-4", "effect " + hex.substr(0, 12) + " was UNKNOWN when this tenure began and is taken for DONE, and the sink has no such effect: its content was there, or nobody asked");
      return complain("RUN-3", "DONE of effect " + hex.substr(0, 12) + " goes into the log, and the sink has no such effect");
    }
    const auto carried = carried_.find(effect.value());
    const Json* head = record.payload.find("head");
    const Json* lsn = head ? head->find("lsn") : nullptr;
    if (!lsn) return complain("RUN-3", "DONE of effect " + hex.substr(0, 12) + " carries no head");
    const std::string text = lsn->string() ? std::string(*lsn->string()) : lsn->number() ? std::to_string(static_cast<std::uint64_t>(*lsn->number())) : std::string("0");
    if (carried != carried_.end() && std::stoull(text) < carried->second.lsn)
      complain("RUN-3", "DONE of effect " + hex.substr(0, 12) + " carries the head " + text + ", and the effect carried " + std::to_string(carried->second.lsn));
  }
  void commit(const wal::WalRecord& record, const std::vector<std::shared_ptr<const wal::WalRecord>>& with) {
    const Json* effects = nullptr;
    std::set<std::string> finished;
    const auto see = [&](const wal::WalRecord& one) {
      if (one.wal_id != record.wal_id) return;
      if (one.phase == wal::Phase::PLAN) effects = one.payload.find("effects");
      if (one.phase == wal::Phase::UPSERT && one.status == wal::Status::DONE && one.operation == wal::operation::upsert) finished.insert(text_of(one.payload, "effect"));
    };
    for (const auto& [lsn, entry] : entries_)
      if (entry.record) see(*entry.record);
    for (const auto& one : with) see(*one);
    if (!effects) return;
    ++met.committed;
    for (const Json& effect : effects->items())
      if (!finished.contains(text_of(effect, "effect")))
        return complain("RUN-6", "COMMIT goes into the log, and the effect of business key " + text_of(effect, "business_key") + " is not DONE");
  }

  std::map<Lsn, Entry> entries_;
  std::set<std::uint64_t> begun_;     // tokens
  Lsn durable_ = 0, recovered_ = 0, base_ = 1;   // recovered_: what the tenure at work found
  std::uint64_t highest_token_ = 0;              // of what is in the log, or was
  std::string late_;                             // what is wrong with what was appended last; a store may find out at the sync
  std::map<EffectId, Head> carried_;
};

/// One process. Every call that changes a backend has two places: 2n before it, 2n + 1 behind it.
struct Owner {
  static constexpr std::uint64_t never = ~std::uint64_t{0}, calls_max = 20'000;
  enum class Failure : std::uint8_t { refused /* not done, and answered so */, unanswered /* done, and its answer is lost */, lasting /* this verb, from here on */, late /* its answer is lost, and the sink gets it when it is too late; another backend never does */ };
  static constexpr std::uint32_t failures = 4;

  std::uint64_t stop_at = never, pause_at = never, fail_at = never;
  Failure failure = Failure::refused;
  std::function<void()> while_paused;   ///< another owner's life
  std::uint64_t changes = 0;            ///< calls so far that change a backend
  std::uint64_t calls = 0;              ///< all of them
  bool dead = false, paused = false, failed = false;
  bool late = false;                    ///< the call that has just failed is to arrive late
  std::string where;                    ///< at which place it was killed or paused, or what failed
  Watch* watch = nullptr;

  template <class Call>
  auto change(const char* verb, Call&& call) -> decltype(call()) {
    const std::uint64_t mine = 2 * changes++;
    reach(mine, verb);
    auto answer = look(verb, std::forward<Call>(call));
    reach(mine + 1, verb);
    return answer;
  }
  template <class Call>
  auto look(const char* verb, Call&& call) -> decltype(call()) {
    if (dead) throw Killed{};
    const std::uint64_t mine = calls++;
    if (calls > calls_max) {
      watch->complain("RUN-16", "the updater called its backends " + std::to_string(calls_max) + " times within one trigger (the last one was " + std::string(verb) + ") and did not come to an end");
      dead = true;
      throw Killed{};
    }
    const bool fails = mine == fail_at || (failed && failure == Failure::lasting && where == verb);
    if (!fails) return call();
    failed = true;
    where = verb;
    if (failure == Failure::unanswered) {
      if (auto answer = call(); !answer) return answer;
    }
    if (failure == Failure::late) late = true;
    if (failure == Failure::unanswered || failure == Failure::late) return Error(errc::timed_out, "the kit loses this answer", verb, "Find out whether it happened.");
    return Error(errc::unavailable, "the kit lets this call fail", verb, "Trigger again.");
  }
  /// A call that changes the sink: `request` is the same, by value, for when it arrives late.
  template <class Call>
  auto send(const char* verb, std::function<void(AnySink&)> request, Call&& call) -> decltype(call()) {
    auto answer = change(verb, std::forward<Call>(call));
    if (std::exchange(late, false)) watch->under_way.push_back(std::move(request));
    return answer;
  }
  /// Of destructors: they must not throw, and a dead process does nothing.
  template <class Call>
  result<void> at_end(Call&& call) {
    if (dead) return Error(errc::io_error, "the process is dead");
    return call();
  }

 private:
  void reach(std::uint64_t place, const char* verb) {
    const auto here = [&] { return std::string(place % 2 == 0 ? "before " : "behind ") + verb + " (call " + std::to_string(place / 2) + ")"; };
    if (place == pause_at && !dead) {
      paused = true;
      where = here();
      while_paused();
    }
    if (!dead && place == stop_at) {
      dead = true;
      where = here();
    }
    if (dead) throw Killed{};
  }
};

template <class St>
struct WatchedStore {
  static constexpr StoreClaims claims = St::claims;
  struct Stream {
    typename St::Stream inner;
    Owner* owner;
    result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) {
      return owner->change("store recover", [&]() -> result<Recovery> {
        KFM_DET_TRY(auto recovery, inner.recover(witnesses, options));
        std::map<Lsn, Bytes> frames;
        if (is_usable(recovery.verdict)) { KFM_DET_TRY(inner.scan(1, [&](const Frame& frame) -> result<void> { frames[frame.lsn] = Bytes(frame.bytes); return success(); })); }
        owner->watch->recovered(std::move(frames));
        return recovery;
      });
    }
    result<Recovery> inspect(std::span<const Head> witnesses) { return owner->look("store inspect", [&] { return inner.inspect(witnesses); }); }
    result<Lsn> append(Lsn last, std::span<const BytesView> group) {
      owner->watch->before_append(group);
      return owner->change("store append", [&]() -> result<Lsn> {
        KFM_DET_TRY(const Lsn now, inner.append(last, group));
        owner->watch->appended(now, group);
        return now;
      });
    }
    result<Lsn> sync() {
      return owner->change("store sync", [&]() -> result<Lsn> {
        KFM_DET_TRY(const Lsn durable, inner.sync());
        owner->watch->synced(durable);
        return durable;
      });
    }
    result<Lsn> scan(Lsn from, FrameVisitor visitor) { return owner->look("store scan", [&] { return inner.scan(from, visitor); }); }
    Tail tail() const { return inner.tail(); }
    result<void> prove() { return owner->at_end([&] { return inner.prove(); }); }
    result<void> close() { return owner->at_end([&] { return inner.close(); }); }
    result<void> drop_before(Lsn lsn) { return owner->change("store drop_before", [&] { return inner.drop_before(lsn); }); }
  };
  result<Stream> open_stream(const StreamId& id) {
    return owner->look("store open_stream", [&]() -> result<Stream> {
      KFM_DET_TRY(auto stream, inner.open_stream(id));
      return Stream{std::move(stream), owner};
    });
  }
  St inner;
  Owner* owner;
};

template <class L>
struct WatchedLock {
  static constexpr LockClaims claims = L::claims;
  result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) { return owner->change("lock try_acquire", [&] { return inner.try_acquire(scope, ttl, above); }); }
  result<Lease> renew(const Lease& lease, Duration ttl) { return owner->change("lock renew", [&] { return inner.renew(lease, ttl); }); }
  result<void> release(const Lease& lease) { return owner->at_end([&] { return inner.release(lease); }); }
  L inner;
  Owner* owner;
};

template <class Si>
struct WatchedSink {
  static constexpr SinkClaims claims = Si::claims;
  result<Head> begin(const Tenure& tenure, const StreamId& stream) {
    return owner->send("sink begin", [tenure, stream](AnySink& sink) { (void)sink.begin(tenure, stream).has_value(); }, [&] {
      auto answer = inner.begin(tenure, stream);
      if (answer) owner->watch->begun(tenure);
      return answer;
    });
  }
  result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    return owner->send("sink upsert", [tenure, head, all = std::vector<Upsert>(batch.begin(), batch.end())](AnySink& sink) { (void)sink.upsert(tenure, head, all).has_value(); }, [&] {
      owner->watch->before_request(tenure, "upsert");
      for (const Upsert& one : batch) owner->watch->before_effect(head, one.effect, one.run, wal::operation::upsert);
      return inner.upsert(tenure, head, batch);
    });
  }
  result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    return owner->send("sink withdraw", [tenure, head, all = std::vector<Withdrawal>(batch.begin(), batch.end())](AnySink& sink) { (void)sink.withdraw(tenure, head, all).has_value(); }, [&] {
      owner->watch->before_request(tenure, "withdraw");
      for (const Withdrawal& one : batch) owner->watch->before_effect(head, one.effect, one.run, wal::operation::withdraw);
      return inner.withdraw(tenure, head, batch);
    });
  }
  result<std::optional<Publication>> find(const EffectId& effect) { return owner->look("sink find", [&] { return inner.find(effect); }); }
  result<std::optional<StoredVersion>> find(const IdempotencyKey& key) { return owner->look("sink find", [&] { return inner.find(key); }); }
  result<void> read(const IdempotencyKey& key, BytesVisitor visitor) { return owner->look("sink read", [&] { return inner.read(key, visitor); }); }
  result<std::optional<Publication>> current(const BusinessKey& key) { return owner->look("sink current", [&] { return inner.current(key); }); }
  result<void> history(const BusinessKey& key, PublicationVisitor visitor) { return owner->look("sink history", [&] { return inner.history(key, visitor); }); }
  result<void> keys(KeyVisitor visitor) { return owner->look("sink keys", [&] { return inner.keys(visitor); }); }
  result<Head> witness(const StreamId& stream) { return owner->look("sink witness", [&] { return inner.witness(stream); }); }
  Si inner;
  Owner* owner;
};

/// The sources of the world as they are now.
struct SourcesNow {
  Sources sources;
  enum class Reach : std::uint8_t { yes, later /* open() fails until inputs() has begun to look */ } reach = Reach::yes;
  errc fails_with = errc::unavailable;
  bool looked = false;   ///< by inputs() of the process at work; of a final plan type: something was described
};
class WatchedReader {
 public:
  using Source = MemorySourceReader::Source;
  WatchedReader() = default;
  WatchedReader(std::shared_ptr<SourcesNow> now, Owner* owner) : now_(std::move(now)), owner_(owner) {}
  [[nodiscard]] result<SourceRef> describe(const std::string& uri) {
    if (owner_ && owner_->dead) throw Killed{};
    if (now_) now_->looked = true;
    return all().describe(uri);
  }
  [[nodiscard]] result<Source> open(const std::string& uri) {
    if (owner_ && owner_->dead) throw Killed{};
    if (now_ && now_->reach == SourcesNow::Reach::later && !now_->looked) return Error(now_->fails_with, "the kit lets this source fail", uri, "Trigger again.");
    return all().open(uri);
  }

 private:
  [[nodiscard]] MemorySourceReader all() const {
    MemorySourceReader out;
    if (now_)
      for (const auto& [uri, bytes] : now_->sources) out.put(uri, bytes);
    return out;
  }
  std::shared_ptr<SourcesNow> now_;
  Owner* owner_ = nullptr;
};

}  // namespace detail
}  // namespace kfm_det::conformance

#endif
