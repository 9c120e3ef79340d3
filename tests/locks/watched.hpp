// SPDX-License-Identifier: BSL-1.0
/// \file
/// A file system and a clock that tell before each of their calls, so that a test can let something happen there, fail the call, or change turns.
#ifndef KFM_DET_TESTS_LOCKS_WATCHED_HPP
#define KFM_DET_TESTS_LOCKS_WATCHED_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/files/posix_file_system.hpp"

namespace kfm_det::tests {

/// Gets the call's name and its path; an error that it gives is the call's answer.
using Watch = std::function<std::optional<Error>(std::string_view call, const std::string& path)>;

class WatchedFileSystem {
 public:
  using File = PosixFileSystem::File;
  using Mapping = PosixFileSystem::Mapping;
  explicit WatchedFileSystem(std::shared_ptr<Watch> watch) : watch_(std::move(watch)) {}

#define KFM_DET_TESTS_TELL(call, path) \
  if (*watch_) { if (auto error = (*watch_)(call, path)) return *std::move(error); }
  result<File> open(const std::string& path, OpenMode mode) const { KFM_DET_TESTS_TELL("open", path) return real_.open(path, mode); }
  result<File> create_exclusive(const std::string& path) const { KFM_DET_TESTS_TELL("create_exclusive", path) return real_.create_exclusive(path); }
  result<std::size_t> read(const File& file, std::uint64_t at, std::span<char> into) const { KFM_DET_TESTS_TELL("read", file.path()) return real_.read(file, at, into); }
  result<std::size_t> write(File& file, std::uint64_t at, BytesView bytes) const { KFM_DET_TESTS_TELL("write", file.path()) return real_.write(file, at, bytes); }
  result<Mapping> map(const File& file) const { KFM_DET_TESTS_TELL("map", file.path()) return real_.map(file); }
  result<void> sync(File& file) const { KFM_DET_TESTS_TELL("sync", file.path()) return real_.sync(file); }
  result<void> sync_directory(const std::string& path) const { KFM_DET_TESTS_TELL("sync_directory", path) return real_.sync_directory(path); }
  result<void> truncate(File& file, std::uint64_t bytes) const { KFM_DET_TESTS_TELL("truncate", file.path()) return real_.truncate(file, bytes); }
  result<std::uint64_t> size(const File& file) const { KFM_DET_TESTS_TELL("size", file.path()) return real_.size(file); }
  result<void> allocate(File& file, std::uint64_t bytes) const { KFM_DET_TESTS_TELL("allocate", file.path()) return real_.allocate(file, bytes); }
  result<bool> exists(const std::string& path) const { KFM_DET_TESTS_TELL("exists", path) return real_.exists(path); }
  result<void> rename(const std::string& from, const std::string& to) const { KFM_DET_TESTS_TELL("rename", to) return real_.rename(from, to); }
  result<void> rename_no_replace(const std::string& from, const std::string& to) const { KFM_DET_TESTS_TELL("rename_no_replace", to) return real_.rename_no_replace(from, to); }
  result<void> remove(const std::string& path) const { KFM_DET_TESTS_TELL("remove", path) return real_.remove(path); }
  result<std::vector<std::string>> list(const std::string& path) const { KFM_DET_TESTS_TELL("list", path) return real_.list(path); }
  result<void> make_directory(const std::string& path) const { KFM_DET_TESTS_TELL("make_directory", path) return real_.make_directory(path); }
  result<bool> lock(File& file) const { KFM_DET_TESTS_TELL("lock", file.path()) return real_.lock(file); }
  result<bool> locked_elsewhere(const File& file) const { KFM_DET_TESTS_TELL("locked_elsewhere", file.path()) return real_.locked_elsewhere(file); }
  result<std::uint64_t> block_size(const std::string& path) const { KFM_DET_TESTS_TELL("block_size", path) return real_.block_size(path); }
#undef KFM_DET_TESTS_TELL

 private:
  std::shared_ptr<Watch> watch_;
  PosixFileSystem real_;
};
static_assert(FileSystem<WatchedFileSystem>);

class WatchedClock {
 public:
  WatchedClock(ManualClock clock, std::shared_ptr<Watch> watch) : clock_(std::move(clock)), watch_(std::move(watch)) {}
  [[nodiscard]] Instant now() const { return clock_.now(); }
  [[nodiscard]] Duration monotonic() const {
    if (*watch_) (void)(*watch_)("clock", {});
    return clock_.monotonic();
  }
  [[nodiscard]] std::string epoch() const { return clock_.epoch(); }

 private:
  ManualClock clock_;
  std::shared_ptr<Watch> watch_;
};
static_assert(Clock<WatchedClock>);

}  // namespace kfm_det::tests

#endif
