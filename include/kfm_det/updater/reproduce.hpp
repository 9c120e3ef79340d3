// SPDX-License-Identifier: BSL-1.0
/// \file
/// reproduce(): does a recorded run again in a sandbox, and says whether it gives what its log says, byte for byte.
///
/// Laws, each with its usual bug:
///   REPRODUCE-1  the plan comes from the recorded inputs, and must be the recorded one. Bug: inputs are discovered again.
///   REPRODUCE-2  every step of the plan runs, in its order; of each that is recorded, hash and size of the bytes, content hash (so the metadata) and
///                idempotency key must be the recorded ones; it halts at the first that is not, and says which step, which member, recorded and found.
///                Bug: only what was published at the end is compared.
///   REPRODUCE-3  an input that has changed or gone since is errc::input_changed or not_found, and no difference of a step. Bug: the operation is blamed.
///   REPRODUCE-4  no effect is possible: there is no sink, store or lock to be given. Bug: a dry-run flag that somebody forgets.
///   REPRODUCE-5  (reproduce_prefixes) the real updater, started with any prefix of the run's log, and with the effects that are UNKNOWN there either in the
///                sink or not, ends in the same export. Bug: resume is tested at the places that somebody thought of.
///   REPRODUCE-6  a run that failed is reproduced when it fails in the same step with the same code. Bug: only good runs can be looked at.
/// It takes what Environment says of clock, source reader, services, limits and `cancelled`; its observer sees the steps. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_REPRODUCE_HPP
#define KFM_DET_UPDATER_REPRODUCE_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/plan/builder.hpp"
#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/perform.hpp"
#include "kfm_det/updater/plan_record.hpp"
#include "kfm_det/updater/session.hpp"
#include "kfm_det/wal/recorded_run.hpp"

namespace kfm_det {

/// The first thing in which a replay differs from the record.
struct ReproductionDifference {
  std::string step;                  ///< empty: of the run as a whole
  std::string member;                ///< plan, run, effect, bytes, size, content, key, failure, step, or (of prefixes) export
  std::string recorded, found;
  /// For a person.
  [[nodiscard]] std::string sentence() const {
    return (step.empty() ? std::string("the run") : "step " + step) + " differs in " + member + ": recorded " + recorded + ", found " + found;
  }
};

struct Reproduction {
  RunId run;
  std::string updater_id;
  Version version{0, 0, 0};
  wal::RunStatus status = wal::RunStatus::open;   ///< of the run, as its log says
  std::uint64_t steps = 0;                        ///< of the plan
  std::uint64_t steps_run = 0;
  std::uint64_t steps_compared = 0;               ///< those among them whose result the log holds
  bool failed_as_recorded = false;
  std::uint64_t prefixes = 0;                     ///< of reproduce_prefixes: logs that the updater was started with
  std::uint64_t groups = 0;                       ///< of reproduce_prefixes: atomic groups of the run, up to its COMMIT
  std::optional<ReproductionDifference> difference;

  [[nodiscard]] bool same() const { return !difference; }
  /// What a difference is to a program that goes by codes: nondeterministic_plan, nondeterministic_step.
  [[nodiscard]] Error error() const {
    const bool whole = difference && difference->step.empty();
    return {whole ? errc::nondeterministic_plan : errc::nondeterministic_step, difference ? difference->sentence() : "there is no difference", "run " + run.text(),
            whole ? "Replay it with the code that ran it." : "Replay it with the code that ran it; if this is that code, make the operation a function of its params, inputs and upstream outputs."};
  }
  /// For a person.
  [[nodiscard]] std::string sentence() const {
    std::string out = updater_id + " " + version.text() + ": run " + run.text();
    if (difference) return out + " was not reproduced: " + difference->sentence() + ".";
    out += " was reproduced: " + std::to_string(steps_run) + " of " + std::to_string(steps) + " steps run, " + std::to_string(steps_compared) + " compared with the log, each the same";
    if (failed_as_recorded) out += "; then it failed as recorded";
    if (prefixes != 0) out += "; started with each of " + std::to_string(prefixes) + " logs that " + std::to_string(groups) + " groups make, the updater ended in the same export";
    return out + ". No effect was possible.";
  }
};

namespace detail {

/// The scope of a recorded run.
[[nodiscard]] inline Scope scope_of(const wal::RecordedRun& recorded) {
  const Json* trigger = recorded.plan.find("trigger");
  const Json* partition = trigger ? trigger->find("partition") : nullptr;
  return {recorded.state.updater_id, partition && partition->string() ? *partition->string() : std::string()};
}

/// A replay, and the outputs that it gave.
template <class P, class Env>
class Reproducer {
 public:
  Reproducer(const wal::RecordedRun& recorded, Env& env) : recorded_(recorded), env_(env), spool_(env.spool_directory, env.limits.spool_bytes_max) {}

