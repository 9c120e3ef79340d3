// SPDX-License-Identifier: BSL-1.0
/// \file
/// Tenures: the backends of one user, how a tenure over them begins, and what needs no plan type: looking, undo, an accepted loss.
///
/// An internal of the room; what Updater and Operator share. Must stay where it is while a tenure is held. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_TENURES_HPP
#define KFM_DET_UPDATER_TENURES_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/updater/approval.hpp"
#include "kfm_det/updater/back.hpp"
#include "kfm_det/updater/compact.hpp"
#include "kfm_det/updater/held.hpp"
#include "kfm_det/updater/loss.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det::detail {

/// Says which backends make no sense together.
template <class St, class L, class Si>
consteval bool diagnose_together() {
  static_assert(St::claims.survives_power_loss || !Si::claims.survives_power_loss,
                "kfm_det updater: the sink survives power loss but the store forgets: what is published could not be explained or resumed; take a durable store");
  static_assert(!St::claims.survives_power_loss || L::claims.survives_power_loss,
                "kfm_det updater: the store survives power loss but the lock's tokens start again: a late writer could not be refused; take a lock that keeps its counter");
  return true;
}

/// A log that was looked at: what recovery would say, and what its records do.
struct Seen { Recovery recovery; wal::Replay replay; };

template <class St, class L, class Si, class Env>
struct Tenures {
  using LogType = wal::Log<typename St::Stream, decltype(Env::clock), decltype(Env::signer)>;
  using HeldType = Held<LogType, L, Si, Env>;
  static constexpr int tries_max = 64;

  St store;
  L lock;
  Si sink;
  Env env;
  std::uint64_t highest_token = 0;   ///< that was seen: the next lease is asked for above it

  /// Without a lease; no byte changes. Errors: the verdicts of recovery.
  [[nodiscard]] result<Seen> look(const Scope& scope) {
    Seen seen;
    KFM_DET_TRY(seen.recovery, wal::inspect_log(store, sink, StreamId::of(scope), [&](const wal::Line& line, const wal::WalRecord& record) { return seen.replay.apply(line, record); }));
    return seen;
  }

  /// Lease, then the sink's floor and witness, then the log: in this order (DESIGN 6).
  [[nodiscard]] result<std::unique_ptr<HeldType>> take(const Scope& scope, RecoverOptions recover = {}) {
    const StreamId id = StreamId::of(scope);
    const Duration ttl = milliseconds(env.limits.lease_ttl_ms);
    std::unique_ptr<HeldType> held;
    Head witness;
    Duration asked;   // when the lease was: it counts from before the request
    std::uint64_t above = highest_token;
    for (int tries = 0;; ++tries) {
      asked = env.clock.monotonic();
      KFM_DET_TRY(auto lease, lock.try_acquire(scope, ttl, FencingToken{above}));
      if (!lease) return busy(scope);
      held = std::make_unique<HeldType>(lock, *std::move(lease));
      auto begun = sink.begin(Tenure{scope, held->lease.token, held->lease.owner}, id);
      if (begun) { witness = std::move(begun).value(); break; }
      if (begun.error().code() != errc::stale_token || tries == tries_max) return begun.error();
      above = held->lease.token.value + (std::uint64_t{1} << std::min(tries, 40)) - 1;   // a lock that lost its counter: reach above the sink's
      held.reset();
    }
    highest_token = held->lease.token.value;
    // Opening the log ends whoever has it. Who was held up until his lease ran out must not do that to an owner who is at work.
    if (env.clock.monotonic() - asked >= Duration{ttl.ns / 2}) {
      asked = env.clock.monotonic();
      KFM_DET_TRY(held->lease, lock.renew(held->lease, ttl));
    }
    KFM_DET_TRY(auto stream, store.open_stream(id));
    wal::LogOptions options;
    options.line_bytes_max = env.limits.line_bytes_max;
    options.recover = recover;
    options.signing = env.signing;
    options.segment_age = milliseconds(static_cast<std::int64_t>(env.limits.segment_age_ms));
    wal::Replay& replay = held->replay;
    auto log = LogType::open(std::move(stream), id, witness, env.clock, [&](const wal::Line& line, const wal::WalRecord& record) { return replay.apply(line, record); }, options, env.signer);
    if (!log) {
      // Whoever slept between sink and log compares an old witness with a newer log: the sink knows whether somebody else went on meanwhile.
      KFM_DET_TRY(sink.begin(Tenure{scope, held->lease.token, held->lease.owner}, id));
      return log.error();
    }
    held->log.emplace(std::move(log).value());
    held->session.emplace(env, lock, sink, *held->log, replay, held->lease, asked, std::move(witness));
    held->session->emit({Event::Kind::recovered, {}, {}, held->log->tail().lsn, 0, name(held->log->recovery().verdict)});
    return held;
  }

