// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "conformance/backends/updater_over_memory.hpp"
#include "kfm_det/conformance/check_updater.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

namespace {

Options small() {
  Options options;
  options.states_max = 60;   // of kills in the recovery
  return options;
}

/// Two sources that are there in both worlds: the shortest scripts.
struct Small : UpdaterOverMemory {
  static std::vector<Sources> worlds() { return {{{"a", "one"}}, {{"a", "two"}}}; }
};

/// Keeps what left, gates what is bad, and has operations that want a service.
struct Suffix { std::string text; };
struct Append {
  struct Params { SourceRef source; };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(const Suffix* suffix, context.service<Suffix>());
    KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
    return Output::publish(BusinessKey{params.source.uri}, std::move(bytes) + suffix->text);
  }
};
KFM_DET_DESCRIBE(Append::Params, source)
struct Kept final {
  static constexpr UpdaterId id{"kept"};
  static constexpr Version version{2, 1, 0};
  using Operations = kfm_det::Operations<Append>;
  std::vector<std::string> uris;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const { return reader.describe_all(uris); }
  result<void> gate(const SourceRef& ref, SourceReader& reader) const {
    KFM_DET_TRY(const Bytes bytes, reader.read_all(ref.uri));
    if (bytes == "bad") return Error(errc::gate_rejected, "the source says bad", ref.uri, "Mend it.");
    return success();
  }
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    for (const SourceRef& ref : inputs) plan.step<Append>("append:" + ref.uri, {ref}).publishes(BusinessKey{ref.uri});
    return success();
  }
};
struct Keeping {
  using Plan = Kept;
  result<MemoryStore> open_store() { return store; }
  result<MemoryLock<ManualClock>> open_lock(const OwnerId& owner, const ManualClock& clock) { return MemoryLock<ManualClock>(board, owner, clock); }
  result<MemorySink> open_sink() { return sink; }
  static std::vector<Sources> worlds() { return {{{"a", "one"}, {"b", "two"}}, {{"a", "three"}}, {{"a", "bad"}}}; }
  Plan plan(const Sources& world) const {
    Plan out;
    for (const auto& [uri, bytes] : world) out.uris.push_back(uri);
    return out;
  }
  void equip(Services& services) const { services.add(std::make_shared<Suffix>(Suffix{"!"})); }
  MemoryStore store;
  MemorySink sink;
  std::shared_ptr<MemoryLockBoard> board = MemoryLock<ManualClock>::make_board();
};

/// An updater that publishes and keeps no log.
struct NoLog : Small {
  template <class P, class St, class L, class Si, class Env>
  static result<void> run(P plan, St, L lock, Si sink, Env env, const Trigger& trigger) {
    const Scope scope{std::string(UpdaterId(P::id).text), ""};
    KFM_DET_TRY(const auto lease, lock.try_acquire(scope, seconds(30)));
    if (!lease) return Error(errc::busy, "somebody else is at work", "", "Wait.");
    const Tenure tenure{scope, lease->token, lease->owner};
    KFM_DET_TRY(const Head head, sink.begin(tenure, StreamId::of(scope)));
    SourceReaderView reader(env.source_reader);
    KFM_DET_TRY(const auto inputs, plan.inputs(reader));
    KFM_DET_TRY(const Bytes bytes, reader.read_all(inputs.at(0).uri));
    KFM_DET_TRY(const auto content, content_hash(ContentDescription{sha256(bytes), Json::object(), false}));
    KFM_DET_TRY(const auto key, idempotency_key(scope.updater_id, Version(P::version), BusinessKey{"a"}, content));
    const Upsert one{EffectId{sha256(trigger.key + bytes)}, RunId{uuid_v8(sha256(bytes))}, Order{1, lease->token.value}, BusinessKey{"a"}, NewVersion{key, sha256(bytes), bytes, Json::object()}};
    KFM_DET_TRY(sink.upsert(tenure, head, std::span<const Upsert>(&one, 1)));
    return lock.release(*lease);
  }
};

/// inputs() reads its source, and describes none.
struct Reading : Small {
  struct Plan : SamplePlan {
    result<std::vector<SourceRef>> inputs(SourceReader& reader) const {
      KFM_DET_TRY(const Bytes bytes, reader.read_all("a"));
      return std::vector<SourceRef>{SourceRef{"a", ContentHash{sha256(bytes)}, {}}};
    }
  };
  Plan plan(const Sources&) const { return {}; }
};

/// A sink that was put back is taken as it is: an updater that accepts every loss.
struct Merging : Small {
  template <class P, class St, class L, class Si, class Env>
  struct Updater : kfm_det::Updater<P, St, L, Si, Env> {
    using kfm_det::Updater<P, St, L, Si, Env>::Updater;
    result<RunReport> run(const Trigger& trigger) {
      (void)this->accept_loss();
      return kfm_det::Updater<P, St, L, Si, Env>::run(trigger);
    }
  };
};