  [[nodiscard]] result<Reproduction> run() {
    const wal::RunState& state = recorded_.state;
    KFM_DET_TRY(check_code());
    out_.run = recorded_.run;
    out_.updater_id = state.updater_id;
    out_.version = state.version;
    out_.status = state.status;
    KFM_DET_TRY(const Plan planned, build_plan<P>(recorded_.inputs));
    out_.steps = planned.size();
    KFM_DET_TRY(compare_plan(planned));
    if (out_.difference) return out_;
    SourceReaderView reader(env_.source_reader);
    for (const auto& wave : planned.waves())
      for (const std::size_t index : wave) {
        if (env_.cancelled && env_.cancelled()) return Error(errc::cancelled, "a graceful stop was asked for", planned.steps()[index].id, "Start again.");
        KFM_DET_TRY(const bool go_on, step(planned.steps()[index], reader));
        if (!go_on) return out_;
      }
    return out_;
  }

  [[nodiscard]] Spool& spool() { return spool_; }
  [[nodiscard]] const std::map<std::string, wal::ExecutedStep>& found() const { return found_; }

 private:
  result<void> check_code() const {
    const wal::RunState& state = recorded_.state;
    if (state.updater_id != UpdaterId(P::id).text)
      return Error(errc::foreign, "the run is one of " + state.updater_id + ", and this is " + std::string(UpdaterId(P::id).text), recorded_.run.text(), "Replay it with the program that ran it.");
    if (recorded_.stream != StreamId::of(scope_of(recorded_)))
      return Error(errc::foreign, "the stream of this run is not that of its updater and partition", recorded_.stream.text, "Look where these lines come from.");
    if (state.version != Version(P::version))
      return Error(errc::unsupported_version, "the run was planned by version " + state.version.text() + ", and this is version " + Version(P::version).text(), recorded_.run.text(), "Replay it with the version that ran it.");
    return success();
  }

  bool differs(std::string step, std::string member, std::string recorded, std::string found) {
    out_.difference = ReproductionDifference{std::move(step), std::move(member), std::move(recorded), std::move(found)};
    return true;
  }

  result<void> compare_plan(const Plan& planned) {
    wal::RunState state = recorded_.state;
    if (planned.hash() != state.plan_hash) {
      differs({}, "plan", state.plan_hash.hex(), planned.hash().hex() + " (" + difference_from_recorded(recorded_.plan, planned) + ")");
      return success();
    }
    KFM_DET_TRY(const InputHash inputs, input_hash(recorded_.inputs));
    KFM_DET_TRY(const RunId id, run_id({recorded_.stream, state.order.incarnation, state.updater_id, state.version, state.trigger_key, inputs, state.predecessor}));
    if (id != recorded_.run && differs({}, "run", recorded_.run.text(), id.text())) return success();
    KFM_DET_TRY(wal::Replay::recall(state, recorded_.plan));
    for (const auto& effect : state.effects) {
      const Step* step = planned.find(effect.step_id);
      if (!effect.tombstone && (!step || step->publishes != effect.business_key) && differs(effect.step_id, "effect", effect.business_key.text, "a plan that does not publish it there")) return success();
      const EffectId made = effect_id(id, effect.step_id);
      if (made != effect.effect && differs(effect.step_id, "effect", effect.effect.hex(), made.hex())) return success();
    }
    for (const auto& [step, executed] : recorded_.executed)
      if (!planned.find(step) && differs(step, "step", "a result of it", "a plan without it")) return success();
    return success();
  }

