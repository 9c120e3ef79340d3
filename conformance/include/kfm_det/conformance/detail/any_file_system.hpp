// SPDX-License-Identifier: BSL-1.0
/// \file
/// A FileSystem under test, without its type: the parts of check_file_system are compiled once.
///
/// Thread-safety: that of the file system behind it.
#ifndef KFM_DET_CONFORMANCE_DETAIL_ANY_FILE_SYSTEM_HPP
#define KFM_DET_CONFORMANCE_DETAIL_ANY_FILE_SYSTEM_HPP

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"

namespace kfm_det::conformance::detail {

class Erased {
 public:
  Erased() = default;
  Erased(const Erased&) = delete;
  Erased& operator=(const Erased&) = delete;
  virtual ~Erased() = default;
};
using FilePtr = std::unique_ptr<Erased>;
class AnyMapping : public Erased {
 public:
  [[nodiscard]] virtual BytesView bytes() const = 0;
};

class AnyFileSystem : public Erased {
 public:
  virtual result<FilePtr> open(const std::string& path, OpenMode mode) = 0;
  virtual result<FilePtr> create_exclusive(const std::string& path) = 0;
  virtual result<std::size_t> read(Erased& file, std::uint64_t offset, std::span<char> into) = 0;
  virtual result<std::size_t> write(Erased& file, std::uint64_t offset, BytesView bytes) = 0;
  virtual result<std::unique_ptr<AnyMapping>> map(Erased& file) = 0;
  virtual result<void> sync(Erased& file) = 0;
  virtual result<void> sync_directory(const std::string& path) = 0;
  virtual result<void> truncate(Erased& file, std::uint64_t bytes) = 0;
  virtual result<std::uint64_t> size(Erased& file) = 0;
  virtual result<void> allocate(Erased& file, std::uint64_t bytes) = 0;
  virtual result<bool> exists(const std::string& path) = 0;
  virtual result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual result<void> rename_no_replace(const std::string& from, const std::string& to) = 0;
  virtual result<void> remove(const std::string& path) = 0;
  virtual result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual result<void> make_directory(const std::string& path) = 0;
  virtual result<bool> lock(Erased& file) = 0;
  virtual result<bool> locked_elsewhere(Erased& file) = 0;
  virtual result<std::uint64_t> block_size(const std::string& path) = 0;
};
using FileSystemPtr = std::unique_ptr<AnyFileSystem>;

template <class F>
class ErasedFileSystem final : public AnyFileSystem {
 public:
  explicit ErasedFileSystem(F fs) : fs_(std::move(fs)) {}
  result<FilePtr> open(const std::string& path, OpenMode mode) override { return handle(fs_.open(path, mode)); }
  result<FilePtr> create_exclusive(const std::string& path) override { return handle(fs_.create_exclusive(path)); }
  result<std::size_t> read(Erased& file, std::uint64_t offset, std::span<char> into) override { return fs_.read(of(file), offset, into); }
  result<std::size_t> write(Erased& file, std::uint64_t offset, BytesView bytes) override { return fs_.write(of(file), offset, bytes); }
  result<std::unique_ptr<AnyMapping>> map(Erased& file) override {
    KFM_DET_TRY(auto mapping, fs_.map(of(file)));
    return std::unique_ptr<AnyMapping>(std::make_unique<Mapping>(std::move(mapping)));
  }
  result<void> sync(Erased& file) override { return fs_.sync(of(file)); }
  result<void> sync_directory(const std::string& path) override { return fs_.sync_directory(path); }
  result<void> truncate(Erased& file, std::uint64_t bytes) override { return fs_.truncate(of(file), bytes); }
  result<std::uint64_t> size(Erased& file) override { return fs_.size(of(file)); }
  result<void> allocate(Erased& file, std::uint64_t bytes) override { return fs_.allocate(of(file), bytes); }
  result<bool> exists(const std::string& path) override { return fs_.exists(path); }
  result<void> rename(const std::string& from, const std::string& to) override { return fs_.rename(from, to); }
  result<void> rename_no_replace(const std::string& from, const std::string& to) override { return fs_.rename_no_replace(from, to); }
  result<void> remove(const std::string& path) override { return fs_.remove(path); }
  result<std::vector<std::string>> list(const std::string& path) override { return fs_.list(path); }
  result<void> make_directory(const std::string& path) override { return fs_.make_directory(path); }
  result<bool> lock(Erased& file) override { return fs_.lock(of(file)); }
  result<bool> locked_elsewhere(Erased& file) override { return fs_.locked_elsewhere(of(file)); }
  result<std::uint64_t> block_size(const std::string& path) override { return fs_.block_size(path); }

 private:
  struct File final : Erased {
    explicit File(typename F::File one) : file(std::move(one)) {}
    typename F::File file;
  };
  class Mapping final : public AnyMapping {
   public:
    explicit Mapping(typename F::Mapping one) : mapping_(std::move(one)) {}
    [[nodiscard]] BytesView bytes() const override { return mapping_.bytes(); }

   private:
    typename F::Mapping mapping_;
  };
  static typename F::File& of(Erased& file) { return static_cast<File&>(file).file; }
  static result<FilePtr> handle(result<typename F::File> file) {
    if (!file) return file.error();
    return FilePtr(std::make_unique<File>(std::move(file).value()));
  }
  F fs_;
};

/// What the parts drive.
class FileSystemBench : public Erased {
 public:
  bool on_this_machine = false, can_crash = false, has_processes = false;
  virtual void wipe() = 0;
  virtual FileSystemPtr open() = 0;
  virtual std::string folder() = 0;
  virtual void crash() = 0;
  virtual FileSystemPtr other_process() = 0;   ///< a handle of another process than open()'s
  virtual void end_other_process() = 0;
};

}  // namespace kfm_det::conformance::detail

#endif
