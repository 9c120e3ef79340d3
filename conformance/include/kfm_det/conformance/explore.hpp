// SPDX-License-Identifier: BSL-1.0
/// \file
/// Explorer: plays trials, all of a bounded tree first and drawn ones behind, shrinks what breaks a law, and writes it into the report.
///
/// A trial is a function of its choices alone: it makes its own fresh world, does what pick() says, tells the script line by line, and asks laws with
/// expect(). Nothing of it may depend on clocks, addresses or the order of unordered things. Thread-safety: one thread per explorer.
#ifndef KFM_DET_CONFORMANCE_EXPLORE_HPP
#define KFM_DET_CONFORMANCE_EXPLORE_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/laws.hpp"
#include "kfm_det/conformance/now_playing.hpp"
#include "kfm_det/conformance/report.hpp"
#include "kfm_det/conformance/reproducer.hpp"
#include "kfm_det/core/checksum.hpp"
#include "kfm_det/core/function_ref.hpp"

namespace kfm_det::conformance {

/// What ends a trial: a law that did not hold. Stays inside the kit: the explorer catches it.
struct BrokenLaw {
  std::string law, sentence;
};
/// Within a handler: the law that was broken by what is being handled. What the kit has not thrown came out of a verb, and that is VERB-1.
[[nodiscard]] inline BrokenLaw what_was_broken() {
  const auto thrown = [](std::string what) { return BrokenLaw{"VERB-1", std::move(what) + " came out of a verb, or out of the fixture"}; };
  try {
    throw;
  } catch (const BrokenLaw& law) {
    return law;   // a copy: whoever asks may throw it on
  } catch (const std::bad_alloc&) {
    return thrown("std::bad_alloc, in a world that needs little memory,");
  } catch (const std::exception& exception) {
    return thrown("an exception (" + std::string(exception.what()) + ")");
  } catch (...) {
    return thrown("an exception that is no std::exception");
  }
}

/// One trial in progress.
class Play {
 public:
  Play(Choices& choices, Report& report, std::unordered_set<std::uint64_t>& states)   // unordered: asked for membership only
      : choices_(choices), report_(report), states_(states) {}

  /// 0 .. below-1; zero is the simplest.
  std::uint32_t pick(std::uint32_t below) { return choices_.pick(below); }
  /// True with one chance in `of`; false is the simpler answer.
  bool flip(std::uint32_t of = 2) { return pick(of) == of - 1; }
  /// What was done, a line of the script. Counts as an operation.
  void tell(std::string line) {
    if (silent_) return;
    ++operations_;
    script_.push_back(std::move(line));
  }
  /// What came of it, or the setting: a line that is no operation.
  void note(std::string line) {
    if (!silent_) script_.push_back("  " + std::move(line));
  }
  /// A search that judges many states tells nothing: who finds something plays it again.
  void be_silent(bool silent) noexcept { silent_ = silent; }
  [[nodiscard]] bool is_silent() const noexcept { return silent_; }
  /// The generators got here; counted in the report.
  void reach(std::string_view what, std::uint64_t times = 1) {
    if (times != 0) report_.reached[std::string(what)] += times;
  }
  /// A distinct state, by its hash. True: it was not seen before.
  bool is_new(std::uint64_t hash) {
    if (!states_.insert(hash).second) return false;
    ++report_.states;
    return true;
  }
  /// What a crash left, to be judged with so many crashes in a row, this one with them. Counts once; is new again where more are to come than before.
  bool is_new_crash(std::uint64_t hash, std::uint32_t crashes) {
    for (std::uint32_t left = crashes; left > 0; --left) {
      if (!states_.insert(hash + left).second) return left != crashes;   // and with it those of fewer crashes
      if (left == 1) ++report_.states, ++report_.crash_states;
    }
    return true;
  }
  /// Asks a law. `sentence` says what was observed when it does not hold: a string, or something callable that makes one.
  template <class Sentence>
  void expect(std::string_view law, bool holds, Sentence&& sentence) {
    asked(law);
    if (holds) return;
    if constexpr (std::is_invocable_v<Sentence&>) broke(law, sentence());
    else broke(law, std::string(sentence));
  }
  void asked(std::string_view law, std::uint64_t times = 1) {
    if (times == 0) return;
    if (law != last_law_ || !last_count_) {   // laws come in runs: one lookup for many
      last_law_ = law;
      last_count_ = &report_.laws[std::string(law)];
    }
    *last_count_ += times;
  }
  [[noreturn]] void broke(std::string_view law, std::string sentence) { throw BrokenLaw{std::string(law), std::move(sentence)}; }

