// SPDX-License-Identifier: BSL-1.0
/// \file
/// The log or the sink put back from an older copy, each alone, at every point of a history: refused, nothing merged; and an accepted loss leaves a state
/// that explain accounts for.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kfm_det/sinks/export.hpp"
#include "tests/histories/script.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {

const StreamId stream = StreamId::of({"scripted", ""});

template <class Backends>
struct Moment { typename Backends::LogCopy log; typename Backends::SinkCopy sink; std::string exported; Head witness; };

template <class Backends>
std::string exported(Backends& backends) {
  auto sink = backends.sink();
  return export_canonical(sink).value();
}
template <class Backends>
Head witness_of(Backends& backends) {
  auto sink = backends.sink();
  return sink.witness(stream).value();
}

/// A history as it happened, with a copy of log and sink behind each command.
template <class Backends>
std::vector<Moment<Backends>> moments_of(ScriptWorld<Backends>& world, const Script& script) {
  std::vector<Moment<Backends>> out;
  const auto keep = [&] { out.push_back({world.backends.copy_log(stream), world.backends.copy_sink(), exported(world.backends), witness_of(world.backends)}); };
  keep();
  for (int c = 0; c < static_cast<int>(script.size()); ++c) {
    world.until_answered(script, c);
    keep();
  }
  return out;
}

template <class Backends>
std::vector<BusinessKey> keys_of(Backends& backends) {
  std::vector<BusinessKey> out;
  auto sink = backends.sink();
  REQUIRE(sink.keys([&](const BusinessKey& key) -> result<void> { out.push_back(key); return success(); }));
  return out;
}

/// Every publication has a run that the log knows, and nothing is current that the log calls taken back.
template <class Backends>
void check_explained(ScriptWorld<Backends>& world) {
  for (const BusinessKey& key : keys_of(world.backends)) {
    const auto explained = world.updater().explain(key);
    if (!explained) FAIL(explained.error().message());
    for (const auto& one : explained.value().history) {
      CHECK(one.run_known);
      if (one.publication.state == PublicationState::withdrawn) CHECK((wal::is_taken_back(one.status) || one.status == wal::RunStatus::lost));
      else CHECK_FALSE(wal::is_taken_back(one.status));
      if (one.status == wal::RunStatus::lost) CHECK_FALSE(one.remedy.empty());
    }
  }
}

/// A trigger in a process of its own. Its error, if it has one.
template <class Backends>
std::optional<Error> trigger(ScriptWorld<Backends>& world, const std::string& content, const std::string& key = "after") {
  world.sources.put(content, content);
  const Script one{Command{Command::Kind::run, key, content, {}, -1}};
  world.until_answered(one, 0);
  return world.answer;
}

template <class Backends>
void accept_and_go_on(ScriptWorld<Backends>& world, const Script& script, std::size_t log) {
  const auto report = world.updater().accept_loss();
  if (!report) FAIL(report.error().message());
  CHECK(report.value().accepted);
  CHECK(report.value().incarnation >= 2);
  CHECK(report.value().sentence().find("accepted") != std::string::npos);
  check_explained(world);
  CHECK_FALSE(world.updater().accept_loss().value().accepted);   // there is nothing more to accept

  // Events of before the loss come again: each gets a run of its own in the new incarnation, or is held.
  for (const std::size_t command : {log - 1, log}) {
    if (command >= script.size() || script[command].kind != Command::Kind::run) continue;
    const auto error = trigger(world, script[command].content, script[command].key);
    if (error) CHECK((error->code() == errc::undone || error->code() == errc::failed || error->code() == errc::operation_failed));
    else for (const auto& [key, content] : published_by(script[command].content)) CHECK(world.visible()[key] == content);
    check_explained(world);
  }
  // A plan without `y` retires it, also where only a lost run had planned it.
  if (const auto error = trigger(world, "x7")) FAIL(error->message());
  CHECK(world.visible() == Published{{"x", "7"}});
  check_explained(world);
  // What is lost can be undone, and then only what the log knows to be committed is left.
  for (const auto& run : world.look().runs) {
    if (run.status != wal::RunStatus::lost) continue;
    const auto undone = world.updater().undo(run.id);
    if (!undone) FAIL(undone.error().message());
    CHECK(undone.value().outcome == RunReport::Outcome::undone);
  }
  check_explained(world);
  CHECK(world.visible() == Published{{"x", "7"}});
  for (const auto& run : world.look().runs) CHECK(run.status != wal::RunStatus::lost);
}

struct Counts { int pairs = 0, regressed = 0, sink_regressed = 0, alike = 0; };

