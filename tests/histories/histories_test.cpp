// SPDX-License-Identifier: BSL-1.0
/// \file
/// Long random histories: two scopes in one store, sink and lock, three business keys each, crashes anywhere; against the serial meaning of what was
/// accepted. A history that fails shrinks to its shortest form and is printed as one line, which KFM_DET_HISTORY brings back.
#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <functional>

#include "kfm_det/conformance/choices.hpp"
#include "tests/histories/script.hpp"
#include "tests/sanitizers.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {

using conformance::Random;
bool percent(Random& random, std::uint64_t chance) { return random.below<std::uint64_t>(100) < chance; }

struct Step {
  int scope = 0;
  Command command;
  std::optional<std::uint64_t> stop_at;   // the crash, if there is one
  bool power = false, give_up = false;

  [[nodiscard]] std::string text() const {
    std::string out = std::to_string(scope) + "/" + command.text();
    if (stop_at) out += "!" + std::to_string(*stop_at) + (power ? "p" : "k") + (give_up ? "g" : "r");
    return out;
  }
  static Step parse(const std::string& word) {
    Step out;
    out.scope = word.at(0) - '0';
    const auto crash = word.find('!');
    out.command = Command::parse(word.substr(2, crash == std::string::npos ? crash : crash - 2));
    if (crash == std::string::npos) return out;
    out.stop_at = std::stoull(word.substr(crash + 1));
    out.power = word.find('p', crash) != std::string::npos;
    out.give_up = word.back() == 'g';
    return out;
  }
};
/// Places never move, so that indices stay right while a history shrinks: what is taken out becomes `none`.
using History = std::vector<Step>;

std::string text_of(const History& history) {
  std::string out;
  std::size_t skipped = 0;
  for (const Step& step : history) {
    if (step.command.kind == Command::Kind::none) { ++skipped; continue; }
    if (skipped != 0) out += (out.empty() ? "" : " ") + ("+" + std::to_string(std::exchange(skipped, 0)));
    out += (out.empty() ? "" : " ") + step.text();
  }
  return out;
}
History parse_history(const std::string& text) {
  History out;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    if (word.front() == '+') out.resize(out.size() + std::stoul(word.substr(1)), Step{0, {Command::Kind::none, {}, {}, {}, -1}, {}, false, false});
    else out.push_back(Step::parse(word));
  }
  return out;
}
std::size_t length_of(const History& history) {
  std::size_t out = 0;
  for (const Step& step : history) out += step.command.kind != Command::Kind::none;
  return out;
}

const std::array<std::array<const char*, 8>, 2> contents{{{"x1", "x1y1", "x2y1z1", "y2", "z2", "x2z2", "x1yF", "y1zD"}, {"u1", "u1v1", "u2v1w1", "v2", "w2", "u2w2", "u1vF", "v1wD"}}};

History random_history(std::uint64_t seed, int length) {
  Random random{seed};
  History out;
  std::array<std::vector<int>, 2> runs;
  std::array<std::array<bool, 8>, 2> gone{};
  std::array<int, 2> version{1, 1};
  for (int i = 0; i < length; ++i) {
    Step step;
    step.scope = static_cast<int>(random.below<std::uint64_t>(2));
    const auto s = static_cast<std::size_t>(step.scope);
    auto& mine = runs[s];
    Command& command = step.command;
    const std::uint64_t kind = random.below<std::uint64_t>(100);
    if (kind < 12 && !mine.empty()) {
      command.kind = Command::Kind::undo;
      command.index = mine[random.below(mine.size())];
    } else if (kind < 15) {
      command.kind = Command::Kind::deploy;
      version[s] = 3 - version[s];
      command.content = std::to_string(version[s]);
    } else if (kind < 20) {
      const std::size_t which = random.below<std::uint64_t>(6);
      command.kind = gone[s][which] ? Command::Kind::back : Command::Kind::gone;
      gone[s][which] = !gone[s][which];
      command.content = contents[s][which];
    } else if (kind < 25 && !mine.empty()) {   // a redelivery of an earlier event
      command = out[static_cast<std::size_t>(mine[random.below(mine.size())])].command;
      mine.push_back(i);
    } else {
      command.key = std::string(1, static_cast<char>('i' + random.below<std::uint64_t>(3)));
      command.content = contents[s][percent(random, 8) ? 6 + random.below<std::uint64_t>(2) : random.below<std::uint64_t>(6)];
      if (percent(random, 15))
        for (auto at = mine.rbegin(); at != mine.rend(); ++at)
          if (out[static_cast<std::size_t>(*at)].command.key == command.key) { command.force = *at; break; }
      mine.push_back(i);
    }
    if (percent(random, 20)) {
      step.stop_at = random.below<std::uint64_t>(40);
      step.power = percent(random, 50);
      step.give_up = percent(random, 35);
    }
    out.push_back(std::move(step));
  }
  return out;
}

