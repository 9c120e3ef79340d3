// SPDX-License-Identifier: BSL-1.0
/// \file
/// Back: takes one run back. The other direction of its life, through the same intent, effect and done.
///
/// An internal of the room. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_BACK_HPP
#define KFM_DET_UPDATER_BACK_HPP

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/updater/session.hpp"

namespace kfm_det::detail {

/// How many of a run's effects are what is current of their keys.
template <class SessionType>
[[nodiscard]] result<std::uint64_t> count_shown(SessionType& session, const RunId& id) {
  KFM_DET_TRY(session.recall(id));
  std::uint64_t shown = 0;
  for (const auto& effect : session.find(id)->effects) {
    KFM_DET_TRY(const auto current, session.sink.current(effect.business_key));
    if (current && current->effect == effect.effect) ++shown;
  }
  return shown;
}

/// Takes a run back: every planned effect is withdrawn, seen or not, backwards, through intent, effect and done. Resumable.
/// Answers how the run ended: `outcome`, or parked where an irreversible effect stands in the way.
template <class SessionType>
[[nodiscard]] result<wal::RunStatus> withdraw(SessionType& session, const RunId& id, wal::RunStatus outcome, const Error* cause) {
  using Progress = wal::EffectState::Progress;
  KFM_DET_TRY(session.recall(id));
  if (session.find(id)->status != wal::RunStatus::undoing) {
    KFM_DET_TRY(session.write({session.undo_record(*session.find(id), outcome, cause)}, true));
  } else {
    outcome = session.find(id)->ends_as;
  }
  std::vector<std::size_t> todo;
  bool stuck = false;
  {
    const auto& effects = session.find(id)->effects;
    for (std::size_t i = effects.size(); i-- > 0;) {
      if (effects[i].progress == Progress::withdrawn) continue;
      if (effects[i].irreversible) {
        KFM_DET_TRY(const auto there, session.sink.find(effects[i].effect));
        if (there && there->state != PublicationState::withdrawn) { stuck = true; break; }
      }
      todo.push_back(i);
    }
  }
  std::vector<wal::WalRecord> records;
  for (std::size_t start = 0; start < todo.size();) {
    const std::size_t end = std::min<std::size_t>(todo.size(), start + std::max<std::uint32_t>(session.env.limits.window, 1));
    wal::RunState& run = *session.find(id);
    std::vector<wal::EffectState> before;   // how far they were when this window began
    for (std::size_t i = start; i < end; ++i) before.push_back(run.effects[todo[i]]);
    std::vector<Withdrawal> batch;
    for (std::size_t i = start; i < end; ++i) {
      const auto& effect = before[i - start];
      if (effect.progress != Progress::withdrawing) {
        auto intent = session.record(run, wal::Phase::UPSERT, wal::operation::withdraw, effect.step_id, wal::Status::IN_PROGRESS);
        intent.payload = Json::object({{"business_key", Json(effect.business_key.text)}, {"effect", Json(effect.effect.hex())}});
        records.push_back(std::move(intent));
      }
      batch.push_back({effect.effect, id, run.order, effect.business_key});
    }
    KFM_DET_TRY(session.write(std::exchange(records, {}), true));
    const Head head = session.log.durable();
    KFM_DET_TRY(session.keep_lease());
    if (auto back = session.sink.withdraw(session.tenure(), head, batch); !back) {
      if (meaning(back.error()) != Meaning::final_error) return back.error();
      return session.settle(id, wal::RunStatus::parked, &back.error());   // it can never be taken back: reported and passed over
    }
    session.witness = head;
    for (std::size_t i = start; i < end; ++i) {
      auto done = session.record(*session.find(id), wal::Phase::UPSERT, wal::operation::withdraw, before[i - start].step_id, wal::Status::DONE);
      done.payload = Json::object({{"effect", Json(before[i - start].effect.hex())}, {"head", wal::head_json(head)}});
      records.push_back(std::move(done));
    }
    start = end;
    session.emit({Event::Kind::withdrawn, id, {}, start, todo.size(), {}});
  }
  KFM_DET_TRY(session.write(std::move(records), false));
  return session.settle(id, stuck ? wal::RunStatus::parked : outcome, cause);
}

}  // namespace kfm_det::detail

#endif
