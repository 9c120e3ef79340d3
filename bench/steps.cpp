// SPDX-License-Identifier: BSL-1.0
// Durable steps of a whole Updater: lease, recovery, plan, execute, intents, effects, commit, proof. The steps themselves do nearly nothing.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "floor.hpp"
#include "kfm_det/adapters/sqlite.hpp"
#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/updater/updater.hpp"
#include "measure.hpp"

namespace kfm_det::bench {

struct Count {
  struct Params { std::uint64_t number; };
  static result<Output> run(const Params& params, StepContext&) {
    const std::string number = std::to_string(params.number);
    return Output::publish(BusinessKey{"count/" + number}, "the content of step " + number);
  }
};
KFM_DET_DESCRIBE(Count::Params, number)

template <std::uint64_t Steps>
struct Counting {
  static constexpr UpdaterId id{"counting"};
  static constexpr Version version{1, 0, 0};
  using Operations = kfm_det::Operations<Count>;
  static result<void> plan(std::span<const SourceRef>, PlanBuilder<Operations>& plan) {
    for (std::uint64_t i = 0; i < Steps; ++i) plan.step<Count>("step " + std::to_string(i), {i}).publishes(BusinessKey{"count/" + std::to_string(i)});
    return success();
  }
};

namespace {

/// One call is one run of `Steps` steps from a state that is empty; making and opening that state is not counted. `backends(folder, use)` calls use(store, lock, sink).
template <std::uint64_t Steps, class Backends>
Side run_of(std::string name, std::uint32_t window, Backends backends) {
  return {std::move(name), [=](const std::string& folder) -> Run {
            const auto scratch = std::make_shared<Scratch>(folder);
            return [=](std::uint64_t times) {
              double seconds = 0;
              for (std::uint64_t i = 0; i < times; ++i)
                backends(scratch->fresh(), [&](auto store, auto lock, auto sink) {
                  Environment<> environment;
                  environment.limits.window = window;
                  environment.spool_directory = scratch->path();
                  Updater updater(Counting<Steps>{}, std::move(store), std::move(lock), std::move(sink), std::move(environment));
                  Trigger trigger;
                  trigger.key = "bench";
                  const auto start = Clock::now();
                  const RunReport report = must(updater.run(trigger));
                  seconds += seconds_since(start);
                  if (report.steps_run != Steps) give_up("the updater ran " + std::to_string(report.steps_run) + " steps");
                });
              return seconds;
            };
          }};
}

constexpr auto sqlite_sink = [](const std::string& folder, auto use) {
  use(must(FileStore<>::open(folder + "/wal")), must(FileLock<>::open(folder + "/locks")), must(SqliteSink::open(folder + "/sink.db")));
};
constexpr auto log_only = [](const std::string& folder, auto use) { use(must(FileStore<>::open(folder + "/wal")), must(FileLock<>::open(folder + "/locks")), MemorySink{}); };
constexpr auto in_memory = [](const std::string&, auto use) { use(MemoryStore{}, MemoryLock<>(MemoryLock<>::make_board(), OwnerId{"bench"}), MemorySink{}); };

/// The least that durability costs in each wave: one synced write of what the log gets, and (SQLite's log grows until its first checkpoint) one that
/// makes a file longer.
Side syncs(std::uint64_t steps, std::uint64_t window, bool sink) {
  return {sink ? "raw: 2 synced writes per wave" : "raw: 1 synced write per wave", [=](const std::string& folder) {
            const auto log = std::make_shared<RawFile>(folder + "/log");
            const auto rows = sink ? std::make_shared<RawFile>(folder + "/rows", RawFile::Kind::growing) : nullptr;
            const std::string lines(3000 * window, 'x');   // execute, intent and done of each step
            return timed([=] {
              for (std::uint64_t done = 0; done < steps; done += window)
                for (RawFile* const file : {log.get(), rows.get()}) {
                  if (file == nullptr) continue;
                  file->write(lines);
                  file->sync();
                }
            });
          }};
}

template <std::uint64_t Steps>
void add(std::vector<Measure>& out, std::uint32_t window) {
  const std::string at = std::to_string(window), id = "steps_window_" + at;
  out.push_back({id + "_sqlite", "durable steps, window " + at + ", SqliteSink", run_of<Steps>("kfm_det", window, sqlite_sink),
                 {{syncs(Steps, window, true)}, {run_of<Steps>("kfm_det, MemorySink", window, log_only), 0, "the log's share"}, {run_of<Steps>("kfm_det, all in memory", window, in_memory), 0, "the CPU's share"}},
                 Steps, true, 1});
  out.push_back({id + "_log", "durable steps, window " + at + ", MemorySink", run_of<Steps>("kfm_det", window, log_only), {{syncs(Steps, window, false)}}, Steps, true, 1});
}

}  // namespace

std::vector<Measure> step_measures() {
  std::vector<Measure> out;
  add<256>(out, 1);
  add<2048>(out, 64);
  return out;
}

}  // namespace kfm_det::bench
