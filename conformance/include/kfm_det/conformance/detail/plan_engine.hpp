// SPDX-License-Identifier: BSL-1.0
/// \file
/// The engine of check_plan: one set of inputs is worked out again and again, each time under other circumstances, and must give the same bytes.
///
/// Thread-safety: one thread; children and threads of its own, one at a time.
#ifndef KFM_DET_CONFORMANCE_DETAIL_PLAN_ENGINE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_PLAN_ENGINE_HPP

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/errand.hpp"
#include "kfm_det/conformance/detail/plan_child.hpp"
#include "kfm_det/conformance/detail/plan_circumstances.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/plan_fixture.hpp"

namespace kfm_det::conformance::detail {

class PlanEngine {
 public:
  PlanEngine(Explorer& explorer, Report& report, PlanDriver driver) : explorer_(explorer), report_(report), driver_(std::move(driver)), base_(driver_.sets.size()) {}

  void run() {
    const std::uint64_t all = 1'000'000;
    if (driver_.sets.empty()) {
      explorer_.run("inputs", {1, 0, ""}, [](Play& play) { play.expect("fixture", false, "the fixture gives no inputs"); });
      return;
    }
    explorer_.run("inputs", {all, 0, "each set of inputs, worked out once"}, [this](Play& play) { once(play); });
    const std::string trapped = active_traps(), calls = active_interposition(), none = traps_allowed ? "" : ": not under a sanitizer";
    watches_ = !trapped.empty() || !calls.empty();
    interposes_ = !calls.empty();
    if (watches_) explorer_.run("watched", {all, 0, "plan() in a child in which whatever looks at the world is named"}, [this](Play& play) { watched(play); });
    report_.bounds.push_back("traps for plan(): " + (!trapped.empty() ? trapped : traps_allowed ? "none, this machine or container refuses them" : "none" + none));
    report_.bounds.push_back("interposed calls: " + (!calls.empty() ? calls : traps_allowed ? "none, the program does not include kfm_det/conformance/interpose.hpp" : "none" + none));
    report_.bounds.push_back(std::string("found by difference only: addresses, unset memory, the order in which threads end, random instructions, locale and time zone") + (interposes_ ? "" : ", the environment") +
                             (trapped.empty() ? ", and what is not interposed of clock, random numbers, files, machine and network" : "") + "; and whatever operations look at");
    explorer_.run("again", {all, 0, "each set of inputs, twice in one process"}, [this](Play& play) { again(play); });
    explorer_.run("order", {all, 0, "inputs reversed, rotated and doubled"}, [this](Play& play) { order(play); });
    explorer_.run("threads", {all, 0, "in other threads, one after the other"}, [this](Play& play) { threads(play); });
    explorer_.run("circumstances", {all, 0, std::to_string(std::size(circumstances)) + " changes of locale, zone, environment, folder, addresses, fresh memory, clock and threads, each in a child"}, [this](Play& play) { changed(play); });
    if (fresh_processes().served && driver_.fresh) explorer_.run("fresh process", {all, 0, std::to_string(std::size(fresh_circumstances)) + " layouts of addresses, stack and environment, each in a fresh process of this program"}, [this](Play& play) { fresh(play); });
    else report_.bounds.push_back("fresh process: none is begun, the program does not call serve_fresh_process() (kfm_det/conformance/fresh_process.hpp)");
    if (!driver_.golden.empty()) explorer_.run("golden", {all, 0, "what other builds gave"}, [this](Play& play) { golden(play); });
    else report_.bounds.push_back("golden: the fixture has no golden(), so PLAN-2 is not asked: other builds, standard libraries and machines are not compared");
    if (!driver_.has_worlds) report_.bounds.push_back("operations: not run, the fixture gives no worlds()");
    report_.bounds.push_back("unordered containers of texts and numbers have one order in every process of one build of one standard library: golden() of another build tells whether that order shows");
  }

 private:
  std::size_t pick_set(Play& play) {
    const std::size_t set = play.pick(static_cast<std::uint32_t>(driver_.sets.size()));
    play.tell("plan the inputs of set " + std::to_string(set + 1) + " (" + std::to_string(driver_.sets[set].size()) + " sources)" + (driver_.has_worlds ? " and run its steps" : ""));
    return set;
  }
  const PlanResult& base(std::size_t set) {
    if (!base_[set]) base_[set] = driver_.work_out(set, driver_.sets[set], true);
    return *base_[set];
  }

