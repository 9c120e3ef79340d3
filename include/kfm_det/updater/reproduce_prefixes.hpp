// SPDX-License-Identifier: BSL-1.0
/// \file
/// reproduce_prefixes(): starts the real updater with every prefix of a recorded run as its log, in memory, and asks for the same end (REPRODUCE-5).
///
/// The run's records are sealed again, alone, in a log of their own: other runs of the scope are not needed, so a bundle is enough. Places in the log are
/// other ones there; the export does not hold them. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_REPRODUCE_PREFIXES_HPP
#define KFM_DET_UPDATER_REPRODUCE_PREFIXES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/export.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/updater/reproduce.hpp"
#include "kfm_det/updater/updater.hpp"

namespace kfm_det {

namespace detail {

/// A plan type over inputs that are known: nothing is discovered, nothing is gated.
template <class P>
struct RecordedPlan {
  static constexpr UpdaterId id{P::id};
  static constexpr Version version{P::version};
  static constexpr MissingKeys missing_keys = missing_keys_of<P>;
  static constexpr bool may_be_empty = may_be_empty_of<P>;
  using Operations = typename P::Operations;
  std::vector<SourceRef> refs;
  [[nodiscard]] result<std::vector<SourceRef>> inputs(SourceReader&) const { return refs; }
  [[nodiscard]] static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& builder) { return P::plan(inputs, builder); }
};

template <class P, class Env>
class PrefixReproducer {
  using Reader = decltype(Env::source_reader);
  using SandboxEnvironment = Environment<ManualClock, Reader>;
  using Sandboxed = Updater<RecordedPlan<P>, MemoryStore, MemoryLock<ManualClock>, MemorySink, SandboxEnvironment>;
  using Records = std::vector<wal::WalRecord>;

 public:
  PrefixReproducer(const wal::RecordedRun& recorded, Env& env) : recorded_(recorded), env_(env), once_(recorded, env) {}

  [[nodiscard]] result<Reproduction> run() {
    KFM_DET_TRY(cut_into_groups());
    KFM_DET_TRY(Reproduction out, once_.run());
    out.groups = groups_.size();
    if (out.difference || out.failed_as_recorded) return out;
    planned_ = recorded_.state;
    KFM_DET_TRY(wal::Replay::recall(planned_, recorded_.plan));
    KFM_DET_TRY(auto whole, world(groups_.size(), false));
    KFM_DET_TRY(const std::string expected, export_canonical(whole.sink));
    for (std::size_t count = can_begin_anew() ? 0 : 1; count <= groups_.size(); ++count)
      for (const bool published : {false, true}) {   // what is UNKNOWN there: not in the sink, or in it
        KFM_DET_TRY(auto one, world(count, published));
        if (published && one.unknown == 0) continue;
        ++out.prefixes;
        const auto ended = go_on(one, count == 0);
        if (!ended && ended.error().code() == errc::cancelled) return ended.error();
        std::string found = "another one";
        if (!ended) {
          found = ended.error().message();
        } else {
          KFM_DET_TRY(const std::string exported, export_canonical(one.sink));
          if (exported == expected) continue;
        }
        out.difference = ReproductionDifference{{}, "export", "the export of the whole run",
                                                found + ", started with " + std::to_string(count) + " of " + std::to_string(groups_.size()) + " groups" + (published ? " and their unfinished effects in the sink" : "")};
        return out;
      }
    return out;
  }

 private:
  /// A log, a sink, and the clock that both go by.
  struct World {
    MemoryStore store;
    MemorySink sink;
    ManualClock clock;
    std::size_t unknown = 0;   ///< effects with an intent and no DONE
  };

  /// Up to COMMIT: what comes behind it (an undo) has another end.
  result<void> cut_into_groups() {
    for (const auto& line : recorded_.lines) {
      if (groups_.empty() || line.group() != group_) groups_.emplace_back();
      group_ = line.group();
      groups_.back().push_back(line.record);
      if (line.record.phase == wal::Phase::COMMIT) return success();
    }
    return Error(errc::invalid_argument, "the run has not committed, so its prefixes have no common end", recorded_.run.text() + " is " + std::string(wal::name(recorded_.state.status)), "Replay it without its prefixes.");
  }
  /// Whether an empty log gives this very run: its id needs no other run, and no loss.
  bool can_begin_anew() const {
    const auto is_retirement = [](const wal::EffectState& effect) { return effect.tombstone; };
    return !planned_.predecessor && planned_.order.incarnation == 1 && std::none_of(planned_.effects.begin(), planned_.effects.end(), is_retirement);
  }

