// SPDX-License-Identifier: BSL-1.0
/// \file
/// One case of check_updater: a world, what is done to it, and what is asked of it afterwards.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_CASE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_CASE_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/updater_model.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/core/checksum.hpp"

namespace kfm_det::conformance::detail {

class UpdaterCase {
 public:
  static constexpr int tries_max = 4;   ///< of one command, when nothing stands in the way any more

  UpdaterCase(Play& play, const UpdaterDriver& driver, const std::vector<WorldOutcome>& outcomes) : play_(play), driver_(driver), model_(driver, outcomes), subject_(driver.make()) {}

  /// What was done to the processes so far, other than letting them work: decides which law a difference belongs to.
  enum class Disturbance : std::uint8_t { none, killed, paused, failed } disturbance = Disturbance::none;
  /// Whether the runs in the sink are exactly those that the model has: not when a run may have been given up and done again.
  bool counts_runs = true;
  /// What is under way to the sink arrives before the next process begins.
  bool arrives_early = false;
  /// A process that is killed takes nothing else along: somebody else is at work.
  bool dies_alone = false;

  [[nodiscard]] UpdaterSubject& subject() { return *subject_; }
  [[nodiscard]] UpdaterModel& model() { return model_; }
  [[nodiscard]] Play& play() { return play_; }

  void show(std::size_t world) { subject_->sources->sources = driver_.worlds[world]; }
  void deploy_next() {
    play_.tell("deploy the next version");
    next_version_ = true;
    subject_->deploy(true);
  }

  /// One process. Sees to it that what it broke on the way comes out.
  Answer attempt(const Command& command, Owner& owner) {
    Answer answer;
    if (command.kind == Command::Kind::trigger) {
      show(command.which);
      answer = subject_->trigger(owner, command.key);
    } else if (command.kind == Command::Kind::undo) {
      answer = subject_->undo(owner, run_id(command.which));
    } else {
      answer = subject_->compact(owner);
    }
    return after(owner, std::move(answer));
  }
  /// The undo of a run that the model does not have yet.
  Answer undo_open(const RunId& run, Owner& owner) { return after(owner, subject_->undo(owner, run)); }
  /// Passes on what the watch saw.
  void raise() {
    const Watch::Met met = std::exchange(subject_->watch.met, {});
    for (const auto& [law, times] : {std::pair("RUN-1", met.effects), std::pair("RUN-2", met.published), std::pair("RUN-3", met.done), std::pair("RUN-4", met.unknown_there + met.unknown_sent), std::pair("RUN-6", met.committed)}) play_.asked(law, times);
    play_.reach("UNKNOWN effect that the sink had", met.unknown_there);
    play_.reach("UNKNOWN effect that was sent again", met.unknown_sent);
    if (subject_->watch.broken) play_.broke(subject_->watch.broken->law, subject_->watch.broken->sentence);
  }

  /// The command with nothing in its way, again until it is answered as the contract says. `owner`: the first process, which may be disturbed.
  Answer until_answered(const Command& command, Owner owner = {}) {
    play_.tell(command.text());
    return again_until_answered(command, std::move(owner));
  }
  Answer again_until_answered(const Command& command, Owner owner = {}) {
    const std::size_t plans = planned();
    auto expected = UpdaterModel::Expected::commits;
    bool counted = false;
    for (int tries = 0;; ++tries) {
      Answer answer = attempt(command, owner);
      if (arrives_early && !subject_->watch.under_way.empty()) {   // before anybody goes on
        play_.note("what was under way to the sink arrives");
        subject_->deliver();
      }
      if (!counted && owner.dead == false) {
        expected = count(command);
        counted = true;
      }
      if (!answer.killed && (expected == UpdaterModel::Expected::refused || !answer.error)) {
        refused_by_gate(command, owner, answer, plans);
        return answer;
      }
      if (!answer.killed && !owner.failed && disturbance == Disturbance::none && tries == 0)
        play_.expect("RUN-12", false, "the updater answered " + command.text() + " with " + text_of(answer));
      play_.expect(disturbance == Disturbance::failed ? "RUN-16" : "RUN-12", tries < tries_max, [&] { return "started again " + std::to_string(tries) + " times with nothing in its way, the updater answers " + command.text() + " with " + text_of(answer); });
      owner = Owner{};
    }
  }
  UpdaterModel::Expected count(const Command& command) {
    if (command.kind == Command::Kind::trigger) return last_ = model_.trigger(command.key, command.which, next_version_);
    if (command.kind == Command::Kind::compact) return UpdaterModel::Expected::commits;
    model_.undo(command.which);
    return last_ = UpdaterModel::Expected::commits;
  }