/// Log of moment `log`, sink of moment `sink`.
template <class Backends>
void pair_of(const Script& script, const std::vector<Moment<Backends>>& moments, std::size_t log, std::size_t sink, Counts& counts) {
  ScriptWorld<Backends> world;
  world.backends.put_log_back(stream, moments[log].log);
  world.backends.put_sink_back(moments[sink].sink);
  INFO("log of moment " << log << ", sink of moment " << sink);
  ++counts.pairs;
  const auto refused = trigger(world, "A");
  const bool older = moments[std::min(log, sink)].witness != moments[std::max(log, sink)].witness;   // did the sink see anything between the two
  if (!older) {
    CHECK_FALSE((refused && (refused->code() == errc::regressed || refused->code() == errc::sink_regressed)));
    ++counts.alike;
    return;
  }
  REQUIRE(refused);
  CHECK(refused->code() == (log < sink ? errc::regressed : errc::sink_regressed));
  ++(log < sink ? counts.regressed : counts.sink_regressed);
  CHECK(refused->remedy().find("accept the loss") != std::string::npos);
  CHECK(exported(world.backends) == moments[sink].exported);   // nothing was merged
  CHECK(witness_of(world.backends) == moments[sink].witness);
  for (const BusinessKey& key : keys_of(world.backends)) CHECK(world.updater().explain(key).error().code() == refused->code());   // nor is it explained away
  accept_and_go_on(world, script, log);
}

constexpr const char* history = "t:k:A t:k:B t:j:C undo:1 t:k:A t:k:F t:j:C t:j:B undo:0 t:j:C:force=6 t:k:A";

/// Every pair of moments of the history, or one in `every` of them; each verdict more than `more_than` times.
template <class Backends>
void all_pairs(std::size_t every, int more_than) {
  const Script script = parse_script(history);
  ScriptWorld<Backends> world;
  const auto moments = moments_of(world, script);
  Counts counts;
  for (std::size_t log = 0; log < moments.size(); ++log)
    for (std::size_t sink = 0; sink < moments.size(); ++sink)
      if (log != sink && (log + 3 * sink) % every == 0) pair_of(script, moments, log, sink, counts);
  WARN(counts.pairs << " pairs: " << counts.regressed << " Regressed, " << counts.sink_regressed << " SinkRegressed, " << counts.alike << " that the sink cannot tell apart");
  CHECK(counts.regressed > more_than);
  CHECK(counts.sink_regressed > more_than);
}

}  // namespace

TEST_CASE("log or sink put back alone at every point of a history is refused, and an accepted loss is accounted for, over memory") { all_pairs<MemoryBackends>(1, 30); }

TEST_CASE("log or sink put back alone is refused, and an accepted loss is accounted for, over FileStore and SqliteSink") { all_pairs<FileBackends>(4, 5); }

TEST_CASE("LOSS-4 accepting a loss can be stopped at any call") {
  ScriptWorld<MemoryBackends> world;
  const auto moments = moments_of(world, parse_script(history));
  for (const auto& [log, sink] : std::vector<std::pair<std::size_t, std::size_t>>{{1, 9}, {9, 1}, {4, 7}, {7, 4}, {3, 5}, {5, 3}})
    for (std::uint64_t stop = 0;; ++stop)
      for (const bool power : {false, true}) {
        ScriptWorld<MemoryBackends> damaged;
        damaged.backends.put_log_back(stream, moments[log].log);
        damaged.backends.put_sink_back(moments[sink].sink);
        INFO("log of moment " << log << ", sink of moment " << sink << ", stopped at " << stop << (power ? ", power lost" : ""));
        damaged.fuse.reset();
        damaged.fuse.stop_at = stop;
        bool alive = true;
        try {
          (void)damaged.updater().accept_loss();
        } catch (const Killed&) {
          alive = false;
          damaged.clock.advance(seconds(60));
        }
        damaged.fuse.reset();
        if (alive) goto next;
        if (power) damaged.backends.lose_unsynced();
        const auto again = damaged.updater().accept_loss();
        if (!again) FAIL(again.error().message());
        if (const auto error = trigger(damaged, "x7y7")) FAIL(error->message());
        check_explained(damaged);
        CHECK(damaged.visible().at("x") == "7");
      }
  next:
  SUCCEED();
}

TEST_CASE("after an accepted loss an older copy of either is noticed again") {
  ScriptWorld<MemoryBackends> world;
  const auto moments = moments_of(world, parse_script(history));
  const auto accepted = [&](std::size_t log, std::size_t sink) {
    ScriptWorld<MemoryBackends> out;
    out.backends.put_log_back(stream, moments[log].log);
    out.backends.put_sink_back(moments[sink].sink);
    REQUIRE(out.updater().accept_loss().value().accepted);
    return out;
  };
  for (const auto& [log, sink] : std::vector<std::pair<std::size_t, std::size_t>>{{1, 2}, {2, 1}, {2, 9}, {9, 2}}) {
    auto older_log = accepted(log, sink), older_sink = accepted(log, sink);
    older_log.backends.put_log_back(stream, moments[log].log);
    CHECK(trigger(older_log, "A")->code() == errc::regressed);
    older_sink.backends.put_sink_back(moments[sink].sink);
    CHECK(trigger(older_sink, "A")->code() == errc::sink_regressed);
  }
}