  [[nodiscard]] const std::vector<std::string>& script() const noexcept { return script_; }
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  [[nodiscard]] Choices& choices() noexcept { return choices_; }
  [[nodiscard]] Report& report() noexcept { return report_; }

 private:
  Choices& choices_;
  Report& report_;
  std::unordered_set<std::uint64_t>& states_;   // unordered: asked for membership only
  std::vector<std::string> script_;
  std::uint64_t operations_ = 0;
  bool silent_ = false;
  std::string last_law_;
  std::uint64_t* last_count_ = nullptr;
};

/// A play that counts nowhere and tells nothing: what a trial does first to learn how long something is, or what it comes to undisturbed.
class Rehearsal {
 public:
  Rehearsal() : play_(choices_, report_, states_) { play_.be_silent(true); }
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;
  [[nodiscard]] Play& play() noexcept { return play_; }

 private:
  Report report_;
  std::unordered_set<std::uint64_t> states_;   // unordered: asked for membership only
  Choices choices_;
  Play play_;
};

using Trial = function_ref<void(Play&)>;

/// How much of a part is played.
struct Bounds {
  std::uint64_t exhaustive_max = 0;   ///< vectors in counting order; 0: none. All of them when the tree is smaller.
  std::uint64_t random = 0;           ///< drawn ones behind
  std::string named;                  ///< what the tree is, for the report
  bool is_search = false;             ///< its trials look at crash states, until search_is_over()
};

class Explorer {
 public:
  Explorer(Report& report, const Options& options) : report_(report), options_(options), start_(std::chrono::steady_clock::now()) {
    if (options_.reproduce.empty()) return;
    reproducing_ = true;
    std::string why;
    auto line = read_reproducer(options_.reproduce, why);
    if (line && line->check != report_.check) {
      why = "the line is of " + line->check + ", and this is " + report_.check;
      line.reset();
    }
    if (!line) {
      no_such_line(why);
      return;
    }
    part_ = std::move(line->part);
    vector_ = std::move(line->choices);
  }
  /// A line whose part nobody has played.
  ~Explorer() {
    if (!reproducing_ || over_ || played_) return;
    std::string parts;
    for (const std::string& one : parts_) parts += (parts.empty() ? "" : ", ") + one;
    no_such_line(report_.check + " has no part " + part_ + " here; it has " + parts);
  }
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  /// Plays one part of the check: ends with the first law that breaks, shrunk. With a reproducer only its part and its vector are played.
  void run(std::string_view part, const Bounds& bounds, Trial trial) {
    if (reproducing_ && dashed(part) != part_) {
      parts_.push_back(dashed(part));
      return;
    }
    if (over_ || (options_.first_only && !report_.passed())) return;
    playing_ = dashed(part);
    if (reproducing_) {
      played_ = true;
      if (auto broken = play(vector_, nullptr, trial)) add(part, *std::move(broken));
      return;
    }
    if (bounds.exhaustive_max + bounds.random == 0) return;
    const Stopwatch stopwatch(report_, part);
    const std::uint64_t states_before = report_.crash_states;
    std::uint64_t played = 0;
    enough_ = false;
    const auto ended = [&] { return enough_ || (bounds.is_search ? search_is_over() : stopped()); };
    std::optional<ChoiceVector> next = ChoiceVector{};
    for (; next && played < bounds.exhaustive_max && !ended(); ++played) {
      Choices choices(*std::move(next));
      if (auto broken = play(choices, trial)) return shrink_and_add(part, *std::move(broken), trial);
      next = choices.next();
    }
    const bool is_cut = bounds.is_search && ended();   // the last trial has perhaps not looked at everything
    const bool all = bounds.exhaustive_max != 0 && !next && !is_cut;
    std::uint64_t drawn = 0;
    Random random(options_.seed ^ xxh3(part));
    for (; !all && drawn < bounds.random && !ended(); ++drawn) {
      Random own(random.next());
      if (auto broken = play({}, &own, trial)) return shrink_and_add(part, *std::move(broken), trial);
    }
    std::string line = std::string(part) + ": " + (played != 0 ? (all ? "all " : "the first ") + std::to_string(played) : drawn != 0 ? "" : "none");
    if (drawn != 0) line += (played != 0 ? " and " : "") + std::to_string(drawn) + " drawn";
    if (!bounds.named.empty()) line += " (" + bounds.named + ")";
    const bool is_short = (next && played < bounds.exhaustive_max) || (!all && drawn < bounds.random);
    if (bounds.is_search) line += "; " + std::to_string(report_.crash_states - states_before) + " crash states";
    if (!all && ended() && (bounds.is_search || is_short))
      line += std::string("; ended by ") + (enough_ ? "what was found" : stopped() ? "the budget" : "the number of crash states (Options::states_max)") + (bounds.is_search && played + drawn != 0 ? ", the last one perhaps in part" : "") + (is_short ? ": the rest was left out" : "");
    report_.bounds.push_back(std::move(line));
  }

