// SPDX-License-Identifier: BSL-1.0
/// \file
/// The engine of check_updater: short scripts of triggers and undos, each played undisturbed and with every disturbance at every call of its last command.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_ENGINE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_ENGINE_HPP

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/updater_case.hpp"
#include "kfm_det/conformance/detail/updater_compactions.hpp"
#include "kfm_det/conformance/detail/updater_orders.hpp"

namespace kfm_det::conformance::detail {

class UpdaterEngine {
  using Disturbance = UpdaterCase::Disturbance;
  using Reference = UpdaterReference;

 public:
  UpdaterEngine(Explorer& explorer, Report& report, UpdaterDriver driver) : explorer_(explorer), report_(report), driver_(std::move(driver)) {}

  void run() {
    if (!worlds()) return;
    make_scripts();
    const std::uint64_t all = 1'000'000, most = explorer_.options().states_max != 0 ? explorer_.options().states_max : 20'000;
    explorer_.run("undisturbed", {all, 0, std::to_string(scripts_.size()) + " scripts of triggers and undos"}, [this](Play& play) { undisturbed(play); });
    explorer_.run("killed", {all, 0, "every script, killed before and behind every call of its last command that changes a backend, and started again"}, [this](Play& play) { killed(play, false); });
    UpdaterCompactions compactions(driver_, outcomes_, scripts_, [this](const Script& script) { return reference(script); });
    if (driver_.can_compact) {
      explorer_.run("compacted", {all, 0, "every script with the log compacted at any one place, or at all of them; then its last trigger again, and all the way back"}, [&](Play& play) { compactions.between(play); });
      explorer_.run("compacted open", {all, 0, "a command killed at every call with a compaction before it, behind the kill, or both; of contents A, B also one behind the kill that is killed at every call itself"}, [&](Play& play) { compactions.open(play); });
      explorer_.run("compaction disturbed", {all, 0, "a compaction between two commands, killed at every call or every call of it failing, and repeated or not"}, [&](Play& play) { compactions.disturbed(play); });
      explorer_.run("compaction overtaken", {all, 0, "a compaction paused at every call until another owner has done a command, has compacted too, or has begun and died; and a command paused until another owner has compacted"}, [&](Play& play) { compactions.overtaken(play); });
      if (driver_.can_put_back) explorer_.run("compaction put back", {all, 0, "the sink of before a command put back behind it and a compaction, and before the compaction"}, [&](Play& play) { compactions.put_back(play); });
    } else {
      report_.bounds.push_back("compacted: not played, the store does not trim, or the fixture's updater has no compact()");
    }
    explorer_.run("paused", {all, 0, "every script, its last command paused at every such call until another owner has done it, and once more until that one has gone on"}, [this](Play& play) { paused(play); });
    explorer_.run("failed", {all, 0, "every script, every call of its last command, reads too, refused, done but its answer lost, failing from there on, or answered with a timeout and arriving at the sink later"}, [this](Play& play) { failed(play); });
    explorer_.run("passed over", {all, 0, "a run killed at every call whose sources cannot be reached when the next trigger comes"}, [this](Play& play) { passed_over(play); });
    if (driver_.has_versions) explorer_.run("deployed", {all, 0, "a run killed at every call, then the next version of the plan type"}, [this](Play& play) { deployed(play); });
    else report_.bounds.push_back("deployed: not played, the plan type is final, so the kit cannot give it another version");
    if (driver_.can_undo) explorer_.run("undone", {all, 0, "an undo killed at every call, then another trigger; and the undo of a run that was killed at every call"}, [this](Play& play) { undone(play); });
    else report_.bounds.push_back("undone: not played, the fixture's updater has no undo(RunId)");
    UpdaterOrders orders(driver_, outcomes_, [this](const Script& script) { return reference(script); });
    if (driver_.can_undo) explorer_.run("orders", {most, 0, "every order of two and three runs and their undos over the same keys, each prefix, its last command killed at every call; then all the way back"}, [&](Play& play) { orders.orders(play); });
    if (driver_.can_put_back) explorer_.run("put back", {all, 0, "the sink of before a command put back behind it, and behind a kill at every call of it"}, [&](Play& play) { orders.put_back(play); });
    else report_.bounds.push_back("put back: not played, the fixture has no copy_sink() and put_sink_back(copy)");
    explorer_.run("killed twice", {most, 0, "killed at every call, and again at every call of the recovery"}, [this](Play& play) { killed(play, true); });
    report_.bounds.push_back("calls that release a lease or close a log, and reads, are not killed: they change nothing that a later process sees");
  }