/// Every undo takes the run before it along.
struct Overdoing : Small {
  template <class P, class St, class L, class Si, class Env>
  struct Updater : kfm_det::Updater<P, St, L, Si, Env> {
    using kfm_det::Updater<P, St, L, Si, Env>::Updater;
    result<RunReport> undo(const RunId& id) {
      KFM_DET_TRY(const auto runs, this->status());
      KFM_DET_TRY(RunReport report, (kfm_det::Updater<P, St, L, Si, Env>::undo(id)));
      for (std::size_t i = 1; i < runs.size(); ++i)
        if (runs[i].id == id && runs.size() > 2) { KFM_DET_TRY((kfm_det::Updater<P, St, L, Si, Env>::undo(runs[i - 1].id))); }
      return report;
    }
  };
};

/// An operation that is not pure.
struct Counting : Small {
  struct Count {
    struct Params {
      SourceRef source;
      KFM_DET_DESCRIBE_FRIEND(Params, source)
    };
    static result<Output> run(const Params& params, StepContext&) {
      static int runs = 0;
      return Output::publish(BusinessKey{params.source.uri}, "run " + std::to_string(++runs));
    }
  };
  struct Plan {
    static constexpr UpdaterId id{"counting"};
    static constexpr Version version{1, 0, 0};
    using Operations = kfm_det::Operations<Count>;
    result<std::vector<SourceRef>> inputs(SourceReader& reader) const {
      KFM_DET_TRY(auto ref, reader.describe("a"));
      return std::vector<SourceRef>{std::move(ref)};
    }
    static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
      for (const SourceRef& ref : inputs) plan.step<Count>("count", {ref}).publishes(BusinessKey{ref.uri});
      return success();
    }
  };
  Plan plan(const Sources&) const { return {}; }
};

}  // namespace

TEST_CASE("RUN-1 RUN-2 RUN-3 RUN-4 RUN-6 RUN-7 RUN-8 RUN-9 RUN-10 RUN-11 RUN-12 RUN-13 RUN-15 RUN-16 our updater passes over memory") {
  const Report report = check_updater<Small>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  for (int law = 1; law <= 16; ++law)
    if (law != 5) CHECK(report.laws.contains("RUN-" + std::to_string(law)));
  for (const char* what : {"killed", "killed in the recovery", "paused", "failed call", "open run that cannot go on", "whole run whose code is gone", "undo of an open run", "one run, and undone", "2 runs and their undos in some order", "sink put back"}) CHECK(report.reached.contains(what));
}

TEST_CASE("a plan type whose inputs() reads its source and describes none passes") {
  const Report report = check_updater<Reading>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.reached.contains("open run that cannot go on"));
}

TEST_CASE("LOG-6 an updater that goes on with a sink that was put back is refused") {
  Options options = small();
  options.first_only = true;
  const Report report = check_updater<Merging>(options);
  INFO(report.to_text());
  REQUIRE_FALSE(report.passed());
  CHECK(report.violations[0].law == "LOG-6");
  CHECK(report.violations[0].operations <= 4);
}

TEST_CASE("RUN-15 an undo that takes another run along is refused, in whatever order") {
  Options options = small();
  options.first_only = true;
  const Report report = check_updater<Overdoing>(options);
  INFO(report.to_text());
  REQUIRE_FALSE(report.passed());
  CHECK(report.violations[0].law == "RUN-15");
}

TEST_CASE("RUN-14 a plan type that keeps, gates, is final and wants a service passes, and the report says what could not be played") {
  const Report report = check_updater<Keeping>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  bool said = false;
  for (const auto& one : report.bounds) said = said || one.starts_with("deployed: not played");
  CHECK(said);
}

TEST_CASE("RUN-1 a run() of the fixture's own that keeps no log is refused, and its reproducer brings that back") {
  const Report report = check_updater<NoLog>(small());
  INFO(report.to_text());
  REQUIRE(report.find("RUN-1"));
  CHECK(report.violations[0].law == "RUN-1");
  CHECK(report.violations[0].operations <= 6);
  Options again;
  again.reproduce = report.violations[0].reproducer;
  CHECK(check_updater<NoLog>(again).find("RUN-1"));
}

TEST_CASE("PLAN-5 an operation that is not pure is named with its step and the first byte") {
  const Report report = check_updater<Counting>(small());
  INFO(report.to_text());
  REQUIRE(report.find("PLAN-5"));
  CHECK(report.violations[0].sentence.find("step count: byte 4") != std::string::npos);
}

TEST_CASE("equal options give an equal report of an updater") { CHECK(check_updater<NoLog>(small()).to_json() == check_updater<NoLog>(small()).to_json()); }
