// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_compaction: what a checkpoint says is what the records below it say. Random histories of records, folded whole and folded from a checkpoint.
///
/// The fixture: `struct F { using Replay = kfm_det::wal::Replay; using Compaction = kfm_det::wal::Compaction; };`, or somebody's own with the same verbs.
/// A history is made of records as an updater writes them, of two trigger keys and some runs at a time: planned, executed, published, committed, taken back,
/// attempted, settled, lost. Behind it, or in between and again, the log is compacted; the trimmed one goes on with the same records as the whole one.
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_CHECK_COMPACTION_HPP
#define KFM_DET_CONFORMANCE_CHECK_COMPACTION_HPP

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/wal/compact.hpp"

namespace kfm_det::conformance {

namespace detail {

inline StreamId compaction_stream() { return StreamId::of(Scope{"kit", "compaction"}); }

/// A log as values: lines that are not sealed, for what looks at records alone.
class RecordLog {
 public:
  struct Entry { wal::Line line; wal::WalRecord record; };
  std::vector<Entry> entries;
  Lsn last = 0;
  Incarnation incarnation = 1;

  void append(std::vector<wal::WalRecord> group) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      wal::Line line;
      line.kind = wal::LineKind::frame;
      line.incarnation = incarnation;
      line.lsn = ++last;
      line.group_index = static_cast<std::uint32_t>(i);
      line.group_count = static_cast<std::uint32_t>(group.size());
      line.hash = domain_digest("kit", std::to_string(last));
      group[i].ts = Instant{static_cast<std::int64_t>(last) * 1'000'001};
      entries.push_back({line, std::move(group[i])});
    }
  }
};

/// Draws records that can stand behind what the state says.
class HistoryMaker {
 public:
  explicit HistoryMaker(Play& play) : play_(play) {}

  [[nodiscard]] std::vector<wal::WalRecord> next(const wal::ScopeState& state, Lsn last) {
    const std::uint32_t kind = play_.pick(12);
    std::vector<const wal::RunState*> open, ended;
    for (const wal::RunState& run : state.runs) (wal::is_unfinished(run.status) ? open : ended).push_back(&run);
    if (kind < 2 || state.runs.empty()) return {plan(state, last)};
    if (kind == 11) return {loss(last)};
    if (kind == 10 && !ended.empty()) return {control(*ended[play_.pick(static_cast<std::uint32_t>(ended.size()))], wal::operation::undo, wal::Status::IN_PROGRESS, "undone")};
    if (open.empty()) return {plan(state, last)};
    const wal::RunState& run = *open[play_.pick(static_cast<std::uint32_t>(open.size()))];
    const std::string step = play_.pick(2) == 0 ? "x" : "y";
    const bool back = run.status == wal::RunStatus::undoing;
    switch (kind) {
      case 2: {
        auto record = of(run, wal::Phase::EXECUTE, "Publish", step, wal::Status::DONE);
        record.payload = Json::object({{"bytes", Json(sha256(step).hex())}, {"content", Json(sha256("c" + step).hex())}, {"key", Json(sha256("k" + step).hex())}, {"size", Json(7)}});
        return {record};
      }
      case 3:
      case 4:
      case 5: {
        if (run.is_lost && !back) return {plan(state, last)};
        const bool done = kind == 5;
        auto record = of(run, wal::Phase::UPSERT, back ? wal::operation::withdraw : wal::operation::upsert, run.is_lost ? run.effects[0].step_id : step, done ? wal::Status::DONE : wal::Status::IN_PROGRESS);
        if (done) record.payload.set("head", wal::head_json(Head{compaction_stream(), 1, last, domain_digest("kit", std::to_string(last))}));
        if (done) record.payload.set("result", Json("created"));
        if (!done) record.post_state_expected = sha256("c" + step);
        if (!done) record.reversal = Json::object({{"withdraw", Json(step)}});
        return {record};
      }
      case 6: return {control(run, wal::operation::attempt, play_.pick(2) == 0 ? wal::Status::IN_PROGRESS : wal::Status::DONE, "")};
      case 7: return {back ? control(run, wal::operation::settled, wal::Status::DONE, "failed") : of(run, wal::Phase::COMMIT, wal::operation::commit, "", wal::Status::DONE)};
      case 8: return {control(run, wal::operation::undo, wal::Status::IN_PROGRESS, play_.pick(2) == 0 ? "abandoned" : "quarantined")};
      default: {
        auto record = of(run, wal::Phase::EXECUTE, "execute", "", wal::Status::FAILED);
        record.payload = Json::object({{"failure", Json::object({{"code", Json("operation_failed")}, {"sentence", Json("it fails")}, {"stage", Json("EXECUTE")}, {"step", Json(step)}})}});
        return {record};
      }
    }
  }