  /// Updater::undo and Operator::undo.
  [[nodiscard]] result<RunReport> undo(const Scope& scope, const RunId& id, const std::string& actor) {
    KFM_DET_TRY(check_actor(actor, env.actor));
    KFM_DET_TRY(auto held, take(scope));
    typename HeldType::SessionType& session = *held->session;
    session.actor = actor;
    if (!session.find(id)) return no_such_run(id);
    RunReport report = report_of(*session.find(id));
    report.verdict = held->log->recovery().verdict;
    report.outcome = RunReport::Outcome::nothing_to_do;
    if (!wal::is_taken_back(session.find(id)->status)) {
      KFM_DET_TRY(report.shown, count_shown(session, id));
      report.withdrawn = session.find(id)->planned_effects;
      KFM_DET_TRY(report.status, withdraw(session, id, wal::RunStatus::undone, nullptr));
      if (report.status == wal::RunStatus::parked) return ended(*session.find(id));
      report.outcome = RunReport::Outcome::undone;
    }
    (void)held->end();
    return report;
  }

  /// Updater::accept_loss and Operator::accept_loss. `version` goes into the LOSS record; without one it is that of the newest run.
  [[nodiscard]] result<LossReport> accept_loss(const Scope& scope, const std::optional<Version>& version, const std::string& actor, KeepEvidence keep = keep_nothing) {
    KFM_DET_TRY(check_actor(actor, env.actor));
    KFM_DET_TRY(auto held, take(scope, {.accept_loss = true}));
    typename HeldType::SessionType& session = *held->session;
    session.actor = actor;
    const auto& runs = session.state().runs;
    KFM_DET_TRY(LossReport report, detail::accept_loss(session, scope, version ? *version : runs.empty() ? Version{0, 0, 0} : runs.back().version, keep));
    KFM_DET_TRY(held->end());
    return report;
  }

  /// Updater::compact and Operator::compact; `version` as for accept_loss.
  [[nodiscard]] result<CompactionReport> compact(const Scope& scope, const std::optional<Version>& version, const std::string& actor) {
    KFM_DET_TRY(check_actor(actor, env.actor));
    if constexpr (!St::claims.trims) {
      return Error(errc::unsupported, "this store does not trim, so a checkpoint would only make its log longer", StreamId::of(scope).text, "Keep the whole log, or take a store that claims `trims`.");
    } else {
      KFM_DET_TRY(auto held, take(scope));
      held->session->actor = actor;
      const auto& runs = held->session->state().runs;
      KFM_DET_TRY(const CompactionReport report, detail::compact(*held->session, scope, version ? *version : runs.empty() ? Version{0, 0, 0} : runs.back().version));
      KFM_DET_TRY(held->end());
      return report;
    }
  }

  /// Operator::archive.
  [[nodiscard]] result<void> archive(const Scope& scope) {
    KFM_DET_TRY(auto held, take(scope));
    KFM_DET_TRY(held->session->keep_lease());
    KFM_DET_TRY(held->log->archive_finished());
    return held->end();
  }

 private:
  Error busy(const Scope& scope) {
    std::string who;
    if constexpr (requires { lock.holder(scope); }) {
      if (auto holder = lock.holder(scope); holder && holder.value()) who = ", held by " + holder.value()->owner.text;
    }
    return {errc::busy, "another owner works on this scope" + who, StreamId::of(scope).text, "Wait until it is done; if its process is dead the scope is free at once, if it hangs its lease runs out"};
  }
};

}  // namespace kfm_det::detail

#endif
