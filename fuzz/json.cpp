// SPDX-License-Identifier: BSL-1.0
// JSON and what the log holds of it: parse_json, Plan::parse. What is read can be written, and read again as the same.
#include <string>
#include <string_view>

#include "fuzz/check.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/source_ref.hpp"
#include "kfm_det/core/typed_reader.hpp"
#include "kfm_det/plan/plan.hpp"
#include "kfm_det/updater/plan_record.hpp"
#include "kfm_det/wal/run_risk.hpp"
#include "kfm_det/wal/record.hpp"
#include "kfm_det/wal/replay.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kfm_det;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = parse_json(text);
  if (!json) {
    FUZZ_CHECK(!json.error().what().empty());
    FUZZ_CHECK(!read_canonical<wal::WalRecord>(text) && !Plan::parse(text));
    return 0;
  }
  const auto written = canonical(json.value());
  FUZZ_CHECK(written.has_value());
  const auto again = parse_json(written.value());
  FUZZ_CHECK(again && again.value() == json.value() && canonical(again.value()).value() == written.value());

  if (const auto record = read_canonical<wal::WalRecord>(text)) FUZZ_CHECK(text == written.value() && canonical(record.value()).value() == text);
  if (const auto plan = Plan::parse(text)) FUZZ_CHECK(plan.value().canonical_text() == text && text == written.value());
  if (const auto ref = from_json<SourceRef>(json.value())) FUZZ_CHECK(canonical(ref.value()).has_value());
  // A PLAN record's payload, as whoever takes a run up reads it.
  (void)detail::recorded_inputs(json.value());
  wal::WalRecord record;
  wal::RunRisk(json.value()).mark(record);
  FUZZ_CHECK(record.tier <= limits::step_tier_max);
  wal::RunState run;
  (void)wal::Replay::recall(run, json.value());
  return 0;
}