 private:
  static wal::WalRecord of(const wal::RunState& run, wal::Phase phase, std::string_view operation, const std::string& step, wal::Status status) {
    wal::WalRecord out;
    out.wal_id = run.id;
    out.seq = run.next_seq;
    out.phase = phase;
    out.operation = operation;
    out.step_id = step;
    out.status = status;
    out.updater_id = "kit";
    out.updater_version = run.version;
    out.input_hash = run.input_hash;
    out.actor = "kit";
    out.token = run.next_seq;
    return out;
  }
  wal::WalRecord plan(const wal::ScopeState& state, Lsn last) {
    wal::RunState run;
    run.id = RunId{uuid_v8(sha256("run " + std::to_string(last)))};
    run.version = {1, play_.pick(2), 0};
    run.input_hash = InputHash{sha256("inputs " + std::to_string(play_.pick(2)))};
    const std::string key = play_.pick(2) == 0 ? "k" : "j";
    Json effects = Json::array();
    for (const char* step : {"x", "y"}) effects.push(Json::object({{"business_key", Json(step + key)}, {"effect", Json(sha256(step + std::to_string(last)).hex())}, {"step", Json(step)}}));
    auto record = of(run, wal::Phase::PLAN, wal::operation::plan, "", wal::Status::DONE);
    record.payload = Json::object({{"effects", std::move(effects)}, {"plan", Json::object({{"steps", Json::array({Json("x"), Json("y")})}})}, {"plan_hash", Json(sha256(key).hex())}, {"trigger", Json::object({{"key", Json(key)}, {"kind", Json("manual")}})}});
    if (const auto* before = state.newest_of(key)) record.payload.set("predecessor", Json(before->id.text()));
    return record;
  }
  static wal::WalRecord control(const wal::RunState& run, std::string_view operation, wal::Status status, const std::string& outcome) {
    auto record = of(run, wal::Phase::CONTROL, operation, "", status);
    if (!outcome.empty()) record.payload.set("outcome", Json(outcome));
    return record;
  }
  static wal::WalRecord loss(Lsn last) {
    auto record = of(wal::RunState{}, wal::Phase::CONTROL, wal::operation::loss, "", wal::Status::IN_PROGRESS);
    const Json effect = Json::object({{"business_key", Json("gone")}, {"effect", Json(sha256("gone " + std::to_string(last)).hex())}, {"step", Json("lost:gone")}});
    const Json run = Json::object({{"effects", Json::array({effect})}, {"incarnation", Json(1)}, {"lsn", Json(last)}, {"run", Json(RunId{uuid_v8(sha256("gone " + std::to_string(last)))}.text())}});
    record.payload = Json::object({{"lost", Json::array({run})}});
    return record;
  }
  Play& play_;
};