 private:
  /// Works out what each world comes to. PLAN-1 and PLAN-5 are asked here; without them nothing else can be.
  bool worlds() {
    bool pure = true;
    explorer_.run("worlds", {1, 0, std::to_string(driver_.worlds.size()) + " contents, each worked out twice"}, [&](Play& play) {
      pure = false;
      outcomes_.clear();
      play.tell("plan and run every step, twice, over each of the worlds");
      play.expect("fixture", driver_.worlds.size() >= 2, "worlds() gives fewer than two contents; contents A, B, A cannot be played");
      const auto subject = driver_.make();
      for (const Sources& world : driver_.worlds) {
        std::string impure;
        outcomes_.push_back(subject->outcome(world, impure));
        play.expect("PLAN-1", !impure.starts_with("plan()"), impure);
        play.expect("PLAN-5", impure.empty(), "an operation is not pure: " + impure);
        if (!outcomes_.back().gate) continue;
        const Error& gate = *outcomes_.back().gate;
        const bool names = std::any_of(world.begin(), world.end(), [&](const auto& source) { return gate.message().find(source.first) != std::string::npos; });
        play.expect("PLAN-4", names && !gate.what().empty(), [&] { return "gate() refuses an input, and names none of its sources, or no reason: " + gate.message(); });
      }
      play.expect("fixture", outcomes_[0].kind == WorldOutcome::Kind::publishes && outcomes_[1].kind == WorldOutcome::Kind::publishes && outcomes_[0].inputs != outcomes_[1].inputs,
                  "the first two worlds must differ, and both must be published: " + outcomes_[0].why + outcomes_[1].why);
      pure = true;
    });
    if (explorer_.reproducing() && outcomes_.empty()) {   // a line of another part: the oracle is needed all the same
      const auto subject = driver_.make();
      std::string impure;
      for (const Sources& world : driver_.worlds) outcomes_.push_back(subject->outcome(world, impure));
    }
    return pure && outcomes_.size() == driver_.worlds.size() && outcomes_.size() >= 2;
  }

  void make_scripts() {
    const auto k = [](std::size_t world) { return trigger("k", world); };
    scripts_ = {{k(0)}, {k(0), k(0)}, {k(0), k(1)}, {k(1), k(0)}, {k(0), k(1), k(0)}, {k(0), k(1), trigger("j", 0)}, {k(0), trigger("j", 0)}};
    for (std::size_t world = 2; world < driver_.worlds.size(); ++world) {
      scripts_.push_back({k(0), k(world)});
      scripts_.push_back({k(0), k(world), k(1)});
    }
    if (!driver_.can_undo) return;
    for (Script script : {Script{k(0), undo(0)}, Script{k(0), undo(0), k(0)}, Script{k(0), undo(0), trigger("j", 0)}, Script{k(0), undo(0), k(1)}, Script{k(0), k(1), undo(0)}, Script{k(0), k(1), undo(1)},
                          Script{k(0), k(1), undo(1), undo(0)}, Script{k(0), k(1), undo(1), k(1)}, Script{k(0), k(1), k(0), undo(2)}})
      scripts_.push_back(std::move(script));
  }

  std::size_t pick_script(Play& play) { return play.pick(static_cast<std::uint32_t>(scripts_.size())); }
  UpdaterCase make_case(Play& play) { return UpdaterCase(play, driver_, outcomes_); }

  /// Cached: a function of the script. None: it breaks a law by itself, which the first part says.
  const Reference* reference(const Script& script) {
    std::string name;
    for (const Command& command : script) name += command.text() + "; ";
    const auto known = references_.find(name);
    if (known != references_.end()) return known->second ? &*known->second : nullptr;
    std::optional<Reference>& made = references_[name];
    Rehearsal rehearsal;
    UpdaterCase undisturbed_case(rehearsal.play(), driver_, outcomes_);
    try {
      for (std::size_t i = 0; i + 1 < script.size(); ++i) undisturbed_case.until_answered(script[i]);
      Owner last;
      const Answer answer = undisturbed_case.attempt(script.back(), last);
      (void)undisturbed_case.count(script.back());
      undisturbed_case.judge(script.back());
      made = Reference{undisturbed_case.look(), last.changes, last.calls, said(answer)};
    } catch (...) {
    }
    return made ? &*made : nullptr;
  }

  // --- the parts ---------------------------------------------------------------------------------------------------------------------------------

  void undisturbed(Play& play) {
    const Script& script = scripts_[pick_script(play)];
    UpdaterCase one = make_case(play);
    for (const Command& command : script) {
      one.until_answered(command);
      one.judge(command);
    }
    play.reach("undisturbed script");
  }

