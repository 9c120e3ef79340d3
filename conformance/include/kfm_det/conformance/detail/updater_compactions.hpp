// SPDX-License-Identifier: BSL-1.0
/// \file
/// Parts of check_updater: histories in which the log is compacted, beside the same histories without (RUN-21).
///
/// What breaks any law with a compaction and none without breaks RUN-21; what breaks one without is that one's. Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_COMPACTIONS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_COMPACTIONS_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/updater_case.hpp"
#include "kfm_det/conformance/detail/updater_orders.hpp"
#include "kfm_det/conformance/detail/updater_told.hpp"

namespace kfm_det::conformance::detail {

class UpdaterCompactions {
  using Disturbance = UpdaterCase::Disturbance;
  using Reference = UpdaterReference;

 public:
  /// `scripts`: of triggers and undos. `reference`: null for a script that breaks a law by itself.
  UpdaterCompactions(const UpdaterDriver& driver, const std::vector<WorldOutcome>& outcomes, const std::vector<Script>& scripts, std::function<const Reference*(const Script&)> reference)
      : driver_(driver), outcomes_(outcomes), scripts_(scripts), reference_(std::move(reference)) {
    const auto k = [](std::size_t world) { return trigger("k", world); };
    short_ = {{k(0)}, {k(0), k(1)}, {k(0), k(0)}, {k(0), k(1), k(0)}};
    if (driver.can_undo) short_.insert(short_.begin() + 2, {{k(0), undo(0)}, {k(0), k(1), undo(1)}});
  }

  /// Nobody is disturbed: every script, then its last trigger again, then all the way back.
  void between(Play& play) {
    Script script = scripts_[play.pick(static_cast<std::uint32_t>(scripts_.size()))];
    const std::size_t behind = script.size(), everywhere = behind + 1, place = play.pick(static_cast<std::uint32_t>(behind + 2));
    if (!reference_(script)) return;
    add_last_trigger(script);
    auto committed = committed_by(script);
    if (driver_.can_undo) {
      if (committed.size() > 1 && play.flip()) std::reverse(committed.begin(), committed.end());
      for (const std::size_t run : committed) script.push_back(undo(run));
    }
    beside(play, [&](Play& now, bool compacts) {
      UpdaterCase one(now, driver_, outcomes_);
      Script so_far;
      for (const Command& command : script) {
        if (compacts && (place == so_far.size() || (place == everywhere && !so_far.empty()))) compact(one, place == behind);
        step(one, so_far, command);
      }
      if (compacts && place == everywhere) compact(one, true);
    });
    play.reach("compacted between two commands");
  }

  /// A command that was killed: the log is compacted before it, behind it, or both; or the compaction behind it is killed, too.
  void open(Play& play) {
    const std::uint32_t number = play.pick(static_cast<std::uint32_t>(short_.size()));
    const Script& script = short_[number];
    const Reference* undisturbed = reference_(script);
    if (!undisturbed || undisturbed->changes == 0) return;
    const std::uint64_t place = play.pick(static_cast<std::uint32_t>(2 * undisturbed->changes));
    enum : std::uint32_t { behind, before, both, killed };
    const std::uint32_t how = play.pick(killed + (number == 1 ? compaction_places() : 0));
    beside(play, [&](Play& now, bool compacts) {
      UpdaterCase one(now, driver_, outcomes_);
      before_last(one, script);
      if (compacts && (how == before || how == both)) (void)one.until_answered(compaction());
      one.disturbance = Disturbance::killed;
      Owner owner;
      owner.stop_at = place;
      now.tell(script.back().text());
      (void)one.attempt(script.back(), owner);
      if (compacts && how >= killed) {
        Owner compactor;
        compactor.stop_at = how - killed;
        now.tell(compaction().text());
        (void)one.attempt(compaction(), compactor);
      } else if (compacts && how == both) {
        (void)one.until_answered(compaction());
      } else if (compacts && how == behind) {
        compact(one, false);
      }
      (void)one.until_answered(script.back());
      one.judge(script.back());
      one.same_export("RUN-7", undisturbed->view);
      if (how == behind) go_on(one, script);
    });
    play.reach(how >= killed ? "open run, and a compaction that was killed" : how == before ? "killed behind a compaction" : "compacted while a run was open");
  }

