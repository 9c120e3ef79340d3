// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>

#include "kfm_det/adapters/zstd.hpp"
#include "tests/sanitizers.hpp"
#include "tests/stores/archived_log.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using wal::FindingCode;

TEST_CASE("VERIFY-1 a log whose older segments were packed with zstd verifies as a whole, and a flip of any byte or a cut of any length is found") {
  const ZstdCodec codec;
  ArchivedLog log(&codec, 3);
  REQUIRE(log.archived.size() >= 3);
  REQUIRE(log.archived[0].ends_with(".jsonl.zst"));
  wal::VerifyOptions options;
  options.ring = ring_of(log.signer);
  options.witnesses = log.heads;
  options.policy.history = wal::History::whole;
  const auto report = log.verify(options);
  INFO(report.text());
  CHECK(report.findings.empty());
  CHECK(report.verified == log.heads.back());
  CHECK(codes(log.verify({}, false)) == "archive_not_read begins_at_checkpoint ");
  options = {};
  options.records = false;
  std::size_t harmless = 0, cuts = 0, flips = 0;
  for (const auto& path : log.archived) {
    const Bytes whole = log.bytes(path);
    for (std::size_t at = 0; at < whole.size(); at += byte_step) {
      Bytes bad = whole;
      bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
      log.put(path, bad);
      const auto plain = codec.decode(bad, 1 << 24);
      const bool is_same = plain && plain.value() == codec.decode(whole, 1 << 24).value();   // a bit of the frame that says nothing
      harmless += is_same;
      ++flips;
      const auto found_so = log.verify(options);
      INFO("byte " << at << " of " << path << "\n" << found_so.text());
      REQUIRE(found_so.is_intact() == is_same);
      if (!is_same) REQUIRE(std::any_of(found_so.findings.begin(), found_so.findings.end(), [&](const wal::Finding& one) { return one.segment == ArchivedLog::name_of(path) && (one.code == FindingCode::archive_damaged || one.code == FindingCode::segment_too_large); }));
      if (at % 7 != 0) continue;
      log.put(path, whole.substr(0, at));
      ++cuts;
      const auto cut = log.verify(options);
      REQUIRE(!cut.is_intact());
      REQUIRE(cut.findings.at(0).code == (at == 0 ? FindingCode::segment_empty : FindingCode::archive_damaged));
    }
    log.put(path, whole + "x");
    REQUIRE(!log.verify(options).is_intact());
    log.put(path, whole);
  }
  CHECK(flips * byte_step > 3000);
  CHECK(cuts > 400);
  CHECK(harmless < flips / 100);
  CHECK(log.verify(options).findings.empty());
}