  void before_last(UpdaterCase& one, const Script& script) {
    for (std::size_t i = 0; i + 1 < script.size(); ++i) one.until_answered(script[i]);
  }
  /// 0 .. 2n-1, or nothing to choose from.
  std::optional<std::uint64_t> pick_place(Play& play, const Reference& reference) {
    if (reference.changes == 0) return std::nullopt;
    return play.pick(static_cast<std::uint32_t>(2 * reference.changes));
  }

  void killed(Play& play, bool twice) {
    const std::size_t number = twice ? twice_[play.pick(static_cast<std::uint32_t>(driver_.can_undo ? std::size(twice_) : std::size(twice_) - 1))] : pick_script(play);
    const Script script = number == undo_script ? Script{trigger("k", 0), undo(0)} : scripts_[number];
    const Reference* reference = this->reference(script);
    if (!reference) return;
    const auto place = pick_place(play, *reference);
    if (!place) return;
    UpdaterCase one = make_case(play);
    before_last(one, script);
    one.disturbance = Disturbance::killed;
    Owner owner;
    owner.stop_at = *place;
    if (!twice) {
      one.until_answered(script.back(), std::move(owner));
    } else {
      const std::uint32_t places = recovery_places(number, script, *place);
      if (places == 0) return;
      play.tell(script.back().text());
      (void)one.attempt(script.back(), owner);
      Owner second;
      second.stop_at = play.pick(places);
      one.again_until_answered(script.back(), std::move(second));
    }
    one.judge(script.back());
    one.same_export("RUN-7", reference->view);
    play.reach(twice ? "killed in the recovery" : "killed");
  }
  /// How many places the recovery has behind a kill at `place`.
  std::uint32_t recovery_places(std::size_t number, const Script& script, std::uint64_t place) {
    const auto [known, is_new] = recoveries_.try_emplace({number, place}, 0);
    if (!is_new) return known->second;
    Rehearsal rehearsal;
    UpdaterCase one(rehearsal.play(), driver_, outcomes_);
    one.disturbance = Disturbance::killed;
    try {
      before_last(one, script);
      Owner first, second;
      first.stop_at = place;
      (void)one.attempt(script.back(), first);
      (void)one.attempt(script.back(), second);
      known->second = static_cast<std::uint32_t>(2 * second.changes);
    } catch (...) {   // the part before says so
    }
    return known->second;
  }

  /// A world with the same sources and other bytes: a plan type that was given its sources' names before it slept means the same sources afterwards.
  std::optional<std::size_t> other_contents(const Command& last) const {
    if (last.kind != Command::Kind::trigger) return std::nullopt;
    const auto names = [&](std::size_t world) {
      std::vector<std::string> out;
      for (const auto& [uri, bytes] : driver_.worlds[world]) out.push_back(uri);
      return out;
    };
    for (std::size_t world = 0; world < driver_.worlds.size(); ++world)
      if (world != last.which && outcomes_[world].inputs != outcomes_[last.which].inputs && outcomes_[world].kind == WorldOutcome::Kind::publishes && names(world) == names(last.which)) return world;
    return std::nullopt;
  }
  void paused(Play& play) {
    const Script& script = scripts_[pick_script(play)];
    const Reference* reference = this->reference(script);
    if (!reference) return;
    const auto place = pick_place(play, *reference);
    if (!place) return;
    Script whole = script;
    const auto other = other_contents(script.back());
    if (other && play.flip()) whole.push_back(trigger(script.back().key, *other));
    const Reference* end = this->reference(whole);
    if (!end) return;
    UpdaterCase one = make_case(play);
    before_last(one, script);
    one.disturbance = Disturbance::paused;
    Owner sleeper;
    sleeper.pause_at = *place;
    sleeper.while_paused = [&] {
      play.note("paused " + sleeper.where + "; its lease runs out");
      one.subject().clock.advance(seconds(60));
      for (std::size_t i = script.size() - 1; i < whole.size(); ++i) one.until_answered(whole[i]);
      play.note("the paused owner wakes up");
    };
    play.tell(script.back().text());
    (void)one.attempt(script.back(), sleeper);
    if (!sleeper.paused) return;
    one.judge(whole.back());
    one.same_export("RUN-9", end->view);
    play.reach("paused");
  }

