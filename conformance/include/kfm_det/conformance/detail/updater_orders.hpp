// SPDX-License-Identifier: BSL-1.0
/// \file
/// Parts of check_updater: every order of a few runs and undos over the same keys, each killed at every call; and a sink that was put back from an older copy.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_ORDERS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_ORDERS_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/updater_case.hpp"

namespace kfm_det::conformance::detail {

/// What a script comes to when nothing disturbs it.
struct UpdaterReference {
  SinkView view;
  std::uint64_t changes = 0, calls = 0;   ///< of its last command
  std::string answer;                     ///< to it
};

class UpdaterOrders {
  using Status = UpdaterModel::Run::Status;

 public:
  /// `reference`: null for a script that breaks a law by itself.
  UpdaterOrders(const UpdaterDriver& driver, const std::vector<WorldOutcome>& outcomes, std::function<const UpdaterReference*(const Script&)> reference)
      : driver_(driver), outcomes_(outcomes), reference_(std::move(reference)) {
    const auto k = [](std::size_t world) { return trigger("k", world); };
    programs_ = {{k(0), k(1)}, {k(0), trigger("j", 1)}, {k(0), k(1), k(0)}};
    for (std::size_t world = 2; world < driver.worlds.size(); ++world)
      if (outcomes[world].kind == WorldOutcome::Kind::publishes) programs_.push_back({k(0), trigger("j", 1), k(world)});
    programs_.resize(std::min<std::size_t>(programs_.size(), 4));
  }

  /// A run, then its undo, is the state before: in any order with other runs, whatever is killed.
  void orders(Play& play) {
    const Script script = pick_order(play);
    const UpdaterReference* undisturbed = reference_(script);
    if (!undisturbed || undisturbed->changes == 0) return;
    const std::uint32_t place = play.pick(static_cast<std::uint32_t>(2 * undisturbed->changes + 1));   // 0: none
    UpdaterCase one(play, driver_, outcomes_);
    for (std::size_t i = 0; i + 1 < script.size(); ++i) one.until_answered(script[i]);
    Owner owner;
    if (place != 0) {
      one.disturbance = UpdaterCase::Disturbance::killed;
      owner.stop_at = place - 1;
    }
    one.until_answered(script.back(), std::move(owner));
    one.judge(script.back());
    same_as_without(one, script);
    for (std::size_t run = one.model().runs().size(); run-- > 0;) {   // and all the way back
      if (one.model().runs()[run].status != Status::committed) continue;
      one.until_answered(undo(run));
      one.judge(undo(run));
    }
    play.expect("RUN-15", one.look().current().empty(), "every run was undone, and something shows");
    const std::size_t many = one.model().runs().size();
    play.reach(many == 1 ? std::string("one run, and undone") : std::to_string(many) + " runs and their undos in some order");
  }

  /// A sink from before the last command, beside the log that knows better; or one that lost nothing which the log calls DONE.
  void put_back(Play& play) {
    const Script script = pick_before_put_back(play, driver_.can_undo);
    const UpdaterReference* undisturbed = reference_(script);
    if (!undisturbed || undisturbed->changes == 0) return;
    const std::uint32_t place = play.pick(static_cast<std::uint32_t>(2 * undisturbed->changes + 1));   // 0: the command is done
    const Command next = script.back().kind == Command::Kind::undo || play.flip() ? script.back() : trigger("other", 1);
    UpdaterCase one(play, driver_, outcomes_);
    for (std::size_t i = 0; i + 1 < script.size(); ++i) one.until_answered(script[i]);
    const auto older = one.subject().copy_sink();
    const Head witness = one.subject().witness();
    Owner owner;
    if (place == 0) {
      one.until_answered(script.back());
    } else {
      owner.stop_at = place - 1;
      one.disturbance = UpdaterCase::Disturbance::killed;
      play.tell(script.back().text());
      if (!one.attempt(script.back(), owner).killed) return;
    }
    const auto newer = one.subject().copy_sink();
    const RunId undone = next.kind == Command::Kind::undo ? one.run_id(next.which) : RunId();
    one.subject().put_sink_back(older);
    play.tell("put the sink of before that back");
    const SinkView before = one.look();
    one.subject().watch.looks_only();
    play.tell(next.text());
    Owner process;
    const Answer answer = next.kind == Command::Kind::undo ? one.undo_open(undone, process) : one.attempt(next, process);
    if (!one.subject().watch.found_done_above(witness.lsn)) {
      play.expect("RUN-12", !answer.error, [&] { return "the sink lost nothing that the log calls DONE, and the updater answers " + answer.error->message(); });
      return play.reach("sink put back that lost nothing which the log calls DONE");
    }
    one.refused_as_regressed(next, answer, before);
    play.expect("LOG-6", !one.subject().watch.worked_since_recovery(), "the sink was put back, and the log was given a plan or an intent all the same");
    one.subject().put_sink_back(newer);
    play.tell("put the newer sink back");
    one.disturbance = UpdaterCase::Disturbance::killed;
    one.counts_runs = false;
    if (place != 0) one.until_answered(script.back());
    if (next.text() != script.back().text()) one.until_answered(next);
    one.judge(next);
    play.reach("sink put back");
  }

