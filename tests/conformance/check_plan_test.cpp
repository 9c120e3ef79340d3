// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "kfm_det/conformance/check_plan.hpp"
#include "kfm_det/conformance/updater_sample.hpp"
#include "tests/sanitizers.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

namespace {

/// What a plan type of this file does besides what it should.
enum class Habit { none, clock, coarse_clock, file, environment, zone, counter, one_key };

template <Habit habit>
struct Copy {
  static constexpr std::string_view name = "Copy";
  struct Params {
    SourceRef source;
    std::string note;
    KFM_DET_DESCRIBE_FRIEND(Params, source, note)
  };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
    if constexpr (habit == Habit::counter) {
      static int runs = 0;
      bytes += std::to_string(++runs);
    }
    return Output::publish(BusinessKey{habit == Habit::one_key ? "all" : params.source.uri}, std::move(bytes));
  }
};

template <Habit habit>
struct PlanWith {
  static constexpr UpdaterId id{"habits"};
  static constexpr Version version{1, 0, 0};
  using Operations = kfm_det::Operations<Copy<habit>>;
  std::vector<std::string> uris;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const { return reader.describe_all(uris); }
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    std::string note;
    if constexpr (habit == Habit::clock) note = std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
    if constexpr (habit == Habit::coarse_clock) note = std::to_string(std::time(nullptr) / 86400);
    if constexpr (habit == Habit::file) {
      std::ifstream file("/etc/hostname");
      std::getline(file, note);
    }
    if constexpr (habit == Habit::environment) note = std::getenv("USER") ? std::getenv("USER") : "nobody";
    if constexpr (habit == Habit::zone) {
      const std::time_t day = 86'400;
      std::tm parts{};
      ::localtime_r(&day, &parts);
      note = std::to_string(parts.tm_hour * 60 + parts.tm_min);
    }
    for (const SourceRef& ref : inputs) plan.template step<Copy<habit>>("copy:" + ref.uri, {ref, note}).publishes(BusinessKey{habit == Habit::one_key ? "all" : ref.uri});
    return success();
  }
};

template <Habit habit>
struct With {
  using Plan = PlanWith<habit>;
  static std::vector<Sources> worlds() { return {{{"a", "one"}, {"b", "two"}}}; }
  Plan plan(const Sources& world) const {
    Plan out;
    for (const auto& [uri, bytes] : world) out.uris.push_back(uri);
    return out;
  }
};

struct InputsOnly {
  using Plan = PlanWith<Habit::none>;
  static std::vector<SourceRef> inputs() { return {SourceRef{"a", ContentHash{sha256("one")}, {}}}; }
};

struct Golden : With<Habit::none> {
  static std::vector<GoldenPlan> golden() {
    const auto driver = conformance::detail::drive_plan<With<Habit::none>>();
    const auto now = driver.work_out(0, driver.sets[0], false);
    return {{"0.9.0", now.input_hash, std::string(64, '1')}, {"1.0.0", std::string(64, '2'), std::string(64, '3')}, {"1.0.0", now.input_hash, now.plan_hash}};
  }
};
struct Skewed : With<Habit::none> {
  static std::vector<GoldenPlan> golden() {
    auto out = Golden::golden();
    out.back().plan_hash = std::string(64, '4');
    return out;
  }
};

template <class Fixture>
void breaks(const std::string& law, const std::string& words) {
  const Report report = check_plan<Fixture>();
  INFO(report.to_text());
  REQUIRE_FALSE(report.passed());
  CHECK(report.violations[0].law == law);
  CHECK(report.violations[0].sentence.find(words) != std::string::npos);
  CHECK(report.violations[0].operations <= 6);
  Options again;
  again.reproduce = report.violations[0].reproducer;
  const Report played = check_plan<Fixture>(again);
  INFO(played.to_text());
  CHECK(played.find(law) != nullptr);
}

bool traps() { return !conformance::detail::active_traps().empty(); }

}  // namespace

TEST_CASE("PLAN-1 PLAN-3 PLAN-5 PLAN-6 a plan type that looks at nothing passes, and the report says what was looked at") {
  const Report report = check_plan<With<Habit::none>>();
  INFO(report.to_text());
  CHECK(report.passed());
  for (const char* law : {"PLAN-1", "PLAN-3", "PLAN-5", "PLAN-6"}) CHECK(report.laws.contains(law));
  CHECK(report.bounds.size() > 6);
  CHECK(check_plan<InputsOnly>().passed());
}

TEST_CASE("PLAN-1 a plan that reads the clock is told so, whichever clock it is") {
  breaks<With<Habit::clock>>("PLAN-1", traps() ? "the clock" : "was");
  if (traps()) breaks<With<Habit::coarse_clock>>("PLAN-1", "the clock");   // a day long, nothing differs
}

TEST_CASE("PLAN-1 environment and time zone show by what they change") {
  breaks<With<Habit::environment>>("PLAN-1", "environment");
  breaks<With<Habit::zone>>("PLAN-1", traps() ? "" : "zone");
}

TEST_CASE("PLAN-3 a plan that opens a file is told so") {
  if (traps()) breaks<With<Habit::file>>("PLAN-3", "a file");
}

TEST_CASE("PLAN-5 an operation that counts its runs is named with its step and the first byte that differs") {
  breaks<With<Habit::counter>>("PLAN-5", "step copy:a: byte 3 of its output differs");
}

TEST_CASE("PLAN-6 two steps for one key") { breaks<With<Habit::one_key>>("PLAN-6", "all"); }

TEST_CASE("PLAN-2 the same version over the same inputs gives what an earlier build gave") {
  CHECK(check_plan<Golden>().passed());
  breaks<Skewed>("PLAN-2", "cannot be resumed");
}
