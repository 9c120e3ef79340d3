// SPDX-License-Identifier: BSL-1.0
/// \file
/// What LockWorld (lock_world.hpp) keeps of grants and of calls under way, and the words for them.
///
/// Thread-safety: plain values.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_GRANT_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_GRANT_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "kfm_det/contracts/lock.hpp"

namespace kfm_det::conformance::detail {

struct LockGrant {
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  enum class Over : std::uint8_t { no, released, lost, dead };
  std::uint32_t owner = 0;
  Lease lease;
  Duration given_at;
  Duration free_at;                    // behind this it is in nobody's way
  std::uint64_t asked = 0, given = 0;  // events: the call, its answer
  std::uint64_t gone = never;          // the event from which it certainly is in nobody's way
  Over over = Over::no;
  bool believed = true;
  bool forgotten = false;              // power was lost, and the backend does not claim to survive that
};
struct LockAsked {
  std::uint32_t owner = 0;
  Duration time;
  std::uint64_t event = 0;
};
struct LockRequest {
  Duration time;
  bool made = false;
  bool in_flight = false;
  LockScope scope;
  Duration ttl;
  std::optional<std::size_t> grant;
};
struct LockBusy {
  LockAsked asked;
  Duration until;   // it may have been in the way itself, while it was decided
  std::uint64_t event = 0;
  LockScope scope;
};
struct LockLost {
  LockAsked asked;
  Duration time;
  std::uint64_t event = 0;
  std::size_t grant = 0;
  Duration deadline;
};

[[nodiscard]] inline OwnerId lock_owner(std::uint32_t owner) { return OwnerId{std::string(1, static_cast<char>('a' + owner))}; }
[[nodiscard]] inline std::string lock_who(std::uint32_t owner) { return lock_owner(owner).text + ": "; }
[[nodiscard]] inline std::string lock_text(const LockScope& scope) {
  std::string whole = scope.updater_id + "/" + scope.partition, out;
  for (const char c : whole.substr(0, 40)) out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F ? '?' : c;
  return out;
}
[[nodiscard]] inline std::string lock_text(Duration time) {
  if (time.ns % 1'000'000'000 == 0) return std::to_string(time.ns / 1'000'000'000) + " s";
  if (time.ns % 1'000'000 == 0) return std::to_string(time.ms()) + " ms";
  return std::to_string(time.ns) + " ns";
}

}  // namespace kfm_det::conformance::detail

#endif