  /// What is done before a sink is put back; the last command is the one that it has lost.
  [[nodiscard]] static Script pick_before_put_back(Play& play, bool can_undo) {
    Script script{trigger("k", 0)};
    if (play.flip()) script.push_back(trigger("k", 1));
    if (can_undo && script.size() == 2 && play.flip()) script.push_back(undo(1));
    return script;
  }

 private:
  /// A path through the tree of orders: at each place the next trigger, the undo of a run that is there, or the end.
  Script pick_order(Play& play) {
    const Script& program = programs_[play.pick(static_cast<std::uint32_t>(programs_.size()))];
    UpdaterModel model(driver_, outcomes_);
    Script out;
    for (std::size_t next = 0;;) {
      std::vector<Command> can;
      if (!out.empty()) can.push_back({});   // the end
      if (next < program.size()) can.push_back(program[next]);
      if (next != 0)
        for (std::size_t run = 0; run < model.runs().size(); ++run)
          if (model.runs()[run].status == Status::committed) can.push_back(undo(run));
      const std::size_t chosen = play.pick(static_cast<std::uint32_t>(can.size()));
      if (chosen == 0 && !out.empty()) return out;
      const Command& command = can[chosen];
      if (command.kind == Command::Kind::undo) model.undo(command.which);
      else (void)model.trigger(command.key, command.which), ++next;
      out.push_back(command);
      if (next == program.size() && std::none_of(model.runs().begin(), model.runs().end(), [](const auto& run) { return run.status == Status::committed; })) return out;
    }
  }
  /// What shows is what the same runs give where those that were undone never were; not where one of them held another one's inputs back.
  void same_as_without(UpdaterCase& one, const Script& script) {
    const auto& runs = one.model().runs();
    Script without;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j)
        if (outcomes_[runs[i].world].inputs == outcomes_[runs[j].world].inputs) return;
      if (runs[i].status == Status::committed) without.push_back(trigger(runs[i].key, runs[i].world));
    }
    if (without.size() == script.size()) return;
    const SinkView view = one.look();
    const UpdaterReference* other = without.empty() ? nullptr : reference_(without);
    if (!other && !without.empty()) return;
    const auto shows = view.current(), should = other ? other->view.current() : std::map<std::string, const ShownPublication*>();
    const bool same = std::equal(shows.begin(), shows.end(), should.begin(), should.end(), [](const auto& a, const auto& b) {
      return a.first == b.first && a.second->bytes == b.second->bytes && a.second->metadata == b.second->metadata && a.second->version_key == b.second->version_key;
    });
    one.play().expect("RUN-15", same, "what shows is not what it would be if the runs that were undone had never been");
  }

  const UpdaterDriver& driver_;
  const std::vector<WorldOutcome>& outcomes_;
  std::function<const UpdaterReference*(const Script&)> reference_;
  std::vector<Script> programs_;
};

}  // namespace kfm_det::conformance::detail

#endif
