// SPDX-License-Identifier: BSL-1.0
// The front door as README.md quotes it: an updater in about forty lines. Compiled by the tests, and timed at -O0.
// [quickstart]
#include <kfm_det/kfm_det.hpp>
#include <kfm_det/adapters/sqlite.hpp>
namespace det = kfm_det;

struct CountLines {                                       // an operation: pure, typed, its parameters are stored in the plan
  struct Params { det::SourceRef source; };
  static det::result<det::Output> run(const Params& params, det::StepContext& context) {
    KFM_DET_TRY(const auto text, context.read_all(params.source));     // checked against the recorded hash while it is read
    const auto lines = std::count(text.begin(), text.end(), '\n');
    return det::Output::publish(det::BusinessKey{params.source.uri}, std::to_string(lines) + " lines\n");
  }
};
KFM_DET_DESCRIBE(CountLines::Params, source)

struct LineCounts {                                       // the plan type: a versioned transform
  static constexpr det::UpdaterId id{"line-counts"};
  static constexpr det::Version version{1, 0, 0};
  using Operations = det::Operations<CountLines>;
  std::vector<std::string> files;                         // what the program was asked to read
  det::result<std::vector<det::SourceRef>> inputs(det::SourceReader& reader) const {   // the only place that looks at the world
    std::vector<det::SourceRef> refs;
    for (const auto& file : files) {
      KFM_DET_TRY(auto ref, reader.describe(file));
      refs.push_back(std::move(ref));
    }
    return refs;
  }
  static det::result<void> plan(std::span<const det::SourceRef> inputs, det::PlanBuilder<Operations>& plan) {
    for (const auto& input : inputs) plan.step<CountLines>(input.uri, {input}).publishes(det::BusinessKey{input.uri});
    return det::success();
  }
};

det::result<det::RunReport> update(std::vector<std::string> files) {
  KFM_DET_TRY(auto store, det::FileStore<>::open("state/wal"));
  KFM_DET_TRY(auto lock, det::FileLock<>::open("state/locks"));
  KFM_DET_TRY(auto sink, det::SqliteSink::open("state/counts.db"));
  det::Updater updater{LineCounts{std::move(files)}, std::move(store), std::move(lock), std::move(sink)};
  return updater.run({.kind = det::TriggerKind::manual, .key = "nightly"});
}
int main(int argc, char** argv) { return det::report(update({argv + 1, argv + argc})); }   // kill it anywhere, run it again
// [quickstart]
