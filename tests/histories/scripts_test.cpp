// SPDX-License-Identifier: BSL-1.0
/// \file
/// Every script of the table against the real Updater, with a crash at each step: conformance/vectors/runs/scripts.txt, generated from the model.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include "tests/histories/script.hpp"
#include "tests/sanitizers.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {

struct Row {
  Script script;
  std::set<std::string> undisturbed, retried, any;   // outcomes: without a crash; with one and a client that tries again; or gives up
};

std::set<std::string> outcomes_of(const std::string& column) {
  std::set<std::string> out;
  for (std::size_t at = 0;;) {
    const std::size_t end = column.find(" / ", at);
    out.insert(column.substr(at, end == std::string::npos ? end : end - at));
    if (end == std::string::npos) return out;
    at = end + 3;
  }
}
const std::vector<Row>& table() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> out;
    std::ifstream file(KFM_DET_SOURCE_DIR "/conformance/vectors/runs/scripts.txt");
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line.front() == '#') continue;
      std::vector<std::string> columns;
      for (std::size_t at = 0;;) {
        const std::size_t end = line.find(" | ", at);
        columns.push_back(line.substr(at, end == std::string::npos ? end : end - at));
        if (end == std::string::npos) break;
        at = end + 3;
      }
      REQUIRE(columns.size() == 4);
      Row row{parse_script(columns[0]), outcomes_of(columns[1]), {}, {}};
      REQUIRE(text_of(row.script) == columns[0]);
      row.retried = columns[2] == "=" ? row.undisturbed : outcomes_of(columns[2]);
      row.any = columns[3] == "=" ? row.retried : outcomes_of(columns[3]);
      out.push_back(std::move(row));
    }
    return out;
  }();
  return rows;
}

/// Where the one crash falls. Power: what was not durable is gone, too.
struct Crash {
  int command = -1;
  std::uint64_t stop_at = Fuse::never;
  bool power = false, give_up = false;
  [[nodiscard]] std::string text() const {
    if (command < 0) return "undisturbed";
    return std::string(power ? "power lost" : "killed") + " in command " + std::to_string(command) + " at " + std::to_string(stop_at) + (give_up ? ", client gives up" : ", client tries again");
  }
};

/// Runs a script; false when the crash point lies behind the command's last call. `calls`: how many each command had.
template <class Backends>
bool play(ScriptWorld<Backends>& world, const Script& script, const Crash& crash, std::vector<std::uint64_t>* calls = nullptr) {
  for (int c = 0; c < static_cast<int>(script.size()); ++c) {
    if (c == crash.command) {
      if (world.attempt(script, c, crash.stop_at)) return false;
      if (crash.power) world.lose_power(script);
      if (crash.give_up) {
        world.give_up(script, c);
        continue;
      }
    }
    if (calls) {
      const bool lived = world.attempt(script, c);
      calls->push_back(world.calls);
      if (lived) continue;
    }
    world.until_answered(script, c);
  }
  world.settle();
  return true;
}

/// The outcome must be the serial meaning of what was accepted, whatever the table says.
template <class Backends>
void compare(ScriptWorld<Backends>& world, const Script& script, const Outcome& outcome, const Crash& crash) {
  const Outcome meant = serial_meaning(script, world.accepted, world.ended(outcome));
  if (outcome != meant) FAIL(text_of(script) << "\n  " << crash.text() << "\n  is " << outcome.text() << "\n  serial meaning: " << meant.text());
}

struct Played { std::uint64_t scripts = 0, crashes = 0; };

/// One script: undisturbed, then with crashes. `every`: each crash point; else one in so many, another one for each script.
template <class Backends>
void run_row(const Row& row, std::size_t number, std::uint64_t every, Played& played) {
  std::vector<std::uint64_t> calls;
  {
    ScriptWorld<Backends> world;
    play(world, row.script, {}, &calls);
    const Outcome outcome = world.outcome();
    compare(world, row.script, outcome, {});
    if (!row.undisturbed.contains(outcome.text())) FAIL(text_of(row.script) << "\n  undisturbed\n  is " << outcome.text() << "\n  table: " << *row.undisturbed.begin());
    ++played.scripts;
  }
  std::uint64_t place = number;
  for (int c = 0; c < static_cast<int>(row.script.size()); ++c)
    for (std::uint64_t stop = 0; stop < 2 * calls[static_cast<std::size_t>(c)]; ++stop)
      for (const bool give_up : {false, true}) {
        if (place++ % every != 0) continue;
        const Crash crash{c, stop, Backends::forgets && (place / every) % 2 == 0, give_up};
        ScriptWorld<Backends> world;
        if (!play(world, row.script, crash)) continue;   // a script that kills itself may end before
        const Outcome outcome = world.outcome();
        compare(world, row.script, outcome, crash);
        const auto& allowed = give_up ? row.any : row.retried;
        if (!allowed.contains(outcome.text())) FAIL(text_of(row.script) << "\n  " << crash.text() << "\n  is " << outcome.text() << "\n  table: " << *allowed.begin() << (allowed.size() > 1 ? " or others" : ""));
        ++played.crashes;
      }
}

}  // namespace

TEST_CASE("every script of the model's table, undisturbed and with a crash, comes to its serial meaning over memory") {
  REQUIRE(table().size() > 3000);
  Played played;
  const std::uint64_t every = number_of("KFM_DET_SCRIPTS_EVERY", 97, 997);   // 1 plays every crash point of every script
  for (std::size_t i = 0; i < table().size(); ++i) run_row<MemoryBackends>(table()[i], i, table()[i].script.size() < 3 ? std::min<std::uint64_t>(every, is_sanitized ? 10 : 1) : every, played);
  WARN(played.scripts << " scripts, " << played.crashes << " plays with a crash");
}

TEST_CASE("a sample of the scripts over FileStore, FileLock and SqliteSink") {
  Played played;
  for (std::size_t i = 0; i < table().size(); i += table().size() / (is_sanitized ? 15 : 60)) run_row<FileBackends>(table()[i], i, 25, played);
  WARN(played.scripts << " scripts, " << played.crashes << " plays with a crash");
}
