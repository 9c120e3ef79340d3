// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "conformance/backends/updater_over_memory.hpp"
#include "kfm_det/conformance/check_updater.hpp"
#include "tests/conformance/brought_back.hpp"

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

/// What a checkpoint has folded is no run any more.
struct Forgetful : Small {
  template <class P, class St, class L, class Si, class Env>
  struct Updater : kfm_det::Updater<P, St, L, Si, Env> {
    using kfm_det::Updater<P, St, L, Si, Env>::Updater;
    result<RunReport> undo(const RunId& id) {
      KFM_DET_TRY(const auto runs, this->status());
      KFM_DET_TRY(const auto stream, this->store().open_stream(StreamId::of({std::string(UpdaterId(P::id).text), ""})));
      for (const auto& run : runs)
        if (run.id == id && run.order.lsn < stream.tail().base) return Error(errc::not_found, "there is no such run", id.text(), "List the runs.");
      return kfm_det::Updater<P, St, L, Si, Env>::undo(id);
    }
  };
};

/// Says in its checkpoint what it read before it had the lease.
struct EarlyReader : Small {
  template <class P, class St, class L, class Si, class Env>
  struct Updater : kfm_det::Updater<P, St, L, Si, Env> {
    using Base = kfm_det::Updater<P, St, L, Si, Env>;
    result<CompactionReport> compact() {
      const Scope scope{std::string(UpdaterId(P::id).text), ""};
      const StreamId id = StreamId::of(scope);
      wal::Compaction compaction(id);
      KFM_DET_TRY(wal::inspect_log(this->store(), this->sink(), id, [&](const wal::Line& line, const wal::WalRecord& record) { return compaction.see(line, record); }));
      if (compaction.is_folded()) return CompactionReport{};
      KFM_DET_TRY(auto payloads, compaction.payloads(65536));
      kfm_det::detail::Tenures<St, L, Si, Env> tenures{this->store(), lock_, this->sink(), std::move(this->environment())};
      KFM_DET_TRY(auto held, tenures.take(scope));
      wal::RunState none;
      none.updater_id = scope.updater_id;
      none.next_seq = held->log->tail().lsn + 1;
      std::vector<wal::WalRecord> group;
      const Lsn begins = held->log->tail().lsn + 1;
      for (Json& payload : payloads) {
        group.push_back(held->session->record(none, wal::Phase::CONTROL, wal::operation::checkpoint, "", wal::Status::DONE));
        group.back().payload = std::move(payload);
      }
      KFM_DET_TRY(held->session->write(std::move(group), true));
      KFM_DET_TRY(held->log->drop_before(begins));
      KFM_DET_TRY(held->end());
      return CompactionReport{};
    }
    Updater(P plan, St store, L its_lock, Si sink, Env env) : Base(std::move(plan), std::move(store), its_lock, std::move(sink), std::move(env)), lock_(std::move(its_lock)) {}
    L lock_;
  };
};

/// A store that keeps everything.
struct Hoarding : Small {
  struct Store : MemoryStore {
    static constexpr StoreClaims claims{.survives_power_loss = false, .many_processes = false, .detects_corruption = true, .trims = false};
  };
  result<Store> open_store() { return everything; }
  Store everything;
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

/// What an updater that is broken on purpose is refused for first.
template <class Fixture>
Violation first_of() {
  Options options = small();
  options.first_only = true;
  const Report report = check_updater<Fixture>(options);
  INFO(report.to_text());
  REQUIRE_FALSE(report.passed());
  return report.violations[0];
}

/// The sink is behind a client that throws when the server is in the middle of something else.
struct ThrowingClient : UpdaterOverMemory {
  struct Client : MemorySink {
    explicit Client(MemorySink sink) : MemorySink(std::move(sink)) {}
    using MemorySink::find;
    [[nodiscard]] result<std::optional<Publication>> find(const EffectId& effect) {
      auto out = MemorySink::find(effect);
      if (out && out.value()) throw std::runtime_error("more than I asked for");
      return out;
    }
  };
  result<Client> open_sink() { return Client(sink); }
};

}  // namespace

TEST_CASE("RUN-1 RUN-2 RUN-3 RUN-4 RUN-6 RUN-7 RUN-8 RUN-9 RUN-10 RUN-11 RUN-12 RUN-13 RUN-15 RUN-16 RUN-21 our updater passes over memory") {
  const Report report = check_updater<Small>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  for (int law = 1; law <= 16; ++law)
    if (law != 5) CHECK(report.laws.contains("RUN-" + std::to_string(law)));
  CHECK(report.laws.contains("RUN-21"));
  for (const char* what : {"killed", "killed in the recovery", "paused", "failed call", "open run that cannot go on", "whole run whose code is gone", "undo of an open run", "one run, and undone", "2 runs and their undos in some order", "sink put back",
                           "compacted between two commands", "log that begins with a checkpoint", "compacted while a run was open", "killed behind a compaction", "open run, and a compaction that was killed",
                           "compaction that was killed", "compaction whose call failed", "compaction that was overtaken", "owner overtaken by a compaction", "sink put back beside a compacted log"}) CHECK(report.reached.contains(what));
}

TEST_CASE("a plan type whose inputs() reads its source and describes none passes") {
  const Report report = check_updater<Reading>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.reached.contains("open run that cannot go on"));
}

TEST_CASE("LOG-6 an updater that goes on with a sink that was put back is refused") {
  const Violation first = first_of<Merging>();
  INFO(first.sentence + "\n" + first.script);
  CHECK(first.law == "LOG-6");
  CHECK(first.operations <= 4);
}

TEST_CASE("RUN-15 an undo that takes another run along is refused, in whatever order") {
  const Violation first = first_of<Overdoing>();
  INFO(first.sentence + "\n" + first.script);
  CHECK(first.law == "RUN-15");
}

TEST_CASE("RUN-21 an updater that takes what was folded for gone is refused, and its reproducer brings that back") {
  const Report report = check_updater<Forgetful>(small());
  INFO(report.to_text());
  REQUIRE(report.violations.size() == 1);
  CHECK(report.violations[0].law == "RUN-21");
  CHECK(report.violations[0].operations <= 6);
  CHECK(report.violations[0].script.find("compact the log") != std::string::npos);
  Options again;
  again.reproduce = report.violations[0].reproducer;
  CHECK(check_updater<Forgetful>(again).find("RUN-21"));
}

TEST_CASE("RUN-21 a checkpoint of what was read before the lease is refused: somebody worked in between") {
  const Violation first = first_of<EarlyReader>();
  INFO(first.sentence + "\n" + first.script);
  CHECK(first.law == "RUN-21");
  CHECK(first.operations <= 6);
  CHECK(first.reproducer.find("part=compaction-overtaken") != std::string::npos);
}

TEST_CASE("an updater whose store does not trim passes, and the report says that nothing was compacted") {
  const Report report = check_updater<Hoarding>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK_FALSE(report.laws.contains("RUN-21"));
  CHECK(std::any_of(report.bounds.begin(), report.bounds.end(), [](const std::string& one) { return one.starts_with("compacted: not played"); }));
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

TEST_CASE("VERB-1 an exception through an updater is told, and its line brings it back") { testing::threw(check_updater<ThrowingClient>, "more than I asked for", small()); }
