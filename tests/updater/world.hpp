// SPDX-License-Identifier: BSL-1.0
// A small world for updaters: sources in memory, a plan over them, backends that can be stopped at any call.
#ifndef KFM_DET_TESTS_UPDATER_WORLD_HPP
#define KFM_DET_TESTS_UPDATER_WORLD_HPP

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/export.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/updater/operator.hpp"
#include "kfm_det/updater/updater.hpp"
#include "tests/updater/fused.hpp"

namespace kfm_det::testing {

/// Publishes one key for each source, and one roll-up of them all. What its operations do can be changed from outside.
struct Behaviour {
  std::map<std::string, Error> failing;   // step -> what it answers
  bool throws = false;
  bool impure = false;
  int runs = 0;
};
struct Copy {
  struct Params { SourceRef source; };
  static result<Output> run(const Params& params, StepContext& context);
};
struct Join {
  struct Params { std::string title; std::vector<std::string> parts; };
  static result<Output> run(const Params& params, StepContext& context);
};
KFM_DET_DESCRIBE(Copy::Params, source)
KFM_DET_DESCRIBE(Join::Params, title, parts)

inline result<Output> Copy::run(const Params& params, StepContext& context) {
  KFM_DET_TRY(auto* behaviour, context.service<Behaviour>());
  ++behaviour->runs;
  if (behaviour->throws) throw std::runtime_error("boom");
  if (const auto bad = behaviour->failing.find(params.source.uri); bad != behaviour->failing.end()) return bad->second;
  KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
  if (behaviour->impure) bytes += std::to_string(behaviour->runs);
  return Output::publish(BusinessKey{params.source.uri}, std::move(bytes));
}
inline result<Output> Join::run(const Params& params, StepContext& context) {
  KFM_DET_TRY(auto* behaviour, context.service<Behaviour>());
  ++behaviour->runs;
  Bytes all = params.title;
  for (const auto& part : params.parts) {
    KFM_DET_TRY(const BytesView bytes, context.upstream(part));
    all += "|";
    all += bytes;
  }
  return Output::publish(BusinessKey{"all"}, std::move(all), Json::object({{"parts", Json(static_cast<std::uint64_t>(params.parts.size()))}}));
}

template <int Major = 1, MissingKeys Missing = MissingKeys::retire, OnFailure Failure = OnFailure::keep>
struct TestPlan {
  static constexpr UpdaterId id{"test-updater"};
  static constexpr Version version{Major, 0, 0};
  static constexpr MissingKeys missing_keys = Missing;
  static constexpr OnFailure on_failure = Failure;
  using Operations = kfm_det::Operations<Copy, Join>;
  std::vector<std::string> uris;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const { return reader.describe_all(uris); }
  result<void> gate(const SourceRef& ref, SourceReader& reader) const {
    KFM_DET_TRY(const Bytes bytes, reader.read_all(ref.uri));
    if (bytes.find("bad") != Bytes::npos) return Error(errc::gate_rejected, "the source says bad", ref.uri, "Mend it.");
    return success();
  }
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    std::vector<StepRef> parts;
    Join::Params join{"join", {}};
    for (const auto& ref : inputs) {
      parts.push_back(plan.step<Copy>("copy:" + ref.uri, {ref}).publishes(BusinessKey{ref.uri}));
      join.parts.push_back("copy:" + ref.uri);
    }
    if (!parts.empty()) plan.step<Join>("join", join).after(parts).publishes(BusinessKey{"all"});
    return success();
  }
};

/// The copy of b cannot be taken back once it is published.
struct Irreversible : TestPlan<> {
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    std::vector<StepRef> parts;
    Join::Params join{"join", {}};
    for (const auto& ref : inputs) {
      auto step = plan.step<Copy>("copy:" + ref.uri, {ref}).publishes(BusinessKey{ref.uri});
      if (ref.uri == "b") step.irreversible();
      parts.push_back(step);
      join.parts.push_back("copy:" + ref.uri);
    }
    if (!parts.empty()) plan.step<Join>("join", join).after(parts).publishes(BusinessKey{"all"});
    return success();
  }
};

template <class T> T ok(result<T> r) {
  if (!r) FAIL(r.error().message());
  return std::move(r).value();
}
template <class T> errc code(const result<T>& r) { REQUIRE(!r); return r.error().code(); }

using TestEnvironment = Environment<ManualClock, MemorySourceReader>;

