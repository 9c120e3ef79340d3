// SPDX-License-Identifier: BSL-1.0
/// \file
/// RecordedRun: one run as its log holds it: its lines as they were sealed, what they say, and what is needed to do it again.
///
/// Plain values. record_run() looks only; assemble_run() is a pure function. Memory: the run's lines.
#ifndef KFM_DET_WAL_RECORDED_RUN_HPP
#define KFM_DET_WAL_RECORDED_RUN_HPP

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/source_ref.hpp"
#include "kfm_det/wal/envelope_reader.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/recovery.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det::wal {

struct RecordedLine {
  std::string text;                ///< as it was sealed, without its newline: its hash, and its signature if it has one, can still be checked
  Lsn lsn = 0;
  Incarnation incarnation = 1;
  std::uint32_t group_index = 0, group_count = 1;
  Digest prev, hash;               ///< line hash of the frame before (of whichever run), and its own
  WalRecord record;
  [[nodiscard]] Lsn group() const { return lsn - group_index; }
};

struct RecordedRun {
  StreamId stream;
  RunId run;
  Head begin, end;                 ///< the place in front of its first line, and of its last line
  std::vector<RecordedLine> lines; ///< by LSN; those of other runs that stand between are not here
  Json plan;                       ///< the PLAN record's payload, whole
  std::vector<SourceRef> inputs;   ///< that the PLAN record names
  RunState state;                  ///< what the lines say, folded
  std::map<std::string, ExecutedStep> executed;   ///< what each step gave, also of a run that is finished
};

/// The inputs that a PLAN payload records. Errors: invalid_json.
[[nodiscard]] inline result<std::vector<SourceRef>> recorded_inputs(const Json& payload) {
  std::vector<SourceRef> refs;
  if (const Json* inputs = payload.find("inputs"))
    for (const Json& item : inputs->items()) {
      KFM_DET_TRY(auto ref, from_json<SourceRef>(item));
      refs.push_back(std::move(ref));
    }
  return refs;
}

/// Reads a run's lines: each verified by its own hash, of this stream and run, in order, each once, linked where they are neighbours; the first is its plan.
/// Errors: hash_mismatch (a line does not verify, or two neighbours are not linked), foreign, invalid_json (order, doubles, no plan at the beginning),
/// unsupported_version, corrupt_committed (records that cannot stand where they do).
[[nodiscard]] inline result<RecordedRun> assemble_run(const StreamId& stream, const RunId& run, std::vector<std::string> lines) {
  RecordedRun out;
  out.stream = stream;
  out.run = run;
  Replay replay;
  for (std::string& text : lines) {
    const std::string where = "line " + std::to_string(out.lines.size() + 1) + " of run " + run.text();
    const auto bad = [&](errc code, std::string what) { return Error(code, std::move(what), where, "Extract the run again from its log."); };
    const Line line = read_line(text);
    if (line.kind == LineKind::newer_format) return bad(errc::unsupported_version, "the line was written by a newer version of the format");
    if (line.kind != LineKind::frame) return bad(errc::hash_mismatch, "the line does not verify");
    if (line.stream != stream.text) return bad(errc::foreign, "the line belongs to the stream " + std::string(line.stream));
    KFM_DET_TRY(WalRecord record, read_record(line));
    if (record.wal_id != run) return bad(errc::foreign, "the line belongs to the run " + record.wal_id.text());
    const bool is_plan = record.phase == Phase::PLAN, is_part = record.phase == Phase::CONTROL && record.operation == operation::plan_part;
    if (out.lines.empty() && !is_plan && !is_part) return bad(errc::invalid_json, "the run does not begin with its plan");
    if (!out.lines.empty()) {
      const RecordedLine& before = out.lines.back();
      if (line.lsn <= before.lsn) return bad(errc::invalid_json, line.lsn == before.lsn ? "the line stands twice" : "the lines are not in order");
      if (record.seq <= before.record.seq) return bad(errc::invalid_json, "the run's records do not count up");
      if (line.incarnation < before.incarnation) return bad(errc::invalid_json, "the incarnation goes back");
      if (line.lsn == before.lsn + 1 && line.link != before.hash) return bad(errc::hash_mismatch, "the line does not follow from the one before it");
    }
    KFM_DET_TRY(replay.apply(line, record));
    if (is_plan) out.plan = replay.state().runs.back().plan;
    if (record.phase == Phase::EXECUTE && record.status == Status::DONE)
      if (const auto& now = replay.state().runs.front().executed; now.contains(record.step_id)) out.executed[record.step_id] = now.at(record.step_id);
    RecordedLine one{{}, line.lsn, line.incarnation, line.group_index, line.group_count, line.link, line.hash, std::move(record)};
    one.text = std::move(text);
    out.lines.push_back(std::move(one));
  }
  if (replay.state().runs.empty()) return Error(errc::invalid_json, "there is no plan among the lines of this run", run.text(), "Extract the run again from its log.");
  out.state = replay.state().runs.front();
  const RecordedLine &first = out.lines.front(), &last = out.lines.back();
  out.begin = {stream, first.incarnation, first.lsn - 1, first.prev};
  out.end = {stream, last.incarnation, last.lsn, last.hash};
  KFM_DET_TRY(out.inputs, recorded_inputs(out.plan));
  return out;
}

/// Takes a run out of a log, without a tenure: no byte changes. `witnesses`: heads that an outside knows (a sink's, a head file's).
/// Errors: not_found (no such run, or its plan is not in the log any more), the verdicts of recovery, as assemble_run.
template <class St>
[[nodiscard]] result<RecordedRun> record_run(St& store, const StreamId& id, const RunId& run, std::span<const Head> witnesses = {}) {
  KFM_DET_TRY(auto stream, store.open_stream(id));
  KFM_DET_TRY(const Recovery recovery, stream.inspect(witnesses));
  if (!is_usable(recovery.verdict)) return verdict_error(recovery, id);
  std::vector<std::string> lines;
  bool planned = false;
  const std::string named = "\"wal_id\":\"" + run.text() + "\"";   // cheap: most lines are of other runs
  KFM_DET_TRY(stream.scan(1, [&](const Frame& frame) -> result<void> {
    if (frame.lsn > recovery.tail.lsn || frame.bytes.find(named) == BytesView::npos) return success();
    KFM_DET_TRY(const WalRecord record, read_record(read_line(frame.bytes)));
    if (record.wal_id != run) return success();
    planned = planned || record.phase == Phase::PLAN;
    lines.emplace_back(frame.bytes);
    return success();
  }));
  if (lines.empty()) return Error(errc::not_found, "there is no such run in this log", run.text() + ", stream " + id.text, "List the runs; a run's id is written as 8-4-4-4-12 hex digits.");
  if (!planned) return Error(errc::not_found, "the log does not hold the plan of this run any more", run.text(), "The log was compacted: take the run from the archive.");
  return assemble_run(id, run, std::move(lines));
}

}  // namespace kfm_det::wal

#endif