  /// The id of the model's run: the runs in the sink stand in order.
  RunId run_id(std::size_t which) {
    const SinkView view = look();
    const auto runs = view.runs();
    std::size_t at = 0;
    for (std::size_t i = 0; i < which && i < model_.runs().size(); ++i)
      if (model_.runs()[i].status != UpdaterModel::Run::Status::failed) ++at;
    play_.expect("RUN-10", at < runs.size(), "the sink has publications of " + std::to_string(runs.size()) + " runs only");
    return RunId::parse(runs[at]).value();
  }

  [[nodiscard]] SinkView look() {
    auto view = subject_->look();
    if (!view) play_.broke("fixture", "the sink cannot be read: " + view.error().message());
    return std::move(view).value();
  }

  void same_export(std::string_view law, const SinkView& reference) {
    const SinkView view = look();
    const std::string difference = reference.difference(view);
    play_.expect(law, difference.empty(), [&] { return "the export is not that of an undisturbed run: " + difference; });
    std::string all;
    for (const auto& line : view.lines()) all += line;
    play_.is_new(xxh3(all));
  }

  /// LOG-6, where the sink is below what the log calls DONE: `answer` to `asked` says so, and the sink shows what it showed before.
  void refused_as_regressed(const Command& asked, const Answer& answer, const SinkView& before) {
    play_.expect("LOG-6", answer.error && answer.error->code() == errc::sink_regressed,
                 [&] { return "the log records effects as DONE with a head that the sink is below, and the updater answers " + asked.text() + " with " + (answer.error ? answer.error->message() : std::string("done")); });
    const std::string difference = before.difference(look());
    play_.expect("LOG-6", difference.empty(), [&] { return "the sink was put back, and something was done to it all the same: " + difference; });
  }

  /// Asks every law that is a matter of what the sink shows. `last`: the command that was answered.
  void judge(const Command& last) {
    const SinkView view = look();
    published_once(view);
    shows_what_it_should(view, last);
  }

  /// RUN-8.
  void published_once(const SinkView& view) {
    for (const auto& entry : view.keys) {
      const auto& key = entry.first;
      const auto& publications = entry.second;
      std::map<std::string, std::string> effects;
      std::map<std::pair<std::string, std::string>, std::string> versions;
      for (const auto& one : publications) {
        const auto effect = effects.emplace(one.run, one.effect);
        play_.expect("RUN-8", effect.second || effect.first->second == one.effect, [&] { return "business key " + key + ": run " + one.run + " published it twice, as effects " + effect.first->second.substr(0, 12) + " and " + one.effect.substr(0, 12); });
        if (!one.has_version || next_version_) continue;
        const auto version = versions.emplace(std::pair(one.bytes, one.metadata), one.version_key);
        play_.expect("RUN-8", version.second || version.first->second == one.version_key, [&] { return "business key " + key + ": one content is stored as two versions, " + version.first->second.substr(0, 12) + " and " + one.version_key.substr(0, 12); });
      }
    }
    const std::size_t runs = view.runs().size();
    const bool undone = std::any_of(model_.runs().begin(), model_.runs().end(), [](const auto& run) { return run.status == UpdaterModel::Run::Status::undone; });
    const char* law = disturbance == Disturbance::paused ? "RUN-9" : last_ != UpdaterModel::Expected::refused ? "RUN-8" : undone ? "RUN-11" : "PLAN-4";
    if (counts_runs) play_.expect(law, runs <= model_.published_runs(), [&] { return "the sink has publications of " + std::to_string(runs) + " runs, and by the contract there are " + std::to_string(model_.published_runs()); });
  }

