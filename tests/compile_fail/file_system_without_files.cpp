// SPDX-License-Identifier: BSL-1.0
/// \file
/// A file system without files is told all that it misses, at once. (All of the contract would be more than the 20 errors after which clang stops.)
// expect: kfm_det file system: must be copy constructible; copies mean the same disk
// expect: kfm_det file system: needs a movable `File`
// expect: kfm_det file system: needs a `Mapping` with `bytes()`
// expect: kfm_det file system: needs `result<File> open(path, OpenMode)`; errc::not_found when it is not there
// expect: kfm_det file system: needs `result<File> create_exclusive(path)`; errc::conflict when it is there
// expect: kfm_det file system: needs `result<size_t> read(File&, offset, span<char>)`; 0 is the end
// expect: kfm_det file system: needs `result<size_t> write(File&, offset, BytesView)`; it may be short
// expect: kfm_det file system: needs `result<Mapping> map(File&)`
// expect: kfm_det file system: needs `result<void> sync(File&)`: bytes and size survive power loss
// expect: kfm_det file system: needs `result<void> truncate(File&, bytes)`
// expect: kfm_det file system: needs `result<uint64_t> size(File&)`
// expect: kfm_det file system: needs `result<void> allocate(File&, bytes)`
// expect: kfm_det file system: needs `result<bool> lock(File&)`: true when taken; dies with the process
// expect: kfm_det file system: needs `result<bool> locked_elsewhere(File&)`: asks without taking
#include "kfm_det/contracts/file_system.hpp"

namespace det = kfm_det;

struct Disk {
  using Path = const std::string&;
  det::result<void> sync_directory(Path);
  det::result<bool> exists(Path);
  det::result<void> rename(Path, Path);
  det::result<void> rename_no_replace(Path, Path);
  det::result<void> remove(Path);
  det::result<std::vector<std::string>> list(Path);
  det::result<void> make_directory(Path);
  det::result<std::uint64_t> block_size(Path);
#ifdef KFM_DET_GOOD
  struct File {};
  struct Mapping {
    det::BytesView bytes() const;
  };
  det::result<File> open(Path, det::OpenMode);
  det::result<File> create_exclusive(Path);
  det::result<std::size_t> read(File&, std::uint64_t, std::span<char>);
  det::result<std::size_t> write(File&, std::uint64_t, det::BytesView);
  det::result<Mapping> map(File&);
  det::result<void> sync(File&);
  det::result<void> truncate(File&, std::uint64_t);
  det::result<std::uint64_t> size(File&);
  det::result<void> allocate(File&, std::uint64_t);
  det::result<bool> lock(File&);
  det::result<bool> locked_elsewhere(File&);
#else
  Disk(Disk&&) = delete;
#endif
};
static_assert(det::diagnose_file_system<Disk>());
