// SPDX-License-Identifier: BSL-1.0
// Records and logs for tests: small, deterministic, and linked like real ones.
#ifndef KFM_DET_TESTS_WAL_RECORDS_HPP
#define KFM_DET_TESTS_WAL_RECORDS_HPP

#include <string>
#include <vector>

#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/wal/log.hpp"

namespace kfm_det::testing {

inline const StreamId& test_stream() {
  static const StreamId id = StreamId::of({"test", "p"});
  return id;
}

inline wal::WalRecord record(std::uint64_t seq, std::string step = "s", std::string text = "x") {
  wal::WalRecord out;
  out.wal_id = RunId{uuid_v8(sha256("run"))};
  out.seq = seq;
  out.phase = wal::Phase::EXECUTE;
  out.operation = "test";
  out.step_id = std::move(step);
  out.updater_id = "test";
  out.updater_version = {1, 0, 0};
  out.actor = "tester";
  out.token = 1;
  out.payload = Json::object({{"text", Json(text)}});
  return out;
}

/// Sealed lines as a Log would write them: `groups` gives the size of each atomic group.
struct Lines {
  Head head{test_stream(), 1, 0, {}};
  std::vector<std::string> all;
  std::vector<Head> heads{head};
  std::vector<std::string> group(std::uint32_t count, Lsn durable_upto = 0, Incarnation incarnation = 1, const std::string& salt = "x") {
    std::vector<std::string> out;
    for (std::uint32_t i = 0; i < count; ++i) {
      std::string line;
      const wal::Envelope envelope{test_stream(), incarnation, head.lsn + 1, head.hash, i, count, durable_upto};
      head.hash = wal::seal_frame(line, envelope, record(head.lsn + 1, "s", salt)).value();
      head.lsn += 1;
      head.incarnation = incarnation;
      heads.push_back(head);
      all.push_back(line);
      out.push_back(line);
    }
    return out;
  }
};
inline std::vector<BytesView> views(const std::vector<std::string>& lines) { return {lines.begin(), lines.end()}; }

}  // namespace kfm_det::testing

#endif