TEST_CASE("an open run that goes on behind an accepted loss asks the sink again for every effect, forward and back") {
  int accepted = 0, committed = 0, undone = 0;
  for (const char* story : {"t:k:B", "t:k:B undo:0"}) {
    const Script script = parse_script(story);
    for (std::uint64_t stop = 0;; ++stop) {
      ScriptWorld<MemoryBackends> world;
      auto sink = world.backends.copy_sink();
      for (int c = 0; c + 1 < static_cast<int>(script.size()); ++c) {
        world.until_answered(script, c);
        sink = world.backends.copy_sink();
      }
      if (world.attempt(script, static_cast<int>(script.size()) - 1, stop)) break;
      world.backends.put_sink_back(sink);
      INFO(story << ", stopped at " << stop);
      if (const auto refused = trigger(world, "x7")) {
        CHECK(refused->code() == errc::sink_regressed);
        const auto report = world.updater().accept_loss().value();
        CHECK(report.accepted);
        ++accepted;
        if (!report.unpublished.empty()) {   // it had committed before the loss: its own event publishes it again
          CHECK(world.look().of(0)->id == report.unpublished[0]);
          continue;
        }
        if (const auto error = trigger(world, "x7")) FAIL(error->message());
      }
      auto published = world.backends.sink();
      for (const auto& run : world.look().runs) {
        if (run.trigger_key != "k") continue;
        CHECK((run.status == wal::RunStatus::committed || run.status == wal::RunStatus::undone));
        int there = 0, withdrawn = 0;
        for (const char* key : {"x", "y"})
          CHECK(published.history(BusinessKey{key}, [&](const Publication& one) -> result<void> {
            if (one.run == run.id) ++(one.state == PublicationState::withdrawn ? withdrawn : there);
            return success();
          }));
        if (run.status == wal::RunStatus::committed) { ++committed; CHECK(there == 2); CHECK(withdrawn == 0); }
        else { ++undone; CHECK(there == 0); CHECK(withdrawn == 2); }
      }
    }
  }
  CHECK(accepted > 8);
  CHECK(committed > 8);
  CHECK(undone > 3);
}

TEST_CASE("a log and a sink of two histories are Forked, and an accepted loss accounts for both") {
  ScriptWorld<MemoryBackends> one, other;
  const Script script = parse_script("t:k:A t:k:B t:j:C");
  const auto log = moments_of(one, script).back();
  const auto sink = moments_of(other, parse_script("t:k:A t:k:C")).back();
  ScriptWorld<MemoryBackends> world;
  world.backends.put_log_back(stream, log.log);
  world.backends.put_sink_back(sink.sink);
  const auto refused = trigger(world, "A");
  REQUIRE(refused);
  CHECK(refused->code() == errc::forked);
  CHECK(exported(world.backends) == sink.exported);
  accept_and_go_on(world, script, script.size());
}

TEST_CASE("a log with a damaged or a missing part is refused with its place, and an accepted loss goes on behind what stands before it") {
  for (const bool hole : {false, true}) {
    ScriptWorld<FileBackends> world;
    const Script script = parse_script(history);
    for (int c = 0; c < static_cast<int>(script.size()); ++c) world.until_answered(script, c);
    std::vector<std::filesystem::path> segments;
    for (const auto& entry : std::filesystem::directory_iterator(*world.backends.folder / "wal" + "/" + stream.text))
      if (entry.path().extension() == ".jsonl") segments.push_back(entry.path());
    std::sort(segments.begin(), segments.end());
    REQUIRE(segments.size() > 4);
    const auto place = segments[segments.size() / 2];
    const auto kept = place.string() + ".kept";
    std::filesystem::copy(place, kept);
    std::string bytes;
    {
      std::ifstream in(place, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    if (hole) {
      std::filesystem::remove(place);
    } else {
      bytes[bytes.find("\"record\"") + 40] ^= 1;
      std::ofstream(place, std::ios::binary) << bytes;
    }
    const auto refused = trigger(world, "A");
    REQUIRE(refused);
    CHECK(refused->code() == (hole ? errc::hole : errc::corrupt_committed));
    CHECK(refused->where().find(hole ? "is missing" : place.filename().string()) != std::string::npos);
    CHECK(world.updater().accept_loss().value().accepted);
    check_explained(world);
    if (const auto error = trigger(world, "x7")) FAIL(error->message());
    CHECK(world.visible() == Published{{"x", "7"}});
    check_explained(world);
    if (!hole) {   // the evidence stays as it was found
      std::ifstream in(place, std::ios::binary);
      CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == bytes);
    }
    CHECK_FALSE(world.updater().accept_loss().value().accepted);
  }
}

TEST_CASE("what is foreign is no loss, and a pair that fits has nothing to accept") {
  ScriptWorld<MemoryBackends> world;
  const auto moments = moments_of(world, parse_script("t:k:A"));
  const auto before = world.backends.copy_log(stream);
  const auto nothing = world.updater().accept_loss();
  REQUIRE(nothing);
  CHECK_FALSE(nothing.value().accepted);
  CHECK(nothing.value().sentence().find("nothing to accept") != std::string::npos);
  CHECK(world.backends.copy_log(stream) == before);
  ScriptWorld<MemoryBackends> other("elsewhere");
  other.backends.put_log_back(StreamId::of({"scripted", "elsewhere"}), before);
  CHECK(other.updater().accept_loss("elsewhere").error().code() == errc::foreign);
}