  /// A compaction that is killed, or whose calls fail; repeated, or the history goes on without.
  void disturbed(Play& play) {
    const std::uint32_t number = 1 + play.pick(static_cast<std::uint32_t>(short_.size() - 1));
    const Script& script = short_[number];
    const Reference* undisturbed = reference_(script);
    const Reference* folded = reference_({script[0], compaction()});
    if (!undisturbed || !folded || folded->changes == 0) return;
    const auto places = static_cast<std::uint32_t>(2 * folded->changes);
    const std::uint32_t chosen = play.pick(places + Owner::failures * static_cast<std::uint32_t>(folded->calls));
    const bool repeated = chosen < places ? play.flip() : number % 2 == 1;
    beside(play, [&](Play& now, bool compacts) {
      UpdaterCase one(now, driver_, outcomes_);
      before_last(one, script);
      one.disturbance = chosen < places ? Disturbance::killed : Disturbance::failed;
      if (compacts) {
        Owner compactor;
        if (chosen < places) compactor.stop_at = chosen;
        else compactor.fail_at = (chosen - places) / Owner::failures, compactor.failure = static_cast<Owner::Failure>((chosen - places) % Owner::failures);
        now.tell(compaction().text());
        (void)one.attempt(compaction(), compactor);
        if (repeated) (void)one.until_answered(compaction());
      }
      (void)one.until_answered(script.back());
      one.subject().deliver();
      one.judge(script.back());
      one.same_export("RUN-7", undisturbed->view);
      go_on(one, script);
    });
    play.reach(chosen < places ? "compaction that was killed" : "compaction whose call failed");
  }

  /// A compaction that sleeps until its lease is gone and somebody else has worked; and somebody who sleeps while the log is compacted.
  void overtaken(Play& play) {
    const bool compactor_sleeps = !play.flip();
    const Script& script = short_[(compactor_sleeps ? 1 : 0) + play.pick(static_cast<std::uint32_t>(short_.size() - (compactor_sleeps ? 1 : 0)))];
    const Reference* undisturbed = reference_(script);
    if (!undisturbed || undisturbed->changes == 0) return;
    const std::uint32_t place = play.pick(compactor_sleeps ? std::max(compaction_places(), 1u) : static_cast<std::uint32_t>(2 * undisturbed->changes));
    enum : std::uint32_t { one_thing, two_things, begun /* and killed behind its first record */ };
    const std::uint32_t meanwhile_done = play.pick(compactor_sleeps ? 3 : 2);
    beside(play, [&](Play& now, bool compacts) {
      UpdaterCase one(now, driver_, outcomes_);
      before_last(one, script);
      one.disturbance = Disturbance::paused;
      bool done = false;
      const auto meanwhile = [&] {   // without a compaction somebody overtakes the sleeper all the same
        if (meanwhile_done == begun) {
          Owner other;
          other.stop_at = begun_at;
          now.tell(script.back().text());
          one.dies_alone = true;
          (void)one.attempt(script.back(), other);
          one.dies_alone = false;
          return;
        }
        if (compacts && !compactor_sleeps) (void)one.until_answered(compaction());
        if (compactor_sleeps || meanwhile_done == two_things || !compacts) (void)one.until_answered(script.back()), done = true;
        if (compacts && compactor_sleeps && meanwhile_done == two_things) (void)one.until_answered(compaction());
      };
      if (compactor_sleeps && !compacts) {
        meanwhile();
      } else {
        Owner sleeper;
        sleeper.pause_at = place;
        sleeper.while_paused = [&] {
          now.note("paused " + sleeper.where + "; its lease runs out");
          one.subject().clock.advance(seconds(60));
          meanwhile();
          now.note("the paused owner wakes up");
        };
        const Command& sleeps = compactor_sleeps ? compaction() : script.back();
        now.tell(sleeps.text());
        (void)one.attempt(sleeps, sleeper);
        if (!sleeper.paused && compactor_sleeps) meanwhile();
      }
      if (!done) (void)one.until_answered(script.back());
      one.judge(script.back());
      one.same_export("RUN-9", undisturbed->view);
      go_on(one, script);
    });
    play.reach(compactor_sleeps ? "compaction that was overtaken" : "owner overtaken by a compaction");
  }

  /// An older sink is noticed behind a compaction as before it; the compaction itself notices it, too.
  void put_back(Play& play) {
    const Script script = UpdaterOrders::pick_before_put_back(play, driver_.can_undo);
    if (!reference_(script)) return;
    const bool first = play.flip();   // the sink is put back, then the log is compacted
    beside(play, [&](Play& now, bool compacts) {
      UpdaterCase one(now, driver_, outcomes_);
      before_last(one, script);
      const auto older = one.subject().copy_sink();
      const Head witness = one.subject().witness();
      (void)one.until_answered(script.back());
      one.subject().watch.looks_only();
      if (!one.subject().watch.found_done_above(witness.lsn)) return;
      const auto newer = one.subject().copy_sink();
      if (compacts && !first) (void)one.until_answered(compaction());
      one.subject().put_sink_back(older);
      now.tell("put the sink of before that back");
      const SinkView before = one.look();
      const Command next = compacts && first ? compaction() : trigger("k", 0);
      now.tell(next.text());
      Owner process;
      const Answer answer = one.attempt(next, process);
      one.refused_as_regressed(next, answer, before);
      one.subject().put_sink_back(newer);
      now.tell("put the newer sink back");
      go_on(one, script);
    });
    play.reach("sink put back beside a compacted log");
  }