  void failed(Play& play) {
    const Script& script = scripts_[pick_script(play)];
    const Reference* reference = this->reference(script);
    if (!reference || reference->calls == 0) return;
    UpdaterCase one = make_case(play);
    before_last(one, script);
    one.disturbance = Disturbance::failed;
    Owner owner;
    owner.fail_at = play.pick(static_cast<std::uint32_t>(reference->calls));
    owner.failure = static_cast<Owner::Failure>(play.pick(Owner::failures));
    one.arrives_early = owner.failure == Owner::Failure::late && play.flip();
    one.until_answered(script.back(), std::move(owner));
    if (!one.subject().watch.under_way.empty()) {
      play.note("what was under way to the sink arrives, behind all that was answered");
      one.subject().deliver();
      play.reach("a request that came too late");
    }
    one.judge(script.back());
    one.same_export("RUN-7", reference->view);
    play.reach("failed call");
  }

  /// A run that is open, and cannot go on when the next trigger comes; and comes back later.
  void passed_over(Play& play) {
    const Reference* first = reference({trigger("k", 0)});
    if (!first) return;
    const auto place = pick_place(play, *first);
    if (!place) return;
    const bool own_key = play.flip();
    const errc fails_with = play.flip() ? errc::invalid_argument : errc::unavailable;
    UpdaterCase one = make_case(play);
    one.disturbance = Disturbance::killed;
    one.counts_runs = false;
    Owner owner;
    owner.stop_at = *place;
    const Command a = trigger("k", 0), b = trigger(own_key ? "k" : "j", 1);
    play.tell(a.text());
    if (!one.attempt(a, owner).killed) return;
    const bool planned = !plans(one).empty();
    one.subject().sources->reach = SourcesNow::Reach::later;
    one.subject().sources->fails_with = fails_with;
    play.tell(b.text());
    play.note("the sources of the open run cannot be read (" + std::string(name(fails_with)) + ") until inputs() has looked");
    Owner next;
    const Answer answer = one.attempt(b, next);
    one.play().expect("RUN-12", !answer.error, [&] { return "an open run whose sources cannot be read stands in the way of the next trigger, which is answered with " + std::string(name(answer.error->code())) + ": " + answer.error->what(); });
    if (planned) (void)one.count(a);
    (void)one.count(b);
    if (driver_.retires) one.judge(b);
    else one.shows_at_least(1, b);   // what only the open run planned may show or not, until it goes on
    play.reach("open run that cannot go on");
    if (!planned) return;
    one.subject().sources->reach = SourcesNow::Reach::yes;
    const bool still_open = is_open(one, 0);
    const std::size_t runs = plans(one).size();
    const Command c = trigger("other", 1);   // the same inputs under another key: a run of its own, behind whatever the open one does
    if (!still_open || !play.flip()) return;
    one.play().tell(a.text());
    Owner again;
    const Answer resumed = one.attempt(a, again);
    if (plans(one).size() == runs && !resumed.error) {   // the open run went on, and is older than the other one
      one.judge(a);
      play.reach("open run that went on behind a newer one");
    } else if (!resumed.error) {
      one.model().trigger("again", 0);
      one.until_answered(c);
      one.judge(c);
    }
  }

  /// A run whose code is gone: committed when all its effects are there, otherwise given up; and the next version goes on.
  void deployed(Play& play) {
    const Reference* first = reference({trigger("k", 0)});
    if (!first) return;
    const auto place = pick_place(play, *first);
    if (!place) return;
    const Command a = trigger("k", 0), b = trigger(play.flip() ? "j" : "k", 1);
    UpdaterCase one = make_case(play);
    one.disturbance = Disturbance::killed;
    one.counts_runs = false;
    Owner owner;
    owner.stop_at = *place;
    play.tell(a.text());
    if (!one.attempt(a, owner).killed) return;
    const SinkView before = one.look();
    bool whole = !outcomes_[0].published.empty();
    for (const auto& [key, output] : outcomes_[0].published) whole = whole && before.keys.contains(key);
    if (!plans(one).empty()) {
      (void)one.count(a);
      if (!whole) one.model().give_up(0);
    }
    one.deploy_next();
    one.until_answered(b);
    if (whole) {
      const SinkView shown = one.look();
      for (const auto& entry : shown.keys)
        for (const auto& publication : entry.second)
          play.expect("RUN-13", publication.state != PublicationState::withdrawn, [&] { return "business key " + entry.first + ": every effect of the killed run was in the sink, and it was taken back because its code is gone"; });
      play.reach("whole run whose code is gone");
    }
    play.asked("RUN-13");
    one.judge(b);
  }

