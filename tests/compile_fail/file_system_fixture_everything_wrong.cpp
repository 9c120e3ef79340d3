// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of check_file_system in which all is wrong is told everything, at once.
// expect: kfm_det file system fixture: must be default constructible; the kit makes it
// expect: kfm_det file system fixture: needs `using FileSystem = ...`, the type under test
// expect: kfm_det file system fixture: needs `FileSystem open()`; each call means the same disk
// expect: kfm_det file system fixture: needs `std::string folder()`, the path of a folder that is there and may be used
// expect: kfm_det file system fixture: needs `void wipe()`: the folder is there and empty behind it
// expect: kfm_det file system fixture: `on_this_machine` must be a `static constexpr bool`
// expect: kfm_det file system fixture: crash() takes no argument
// expect: kfm_det file system fixture: other_process() gives a FileSystem, and goes with `void end_other_process()`
#include "kfm_det/conformance/check_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"

#ifdef KFM_DET_GOOD
struct Fixture {
  using FileSystem = kfm_det::simulate::Disk;
  static constexpr bool on_this_machine = false;
  FileSystem open();
  std::string folder();
  void wipe();
  void crash();
  FileSystem other_process();
  void end_other_process();
};
#else
struct Fixture {
  explicit Fixture(int);
  static constexpr int on_this_machine = 1;
  void crash(int);
  int other_process();
};
#endif
static_assert(kfm_det::conformance::diagnose_file_system_fixture<Fixture>());
