// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a log of the corpus says, as one JSON value: what its expected.json holds. Looks only.
#ifndef KFM_DET_TESTS_CORPUS_SUMMARY_HPP
#define KFM_DET_TESTS_CORPUS_SUMMARY_HPP

#include <optional>
#include <span>
#include <string>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det::testing {

/// `line_hashes`: SHA-256 over the line hash of each good frame, as 64 hex digits and LF, in order.
template <class Store>
[[nodiscard]] result<Json> summary(Store& store, const StreamId& id) {
  KFM_DET_TRY(auto stream, store.open_stream(id));
  KFM_DET_TRY(const Recovery recovery, stream.inspect(std::span<const Head>{}));
  wal::Replay replay;
  std::uint64_t records = 0;
  Sha256 hashes;
  KFM_DET_TRY(wal::read_records(stream, 1, [&](const wal::Line& line, const wal::WalRecord& record) -> result<void> {
    ++records;
    hashes.update(line.hash.hex() + "\n");
    return replay.apply(line, record);
  }));
  Json runs = Json::array();
  for (const auto& run : replay.state().runs)
    runs.push(Json::object({{"attempts", Json(std::uint64_t{run.attempts_ever})}, {"effects", Json(run.planned_effects)}, {"id", Json(run.id.text())}, {"status", Json(wal::name(run.status))}, {"trigger", Json(run.trigger_key)}}));
  return Json::object({{"format", Json(std::uint64_t{wal::format_version})},
                       {"incarnation", Json(recovery.incarnation)},
                       {"line_hashes", Json(hashes.finish().hex())},
                       {"proven", Json(recovery.proven)},
                       {"records", Json(records)},
                       {"runs", std::move(runs)},
                       {"stream", Json(id.text)},
                       {"tail", wal::head_json(recovery.tail)},
                       {"verdict", Json(name(recovery.verdict))}});
}

}  // namespace kfm_det::testing

#endif
