// SPDX-License-Identifier: BSL-1.0
/// \file
/// Named limits of the core room, units last. Each is a default that the function it belongs to takes as an argument,
/// or a fixed bound that a format states.
#ifndef KFM_DET_CORE_LIMITS_HPP
#define KFM_DET_CORE_LIMITS_HPP

#include <cstddef>
#include <cstdint>

namespace kfm_det::limits {

/// Nesting of arrays and objects, the outermost counts as one. Writer and parser share it, so what is written can be read.
inline constexpr std::size_t json_depth_max = 64;
/// The deepest limit that a caller may ask for: values are destroyed by recursion.
inline constexpr std::size_t json_depth_ceiling = 1024;
/// Text of one JSON value.
inline constexpr std::size_t json_bytes_max = std::size_t{64} << 20;
/// One line of the log.
inline constexpr std::size_t line_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t business_key_bytes_max = 1024;
inline constexpr std::size_t updater_id_bytes_max = 128;
inline constexpr std::uint32_t step_tier_max = 3;
/// 2^53 - 1: the largest integer that every JSON reader gets right. Larger ones travel as decimal strings.
inline constexpr std::int64_t json_integer_max = 9007199254740991;

}  // namespace kfm_det::limits

#endif
