// SPDX-License-Identifier: BSL-1.0
/// \file
/// FaultVfs: SQLite's own file layer with a switch in it: the n-th write, truncate, delete or sync fails; and it knows what each file held when it was last synced.
///
/// While one lives it is SQLite's default. For one thread.
#ifndef KFM_DET_TESTS_ADAPTERS_FAULT_VFS_HPP
#define KFM_DET_TESTS_ADAPTERS_FAULT_VFS_HPP

#include <catch2/catch.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>

#include <sqlite3.h>

namespace kfm_det::test {

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class FaultVfs {
 public:
  FaultVfs() : real_(sqlite3_vfs_find(nullptr)) {
    self() = this;
    vfs_ = *real_;
    vfs_.zName = "kfm_det-fault";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.pAppData = real_->pAppData;
    vfs_.xOpen = [](sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) { return self()->open(name, file, flags, out); };
    vfs_.xDelete = [](sqlite3_vfs*, const char* name, int sync) { return self()->remove(name, sync); };
    REQUIRE(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK);
  }
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;
  ~FaultVfs() { sqlite3_vfs_unregister(&vfs_); sqlite3_vfs_register(real_, 1); self() = nullptr; }

  /// The n-th change from now on fails (1: the next), and each one after it when `lasting`.
  void fail_at(std::uint64_t n, int code, bool lasting) { at_ = changes_ + n; code_ = code; lasting_ = lasting; }
  void stop_failing() { at_ = 0; }
  [[nodiscard]] bool failed() const { return at_ != 0 && changes_ >= at_; }
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  /// What each file held at its last sync; a file that never was synced is not in it.
  std::map<std::string, std::string> synced;
  /// Called before each change.
  std::function<void()> before_change = [] {};

 private:
  struct File {
    sqlite3_file base;
    const sqlite3_io_methods* real_methods;
    const char* name;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static FaultVfs*& self() { static FaultVfs* vfs = nullptr; return vfs; }
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static const sqlite3_io_methods& under(sqlite3_file* file) { return *of(file).real()->pMethods; }

  /// Whether this change fails.
  bool fails() {
    before_change();
    ++changes_;
    return at_ != 0 && (lasting_ ? changes_ >= at_ : changes_ == at_);
  }

  int open(sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
    File& mine = of(file);
    mine.base.pMethods = nullptr;
    mine.name = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0 ? nullptr : name;
    const int code = real_->xOpen(real_, name, mine.real(), flags, out);
    if (mine.real()->pMethods) mine.base.pMethods = &methods();
    return code;
  }
  int remove(const char* name, int sync) {
    if (fails()) return SQLITE_IOERR_DELETE;
    if (sync != 0) synced.erase(name);
    return real_->xDelete(real_, name, sync);
  }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods all{
        3,
        [](sqlite3_file* f) { return under(f).xClose(of(f).real()); },
        [](sqlite3_file* f, void* into, int n, sqlite3_int64 at) { return under(f).xRead(of(f).real(), into, n, at); },
        [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
          if (of(f).name && self()->fails()) {
            (void)under(f).xWrite(of(f).real(), from, n / 2, at);   // a torn write
            return self()->code_;
          }
          return under(f).xWrite(of(f).real(), from, n, at);
        },
        [](sqlite3_file* f, sqlite3_int64 size) { return of(f).name && self()->fails() ? SQLITE_IOERR_TRUNCATE : under(f).xTruncate(of(f).real(), size); },
        [](sqlite3_file* f, int flags) {
          if (of(f).name && self()->fails()) return SQLITE_IOERR_FSYNC;
          const int code = under(f).xSync(of(f).real(), flags);
          if (of(f).name && code == SQLITE_OK) self()->synced[of(f).name] = content_of(of(f).name);
          return code;
        },
        [](sqlite3_file* f, sqlite3_int64* size) { return under(f).xFileSize(of(f).real(), size); },
        [](sqlite3_file* f, int level) { return under(f).xLock(of(f).real(), level); },
        [](sqlite3_file* f, int level) { return under(f).xUnlock(of(f).real(), level); },
        [](sqlite3_file* f, int* out) { return under(f).xCheckReservedLock(of(f).real(), out); },
        [](sqlite3_file* f, int op, void* arg) { return op == SQLITE_FCNTL_SIZE_HINT ? SQLITE_OK : under(f).xFileControl(of(f).real(), op, arg); },
        [](sqlite3_file* f) { return under(f).xSectorSize(of(f).real()); },
        [](sqlite3_file* f) { return under(f).xDeviceCharacteristics(of(f).real()); },
        [](sqlite3_file* f, int page, int size, int extend, void volatile** out) { return under(f).xShmMap(of(f).real(), page, size, extend, out); },
        [](sqlite3_file* f, int at, int n, int flags) { return under(f).xShmLock(of(f).real(), at, n, flags); },
        [](sqlite3_file* f) { under(f).xShmBarrier(of(f).real()); },
        [](sqlite3_file* f, int remove) { return under(f).xShmUnmap(of(f).real(), remove); },
        [](sqlite3_file*, sqlite3_int64, int, void** out) { *out = nullptr; return SQLITE_OK; },
        [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; },
    };
    return all;
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_{};
  std::uint64_t changes_ = 0, at_ = 0;
  int code_ = SQLITE_FULL;
  bool lasting_ = false;
};

}  // namespace kfm_det::test

#endif