struct World {
  MemoryStore store;
  MemorySink sink;
  std::shared_ptr<MemoryLockBoard> board = MemoryLock<ManualClock>::make_board();
  ManualClock clock{Instant{1'700'000'000'000'000'000}};
  MemorySourceReader sources;
  std::shared_ptr<Behaviour> behaviour = std::make_shared<Behaviour>();
  UpdaterLimits limits{};
  Fuse fuse;
  std::vector<std::string> uris{"a", "b", "c"};
  int owners = 0;
  std::uint64_t calls = 0;   // of the last killed_at()
  int effects_without_intent = 0;

  World() {
    limits.window = 2;
    for (const auto& uri : uris) sources.put(uri, "content of " + uri);
  }
  template <class P = TestPlan<>>
  auto updater() {
    TestEnvironment env;
    env.clock = clock;
    env.source_reader = sources;
    env.limits = limits;
    env.services.add(behaviour);
    return Updater<P, FusedStore<MemoryStore>, FusedLock<MemoryLock<ManualClock>>, FusedSink<MemorySink>, TestEnvironment>(
        P{uris}, {store, &fuse}, {MemoryLock<ManualClock>(board, OwnerId{"owner " + std::to_string(++owners)}, clock), &fuse},
        {sink, &fuse, [this](const Head& head, const EffectId& effect, const std::string& operation) { has_intent(head, effect, operation); }}, env);
  }
  /// Somebody who knows no plan type.
  auto operators() {
    Environment<ManualClock> env;
    env.clock = clock;
    env.limits = limits;
    return Operator<FusedStore<MemoryStore>, FusedLock<MemoryLock<ManualClock>>, FusedSink<MemorySink>, Environment<ManualClock>>(
        Scope{"test-updater", ""}, {store, &fuse}, {MemoryLock<ManualClock>(board, OwnerId{"operator " + std::to_string(++owners)}, clock), &fuse},
        {sink, &fuse, [this](const Head& head, const EffectId& effect, const std::string& operation) { has_intent(head, effect, operation); }}, env);
  }
  template <class P = TestPlan<>>
  result<RunReport> trigger(const std::string& key = "t", std::optional<RunId> force = {}) {
    Trigger trigger;
    trigger.key = key;
    trigger.force = force;
    return updater<P>().run(trigger);
  }
  /// Does something in a process that is stopped at `stop_at` (see Fuse). Answers whether it was.
  template <class Act>
  bool killed_at(std::uint64_t stop_at, const Act& act) {
    return !lives(fuse, clock, calls, act, stop_at);
  }
  template <class P = TestPlan<>>
  bool stopped(std::uint64_t stop_at, const std::string& key = "t") {
    return killed_at(stop_at, [&] { (void)trigger<P>(key); });
  }
  /// Of two runs the second is taken back, by an operator or by its updater, which is stopped at `stop_at`. Answers whether it was, and which run.
  std::pair<bool, RunId> undoes_second(std::uint64_t stop_at, bool by_operator) {
    ok(trigger("first"));
    sources.put("a", "second");
    const RunId run = ok(trigger("second")).run;
    const bool killed = killed_at(stop_at, [&] {
      if (by_operator) (void)operators().undo(run);
      else (void)updater().undo(run);
    });
    return {killed, run};
  }
  /// RUN-1: whatever reaches the sink has a durable intent that names it.
  void has_intent(const Head& head, const EffectId& effect, const std::string& operation) {
    MemoryStore::Stream stream = store.open_stream(head.stream).value();
    const Lsn durable = stream.tail().durable;
    const std::string wanted = effect.hex(), as = "\"operation\":\"" + operation + "\",\"payload\"";   // and not the reversal of the other one
    bool found = false;
    (void)stream.scan(1, [&](const Frame& frame) -> result<void> {
      found = found || (frame.lsn <= durable && frame.bytes.find(wanted) != BytesView::npos && frame.bytes.find(as) != BytesView::npos && frame.bytes.find("\"status\":\"IN_PROGRESS\"") != BytesView::npos);
      return success();
    });
    if (!found || head.lsn > durable) ++effects_without_intent;
  }
  /// What shows of each key, on a line of its own.
  std::string currents(const std::vector<std::string>& keys = {"a", "b", "c", "all"}) {
    std::string out;
    for (const auto& key : keys) out += key + "=" + current(key) + "\n";
    return out;
  }
  std::string exported() { return export_canonical(sink).value(); }
  std::string current(const std::string& key) {
    const auto publication = sink.current(BusinessKey{key}).value();
    if (!publication) return "(none)";
    if (publication->tombstone) return "(retired)";
    std::string out;
    REQUIRE(sink.read(publication->version->key, [&](BytesView piece) -> result<void> { out += piece; return success(); }));
    return out;
  }
};

}  // namespace kfm_det::testing

#endif
