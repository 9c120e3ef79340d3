// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/wal/envelope_reader.hpp"

using namespace kfm_det;

TEST_CASE("the worked example of docs/formats/wal.md verifies, and its line hash is what the page says") {
  const std::string line =
      R"({"body":{"durable_upto":5,"format":1,"group":{"count":3,"index":2},"incarnation":1,"lsn":8,"prev":"532e8dbcfa76117d66ce065a5b60e8226cdeea5e5d6cd8a2692cd42fdf7b2b1e","record":{"actor":"system","entry_id":"69afd7c3-adfd-89fb-8acc-32491d530e8b","input_hash":"05e8a6a001c50731faae7d396141fd6ef665b3ba7c298a30df637262d758e629","operation":"commit","payload":{"effects":2},"phase":"COMMIT","seq":8,"status":"DONE","step_id":"","tier":0,"token":1,"ts":"2026-11-21T09:05:31.955083182Z","updater_id":"line-counts","updater_version":"1.0.0","wal_id":"8465ce02-aff0-8d2a-b7f9-25c02aece45f"},"stream":"line-counts@"},"hash":"7c22da1c068b636083b48ec9d8b23539619b255d174987b8d6e14234ec5715ba"})";
  const wal::Line read = wal::read_line(line);
  REQUIRE(read.kind == wal::LineKind::frame);
  CHECK(read.lsn == 8);
  CHECK(read.group_index == 2);
  CHECK(read.hash.hex() == "c34337e347aa11f76b01066c9634854552e40a75fe11c840a7a8eb3ae3dd4133");
  const auto record = wal::read_record(read);
  REQUIRE(record);
  CHECK(record.value().phase == wal::Phase::COMMIT);
  CHECK(record.value().seq == 8);
  CHECK(line.size() - line.find(",\"hash\"") == 75);
}
