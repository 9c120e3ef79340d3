// SPDX-License-Identifier: BSL-1.0
/// \file
/// A file system whose files have no names is told all that it misses, at once.
// expect: kfm_det file system: needs `result<void> sync_directory(path)`: names survive power loss
// expect: kfm_det file system: needs `result<bool> exists(path)`: a name lookup
// expect: kfm_det file system: needs `result<void> rename(from, to)`: replaces, atomically
// expect: kfm_det file system: needs `result<void> rename_no_replace(from, to)`; errc::conflict when `to` is there
// expect: kfm_det file system: needs `result<void> remove(path)`
// expect: kfm_det file system: needs `result<vector<string>> list(path)`: names in byte order
// expect: kfm_det file system: needs `result<void> make_directory(path)`; one that is there is success
// expect: kfm_det file system: needs `result<uint64_t> block_size(path)`: the largest unit that a torn write can harm
#include "kfm_det/contracts/file_system.hpp"

namespace det = kfm_det;

struct Disk {
  using Path = const std::string&;
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
#ifdef KFM_DET_GOOD
  det::result<void> sync_directory(Path);
  det::result<bool> exists(Path);
  det::result<void> rename(Path, Path);
  det::result<void> rename_no_replace(Path, Path);
  det::result<void> remove(Path);
  det::result<std::vector<std::string>> list(Path);
  det::result<void> make_directory(Path);
  det::result<std::uint64_t> block_size(Path);
#endif
};
static_assert(det::diagnose_file_system<Disk>());
