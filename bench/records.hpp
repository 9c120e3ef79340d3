// SPDX-License-Identifier: BSL-1.0
// The record that everything here writes: the intent of one published effect, as the updater makes it, with every optional field it uses.
#ifndef KFM_DET_BENCH_RECORDS_HPP
#define KFM_DET_BENCH_RECORDS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/wal/envelope.hpp"
#include "kfm_det/wal/record.hpp"

namespace kfm_det::bench {

[[nodiscard]] inline StreamId stream_id() { return StreamId::of({"noaa-monthly-summary", "seattle"}); }

[[nodiscard]] inline wal::WalRecord intent_record(std::uint64_t seq) {
  const std::string key = "seattle/2012-" + std::to_string(10 + seq % 90) + "/precipitation", effect = sha256("effect " + key).hex();
  wal::WalRecord out;
  out.wal_id = RunId{uuid_v8(sha256("run"))};
  out.seq = seq;
  out.entry_id = EntryId{uuid_v8(sha256("entry" + std::to_string(seq)))};
  out.ts = Instant{1'700'000'000'123'456'789};
  out.phase = wal::Phase::UPSERT;
  out.operation = wal::operation::upsert;
  out.step_id = "summarise:" + key;
  out.status = wal::Status::IN_PROGRESS;
  out.updater_id = "noaa-monthly-summary";
  out.updater_version = {1, 4, 2};
  out.input_hash = InputHash{sha256("inputs")};
  out.actor = "system";
  out.token = 17;
  out.tier = 1;
  out.pre_state_hash = sha256("before " + key);
  out.post_state_expected = sha256("after " + key);
  out.payload = Json::object({{"business_key", Json(key)}, {"effect", Json(effect)}, {"key", Json(sha256("key " + key).hex())}});
  out.reversal = Json::object({{"effect", Json(effect)}, {"operation", Json(wal::operation::withdraw)}});
  return out;
}

[[nodiscard]] inline std::vector<wal::WalRecord> intent_records(std::size_t count) {
  std::vector<wal::WalRecord> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(intent_record(1000 + i));
  return out;
}

/// The lines that a log writes for these records, newlines included.
[[nodiscard]] inline std::vector<std::string> sealed_lines(const std::vector<wal::WalRecord>& records) {
  std::vector<std::string> out;
  wal::Envelope envelope{stream_id(), 1, 10'000, sha256("line before"), 0, static_cast<std::uint32_t>(records.size()), 10'000};
  for (const auto& record : records) {
    ++envelope.lsn;
    std::string line;
    envelope.prev = wal::seal_frame(line, envelope, record).value();
    out.push_back(line + "\n");
    ++envelope.group_index;
  }
  return out;
}

}  // namespace kfm_det::bench

#endif