using Oracle = std::function<Outcome(const Script&, const std::set<int>&, const std::map<int, std::string>&)>;

struct Told { std::uint64_t commands = 0, crashes = 0, runs = 0; };

/// Plays a history; nothing when all is as it is meant, else what differs.
template <class Backends>
std::optional<std::string> play(const History& history, const Oracle& oracle, Told* told = nullptr, bool by_verbs = false) {
  std::array<ScriptWorld<Backends>, 2> worlds{ScriptWorld<Backends>("p"), ScriptWorld<Backends>("q")};
  worlds[1].backends = worlds[0].backends;
  std::array<Script, 2> scripts;
  for (std::size_t s = 0; s < 2; ++s) {
    for (const char* content : contents[s]) worlds[s].sources.put(content, content);
    worlds[s].limits.window = s == 0 ? 1 : 64;
    worlds[s].by_verbs = by_verbs;
    for (const Step& step : history) {
      scripts[s].push_back(step.scope == static_cast<int>(s) ? step.command : Command{Command::Kind::none, {}, {}, {}, -1});
      auto& command = scripts[s].back();   // of a history that shrank: what it names may be gone
      const auto is_run = [&](int index) { return index >= 0 && scripts[s][static_cast<std::size_t>(index)].kind == Command::Kind::run; };
      if (command.kind == Command::Kind::undo && !is_run(command.index)) command.kind = Command::Kind::none;
      if (command.force && !is_run(*command.force)) command.force.reset();
    }
  }
  const auto compare = [&](int upto) -> std::optional<std::string> {
    for (std::size_t s = 0; s < 2; ++s) {
      worlds[s].settle();
      Outcome is = worlds[s].outcome();
      std::erase_if(is.visible, [&](const auto& one) { return (one.first >= "x") != (s == 0); });   // of the other scope
      Script script(scripts[s].begin(), scripts[s].begin() + upto);
      const Outcome meant = oracle(script, worlds[s].accepted, worlds[s].ended(is));
      if (told) told->runs += is.runs.size();
      if (is != meant) return "scope " + std::to_string(s) + " is " + is.text() + "\n  meant " + meant.text();
    }
    return std::nullopt;
  };
  for (int i = 0; i < static_cast<int>(history.size()); ++i) {
    const Step& step = history[static_cast<std::size_t>(i)];
    auto& world = worlds[static_cast<std::size_t>(step.scope)];
    const Script& script = scripts[static_cast<std::size_t>(step.scope)];
    if (script[static_cast<std::size_t>(i)].kind == Command::Kind::none) continue;
    if (told) ++told->commands;
    if (step.stop_at && !world.attempt(script, i, *step.stop_at)) {
      if (told) ++told->crashes;
      if (step.power)
        for (std::size_t s = 0; s < 2; ++s) worlds[s].lose_power(scripts[s]);
      if (step.give_up) { world.give_up(script, i); continue; }
      world.until_answered(script, i);
    } else if (!step.stop_at) {
      world.until_answered(script, i);
    }
  }
  return compare(static_cast<int>(history.size()));
}

