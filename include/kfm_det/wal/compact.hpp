// SPDX-License-Identifier: BSL-1.0
/// \file
/// Compaction: reads a log and says what its next checkpoint has to say (wal/checkpoint.hpp; conformance/model/compact_model.py).
///
/// Laws, each with its usual bug:
///   COMPACT-1  replay from the checkpoint gives what replay of the whole log gives, field by field. Bug: a covered range that is off by one.
///   COMPACT-2  unfinished runs are carried whole. Bug: a checkpoint of finished runs, and the segments of an open one go.
///   COMPACT-3  an old witness, and an old sink, are judged behind it as before it. Bug: the heads of what was dropped are forgotten.
///   COMPACT-4  nothing is dropped before the checkpoint is durable. Bug: the snapshot is believed because it was written.
/// Memory: the state, what undo and explain need of every run, 36 bytes for each group that was ever written. A log's checkpoint grows with its runs (about what their
/// PLAN records hold without the plans' steps, of which only their risk stays) and by about 70 bytes for each group.
/// Thread-safety: one object, one thread.
#ifndef KFM_DET_WAL_COMPACT_HPP
#define KFM_DET_WAL_COMPACT_HPP

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/wal/checkpoint_state.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det::wal {

class Compaction {
 public:
  explicit Compaction(StreamId stream) : stream_(std::move(stream)) {}

  /// Every record of the log, from where it begins. Errors: as Replay.
  [[nodiscard]] result<void> see(const Line& line, const WalRecord& record) {
    const bool begins = !std::exchange(begun_, true);
    KFM_DET_TRY(replay_.apply(line, record));
    KFM_DET_TRY(heads_.see(record, stream_));
    last_ = line.lsn;
    if (record.phase == Phase::CONTROL && record.operation == operation::checkpoint) {
      if (line.group_index == 0) { checkpoint_ = line.lsn; loads_ = begins; }
      if (loads_) { KFM_DET_TRY(text_.see(line.group_index, record.payload, [&](const Json& item) { return load(item); })); }
      checkpoint_end_ = line.lsn;
    } else if (record.phase == Phase::PLAN) {
      RunBackground& known = backgrounds_[record.wal_id];
      known.actor = record.actor;
      known.payload = without_steps(replay_.state().runs.back().plan);
    } else if (record.phase == Phase::UPSERT && record.operation == operation::upsert && record.status != Status::FAILED) {   // FAILED is of the run, and names no step
      see_effect(backgrounds_[record.wal_id].published[record.step_id], record);
    }
    ends_.see(line);
    return success();
  }

  /// Nothing stands behind the newest checkpoint (or the log is empty): there is nothing to fold.
  [[nodiscard]] bool is_folded() const { return last_ == checkpoint_end_; }
  /// First LSN of the newest checkpoint; 0 where there is none.
  [[nodiscard]] Lsn checkpoint() const { return checkpoint_; }
  [[nodiscard]] const ScopeState& state() const { return replay_.state(); }
  [[nodiscard]] const GroupEnds& ends() const { return ends_; }

  /// The payloads of the CHECKPOINT entries, to be committed as one group. Errors: invalid_json, limit_exceeded.
  [[nodiscard]] result<std::vector<Json>> payloads(std::size_t line_bytes_max) const {
    std::vector<Json> items = wal::state_items(replay_.state(), backgrounds_);
    ends_.write(items);
    return checkpoint_payloads(items, heads_.highest().lsn == 0 ? Json() : head_json(heads_.highest()), line_bytes_max);
  }

 private:
  /// The steps are for whoever goes forward; what they say of risk stays: the records of the way back say it too (RISK-3).
  [[nodiscard]] static Json without_steps(const Json& payload) {
    Json out = Json::object();
    for (const auto& member : payload.members())
      if (member.key != "plan") out.set(member.key, member.value);
    if (Json risk = risk_of_steps(payload); !risk.members().empty()) out.set("risk", std::move(risk));
    return out;
  }
  result<void> load(const Json& item) {
    if (const Json* ends = item.find("ends")) return ends_.read(*ends);
    const Json* json = item.find("run");
    if (!json) return success();
    RunBackground background;
    KFM_DET_TRY(const RunState run, read_run(*json, &background));
    if (!background.payload.is_null()) background.payload = without_steps(background.payload);
    backgrounds_[run.id] = std::move(background);
    return success();
  }
  /// What an intent or a DONE says of an effect, and nobody else will say again.
  static void see_effect(Json& published, const WalRecord& record) {
    if (published.is_null()) published = Json::object();
    const auto keep = [&](const char* member, const char* as) { if (const Json* found = record.payload.find(member)) published.set(as, *found); };
    if (record.status == Status::IN_PROGRESS) {
      keep("key", "key");
      if (record.post_state_expected) published.set("content", Json(record.post_state_expected->hex()));
      if (record.pre_state_hash) published.set("before", Json(record.pre_state_hash->hex()));
      if (record.reversal) published.set("reversal", *record.reversal);
    } else if (record.status == Status::DONE) {
      keep("result", "result");
    }
  }

  StreamId stream_;
  Replay replay_;
  DoneHeads heads_;
  GroupEnds ends_;
  CheckpointText text_;
  std::map<RunId, RunBackground> backgrounds_;
  Lsn last_ = 0, checkpoint_ = 0, checkpoint_end_ = 0;
  bool begun_ = false, loads_ = false;
};

}  // namespace kfm_det::wal

#endif
