// SPDX-License-Identifier: BSL-1.0
/// \file
/// LookingFileSystem: a PosixFileSystem that cannot change anything. What only looks at a log is given this one, so that it cannot make it worse.
///
/// Every verb that would create, write, rename, remove or lock answers errc::unsupported. Reads are told to an observer, for a progress line.
/// Thread-safety: as PosixFileSystem; the observer is called by whoever reads.
#ifndef KFM_DET_TOOLS_KFM_DET_LOOKING_FILE_SYSTEM_HPP
#define KFM_DET_TOOLS_KFM_DET_LOOKING_FILE_SYSTEM_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <kfm_det/files/posix_file_system.hpp>

namespace kfm_det::tool {

class LookingFileSystem {
 public:
  using File = PosixFileSystem::File;
  using Mapping = PosixFileSystem::Mapping;
  using Observer = std::function<void(std::uint64_t bytes)>;   ///< so many more were read

  explicit LookingFileSystem(Observer observer = {}) : observer_(std::make_shared<Observer>(std::move(observer))) {}

  [[nodiscard]] result<File> open(const std::string& path, OpenMode mode) const {
    if (mode != OpenMode::read) return refuse(path);
    return inner_.open(path, mode);
  }
  [[nodiscard]] result<std::size_t> read(const File& file, std::uint64_t offset, std::span<char> into) const {
    KFM_DET_TRY(const std::size_t got, inner_.read(file, offset, into));
    if (*observer_) (*observer_)(got);
    return got;
  }
  [[nodiscard]] result<Mapping> map(const File& file) const { return inner_.map(file); }
  [[nodiscard]] result<std::uint64_t> size(const File& file) const { return inner_.size(file); }
  [[nodiscard]] result<bool> exists(const std::string& path) const { return inner_.exists(path); }
  [[nodiscard]] result<std::vector<std::string>> list(const std::string& path) const { return inner_.list(path); }
  [[nodiscard]] result<std::uint64_t> block_size(const std::string& path) const { return inner_.block_size(path); }
  /// Changes nothing that can be seen; where it cannot be done (a medium that is only read) there is nothing to bring to it.
  [[nodiscard]] result<void> sync_directory(const std::string& path) const {
    (void)inner_.sync_directory(path);
    return success();
  }

  [[nodiscard]] result<File> create_exclusive(const std::string& path) const { return refuse(path); }
  [[nodiscard]] result<std::size_t> write(File& file, std::uint64_t, BytesView) const { return refuse(file.path()); }
  [[nodiscard]] result<void> sync(File& file) const { return refuse(file.path()); }
  [[nodiscard]] result<void> truncate(File& file, std::uint64_t) const { return refuse(file.path()); }
  [[nodiscard]] result<void> allocate(File& file, std::uint64_t) const { return refuse(file.path()); }
  [[nodiscard]] result<void> rename(const std::string& from, const std::string&) const { return refuse(from); }
  [[nodiscard]] result<void> rename_no_replace(const std::string& from, const std::string&) const { return refuse(from); }
  [[nodiscard]] result<void> remove(const std::string& path) const { return refuse(path); }
  [[nodiscard]] result<void> make_directory(const std::string& path) const { return refuse(path); }
  [[nodiscard]] result<bool> lock(File& file) const { return refuse(file.path()); }
  [[nodiscard]] result<bool> locked_elsewhere(const File& file) const { return inner_.locked_elsewhere(file); }

 private:
  static Error refuse(const std::string& path) { return {errc::unsupported, "this command only looks, and does not change anything", path, "This is a defect of the tool: report it"}; }
  PosixFileSystem inner_;
  std::shared_ptr<Observer> observer_;
};

}  // namespace kfm_det::tool

#endif
