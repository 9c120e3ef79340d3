// SPDX-License-Identifier: BSL-1.0
/// \file
/// SystemClock: the Clock of the machine.
///
/// Thread-safety: has no state; any thread. Monotonic time counts while the machine sleeps (CLOCK_BOOTTIME, CLOCK-1), and its origin is the boot, named by
/// the kernel's boot id, behind which stands the time namespace where a container has one of its own: its origin is moved (CLOCK-3).
#ifndef KFM_DET_FILES_SYSTEM_CLOCK_HPP
#define KFM_DET_FILES_SYSTEM_CLOCK_HPP

#include <cstdint>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "kfm_det/contracts/clock.hpp"

namespace kfm_det {

class SystemClock {
 public:
  [[nodiscard]] Instant now() const noexcept { return {read(CLOCK_REALTIME)}; }
  [[nodiscard]] Duration monotonic() const noexcept { return {read(CLOCK_BOOTTIME)}; }
  /// Read once in a process. "unknown" where /proc is not mounted.
  [[nodiscard]] std::string epoch() const {
    static const std::string read_once = read_epoch();
    return read_once;
  }

 private:
  static std::int64_t read(clockid_t clock) noexcept {
    timespec at = {};
    ::clock_gettime(clock, &at);  // fails only for clocks that do not exist
    return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
  }
  static std::string read_epoch() {
    char text[128] = {};
    const int descriptor = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    const ssize_t got = descriptor < 0 ? -1 : ::read(descriptor, text, sizeof text);
    if (descriptor >= 0) ::close(descriptor);
    std::string epoch(text, got > 0 ? static_cast<std::size_t>(got) : 0);
    while (!epoch.empty() && epoch.back() == '\n') epoch.pop_back();
    if (epoch.empty()) return "unknown";
    const ssize_t length = ::readlink("/proc/self/ns/time", text, sizeof text);
    constexpr std::string_view machine = "time:[4026531834]";  // the number is fixed in the kernel: PROC_TIME_INIT_INO
    const std::string_view space(text, length > 0 ? static_cast<std::size_t>(length) : 0);
    if (!space.empty() && space != machine) epoch.append("/").append(space);
    return epoch;
  }
};
static_assert(diagnose_clock<SystemClock>());

}  // namespace kfm_det

#endif
