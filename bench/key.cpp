// SPDX-License-Identifier: BSL-1.0
// The idempotency key, beside one SHA-256 over the bytes that it is a hash of.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "floor.hpp"
#include "kfm_det/core/idempotency_key.hpp"
#include "measure.hpp"

namespace kfm_det::bench {

std::vector<Measure> key_measures() {
  const std::string updater = "noaa-monthly-summary";
  const Version version{1, 4, 2};
  const BusinessKey key{"seattle/2012-01/precipitation"};
  const ContentHash content{sha256("content")};
  const std::string bytes = must(canonical(Json(Json::Array{Json("kfm_det/v1/idempotency"), Json(updater), Json(version.text()), Json(key.text), Json(content.hex())})));
  RawSha256 check;
  if (static_cast<unsigned char>(must(idempotency_key(updater, version, key, content)).digest.bytes[0]) != check(bytes)) give_up("the floor hashes other bytes than the idempotency key");

  Side ours{"kfm_det", [=](const std::string&) { return timed([=] { benchmark::DoNotOptimize(must(idempotency_key(updater, version, key, content))); }); }};
  Side floor{"raw SHA-256, one context", [=](const std::string&) {
               const auto sha = std::make_shared<RawSha256>();
               return timed([=] { benchmark::DoNotOptimize((*sha)(bytes)); });
             }};
  return {{"idempotency_key", "idempotency key over " + std::to_string(bytes.size()) + " bytes", ours, {{floor, 1 / 1.10}}}};
}

}  // namespace kfm_det::bench
