// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_sink: the laws of contracts/sink.hpp, asked of a sink.
///
///   Report report = check_sink<RocksSink>();      // the fixture: conformance/sink_fixture.hpp
///
/// Asked is what the contract says, against a model that was written from it (conformance/detail/sink_model.hpp). Claims: with `survives_power_loss` and a
/// fixture that has crash(), what was answered must be there after it; with `many_processes` two sinks are opened on one storage. Crashes *inside* a verb
/// are for check_sink_on_disk. Thread-safety: one thread; a sink is used by one thread.
#ifndef KFM_DET_CONFORMANCE_CHECK_SINK_HPP
#define KFM_DET_CONFORMANCE_CHECK_SINK_HPP

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/detail/sink_ambiguous.hpp"
#include "kfm_det/conformance/detail/sink_parts.hpp"
#include "kfm_det/conformance/detail/sink_wide.hpp"

namespace kfm_det::conformance {

[[nodiscard]] inline Report check_sink_bench(SinkBench& bench, const Options& options) {
  Report report;
  report.check = "check_sink";
  report.subject = "sink";
  report.claims = listed(bench.claims);
  Explorer explorer(report, options);
  namespace parts = sink_parts;
  const std::uint64_t all = ~std::uint64_t{0};
  const auto run = [&](std::string_view part, Bounds bounds, auto&& play) {
    if (options.states_max != 0) bounds.exhaustive_max = std::min(bounds.exhaustive_max, options.states_max);   // of each part
    explorer.run(part, bounds, [&](Play& one) { play(one, bench); });
  };
  run("sets", {all, 0, "up to five of upsert, tombstone and withdrawal of two keys, in any order, with repetition"}, parts::sets);
  run("undone", {all, 0, "three publications of a key, in any order, taken back in any order"}, parts::undone);
  run("refusals", {all, 0, "one bad request alone and among good ones"}, parts::refusals);
  run("stories", {10000, 0, "up to three requests"}, [](Play& play, SinkBench& on) { parts::stories(play, on, 3); });
  run("long_stories", {0, options.cases, "up to ten requests"}, [](Play& play, SinkBench& on) { parts::stories(play, on, 10); });
  run("tenures", {400, 0, "up to two requests of five owners"}, [](Play& play, SinkBench& on) { parts::tenures(play, on, 2); });
  run("long_tenures", {0, options.cases, "up to seven requests of nine owners"}, [](Play& play, SinkBench& on) { parts::tenures(play, on, 7); });
  run("lost_answers", {20000, options.cases, "up to four of five requests, begin, opening again, with up to two losses: of the answer, of the request, or it arrives later; then all of them again"}, [](Play& play, SinkBench& on) { parts::lost_answers(play, on, 4); });
  run("heads", {600, 0, "up to two requests with six heads"}, [](Play& play, SinkBench& on) { parts::heads(play, on, 2); });
  run("long_heads", {0, options.cases, "up to seven requests with six heads"}, [](Play& play, SinkBench& on) { parts::heads(play, on, 7); });
  run("keys", {all, 0, "pairs of keys that look alike, and all of them"}, parts::keys);
  run("near_streams", {all, 0, "pairs of streams whose names begin alike"}, parts::near_streams);
  run("scopes", {all, 0, "pairs of scopes that look alike"}, parts::scopes);
  run("contents", {all, 0, "bytes and metadata, in memory and staged"}, parts::contents);
  run("mixtures", {all, 0, "up to three outputs in one request"}, parts::mixtures);
  run("numbers", {all, 0, "pairs of numbers up to 2^63 - 1"}, parts::numbers);
  run("ids", {all, 0, "effects and versions whose ids differ in one byte"}, parts::ids);
  run("contradictions", {all, 0, "requests that contradict themselves"}, parts::contradictions);
  run("bare_keys", {all, 0, "keys on which nothing shows, and another scope"}, parts::bare_keys);
  run("owners", {all, 0, "pairs of owners whose names look alike"}, parts::owners);
  run("wide", {all, 0, "requests of 300"}, parts::wide);
  run("large", {all, 0, "5 MiB of bytes, metadata of 300 members"}, parts::large);
  run("many", {all, 0, "up to 1100 publications of a key, and 1100 keys"}, parts::many);
  if (bench.can_damage) run("damaged", {all, 0, "one stored byte changes"}, parts::damaged);
  else report.bounds.push_back("damaged: left out, the fixture has no damage()");
  if (bench.claims.survives_power_loss && bench.can_crash) {
    run("crashes", {2000, options.cases, "up to four requests and power losses between them"}, [](Play& play, SinkBench& on) { parts::crashes(play, on, 4); });
  } else {
    report.bounds.push_back(bench.claims.survives_power_loss ? "crashes: left out, the fixture has no crash()" : "crashes: left out, not claimed");
  }
  run("threads", {3, 0, "4 threads publish freely (what they find, no line brings back for certain)"}, parts::threads);
  if (bench.claims.many_processes) run("two_openers", {2000, options.cases, "up to four requests by two sinks on one storage"}, [](Play& play, SinkBench& on) { parts::two_openers(play, on, 4); });
  return report;
}

template <class Fixture>
[[nodiscard]] Report check_sink(const Options& options = {}) {
  static_assert(diagnose_sink_fixture<Fixture>());
  TypedSinkBench<Fixture> bench;
  return check_sink_bench(bench, options);
}

}  // namespace kfm_det::conformance

#endif
