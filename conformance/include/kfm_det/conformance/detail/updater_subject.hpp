// SPDX-License-Identifier: BSL-1.0
/// \file
/// One world as the engine of check_updater drives it, without the types of plan and backends; and what a sink shows, as values.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_SUBJECT_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_SUBJECT_HPP

#include <algorithm>
#include <any>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/plan_outputs.hpp"
#include "kfm_det/conformance/detail/updater_watch.hpp"
#include "kfm_det/contracts/clock.hpp"

namespace kfm_det::conformance::detail {

/// A publication with its bytes.
struct ShownPublication {
  std::string effect, run, version_key, bytes, metadata;
  Order order;
  PublicationState state = PublicationState::current;
  bool tombstone = false, has_version = false;
};
/// All that a sink tells about its keys: what the export compares. Not in it: orders, which count records and so attempts.
struct SinkView {
  std::map<std::string, std::vector<ShownPublication>> keys;

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& [key, publications] : keys) {
      out.push_back("key " + key + " with " + std::to_string(publications.size()) + " publications");
      for (const auto& one : publications)
        out.push_back("key " + key + ": " + std::string(name(one.state)) + (one.tombstone ? " tombstone" : "") + ", effect " + one.effect.substr(0, 12) + ", run " + one.run.substr(0, 13) +
                      (one.has_version ? ", version " + one.version_key.substr(0, 12) + ", bytes \"" + kfm_det::detail::shown(one.bytes, 60) + "\" " + to_hex(sha256(one.bytes)) + ", metadata " + one.metadata : ", no version"));
    }
    return out;
  }
  /// Where two exports differ first; empty when they are equal.
  [[nodiscard]] std::string difference(const SinkView& other) const {
    const auto a = lines(), b = other.lines();
    for (std::size_t i = 0; i < a.size() || i < b.size(); ++i)
      if (i >= a.size() || i >= b.size() || a[i] != b[i]) return "undisturbed \"" + (i < a.size() ? a[i] : std::string("nothing more")) + "\", here \"" + (i < b.size() ? b[i] : std::string("nothing more")) + "\"";
    return {};
  }
  /// What is current of each key that has content; a tombstone shows nothing.
  [[nodiscard]] std::map<std::string, const ShownPublication*> current() const {
    std::map<std::string, const ShownPublication*> out;
    for (const auto& [key, publications] : keys)
      for (const auto& one : publications)
        if (one.state == PublicationState::current && !one.tombstone) out[key] = &one;
    return out;
  }
  /// Every run that published something, by order.
  [[nodiscard]] std::vector<std::string> runs() const {
    std::map<Order, std::string> by_order;
    for (const auto& [key, publications] : keys)
      for (const auto& one : publications) by_order[one.order] = one.run;
    std::vector<std::string> out;
    std::set<std::string> seen;
    for (const auto& [order, run] : by_order)
      if (seen.insert(run).second) out.push_back(run);
    return out;
  }

 private:
  static std::string to_hex(const Digest& digest) { return digest.hex().substr(0, 12); }
};

/// What the contract says that a trigger over a world comes to.
struct WorldOutcome {
  enum class Kind : std::uint8_t { publishes, refused /* before PLAN */, fails /* in a step */ } kind = Kind::publishes;
  std::string why;                               ///< of the other two
  std::optional<Error> gate;                     ///< what gate() said, where it has refused
  std::string inputs;                            ///< hash
  std::map<std::string, StepOutput> published;   ///< business key: content
  StepOutputs steps;
  std::string plan_text;
};

/// What a process answered.
struct Answer {
  bool killed = false;
  std::optional<Error> error;
  std::string report;   ///< of an updater that answers with a RunReport: all that it says, but the verdict
};

/// An answer as histories compare it: no LSN and no token is in it.
[[nodiscard]] inline std::string said(const Answer& answer) { return answer.killed ? "(killed)" : answer.error ? std::string(name(answer.error->code())) : answer.report; }

class UpdaterSubject {
 public:
  UpdaterSubject() = default;
  UpdaterSubject(const UpdaterSubject&) = delete;
  UpdaterSubject& operator=(const UpdaterSubject&) = delete;
  virtual ~UpdaterSubject() = default;

  /// A process: triggers `key` over the sources as they are.
  [[nodiscard]] virtual Answer trigger(Owner& owner, const std::string& key) = 0;
  [[nodiscard]] virtual Answer undo(Owner& owner, const RunId& run) = 0;
  [[nodiscard]] virtual Answer compact(Owner& owner) = 0;
  /// What status() and explain() tell of every run and key.
  [[nodiscard]] virtual std::string told() = 0;
  [[nodiscard]] virtual result<SinkView> look() = 0;
  /// What was under way to the sink arrives.
  virtual void deliver() = 0;
  /// As the oracle works it out, twice: `impure` says where the two differ.
  [[nodiscard]] virtual WorldOutcome outcome(const Sources& sources, std::string& impure) = 0;
  /// What the sink holds now, and the sink as it was then: of fixtures that can put one back.
  [[nodiscard]] virtual std::any copy_sink() = 0;
  virtual void put_sink_back(const std::any& copy) = 0;
  /// The head that the sink has of the log.
  [[nodiscard]] virtual Head witness() = 0;
  /// Every process died.
  virtual void crash() = 0;
  /// From here on the plan type has its next major version, or its own again.
  virtual void deploy(bool next) = 0;

  Watch watch;
  ManualClock clock{Instant{1'700'000'000'000'000'000}};
  std::shared_ptr<SourcesNow> sources = std::make_shared<SourcesNow>();
};

/// What the engine needs of a fixture.
struct UpdaterDriver {
  std::function<std::unique_ptr<UpdaterSubject>()> make;   ///< a fresh world
  std::vector<Sources> worlds;
  bool can_undo = false, can_compact = false, can_tell = false, can_put_back = false, has_versions = false, retires = false, may_be_empty = false;
  std::uint32_t attempts = 3;   ///< UpdaterLimits::attempts of its processes
};

}  // namespace kfm_det::conformance::detail

#endif
