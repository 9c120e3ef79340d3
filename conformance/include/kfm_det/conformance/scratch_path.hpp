// SPDX-License-Identifier: BSL-1.0
/// \file
/// scratch_path: where a fixture of a backend on the real file system puts what it needs.
///
/// Thread-safety: any thread.
#ifndef KFM_DET_CONFORMANCE_SCRATCH_PATH_HPP
#define KFM_DET_CONFORMANCE_SCRATCH_PATH_HPP

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace kfm_det::conformance {

/// A path that no other call has, in this process or another one that lives; nothing is made there. In memory where the machine has /dev/shm, for a sync costs
/// nothing there; else where temporary files go. Remove what you put there in wipe() and when the fixture ends.
[[nodiscard]] inline std::string scratch_path(std::string_view name = "conformance") {
  static std::atomic<std::uint64_t> calls = 0;
  std::error_code ignored;
  const std::filesystem::path in_memory = "/dev/shm";
  const std::filesystem::path folder = std::filesystem::is_directory(in_memory, ignored) ? in_memory : std::filesystem::temp_directory_path(ignored);
  return (folder / "kfm_det-").string() + std::string(name) + "-" + std::to_string(::getpid()) + "-" + std::to_string(++calls);
}

}  // namespace kfm_det::conformance

#endif
