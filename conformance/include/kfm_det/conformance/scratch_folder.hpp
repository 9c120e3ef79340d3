// SPDX-License-Identifier: BSL-1.0
/// \file
/// ScratchFolder: what a fixture of a backend on the real file system derives from, or has: a folder that no other one has, with its wipe().
///
///   struct AcmeSinkFixture : kfm_det::conformance::ScratchFolder {
///     using Sink = acme::Sink;
///     kfm_det::result<Sink> open() { return Sink::open(path() + "/sink.db"); }
///   };
///
/// Thread-safety: none; any number of them may be made in any threads. Errors: what the folder's file system throws (std::filesystem).
#ifndef KFM_DET_CONFORMANCE_SCRATCH_FOLDER_HPP
#define KFM_DET_CONFORMANCE_SCRATCH_FOLDER_HPP

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

namespace kfm_det::conformance {

/// Empty, and there as long as this lives. In memory where the machine has /dev/shm, for a sync costs nothing there; else where temporary files go.
class ScratchFolder {
 public:
  ScratchFolder() { wipe(); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  void wipe() {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }

 private:
  /// That nobody else has, in this process or another one that lives.
  static std::string unused() {
    static std::atomic<std::uint64_t> made = 0;
    std::error_code ignored;
    const std::filesystem::path in_memory = "/dev/shm";
    const std::filesystem::path folder = std::filesystem::is_directory(in_memory, ignored) ? in_memory : std::filesystem::temp_directory_path();
    return folder / ("kfm_det-conformance-" + std::to_string(::getpid()) + "-" + std::to_string(++made));
  }
  std::string path_ = unused();
};

}  // namespace kfm_det::conformance

#endif