  void once(Play& play) {
    const std::size_t set = pick_set(play);
    play.expect("fixture", driver_.broken.empty(), "inputs() of a world gives nothing: " + driver_.broken);
    const PlanResult& first = base(set);
    play.expect("PLAN-6", !first.two_steps_one_key, first.error);
    play.expect("fixture", first.error.empty(), "there is no plan: " + first.error);
    for (const auto& [step, output] : first.steps) play.expect("fixture", output.error.empty(), "step " + step + " does not run: " + output.error);
    play.reach("set of inputs");
  }

  void compare(Play& play, std::size_t set, const PlanResult& now, const char* law, const std::string& how) {
    const auto [broken, sentence] = difference(set, now, law, how);
    play.asked("PLAN-1");
    if (driver_.has_worlds) play.asked("PLAN-5");
    if (!broken.empty()) play.broke(broken, sentence + seen_by_operations(broken, set));
  }
  /// What the operations are seen to look at, for a sentence about them; empty when nothing is seen.
  std::string seen_by_operations(const std::string& law, std::size_t set) {
    if (law != "PLAN-5" || !watches_) return {};
    const ChildAnswer answer = in_child([&](int pipe) {
      watch_everything(pipe);
      (void)driver_.work_out(set, driver_.sets[set], true);
      return std::string();
    });
    return answer.trapped.empty() ? std::string() : "; it looks at " + answer.trapped;
  }
  std::pair<std::string, std::string> difference(std::size_t set, const PlanResult& now, const char* law, const std::string& how) {
    if (const std::string plans = plan_difference(base(set), now); !plans.empty()) return {law, "plan() gives another plan " + how + ": " + plans};
    if (const std::string steps = first_difference(base(set).steps, now.steps); !steps.empty()) return {"PLAN-5", "an operation gives something else " + how + ": " + steps};
    return {};
  }

