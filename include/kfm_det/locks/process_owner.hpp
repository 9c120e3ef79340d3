// SPDX-License-Identifier: BSL-1.0
/// \file
/// process_owner: an OwnerId that no other owner of this or another machine has now, and that tells an operator which process to look at.
///
/// "host/pid/start/count": the start time (clock ticks after boot, field 22 of /proc/self/stat) tells two processes apart that had the same pid one after
/// the other, the count tells the owners of one process apart. Thread-safety: any thread. After fork, ask again.
#ifndef KFM_DET_LOCKS_PROCESS_OWNER_HPP
#define KFM_DET_LOCKS_PROCESS_OWNER_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "kfm_det/contracts/stream.hpp"

namespace kfm_det {

namespace detail {

/// Field 22 of a /proc/.../stat line. The second field is the program's name in parentheses, with any bytes inside: count from the last one.
[[nodiscard]] inline std::string start_time_of(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  std::string_view rest = name_end == std::string_view::npos ? std::string_view{} : stat.substr(name_end + 1);  // " S 1 ...": field 3 is behind the first space
  for (int field = 2; field < 22; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return "0";
    rest.remove_prefix(space + 1);
  }
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
}

[[nodiscard]] inline std::string process_start_time() {
  char text[1024] = {};
  const int descriptor = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const ssize_t got = descriptor < 0 ? -1 : ::read(descriptor, text, sizeof text);
  if (descriptor >= 0) ::close(descriptor);
  return start_time_of(std::string_view(text, got > 0 ? static_cast<std::size_t>(got) : 0));
}

[[nodiscard]] inline std::string host_name() {
  char text[256] = {};
  std::string out;
  if (::gethostname(text, sizeof text - 1) == 0) append_path_safe(out, text);
  return out.empty() ? "localhost" : out.substr(0, 64);
}

}  // namespace detail

[[nodiscard]] inline OwnerId process_owner() {
  static std::atomic<std::uint64_t> count{0};
  return OwnerId{detail::host_name() + "/" + std::to_string(::getpid()) + "/" + detail::process_start_time() + "/" + std::to_string(++count)};
}

}  // namespace kfm_det

#endif