  /// How many crash states were seen up to now.
  [[nodiscard]] std::uint64_t crash_states() const noexcept { return report_.crash_states; }
  /// A search goes on until so many were seen; where Options::states_max is 0, until there are no more.
  void search_until(std::uint64_t crash_states) noexcept { search_end_ = crash_states; }

  /// A part with nothing to choose, which writes down for itself what it finds. Its answer; true where it threw (VERB-1): the other parts look at it, too.
  [[nodiscard]] bool alone(std::string_view part, std::string_view script, function_ref<bool()> body) {
    if (over_) return true;
    if (reproducing_ && part != part_) {
      parts_.push_back(std::string(part));
      return true;
    }
    played_ = true;
    playing_ = part;
    ++report_.cases;
    ++report_.laws["VERB-1"];
    const ChoiceVector none;
    const NowPlaying now(report_.check, playing_, none);
    try {
      return body();
    } catch (...) {
      add(part, {what_was_broken(), none, {std::string(script)}, 1});
    }
    return true;
  }

  /// Has it looked at enough, or is the time over?
  [[nodiscard]] bool search_is_over() const { return stopped() || (options_.states_max != 0 && report_.crash_states >= search_end_); }
  /// Said by a trial: nothing more of this part.
  void end_part() noexcept { enough_ = true; }
  /// A bound that is no part's, for the report.
  void bound(std::string line) { report_.bounds.push_back(std::move(line)); }
  /// Is the time that was given over?
  [[nodiscard]] bool stopped() const {
    return options_.budget_ms != 0 && std::chrono::steady_clock::now() - start_ > std::chrono::milliseconds(options_.budget_ms);
  }
  [[nodiscard]] bool reproducing() const noexcept { return reproducing_; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const std::string& check() const noexcept { return report_.check; }

  /// For searches that do not come from counting (crash states): a vector that broke a law is shrunk and written down; what its line does not bring back, too.
  void found(std::string_view part, const BrokenLaw& law, const ChoiceVector& choices, Trial trial) {
    playing_ = dashed(part);
    if (auto broken = play(choices, nullptr, trial)) return shrink_and_add(part, *std::move(broken), trial);
    add(part, {{law.law, law.sentence + " (its line alone does not bring it back)"}, choices, {}, 0});
  }

 private:
  struct Broken {
    BrokenLaw law;
    ChoiceVector choices;
    std::vector<std::string> script;
    std::uint64_t operations = 0;
  };
  /// How long a part took, whatever ended it.
  class Stopwatch {
   public:
    Stopwatch(Report& report, std::string_view part) : report_(report), part_(part) {}
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
    ~Stopwatch() { report_.seconds.emplace_back(part_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count()); }

   private:
    Report& report_;
    std::string part_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };

  std::optional<Broken> play(Choices& choices, Trial trial) {
    ++report_.cases;
    Play one(choices, report_, states_);
    one.asked("VERB-1");
    auto law = broken_in(one, trial);
    if (!law) return std::nullopt;
    return Broken{*std::move(law), choices.made(), one.script(), one.operations()};
  }
  [[nodiscard]] std::optional<BrokenLaw> broken_in(Play& one, Trial trial) const {
    const NowPlaying now(report_.check, playing_, one.choices().made());
    try {
      trial(one);
    } catch (...) {
      return what_was_broken();
    }
    return std::nullopt;
  }
  std::optional<Broken> play(ChoiceVector given, Random* random, Trial trial) {
    Choices choices(std::move(given), random);
    return play(choices, trial);
  }

  /// Fewer choices, then smaller ones, as long as the same law breaks. What is played here does not count in the report.
  void shrink_and_add(std::string_view part, Broken broken, Trial trial) {
    Report unseen;
    std::unordered_set<std::uint64_t> no_states;   // unordered: asked for membership only
    std::uint32_t left = 4000;
    const auto better = [&](ChoiceVector candidate) {
      if (left == 0) return false;
      --left;
      while (!candidate.empty() && candidate.back() == 0) candidate.pop_back();
      Choices choices(std::move(candidate));
      Play one(choices, unseen, no_states);
      auto law = broken_in(one, trial);
      if (!law || law->law != broken.law.law) return false;
      ChoiceVector made = choices.made();
      while (!made.empty() && made.back() == 0) made.pop_back();
      const auto size = [](const ChoiceVector& vector, std::uint64_t operations) { return std::pair(operations, vector.size()); };
      const bool smaller = size(made, one.operations()) < size(broken.choices, broken.operations) ||
                           (size(made, one.operations()) == size(broken.choices, broken.operations) && made < broken.choices);
      if (!smaller) return false;
      broken = Broken{*std::move(law), std::move(made), one.script(), one.operations()};
      return true;
    };
    while (!broken.choices.empty() && broken.choices.back() == 0) broken.choices.pop_back();
    for (bool any = true; any && left != 0;) {
      any = false;
      for (std::size_t length = std::min<std::size_t>(broken.choices.size(), 16); length > 0; --length)
        for (std::size_t at = broken.choices.size(); at-- > 0;) {
          if (at + length > broken.choices.size()) continue;
          ChoiceVector shorter = broken.choices;
          shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at), shorter.begin() + static_cast<std::ptrdiff_t>(at + length));
          any = better(std::move(shorter)) || any;
        }
      for (std::size_t at = 0; at < broken.choices.size(); ++at)
        for (std::uint32_t value = 0; at < broken.choices.size() && value < broken.choices[at];) {
          ChoiceVector lower = broken.choices;
          lower[at] = value;
          if (better(std::move(lower))) { any = true; break; }
          value = value == 0 ? 1 : value < broken.choices[at] / 2 ? broken.choices[at] / 2 : value < broken.choices[at] - 1 ? broken.choices[at] - 1 : broken.choices[at];
        }
    }
    add(part, std::move(broken));
  }
  void add(std::string_view part, Broken broken) {
    if (report_.find(broken.law.law)) return;
    std::string script;
    for (const std::string& line : broken.script) script += (script.empty() ? "" : "\n") + line;
    report_.violations.push_back({broken.law.law, std::move(broken.law.sentence), std::move(script),
                                  Reproducer{report_.check, dashed(part), broken.choices}.text(),
                                  std::string(usual_cause(broken.law.law)), broken.operations});
  }
  void no_such_line(const std::string& why) {
    report_.violations.push_back({"reproduce", why, "", options_.reproduce, "a line of another check or version, or one that was cut"});
    over_ = true;
  }
  /// A part's name as one word.
  static std::string dashed(std::string_view part) {
    std::string out(part);
    std::replace(out.begin(), out.end(), ' ', '-');
    return out;
  }

  Report& report_;
  Options options_;
  std::chrono::steady_clock::time_point start_;
  std::unordered_set<std::uint64_t> states_;   // unordered: asked for membership only
  std::uint64_t search_end_ = 0;   // of crash states
  bool reproducing_ = false, over_ = false, played_ = false, enough_ = false;
  std::string part_, playing_;
  std::vector<std::string> parts_;   // of the check, while reproducing
  ChoiceVector vector_;
};

}  // namespace kfm_det::conformance

#endif