  void watched(Play& play) {
    const std::size_t set = play.pick(static_cast<std::uint32_t>(driver_.sets.size()));
    play.tell("plan the inputs of set " + std::to_string(set + 1) + " with traps on");
    (void)base(set);   // whatever is set up once is set up now
    const ChildAnswer answer = in_child([&](int pipe) {
      watch_everything(pipe);
      (void)driver_.work_out(set, driver_.sets[set], false);
      return std::string();
    });
    const bool world = answer.trapped.starts_with("a file") || answer.trapped.starts_with("the network");
    play.expect("PLAN-3", !world, "plan() looked at " + answer.trapped);
    play.expect("PLAN-1", answer.trapped.empty(), "plan() read " + answer.trapped);
    if (!answer.died.empty()) play.reach("traps that could not be read: " + answer.died);
    else play.reach("watched plan");
  }
  void again(Play& play) {
    const std::size_t set = pick_set(play);
    (void)base(set);
    compare(play, set, driver_.work_out(set, driver_.sets[set], true), "PLAN-1", "the second time");
    play.reach("second time");
  }
  void order(Play& play) {
    const std::size_t set = pick_set(play);
    (void)base(set);
    std::vector<SourceRef> inputs = driver_.sets[set];
    const std::uint32_t kind = play.pick(3);
    if (kind == 0) std::reverse(inputs.begin(), inputs.end());
    if (kind == 1 && !inputs.empty()) std::rotate(inputs.begin(), inputs.begin() + 1, inputs.end());
    if (kind == 2) inputs.insert(inputs.end(), driver_.sets[set].rbegin(), driver_.sets[set].rend());
    const char* how = kind == 0 ? "for the inputs in reverse order" : kind == 1 ? "for rotated inputs" : "for inputs that come twice";
    compare(play, set, driver_.work_out(set, inputs, false).error.empty() ? with_steps_of_base(set, driver_.work_out(set, inputs, false)) : driver_.work_out(set, inputs, false), "PLAN-1", how);
    play.reach("other order");
  }
  PlanResult with_steps_of_base(std::size_t set, PlanResult now) {
    now.steps = base(set).steps;
    return now;
  }
  void threads(Play& play) {
    const std::size_t set = pick_set(play);
    (void)base(set);
    const std::uint32_t many = play.pick(2) == 0 ? 1 : 4;
    for (std::uint32_t i = 0; i < many; ++i) {
      PlanResult now;
      JoinedThread other([&] { now = driver_.work_out(set, driver_.sets[set], true); });
      other.join();
      compare(play, set, now, "PLAN-1", "in another thread");
    }
    play.reach("other thread");
  }
  void changed(Play& play) {
    const std::size_t set = pick_set(play);
    (void)base(set);
    const Circumstance& circumstance = circumstances[play.pick(static_cast<std::uint32_t>(std::size(circumstances)))];
    if (circumstance.interposed && !interposes_) return;
    play.note(std::string("under ") + circumstance.name);
    const ChildAnswer answer = in_child([&](int) {
      circumstance.change();
      const PlanResult now = driver_.work_out(set, driver_.sets[set], true);
      interposed.mode = Interposed::Mode::pass;
      const auto [law, sentence] = difference(set, now, circumstance.law, std::string("under ") + circumstance.name);
      return law.empty() ? std::string() : law + "\t" + sentence;
    });
    play.asked(circumstance.law);
    comes_to_an_end(play, answer, circumstance.name);
    if (const std::size_t tab = answer.text.find('\t'); tab != std::string::npos) play.broke(answer.text.substr(0, tab), answer.text.substr(tab + 1) + seen_by_operations(answer.text.substr(0, tab), set));
    play.reach(circumstance.name);
  }
  void comes_to_an_end(Play& play, const ChildAnswer& answer, const std::string& circumstance) {
    play.expect("PLAN-1", answer.died.empty() && !answer.text.starts_with("\x01"), [&] { return "plan() or an operation does not come to an end under " + circumstance + ": " + (answer.died.empty() ? "it threw" : answer.died); });
  }
  void fresh(Play& play) {
    const std::size_t set = pick_set(play);
    (void)base(set);
    const FreshCircumstance& circumstance = fresh_circumstances[play.pick(static_cast<std::uint32_t>(std::size(fresh_circumstances)))];
    if (!traps_allowed && !circumstance.sanitizers) return;
    play.note(std::string("in ") + circumstance.name);
    const ChildAnswer answer = in_fresh_process(circumstance, *driver_.fresh, set);
    if (answer.text.starts_with("\x02")) return play.reach(std::string(circumstance.name) + ": " + answer.text.substr(1));
    comes_to_an_end(play, answer, circumstance.name);
    const auto now = PlanResult::from_text(answer.text);
    play.expect("fixture", now.has_value(), "a fresh process of this program answers something else than a plan: does anything print or end before serve_fresh_process()?");
    compare(play, set, *now, "PLAN-1", std::string("in ") + circumstance.name);
    play.reach(circumstance.name);
  }
  void golden(Play& play) {
    const GoldenPlan& one = driver_.golden[play.pick(static_cast<std::uint32_t>(driver_.golden.size()))];
    play.tell("compare with what version " + one.version + " gave for inputs " + one.input_hash.substr(0, 12));
    bool known = false;
    for (std::size_t set = 0; set < driver_.sets.size(); ++set) {
      const PlanResult& now = base(set);
      if (now.input_hash != one.input_hash) continue;
      known = true;
      play.expect("PLAN-2", one.version != driver_.version || now.plan_hash == one.plan_hash,
                  "version " + one.version + " gave plan_hash " + one.plan_hash.substr(0, 12) + " for inputs " + one.input_hash.substr(0, 12) + ", and this build of the same version gives " + now.plan_hash.substr(0, 12) + ": its logs cannot be resumed");
    }
    play.reach(known ? "golden plan" : "golden plan of inputs that the fixture does not have");
  }

  Explorer& explorer_;
  Report& report_;
  PlanDriver driver_;
  std::vector<std::optional<PlanResult>> base_;
  bool watches_ = false, interposes_ = false;
};

}  // namespace kfm_det::conformance::detail

#endif