  void undone(Play& play) {
    if (play.flip()) return undone_open(play);
    const Script script{trigger("k", 0), undo(0)};
    const Reference* reference = this->reference(script);
    if (!reference) return;
    const auto place = pick_place(play, *reference);
    if (!place) return;
    const Command next = trigger(play.flip() ? "j" : "k", 0);
    UpdaterCase one = make_case(play);
    one.until_answered(script[0]);
    one.disturbance = Disturbance::killed;
    Owner owner;
    owner.stop_at = *place;
    play.tell(script[1].text());
    if (!one.attempt(script[1], owner).killed) return;
    if (!one.subject().watch.is_certain(is_undo)) return;   // appended, not synced: whoever recovers knows
    const bool begun = !one.subject().watch.records(is_undo).empty();
    if (begun) one.model().undo(0);
    one.until_answered(next);
    one.judge(next);
    play.reach(begun ? "undo that was begun" : "undo that was not begun");
    if (begun) return;
    one.until_answered(script[1]);
    if (next.key == "k") one.judge(script[1]);
  }
  /// RUN-15: every planned effect, whether the sink has seen it or not.
  void undone_open(Play& play) {
    const Reference* first = reference({trigger("k", 0)});
    if (!first) return;
    const auto place = pick_place(play, *first);
    if (!place) return;
    UpdaterCase one = make_case(play);
    one.disturbance = Disturbance::killed;
    one.counts_runs = false;
    Owner owner;
    owner.stop_at = *place;
    const Command a = trigger("k", 0);
    play.tell(a.text());
    if (!one.attempt(a, owner).killed) return;
    const auto planned = plans(one);
    if (planned.empty()) return;
    const RunId run = planned[0]->wal_id;
    std::vector<EffectId> effects;
    if (const Json* list = planned[0]->payload.find("effects"))
      for (const Json& effect : list->items())
        if (const auto id = EffectId::from_hex(Watch::text_of(effect, "effect"))) effects.push_back(id.value());
    play.tell("undo the killed run");
    if (const std::uint32_t again = play.pick(undo_places_max + 1); again != 0) {   // the undo is killed, too
      Owner killed;
      killed.stop_at = again - 1;
      if (!one.undo_open(run, killed).killed) return;
      if (one.subject().watch.records(is_undo).empty() || !one.subject().watch.is_certain(is_undo)) return;   // not begun, or nobody can say
      (void)one.count(a);
      one.model().undo(0);
      one.until_answered(a);
      one.judge(a);
      return play.reach("undo of an open run, killed");
    }
    Owner undoing;
    const Answer answer = one.undo_open(run, undoing);
    if (answer.error && answer.error->code() == errc::not_found) return;   // its PLAN record did not survive
    play.expect("RUN-15", !answer.error, [&] { return "the undo of an open run is answered with " + answer.error->message(); });
    for (const EffectId& effect : effects) {
      const auto there = one.subject().watch.find_effect(effect);
      play.expect("RUN-15", there && there->state == PublicationState::withdrawn, [&] { return "effect " + effect.hex().substr(0, 12) + " of the undone run is " + (there ? std::string(name(there->state)) : std::string("unknown to the sink: when it arrives late it will be published")); });
    }
    (void)one.count(a);
    one.model().undo(0);
    one.judge(undo(0));
    one.until_answered(a);   // and nothing puts it back
    one.judge(a);
    play.reach("undo of an open run");
  }

  static bool is_undo(const wal::WalRecord& record) { return record.phase == wal::Phase::CONTROL && record.operation == wal::operation::undo; }
  static std::vector<const wal::WalRecord*> plans(UpdaterCase& one) {
    return one.subject().watch.records([](const wal::WalRecord& record) { return record.phase == wal::Phase::PLAN; });
  }
  static bool is_open(UpdaterCase& one, std::size_t which) {
    const auto planned = plans(one);
    if (which >= planned.size()) return false;
    const RunId run = planned[which]->wal_id;
    return one.subject().watch.records([&](const wal::WalRecord& record) {
      return record.wal_id == run && (record.phase == wal::Phase::COMMIT || record.status == wal::Status::FAILED || (record.phase == wal::Phase::CONTROL && (record.operation == wal::operation::undo || record.operation == wal::operation::settled)));
    }).empty();
  }

  static constexpr std::size_t undo_script = ~std::size_t{0};
  static constexpr std::uint32_t undo_places_max = 24;   // the undo of a small open run has fewer
  static constexpr std::size_t twice_[] = {0, 2, undo_script};   // contents A; A, B; A, undo

  Explorer& explorer_;
  Report& report_;
  UpdaterDriver driver_;
  std::vector<WorldOutcome> outcomes_;
  std::vector<Script> scripts_;
  std::map<std::string, std::optional<Reference>> references_;
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint32_t> recoveries_;
};

}  // namespace kfm_det::conformance::detail

#endif
