// SPDX-License-Identifier: BSL-1.0
/// \file
/// The waves that sqlite_writer_program publishes, for it and for who checks what is left of it.
#ifndef KFM_DET_TESTS_ADAPTERS_WAVES_HPP
#define KFM_DET_TESTS_ADAPTERS_WAVES_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "kfm_det/contracts/sink.hpp"

namespace kfm_det::test {

inline EffectId wave_effect(std::uint64_t wave, const std::string& key) { return {domain_digest("test/wave", {std::to_string(wave), " ", key})}; }
inline const std::vector<std::string>& wave_keys() { static const std::vector<std::string> keys{"a", "b", "c"}; return keys; }
inline Tenure wave_tenure() { return {{"waves", ""}, {1}, {"writer"}}; }
inline Head wave_head(std::uint64_t wave) { return {{"waves"}, 1, wave, domain_digest("test/line", std::to_string(wave))}; }

/// Bytes of some pages, so that a wave is torn easily.
inline std::string wave_bytes(std::uint64_t wave, const std::string& key) {
  std::string out = "wave " + std::to_string(wave) + " of " + key + "\n";
  while (out.size() < 9000) out += out;
  return out;
}
inline std::vector<Upsert> wave_of(std::uint64_t wave) {
  std::vector<Upsert> out;
  for (const std::string& key : wave_keys()) {
    const std::string bytes = wave_bytes(wave, key);
    out.push_back({wave_effect(wave, key), {uuid_v8(domain_digest("test/run", std::to_string(wave)))}, {1, wave}, {key}, NewVersion{{domain_digest("test/key", bytes)}, sha256(bytes), bytes, Json::object()}});
  }
  return out;
}
inline std::vector<Withdrawal> wave_back(std::uint64_t wave) {
  std::vector<Withdrawal> out;
  for (const Upsert& one : wave_of(wave)) out.push_back({one.effect, one.run, one.order, one.business_key});
  return out;
}

}  // namespace kfm_det::test

#endif
