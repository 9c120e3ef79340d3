// SPDX-License-Identifier: BSL-1.0
/// \file
/// Version: the core of a semantic version, `static constexpr Version version{1, 0, 0};`. Part of what an updater's outputs are a function of.
///
/// Thread-safety: a value. An aggregate on purpose: glibc may define `major(` and `minor(` as macros, and no constructor names them here.
#ifndef KFM_DET_CORE_VERSION_HPP
#define KFM_DET_CORE_VERSION_HPP

#include <charconv>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "kfm_det/core/result.hpp"

namespace kfm_det {

/// Ordered as semver 2.0.0 orders it.
struct Version {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t patch = 0;

  /// "1.0.0"
  [[nodiscard]] std::string text() const;
  /// Strict: three decimal numbers without leading zeros. Errors: invalid_argument (also for a pre-release or build part).
  [[nodiscard]] static result<Version> parse(std::string_view text);
  friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

namespace detail {
inline constexpr std::size_t version_size_max = 3 * 10 + 2;

/// Up to version_size_max characters at `out`; gives the end.
inline char* write_version(char* out, const Version& version) noexcept {
  out = std::to_chars(out, out + 10, version.major).ptr;
  *out++ = '.';
  out = std::to_chars(out, out + 10, version.minor).ptr;
  *out++ = '.';
  return std::to_chars(out, out + 10, version.patch).ptr;
}
}  // namespace detail

inline std::string Version::text() const {
  char buffer[detail::version_size_max];
  return std::string(buffer, detail::write_version(buffer, *this));
}

inline result<Version> Version::parse(std::string_view text) {
  const auto fail = [&](const char* what) { return Error(errc::invalid_argument, what, std::string(text), "Write three numbers, as in 1.0.0."); };
  std::uint32_t parts[3] = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 3; ++i) {
    if (i != 0 && (at == end || *at++ != '.')) return fail("a version has three parts");
    if (at == end || *at < '0' || *at > '9') return fail("a part of a version is not a number");
    const auto [behind, error] = std::from_chars(at, end, parts[i]);
    if (error != std::errc{}) return fail("a part of a version is larger than 4294967295");
    if (*at == '0' && behind - at > 1) return fail("a part of a version has a leading zero");
    at = behind;
  }
  if (at != end && (*at == '-' || *at == '+')) return fail("pre-release and build parts of a version are not supported");
  if (at != end) return fail("something stands behind the version");
  return Version{parts[0], parts[1], parts[2]};
}

}  // namespace kfm_det

#endif