template <class Fixture>
class CompactionCheck {
 public:
  explicit CompactionCheck(Explorer& explorer, const Options& options) : explorer_(explorer), options_(options) {}
  void run() {
    explorer_.run("histories", {std::min<std::uint64_t>(2'000, std::uint64_t{5} * options_.cases), options_.cases, "records of up to some runs; a compaction behind each with one chance in four"}, [&](Play& play) { history(play); });
  }

 private:
  using Replay = typename Fixture::Replay;
  using Compaction = typename Fixture::Compaction;

  struct Fold {
    Replay replay;
    wal::DoneHeads heads;
    wal::GroupEnds ends;
  };
  static result<void> see(Fold& fold, const RecordLog::Entry& entry) {
    KFM_DET_TRY(fold.replay.apply(entry.line, entry.record));
    KFM_DET_TRY(fold.heads.see(entry.record, compaction_stream()));
    fold.ends.see(entry.line);
    return success();
  }
  static void folded(Play& play, Fold& fold, std::span<const RecordLog::Entry> entries) {
    for (const auto& entry : entries)
      if (auto seen = see(fold, entry); !seen) play.broke("COMPACT-1", "LSN " + std::to_string(entry.line.lsn) + " cannot be replayed: " + seen.error().message());
  }

  void history(Play& play) {
    RecordLog whole;
    std::size_t base = 0;   // index of the entry that the trimmed log begins with
    HistoryMaker maker(play);
    Fold known;
    for (std::uint32_t i = 0; i < 24 && (i < 1 || play.pick(8) != 0); ++i) {
      const std::size_t before = whole.entries.size();
      auto group = maker.next(known.replay.state(), whole.last);
      play.tell(std::string(group[0].operation) + " (" + (group[0].wal_id == RunId{} ? std::string("scope") : group[0].wal_id.text().substr(0, 8)) + " " + group[0].step_id + ")");
      whole.append(std::move(group));
      folded(play, known, std::span(whole.entries).subspan(before));
      if (play.pick(4) == 3) base = compact(play, whole, base, known);
    }
    base = compact(play, whole, base, known);
    (void)play.is_new(whole.last * 31 + base);
  }

  /// Compacts the trimmed log and asks the laws of what it begins with now.
  std::size_t compact(Play& play, RecordLog& whole, std::size_t base, Fold& known) {
    Compaction compaction(compaction_stream());
    for (std::size_t i = base; i < whole.entries.size(); ++i)
      if (auto seen = compaction.see(whole.entries[i].line, whole.entries[i].record); !seen) play.broke("COMPACT-1", "the log cannot be compacted: " + seen.error().message());
    if (compaction.is_folded()) return base;
    play.tell("compact");
    auto payloads = compaction.payloads(4096);
    if (!payloads) play.broke("COMPACT-1", "no checkpoint can be made: " + payloads.error().message());
    std::vector<wal::WalRecord> group;
    for (Json& payload : payloads.value()) {
      wal::WalRecord record;
      record.seq = whole.last + 1 + group.size();
      record.operation = wal::operation::checkpoint;
      record.token = 1;
      record.payload = std::move(payload);
      group.push_back(std::move(record));
    }
    const std::size_t begins = whole.entries.size();
    whole.append(std::move(group));
    folded(play, known, std::span(whole.entries).subspan(begins));

    Fold all, trimmed;   // anew: what an owner reads who opens either log
    folded(play, all, whole.entries);
    folded(play, trimmed, std::span(whole.entries).subspan(begins));
    for (const wal::RunState& run : all.replay.state().runs) {
      const wal::RunState* found = trimmed.replay.state().find(run.id);
      play.expect(wal::is_unfinished(run.status) ? "COMPACT-2" : "COMPACT-1", found && *found == run, [&] {
        return "run " + run.id.text() + ", " + std::string(wal::name(run.status)) + ", is " + (found ? "another one" : std::string("not there")) + " behind the checkpoint";
      });
    }
    play.expect("COMPACT-1", all.replay.state() == trimmed.replay.state(), "replay from the checkpoint gives another state than replay of the whole log");
    play.expect("COMPACT-3", all.heads.highest() == trimmed.heads.highest(), [&] { return "the highest head of a DONE is LSN " + std::to_string(trimmed.heads.highest().lsn) + " behind the checkpoint, and was " + std::to_string(all.heads.highest().lsn); });
    Compaction again(compaction_stream());
    for (std::size_t i = begins; i < whole.entries.size(); ++i) (void)again.see(whole.entries[i].line, whole.entries[i].record).has_value();
    play.expect("COMPACT-3", again.ends() == all.ends, [&] { return "the checkpoint knows the ends of " + std::to_string(again.ends().size()) + " groups, and there were " + std::to_string(all.ends.size()); });
    play.expect("COMPACT-1", again.is_folded(), "behind a checkpoint there is still something to fold");
    return begins;
  }

  Explorer& explorer_;
  const Options& options_;
};

}  // namespace detail

template <class Fixture>
[[nodiscard]] Report check_compaction(const Options& options = {}) {
  Report report;
  report.check = "check_compaction";
  Explorer explorer(report, options);
  detail::CompactionCheck<Fixture>(explorer, options).run();
  return report;
}

}  // namespace kfm_det::conformance

#endif