/// The shortest form that still fails: halves, then quarters ... then single commands, then crashes.
History shrink(History history, const std::function<bool(const History&)>& fails) {
  const auto without = [](History from, std::size_t begin, std::size_t count) {
    for (std::size_t i = begin; i < begin + count && i < from.size(); ++i) from[i].command.kind = Command::Kind::none;
    return from;
  };
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (std::size_t count = std::max<std::size_t>(history.size() / 2, 1); count != 0; count /= 2)
      for (std::size_t begin = 0; begin < history.size(); begin += count) {
        History candidate = without(history, begin, count);
        if (length_of(candidate) == length_of(history) || !fails(candidate)) continue;
        history = std::move(candidate);
        shorter = true;
      }
    for (Step& step : history) {
      if (!step.stop_at) continue;
      const auto crash = std::exchange(step.stop_at, std::nullopt);
      if (fails(history)) shorter = true;
      else step.stop_at = crash;
    }
  }
  while (!history.empty() && history.back().command.kind == Command::Kind::none) history.pop_back();
  return history;
}

template <class Backends>
void check(const History& history, Told* told, bool by_verbs = false) {
  const auto differs = play<Backends>(history, serial_meaning, told, by_verbs);
  if (!differs) return;
  const History shortest = shrink(history, [&](const History& candidate) { return play<Backends>(candidate, serial_meaning, nullptr, by_verbs).has_value(); });
  FAIL("KFM_DET_HISTORY=\"" << text_of(shortest) << "\"" << (by_verbs ? " KFM_DET_HISTORY_VERBS=1" : "") << "\n  " << *play<Backends>(shortest, serial_meaning, nullptr, by_verbs));
}

}  // namespace

TEST_CASE("random histories of 200 commands in two scopes come to their serial meaning, over memory") {
  if (const char* line = std::getenv("KFM_DET_HISTORY")) {
    check<MemoryBackends>(parse_history(line), nullptr, std::getenv("KFM_DET_HISTORY_VERBS") != nullptr);
    return;
  }
  const std::uint64_t first = number_of("KFM_DET_HISTORY_FIRST", 1, 1), count = number_of("KFM_DET_HISTORIES", 24, 6);
  Told told;
  for (std::uint64_t seed = first; seed < first + count; ++seed) check<MemoryBackends>(random_history(seed, 200), &told, seed % 8 != 0);
  WARN(count << " histories, " << told.commands << " commands, " << told.crashes << " crashes, " << told.runs << " runs");
}

TEST_CASE("random histories over FileStore, FileLock and SqliteSink") {
  Told told;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) check<FileBackends>(random_history(seed, 60), &told);
  WARN(told.commands << " commands, " << told.crashes << " crashes, " << told.runs << " runs");
}

TEST_CASE("a history that fails shrinks to its shortest form, and its line brings it back") {
  const Oracle forgetful = [](const Script& script, const std::set<int>& accepted, const std::map<int, std::string>& ended) {   // does not know undo
    Script without = script;
    for (auto& command : without)
      if (command.kind == Command::Kind::undo) command.kind = Command::Kind::none;
    return serial_meaning(without, accepted, ended);
  };
  const auto fails = [&](const History& history) { return play<MemoryBackends>(history, forgetful).has_value(); };
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const History history = random_history(seed, 60);
    REQUIRE(fails(history));
    const History shortest = shrink(history, fails);
    INFO(text_of(shortest));
    CHECK(length_of(shortest) == 2);   // a run, and its undo
    CHECK(fails(parse_history(text_of(shortest))));
    CHECK(text_of(parse_history(text_of(shortest))) == text_of(shortest));
    CHECK(text_of(parse_history(text_of(history))) == text_of(history));
  }
}
