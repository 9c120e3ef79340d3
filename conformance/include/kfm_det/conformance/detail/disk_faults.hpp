// SPDX-License-Identifier: BSL-1.0
/// \file
/// The ways in which a call of the simulated disk fails: an error, with nothing, half or all of a write down; or a write that is short.
///
/// Thread-safety: plain values.
#ifndef KFM_DET_CONFORMANCE_DETAIL_DISK_FAULTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_DISK_FAULTS_HPP

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

/// What can become of a call: disk_faults_of() of them, the simplest first. Those of writes stand behind those of every call.
enum class DiskFault : std::uint8_t { io_error, no_space, half_and_io_error, half_and_no_space, all_and_io_error, nothing, one_byte, half, all_but_one };
inline constexpr std::uint32_t disk_faults = 9;
[[nodiscard]] constexpr std::uint32_t disk_faults_of(simulate::Verb verb) noexcept { return verb == simulate::Verb::write ? disk_faults : simulate::changes(verb) ? 2 : 1; }

/// None, where it is one of writes and this is another call.
[[nodiscard]] inline simulate::Fault fault_of(DiskFault how, const simulate::Call& call) {
  using simulate::Fault;
  const bool is_write = call.verb == simulate::Verb::write;
  const std::uint64_t length = is_write ? call.length : 0;
  const auto is_short = [&](std::uint64_t taken) { return is_write && taken < length ? Fault{Fault::Kind::short_write, errc::io_error, taken} : Fault{}; };
  switch (how) {
    case DiskFault::io_error: return {Fault::Kind::error, errc::io_error, 0};
    case DiskFault::no_space: return {Fault::Kind::error, errc::no_space, 0};
    case DiskFault::half_and_io_error: return {Fault::Kind::error, errc::io_error, length / 2};
    case DiskFault::half_and_no_space: return {Fault::Kind::error, errc::no_space, length / 2};
    case DiskFault::all_and_io_error: return is_write ? Fault{Fault::Kind::error, errc::io_error, length} : Fault{};
    case DiskFault::nothing: return is_short(0);   // and that is no error
    case DiskFault::one_byte: return is_short(1);
    case DiskFault::half: return is_short(length / 2);
    case DiskFault::all_but_one: return is_short(length == 0 ? 0 : length - 1);
  }
  return {};
}

[[nodiscard]] inline std::string text_of(DiskFault how, bool persists) {
  constexpr std::array<std::string_view, disk_faults> words{"answers io_error", "answers no_space", "answers io_error with half of its bytes down", "answers no_space with half of its bytes down", "answers io_error with all of its bytes down",
                                                            "takes nothing", "takes one byte", "takes half of its bytes", "takes all but one byte"};
  return std::string(words[static_cast<std::size_t>(how)]) + (persists ? ", and so does every one behind it" : "");
}

}  // namespace kfm_det::conformance::detail

#endif