 private:
  static constexpr std::uint64_t begun_at = 2 * 3 + 1;   // behind lease, floor, recovery and the first record

  /// Plays it with its compactions. Where a law breaks, the same without them says whose it is.
  template <class Body>
  static void beside(Play& play, Body&& body) {
    play.asked("RUN-21");
    std::optional<BrokenLaw> broken;
    try {
      body(play, true);
    } catch (...) {
      broken = what_was_broken();
      if (broken->law == "fixture" || broken->law == "VERB-1") throw;
    }
    if (!broken) return;
    Rehearsal without;
    body(without.play(), false);
    play.broke("RUN-21", broken->law == "RUN-21" ? broken->sentence : broken->law + " holds in the same history without a compaction, and not with it: " + broken->sentence);
  }

  /// Undisturbed: nothing that anybody asks has another answer behind it.
  void compact(UpdaterCase& one, bool twice) {
    const std::string before = one.subject().told();
    const SinkView shown = one.look();
    (void)one.until_answered(compaction());
    if (one.subject().watch.base() > 1) one.play().reach("log that begins with a checkpoint");
    if (driver_.can_tell) {
      const std::string difference = first_other_line(before, one.subject().told());
      one.play().expect("RUN-21", difference.empty(), [&] { return "status() or explain() tells something else behind a compaction: " + difference; });
    }
    const std::string difference = shown.difference(one.look());
    one.play().expect("RUN-21", difference.empty(), [&] { return "a compaction changed the sink: " + difference; });
    if (!twice) return;
    const Lsn last = one.subject().watch.last();
    (void)one.until_answered(compaction());
    one.play().expect("RUN-21", one.subject().watch.last() == last, [&] { return "nothing stands behind the checkpoint at the log's end, LSN " + std::to_string(last) + ", and a compaction wrote up to LSN " + std::to_string(one.subject().watch.last()); });
  }
  /// A command, and its answer and export beside those of a history without compactions.
  void step(UpdaterCase& one, Script& so_far, const Command& command) {
    so_far.push_back(command);
    const Reference* without = reference_(so_far);
    const Answer answer = one.until_answered(command);
    one.judge(command);
    if (!without) return;
    one.same_export("RUN-21", without->view);
    if (one.disturbance == Disturbance::none)
      one.play().expect("RUN-21", said(answer) == without->answer, [&] { return command.text() + " is answered with \"" + said(answer) + "\", and without the compaction with \"" + without->answer + "\""; });
  }
  /// The last trigger again, which is nothing to do, and the newest run back.
  void go_on(UpdaterCase& one, const Script& script) {
    Script so_far = script, whole = script;
    add_last_trigger(whole);
    const auto committed = committed_by(whole);
    if (driver_.can_undo && !committed.empty()) whole.push_back(undo(committed.front()));
    for (std::size_t i = script.size(); i < whole.size(); ++i) step(one, so_far, whole[i]);
  }
  static void before_last(UpdaterCase& one, const Script& script) {
    for (std::size_t i = 0; i + 1 < script.size(); ++i) (void)one.until_answered(script[i]);
  }
  static void add_last_trigger(Script& script) {
    const auto last = std::find_if(script.rbegin(), script.rend(), [](const Command& one) { return one.kind == Command::Kind::trigger; });
    if (last != script.rend()) script.push_back(Command(*last));
  }
  /// The newest first.
  [[nodiscard]] std::vector<std::size_t> committed_by(const Script& script) const {
    UpdaterModel model(driver_, outcomes_);
    for (const Command& command : script)
      if (command.kind == Command::Kind::undo) model.undo(command.which);
      else (void)model.trigger(command.key, command.which);
    std::vector<std::size_t> out;
    for (std::size_t run = model.runs().size(); run-- > 0;)
      if (model.runs()[run].status == UpdaterModel::Run::Status::committed) out.push_back(run);
    return out;
  }
  /// Of a compaction that has something to fold.
  [[nodiscard]] std::uint32_t compaction_places() const {
    const Reference* folded = reference_({trigger("k", 0), compaction()});
    return folded ? static_cast<std::uint32_t>(2 * folded->changes) : 0;
  }

  const UpdaterDriver& driver_;
  const std::vector<WorldOutcome>& outcomes_;
  const std::vector<Script>& scripts_;
  std::function<const Reference*(const Script&)> reference_;
  std::vector<Script> short_;
};

}  // namespace kfm_det::conformance::detail

#endif