  /// Every key of a world that was published last.
  void shows_at_least(std::size_t world, const Command& last) {
    const SinkView view = look();
    const auto shown = view.current();
    for (const auto& [key, output] : model_.outcome(world).published) {
      const auto is = shown.find(key);
      play_.expect("RUN-6", is != shown.end() && is->second->bytes == output.bytes && is->second->metadata == output.metadata, [&, name = key] { return "after " + last.text() + " business key " + name + " does not show what that run gave"; });
    }
  }
  void shows_what_it_should(const SinkView& view, const Command& last) {
    const auto shown = view.current();
    const auto wanted = model_.visible();
    const std::size_t runs = view.runs().size(), expected_runs = model_.published_runs();
    if (disturbance == Disturbance::none && counts_runs)
      play_.expect("RUN-10", runs >= expected_runs, [&] { return "after " + last.text() + " the sink has publications of " + std::to_string(runs) + " runs, and by the contract there are " + std::to_string(expected_runs) + ": a trigger was taken for done"; });
    std::set<std::string> keys;
    for (const auto& [key, one] : shown) keys.insert(key);
    for (const auto& [key, one] : wanted) keys.insert(key);
    for (const std::string& key : keys) {
      const auto is = shown.find(key);
      const auto should = wanted.find(key);
      const bool same = is != shown.end() && should != wanted.end() && is->second->bytes == should->second->bytes && is->second->metadata == should->second->metadata;
      const auto say = [&](const char* why) {
        return "after " + last.text() + " business key " + key + " shows " + (is == shown.end() ? std::string("nothing") : "\"" + kfm_det::detail::shown(is->second->bytes, 60) + "\"") + ", and should show " +
               (should == wanted.end() ? std::string("nothing") : "\"" + kfm_det::detail::shown(should->second->bytes, 60) + "\"") + why;
      };
      const bool undoing = last.kind == Command::Kind::undo, any_undone = std::any_of(model_.runs().begin(), model_.runs().end(), [](const auto& run) { return run.status == UpdaterModel::Run::Status::undone; });
      const bool about_retired = (should == wanted.end() && is != shown.end() && model_.was_retired(key)) || (!driver_.retires && is == shown.end());
      play_.expect("RUN-15", same || !undoing, [&] { return say(""); });
      play_.expect("RUN-11", same || !any_undone, [&] { return say(": what was undone came back"); });
      play_.expect("RUN-14", same || !about_retired, [&] { return say(driver_.retires ? ": it left the plan, and has no tombstone" : ": it left the plan, and is to be kept"); });
      if (disturbance == Disturbance::paused) play_.expect("RUN-9", same, [&] { return say(": an owner whose lease had run out did that"); });
      if (disturbance == Disturbance::killed && should != wanted.end()) {
        bool stored = false;   // by an earlier run
        const auto publications = view.keys.find(key);
        if (publications != view.keys.end())
          for (const auto& one : publications->second) stored = stored || (one.has_version && one.bytes == should->second->bytes);
        play_.expect("RUN-4", same || !stored, [&] { return say(": its content was stored by an earlier run, and that was taken for this run's effect"); });
      }
      play_.expect("RUN-6", same, [&] { return say(""); });
    }
    if (disturbance != Disturbance::none && counts_runs)
      play_.expect("RUN-7", runs >= expected_runs, [&] { return "the sink has publications of " + std::to_string(runs) + " runs, and undisturbed there are " + std::to_string(expected_runs); });
  }

 private:
  [[nodiscard]] std::size_t planned() const {
    return subject_->watch.records([](const wal::WalRecord& record) { return record.phase == wal::Phase::PLAN; }).size();
  }
  /// PLAN-4: what the gate says is what whoever asked is told, and no run begins.
  void refused_by_gate(const Command& command, const Owner& owner, const Answer& answer, std::size_t plans) {
    if (command.kind != Command::Kind::trigger || !model_.outcome(command.which).gate || owner.failed) return;
    const Error& said = *model_.outcome(command.which).gate;
    play_.expect("PLAN-4", answer.error.has_value(), [&] { return "gate() refuses an input (" + said.message() + "), and " + command.text() + " is answered with success"; });
    const std::string told = answer.error->message();
    for (const std::string_view part : {std::string_view(said.what()), std::string_view(said.where())})
      play_.expect("PLAN-4", told.find(part) != std::string::npos, [&] { return "gate() refuses an input with \"" + std::string(said.what()) + "\" in " + said.where() + ", and whoever asked is told: " + told; });
    play_.expect("PLAN-4", planned() == plans, [&] { return "gate() refuses an input (" + said.message() + "), and a plan of it went into the log all the same"; });
    play_.reach("input that the gate refuses");
  }
  Answer after(const Owner& owner, Answer answer) {
    if (answer.killed) {
      if (!subject_->watch.broken) play_.note("killed " + owner.where);
      subject_->clock.advance(seconds(60));   // the dead owner's lease runs out
      if (!dies_alone) subject_->crash();
    } else if (owner.failed) {
      play_.note("the call " + owner.where + (owner.failure == Owner::Failure::unanswered ? " was done, and its answer is lost" : owner.failure == Owner::Failure::late ? " is answered with a timeout, and is under way" : owner.failure == Owner::Failure::lasting ? " fails from here on" : " fails once") + ": " + text_of(answer));
      subject_->clock.advance(seconds(60));
    } else {
      play_.note("answered: " + text_of(answer));
    }
    raise();
    return answer;
  }
  static std::string text_of(const Answer& answer) { return answer.killed ? "(killed)" : answer.error ? std::string(name(answer.error->code())) + ": " + answer.error->what() : "done"; }

  Play& play_;
  const UpdaterDriver& driver_;
  UpdaterModel model_;
  std::unique_ptr<UpdaterSubject> subject_;
  UpdaterModel::Expected last_ = UpdaterModel::Expected::commits;   // what the last command should answer
  bool next_version_ = false;
};

}  // namespace kfm_det::conformance::detail

#endif
