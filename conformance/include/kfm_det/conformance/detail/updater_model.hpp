// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the contract says that a list of triggers and undos comes to: which runs there are, and what is current of each key (DESIGN 5 and 7).
///
/// Thread-safety: plain values.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_MODEL_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_MODEL_HPP

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/updater_subject.hpp"

namespace kfm_det::conformance::detail {

/// What a person does.
struct Command {
  enum class Kind : std::uint8_t { trigger, undo, compact } kind = Kind::trigger;
  std::string key;          ///< of a trigger
  std::size_t which = 0;    ///< of a trigger: the world; of an undo: the run, counted from the first

  [[nodiscard]] std::string text() const {
    if (kind == Kind::compact) return "compact the log";
    return kind == Kind::trigger ? "trigger " + key + " over contents " + std::string(1, static_cast<char>('A' + which)) : "undo run " + std::to_string(which + 1);
  }
};
using Script = std::vector<Command>;
[[nodiscard]] inline Command trigger(std::string key, std::size_t world) { return {Command::Kind::trigger, std::move(key), world}; }
[[nodiscard]] inline Command undo(std::size_t run) { return {Command::Kind::undo, {}, run}; }
[[nodiscard]] inline Command compaction() { return {Command::Kind::compact, {}, 0}; }

class UpdaterModel {
 public:
  enum class Expected : std::uint8_t { commits, nothing_to_do, refused };
  struct Run {
    std::string key;
    std::size_t world = 0;
    bool next_version = false;
    enum class Status : std::uint8_t { committed, undone, failed } status = Status::committed;
    std::set<std::string> retired;
  };

  UpdaterModel(const UpdaterDriver& driver, const std::vector<WorldOutcome>& outcomes) : driver_(&driver), outcomes_(&outcomes) {}

  Expected trigger(const std::string& key, std::size_t world, bool next_version = false) {
    const WorldOutcome& outcome = (*outcomes_)[world];
    const Run *newest = nullptr, *like = nullptr;
    for (const Run& run : runs_) {
      const bool same = run.next_version == next_version && (*outcomes_)[run.world].inputs == outcome.inputs;
      if (run.key == key) newest = &run;
      if (same) like = &run;
    }
    const bool held = like && like->status == Run::Status::undone;
    if (newest && newest->next_version == next_version && (*outcomes_)[newest->world].inputs == outcome.inputs) {
      if (newest->status != Run::Status::committed) return Expected::refused;
      if (!held) return Expected::nothing_to_do;
    }
    if (held || outcome.kind == WorldOutcome::Kind::refused) return Expected::refused;
    Run run{key, world, next_version, outcome.kind == WorldOutcome::Kind::fails ? Run::Status::failed : Run::Status::committed, {}};
    if (driver_->retires && (!outcome.published.empty() || driver_->may_be_empty))
      for (const Run& before : runs_) {
        for (const auto& [planned, output] : (*outcomes_)[before.world].published)
          if (!outcome.published.contains(planned)) run.retired.insert(planned);
      }
    runs_.push_back(std::move(run));
    return runs_.back().status == Run::Status::failed ? Expected::refused : Expected::commits;
  }
  void undo(std::size_t run) { runs_[run].status = Run::Status::undone; }

  /// It can never go on, and is taken back; what it planned counts for what a later run retires.
  void give_up(std::size_t run) { runs_[run].status = Run::Status::failed; }

  /// Business key: its content.
  [[nodiscard]] std::map<std::string, const StepOutput*> visible() const {
    std::map<std::string, const StepOutput*> out;
    for (const Run& run : runs_) {
      if (run.status != Run::Status::committed) continue;
      for (const std::string& key : run.retired) out.erase(key);
      for (const auto& [key, output] : (*outcomes_)[run.world].published) out[key] = &output;
    }
    return out;
  }
  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  [[nodiscard]] const WorldOutcome& outcome(std::size_t world) const { return (*outcomes_)[world]; }
  /// Those that publish something, undone or not.
  [[nodiscard]] std::size_t published_runs() const {
    std::size_t out = 0;
    for (const Run& run : runs_)
      if (run.status != Run::Status::failed && (!(*outcomes_)[run.world].published.empty() || !run.retired.empty())) ++out;
    return out;
  }
  [[nodiscard]] bool was_retired(const std::string& key) const {
    for (const Run& run : runs_)
      if (run.retired.contains(key)) return true;
    return false;
  }

 private:
  const UpdaterDriver* driver_;
  const std::vector<WorldOutcome>* outcomes_;
  std::vector<Run> runs_;
};

}  // namespace kfm_det::conformance::detail

#endif