  result<World> world(std::size_t count, bool publish_unknown) {
    World out;
    const StreamId& id = recorded_.stream;
    const Tenure tenure{scope_of(recorded_), FencingToken{1}, OwnerId{"recorded"}};
    KFM_DET_TRY(const Head witness, out.sink.begin(tenure, id));
    KFM_DET_TRY(auto stream, out.store.open_stream(id));
    wal::LogOptions options;
    options.line_bytes_max = line_bytes_max();
    KFM_DET_TRY(auto log, (wal::Log<MemoryStore::Stream, ManualClock>::open(std::move(stream), id, witness, out.clock, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, options)));
    Order order;
    std::map<std::string, bool> effects;   // step -> its DONE is there
    const auto publish = [&](const std::string& step) -> result<void> {
      for (const auto& effect : planned_.effects) {
        if (effect.step_id != step) continue;
        KFM_DET_TRY(auto content, content_of(effect));
        const Upsert one{effect.effect, recorded_.run, order, effect.business_key, std::move(content)};
        KFM_DET_TRY(out.sink.upsert(tenure, log.durable(), std::span<const Upsert>(&one, 1)));
      }
      return success();
    };
    for (std::size_t i = 0; i < count; ++i) {
      Records group = groups_[i];
      const Head before = log.durable();
      for (std::size_t at = 0; at < group.size(); ++at) {
        wal::WalRecord& record = group[at];
        if (record.phase == wal::Phase::PLAN) order = {1, before.lsn + at + 1};
        if (record.phase != wal::Phase::UPSERT) continue;
        const bool done = effects[record.step_id] = record.status == wal::Status::DONE;
        if (!done) continue;
        KFM_DET_TRY(publish(record.step_id));
        record.payload.set("head", wal::head_json(before));   // the one that it carries here
      }
      out.clock.step_wall(group.front().ts);
      KFM_DET_TRY(log.commit(group));
    }
    for (const auto& [step, done] : effects) {
      if (done) continue;
      ++out.unknown;
      if (publish_unknown) { KFM_DET_TRY(publish(step)); }
    }
    KFM_DET_TRY(log.close());
    return out;
  }

  result<Content> content_of(const wal::EffectState& effect) {
    if (effect.tombstone) return Content(Tombstone{});
    const auto found = once_.found().find(effect.step_id);
    const auto* entry = once_.spool().find(effect.step_id);
    KFM_DET_ASSERT(entry && found != once_.found().end() && found->second.key);   // every step ran
    return Content(NewVersion{*found->second.key, entry->bytes_hash, entry->bytes, entry->metadata});
  }

  result<void> go_on(World& in, bool anew) {
    SandboxEnvironment env;
    env.clock = in.clock;
    env.source_reader = env_.source_reader;
    env.actor = "replay";
    env.limits = env_.limits;
    env.limits.attempts = ~std::uint32_t{0};   // the run's own may be used up in the prefix
    env.limits.line_bytes_max = line_bytes_max();
    env.cancelled = env_.cancelled;
    env.services = env_.services;
    env.spool_directory = env_.spool_directory;
    Sandboxed updater({recorded_.inputs}, in.store, MemoryLock<ManualClock>(MemoryLock<ManualClock>::make_board(), OwnerId{"sandbox"}, in.clock), in.sink, std::move(env));
    if (!anew) {
      KFM_DET_TRY(updater.resume(recorded_.run, scope_of(recorded_).partition));
      return success();
    }
    Trigger trigger;
    trigger.key = planned_.trigger_key;
    trigger.partition = scope_of(recorded_).partition;
    KFM_DET_TRY(const RunReport report, updater.run(trigger));
    if (report.run != recorded_.run) return Error(errc::nondeterministic_plan, "an empty log gives another run: " + report.run.text(), recorded_.run.text(), "Report this.");
    return success();
  }

  /// Lines are a little longer or shorter here than they were.
  std::size_t line_bytes_max() const { return 2 * std::max(env_.limits.line_bytes_max, limits::line_bytes_max); }

  const wal::RecordedRun& recorded_;
  Env& env_;
  Reproducer<P, Env> once_;
  wal::RunState planned_;
  std::vector<Records> groups_;
  Lsn group_ = 0;
};

}  // namespace detail

/// reproduce(), and then the updater over every prefix. Of a committed run; what stands behind its COMMIT is left out. A difference is a value.
/// Errors: as reproduce(); invalid_argument (the run has not committed).
template <class P, class Env>
[[nodiscard]] result<Reproduction> reproduce_prefixes(const wal::RecordedRun& recorded, Env& environment) {
  static_assert(diagnose_plan<P>());
  return detail::PrefixReproducer<P, Env>(recorded, environment).run();
}

}  // namespace kfm_det

#endif