  /// False: it has to halt.
  result<bool> step(const Step& step, SourceReader& reader) {
    StepContext context({.reader = &reader,
                         .inputs = recorded_.inputs,
                         .spool = &spool_,
                         .services = &env_.services,
                         .load_upstream = [&](const std::string& upstream) -> result<Bytes> {
                           const auto* entry = spool_.find(upstream);
                           KFM_DET_ASSERT(entry);   // waves: it has run
                           return spool_.load(*entry);
                         },
                         .heartbeat = []() -> result<void> { return success(); },
                         .cancelled = env_.cancelled,
                         .progress = {}},
                        step);
    const auto recorded = recorded_.executed.find(step.id);
    const bool is_recorded = recorded != recorded_.executed.end();
    auto ran = perform_step<P>(step, context, spool_, out_.updater_id, out_.version);
    ++out_.steps_run;
    if (!ran) return failed(step.id, is_recorded ? &recorded->second : nullptr, ran.error());
    const wal::ExecutedStep& now = found_[step.id] = std::move(ran).value();
    if (!is_recorded) {
      if (const auto* failure = recorded_failure(); failure && failure->step_id == step.id) return !differs(step.id, "failure", failure->sentence, "an output of " + std::to_string(now.size) + " bytes");
      return true;
    }
    ++out_.steps_compared;
    const wal::ExecutedStep& before = recorded->second;
    const auto key = [](const wal::ExecutedStep& one) { return one.key ? one.key->hex() : std::string("none"); };
    if (now.bytes_hash != before.bytes_hash) return !differs(step.id, "bytes", before.bytes_hash.hex() + " (" + std::to_string(before.size) + " bytes)", now.bytes_hash.hex() + " (" + std::to_string(now.size) + " bytes)");
    if (now.size != before.size) return !differs(step.id, "size", std::to_string(before.size), std::to_string(now.size));
    if (now.content != before.content) return !differs(step.id, "content", before.content.hex(), now.content.hex() + " (the bytes are the same: the metadata is another)");
    if (now.key != before.key) return !differs(step.id, "key", key(before), key(now));
    emit(step.id);
    return true;
  }

  /// REPRODUCE-3, REPRODUCE-6.
  result<bool> failed(const std::string& step, const wal::ExecutedStep* recorded, const Error& error) {
    if (meaning(error) != Meaning::final_error) return error;
    const std::string found = error.message();
    if (recorded) return !differs(step, "failure", "none: an output of " + std::to_string(recorded->size) + " bytes", found);
    const auto* failure = recorded_failure();
    if (!failure || (!failure->step_id.empty() && failure->step_id != step)) return error;
    if (failure->code != name(error.code())) return !differs(step, "failure", failure->sentence, found);
    out_.failed_as_recorded = true;
    return false;
  }
  /// Why an operation failed, as the log says. A run that was settled by a later trigger names no step.
  const wal::Failure* recorded_failure() const {
    const auto& failure = recorded_.state.failure;
    if (!failure || recorded_.state.status == wal::RunStatus::committed || (!failure->stage.empty() && failure->stage != "EXECUTE")) return nullptr;
    for (const errc other : {errc::quarantined, errc::input_changed, errc::not_found, errc::undone, errc::nondeterministic_plan, errc::leftover_step})
      if (failure->code == name(other)) return nullptr;
    return &*failure;
  }

  void emit(const std::string& step) const noexcept {
    if (!env_.observer) return;
    try {
      env_.observer({Event::Kind::step_done, out_.run, step, out_.steps_run, out_.steps, {}});
    } catch (...) {   // what watches can never change what is found
    }
  }

  const wal::RecordedRun& recorded_;
  Env& env_;
  Spool spool_;
  std::map<std::string, wal::ExecutedStep> found_;   // by step
  Reproduction out_;
};

}  // namespace detail

/// A difference is a value: look at same(). Errors: foreign (another updater's run), unsupported_version (another version's), input_changed and not_found (the
/// inputs are not what they were), what a step answers that the log holds no result of, cancelled, io_error and no_space of the spool.
template <class P, class Env>
[[nodiscard]] result<Reproduction> reproduce(const wal::RecordedRun& recorded, Env& environment) {
  static_assert(diagnose_plan<P>());
  return detail::Reproducer<P, Env>(recorded, environment).run();
}

}  // namespace kfm_det

#endif
