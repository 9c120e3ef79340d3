// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a log of the corpus says, as one JSON value: what its expected.json holds. Looks only.
#ifndef KFM_DET_TESTS_CORPUS_SUMMARY_HPP
#define KFM_DET_TESTS_CORPUS_SUMMARY_HPP

#include <map>
#include <optional>
#include <span>
#include <string>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/wal/examine.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det::testing {

/// `line_hashes`: SHA-256 over the line hash of each good frame, as 64 hex digits and LF, in order. Only where there is something to say: `base`, the LSN that
/// the log begins with, `evidence`, what LOSS records name, and `signatures`, how many of each key of `ring` are valid (one that is not valid is an error).
template <class Store>
[[nodiscard]] result<Json> summary(Store& store, const StreamId& id, const wal::KeyRing& ring = {}) {
  KFM_DET_TRY(auto stream, store.open_stream(id));
  KFM_DET_TRY(const Recovery recovery, stream.inspect(std::span<const Head>{}));
  wal::Replay replay;
  std::uint64_t records = 0;
  Sha256 hashes;
  Json evidence = Json::array(), signatures = Json::object();
  std::map<std::string, std::uint64_t> valid;
  KFM_DET_TRY(wal::read_records(stream, 1, [&](const wal::Line& line, const wal::WalRecord& record) -> result<void> {
    ++records;
    hashes.update(line.hash.hex() + "\n");
    if (const Json* named = record.payload.find("evidence"))
      for (const Json& one : named->items()) evidence.push(one);
    if (line.signature) {
      if (wal::detail::check_signature(line, ring) != wal::SignatureState::valid) return Error(errc::hash_mismatch, "a signature that is not valid", "lsn " + std::to_string(line.lsn));
      ++valid[std::string(line.signature.key)];
    }
    return replay.apply(line, record);
  }));
  Json runs = Json::array();
  for (const auto& run : replay.state().runs)
    runs.push(Json::object({{"attempts", Json(std::uint64_t{run.attempts_ever})}, {"effects", Json(run.planned_effects)}, {"id", Json(run.id.text())}, {"status", Json(wal::name(run.status))}, {"trigger", Json(run.trigger_key)}}));
  Json out = Json::object({{"format", Json(std::uint64_t{wal::format_version})},
                       {"incarnation", Json(recovery.incarnation)},
                       {"line_hashes", Json(hashes.finish().hex())},
                       {"proven", Json(recovery.proven)},
                       {"records", Json(records)},
                       {"runs", std::move(runs)},
                       {"stream", Json(id.text)},
                       {"tail", wal::head_json(recovery.tail)},
                       {"verdict", Json(name(recovery.verdict))}});
  if (recovery.base != 1) out.set("base", Json(recovery.base));
  if (!evidence.items().empty()) out.set("evidence", std::move(evidence));
  for (const auto& [key, count] : valid) signatures.set(key, Json(count));
  if (!signatures.members().empty()) out.set("signatures", std::move(signatures));
  return out;
}

}  // namespace kfm_det::testing

#endif
