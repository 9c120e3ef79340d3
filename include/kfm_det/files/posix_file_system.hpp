// SPDX-License-Identifier: BSL-1.0
/// \file
/// PosixFileSystem: the FileSystem of a Linux machine, under everything that is file-backed unless told otherwise.
///
/// Durability: sync(file) is fdatasync, which on Linux brings the size with the bytes; sync_directory is fsync of the folder. Both answer what the
/// kernel answered, once: after a failed sync the kernel forgets which pages were lost, so nobody may sync again and believe it (FS-3).
/// Thread-safety: the handle has no state; one File by one writer, readers and one sync() at a time.
/// Linux only: the locks are open file description locks, which belong to the File and not to the process. So that they die with the process all the same
/// (FS-6), a forked child gets another description of each file that its parent has locked: it can read and write it, and holds no lock. Exec closes all.
#ifndef KFM_DET_FILES_POSIX_FILE_SYSTEM_HPP
#define KFM_DET_FILES_POSIX_FILE_SYSTEM_HPP

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/files/posix_error.hpp"

namespace kfm_det {

class PosixFileSystem {
 public:
  /// An open file. Closes itself, and gives its lock back with that.
  class File;
  /// Bytes of a file in memory. Bytes that the file loses while it is mapped kill the process when they are touched (SIGBUS), and so does a read error:
  /// map only what cannot shrink, on a medium that is trusted. Recovery reads instead.
  class Mapping;

  /// An existing file. Directories, FIFOs and sockets are refused: a FIFO would wait for its other end. Errors: not_found, permission_denied,
  /// invalid_argument, unavailable, io_error.
  [[nodiscard]] result<File> open(const std::string& path, OpenMode mode) const;
  /// A new file, for reading and writing. Errors: conflict when the name is taken (also by a dangling link), no_space, permission_denied, not_found.
  [[nodiscard]] result<File> create_exclusive(const std::string& path) const;

  /// Up to `into.size()` bytes from `offset`; 0 is the end. May be short in the middle of a file too.
  [[nodiscard]] result<std::size_t> read(const File& file, std::uint64_t offset, std::span<char> into) const;
  /// Takes some of `bytes`, at least one unless there are none, and says how many. Errors: no_space, limit_exceeded, io_error.
  [[nodiscard]] result<std::size_t> write(File& file, std::uint64_t offset, BytesView bytes) const;
  /// The whole file, read-only, as long as it is now; it may be closed while the mapping lives.
  [[nodiscard]] result<Mapping> map(const File& file) const;

  [[nodiscard]] result<void> sync(File& file) const;
  [[nodiscard]] result<void> sync_directory(const std::string& path) const;
  [[nodiscard]] result<void> truncate(File& file, std::uint64_t bytes) const;
  [[nodiscard]] result<std::uint64_t> size(const File& file) const;
  /// Afterwards the file is at least `bytes` long, what is new reads as zeros, and has its place on the medium: writing it meets no no_space (but on
  /// file systems that copy on write). Where fallocate is not known, zeros are written.
  [[nodiscard]] result<void> allocate(File& file, std::uint64_t bytes) const;

  /// Whether the name is there; a link counts, wherever it points.
  [[nodiscard]] result<bool> exists(const std::string& path) const;
  [[nodiscard]] result<void> rename(const std::string& from, const std::string& to) const;
  /// Errors: conflict when `to` is there, not_found when `from` is not.
  [[nodiscard]] result<void> rename_no_replace(const std::string& from, const std::string& to) const;
  /// A file, not a directory. Errors: not_found.
  [[nodiscard]] result<void> remove(const std::string& path) const;
  /// Names, in byte order, without "." and "..". Those that are there during the whole call are among them; those that come or go may be.
  [[nodiscard]] result<std::vector<std::string>> list(const std::string& path) const;
  /// One directory; its parent must be there. Errors: conflict when something else has the name.
  [[nodiscard]] result<void> make_directory(const std::string& path) const;

  /// Takes the lock of the whole file, exclusively, for this File; false when another File holds it. The file must be open for writing.
  [[nodiscard]] result<bool> lock(File& file) const;
  /// Whether another File, here or in another process, holds the lock.
  [[nodiscard]] result<bool> locked_elsewhere(const File& file) const;

  /// The largest unit that a torn write can harm around the bytes that were being written, for files in `path` (a directory or a file): the largest of
  /// 4096, the page, the file system's block (believed up to 64 KiB: NFS answers its transfer size there) and the physical sector where /sys names it.
  /// What it cannot see: the stripes of a RAID without a journal, and drives that hide their unit.
  [[nodiscard]] result<std::uint64_t> block_size(const std::string& path) const;
};

namespace detail {

/// The descriptors of this process that hold a lock. While they change nobody forks; a child that is forked lets go of them.
class LockedDescriptors {
 public:
  /// `act` locks or closes; true: the descriptor holds a lock from here on.
  template <class Act>
  static bool changing(int descriptor, Act act) {
    LockedDescriptors& all = instance();
    const std::scoped_lock guard(all.mutex_);
    const bool holds = act();
    std::erase(all.held_, descriptor);
    if (holds) all.held_.push_back(descriptor);
    return holds;
  }

 private:
  LockedDescriptors() {
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); }, [] { instance().let_go(); });
  }
  static LockedDescriptors& instance() {
    static LockedDescriptors* const all = new LockedDescriptors();   // never destroyed: a File may be closed by a destructor behind main()
    return *all;
  }
  /// In the child, whose only thread this is. Nothing but system calls.
  void let_go() {
    for (const int descriptor : held_) {
      char link[32] = "/proc/self/fd/";
      char* end = link + sizeof link - 1;
      char* at = end;
      for (int rest = descriptor; at == end || rest != 0; rest /= 10) *--at = static_cast<char>('0' + rest % 10);
      std::copy(at, end + 1, link + 14);
      int other = ::open(link, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
      if (other < 0) {   // no /proc: the File is of no use in the child, and its number is nobody else's
        ::close(descriptor);
        other = ::open("/", O_PATH | O_CLOEXEC);
      }
      if (other >= 0 && other != descriptor) {
        ::dup3(other, descriptor, O_CLOEXEC);
        ::close(other);
      }
    }
    held_.clear();
    mutex_.unlock();
  }

  std::mutex mutex_;
  std::vector<int> held_;
};

}  // namespace detail

class PosixFileSystem::File {
 public:
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)), locked_(other.locked_) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(path_, other.path_);
    std::swap(locked_, other.locked_);
    return *this;
  }
  /// What close() answers is ignored, on purpose: what was synced is on the medium, what was not was promised to nobody, and the descriptor is gone in
  /// any case (also after EINTR, on Linux), so a second close() could only hit a stranger's file.
  ~File() {
    if (descriptor_ < 0) return;
    if (locked_) detail::LockedDescriptors::changing(descriptor_, [this] { ::close(descriptor_); return false; });
    else ::close(descriptor_);
  }

  /// The name under which it was opened; a rename does not change it.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// For calls that this class does not offer; the File goes on owning it.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  friend class PosixFileSystem;
  File(int descriptor, std::string path) noexcept : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
  bool locked_ = false;
};

class PosixFileSystem::Mapping {
 public:
  Mapping(Mapping&& other) noexcept : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping() { if (address_ != nullptr) ::munmap(address_, size_); }

  [[nodiscard]] BytesView bytes() const noexcept { return {static_cast<const char*>(address_), size_}; }

 private:
  friend class PosixFileSystem;
  Mapping(void* address, std::size_t size) noexcept : address_(address), size_(size) {}
  void* address_;
  std::size_t size_;
};

namespace detail {

static_assert(sizeof(off_t) == 8, "kfm_det needs 64-bit file offsets: compile with -D_FILE_OFFSET_BITS=64");

/// Calls again as long as a signal interrupts. `call` answers -1 and errno, as system calls do.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto answer = call();
    if (answer != -1 || errno != EINTR) return answer;
  }
}

[[nodiscard]] inline result<off_t> file_offset(std::uint64_t offset, const std::string& path) {
  if (offset > static_cast<std::uint64_t>(INT64_MAX)) return Error(errc::invalid_argument, "a file offset beyond 2^63 - 1", path, "Check the offset.");
  return static_cast<off_t>(offset);
}

[[nodiscard]] inline struct flock whole_file_lock() noexcept {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;  // from 0, length 0: whatever the file will grow to
  return lock;
}

/// The device's physical sector, as far as /sys tells; 0 when it does not.
[[nodiscard]] inline std::uint64_t physical_sector(dev_t device) {
  const std::string node = "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device));
  for (const char* const place : {"/queue/physical_block_size", "/../queue/physical_block_size"}) {  // a partition's queue is its disk's
    const int descriptor = ::open((node + place).c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) continue;
    char text[32] = {};
    const ssize_t got = uninterrupted([&] { return ::read(descriptor, text, sizeof text - 1); });
    ::close(descriptor);
    std::uint64_t bytes = 0;
    for (ssize_t i = 0; i < got && i < 8 && text[i] >= '0' && text[i] <= '9'; ++i) bytes = bytes * 10 + static_cast<std::uint64_t>(text[i] - '0');
    if (bytes != 0) return bytes;
  }
  return 0;
}

}  // namespace detail

inline auto PosixFileSystem::open(const std::string& path, OpenMode mode) const -> result<File> {
  const int access = mode == OpenMode::read ? O_RDONLY : O_RDWR;
  const int descriptor = detail::uninterrupted([&] { return ::open(path.c_str(), access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); });
  if (descriptor < 0) return posix_error(errno, "open", path);
  File file(descriptor, path);
  struct stat found = {};
  if (::fstat(descriptor, &found) != 0) return posix_error(errno, "fstat", path);
  if (S_ISDIR(found.st_mode)) return Error(errc::invalid_argument, "this is a directory, not a file", path, "Name a file.");
  if (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode)) return Error(errc::invalid_argument, "this is a pipe or a socket, not a file", path, "Write its bytes to a file first.");
  return file;
}

inline auto PosixFileSystem::create_exclusive(const std::string& path) const -> result<File> {
  const int descriptor = detail::uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
  if (descriptor < 0) return posix_error(errno, "open(O_CREAT|O_EXCL)", path);
  return File(descriptor, path);
}

inline result<std::size_t> PosixFileSystem::read(const File& file, std::uint64_t offset, std::span<char> into) const {
  KFM_DET_TRY(const off_t at, detail::file_offset(offset, file.path_));
  const ssize_t got = detail::uninterrupted([&] { return ::pread(file.descriptor_, into.data(), into.size(), at); });
  if (got < 0) return posix_error(errno, "pread", file.path_);
  return static_cast<std::size_t>(got);
}

inline result<std::size_t> PosixFileSystem::write(File& file, std::uint64_t offset, BytesView bytes) const {
  KFM_DET_TRY(const off_t at, detail::file_offset(offset, file.path_));
  const ssize_t taken = detail::uninterrupted([&] { return ::pwrite(file.descriptor_, bytes.data(), bytes.size(), at); });
  if (taken < 0) return posix_error(errno, "pwrite", file.path_);
  return static_cast<std::size_t>(taken);
}

inline auto PosixFileSystem::map(const File& file) const -> result<Mapping> {
  KFM_DET_TRY(const std::uint64_t bytes, size(file));
  if (bytes == 0) return Mapping(nullptr, 0);  // mmap refuses to map nothing
  void* const address = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ, MAP_SHARED, file.descriptor_, 0);
  if (address == MAP_FAILED) return posix_error(errno, "mmap", file.path_);  // NOLINT: the macro's cast is the system's
  return Mapping(address, static_cast<std::size_t>(bytes));
}

inline result<void> PosixFileSystem::sync(File& file) const {
  // EINTR is retried although FS-3 forbids a second sync: an interrupted call has not reported any lost page yet.
  if (detail::uninterrupted([&] { return ::fdatasync(file.descriptor_); }) != 0) return posix_error(errno, "fdatasync", file.path_);
  return success();
}

inline result<void> PosixFileSystem::sync_directory(const std::string& path) const {
  const int descriptor = detail::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return posix_error(errno, "open(O_DIRECTORY)", path);
  const File folder(descriptor, path);
  if (detail::uninterrupted([&] { return ::fsync(descriptor); }) != 0) return posix_error(errno, "fsync of a directory", path);
  return success();
}

inline result<void> PosixFileSystem::truncate(File& file, std::uint64_t bytes) const {
  KFM_DET_TRY(const off_t end, detail::file_offset(bytes, file.path_));
  if (detail::uninterrupted([&] { return ::ftruncate(file.descriptor_, end); }) != 0) return posix_error(errno, "ftruncate", file.path_);
  return success();
}

inline result<std::uint64_t> PosixFileSystem::size(const File& file) const {
  struct stat found = {};
  if (::fstat(file.descriptor_, &found) != 0) return posix_error(errno, "fstat", file.path_);
  return static_cast<std::uint64_t>(found.st_size);
}

inline result<void> PosixFileSystem::allocate(File& file, std::uint64_t bytes) const {
  KFM_DET_TRY(const off_t end, detail::file_offset(bytes, file.path_));
  if (end == 0) return success();
  if (detail::uninterrupted([&] { return ::fallocate(file.descriptor_, 0, 0, end); }) == 0) return success();
  if (errno != EOPNOTSUPP && errno != ENOSYS) return posix_error(errno, "fallocate", file.path_);
  // Not posix_fallocate: its emulation touches one byte in each block, which leaves holes where the file system's blocks are smaller than it believes.
  static constexpr char zeros[65536] = {};
  KFM_DET_TRY(std::uint64_t at, size(file));
  while (at < bytes) {
    KFM_DET_TRY(const std::size_t taken, write(file, at, BytesView(zeros, static_cast<std::size_t>(std::min<std::uint64_t>(sizeof zeros, bytes - at)))));
    at += taken;
  }
  return success();
}

inline result<bool> PosixFileSystem::exists(const std::string& path) const {
  struct stat found = {};
  if (::lstat(path.c_str(), &found) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return posix_error(errno, "lstat", path);
}

inline result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) const {
  if (::rename(from.c_str(), to.c_str()) != 0) return posix_error(errno, "rename", from + " -> " + to);
  return success();
}

namespace detail {

/// rename_no_replace for file systems that do not know renameat2: the second name appears atomically, and only then the first one goes.
[[nodiscard]] inline result<void> link_then_unlink(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) return posix_error(errno, "link", from + " -> " + to);
  // A tidy stranger may have removed the old name: the new one is what was asked for.
  if (::unlink(from.c_str()) != 0 && errno != ENOENT) return posix_error(errno, "unlink", from);
  return success();
}

}  // namespace detail

inline result<void> PosixFileSystem::rename_no_replace(const std::string& from, const std::string& to) const {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return success();
  if (errno == EINVAL || errno == ENOSYS) return detail::link_then_unlink(from, to);
  return posix_error(errno, "renameat2(RENAME_NOREPLACE)", from + " -> " + to);
}

inline result<void> PosixFileSystem::remove(const std::string& path) const {
  if (::unlink(path.c_str()) != 0) return posix_error(errno, "unlink", path);
  return success();
}

inline result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) const {
  DIR* folder = ::opendir(path.c_str());
  while (folder == nullptr && errno == EINTR) folder = ::opendir(path.c_str());
  if (folder == nullptr) return posix_error(errno, "opendir", path);
  struct Closer { DIR* folder; ~Closer() { ::closedir(folder); } } const closer{folder};
  std::vector<std::string> names;
  for (;;) {
    errno = 0;  // readdir says "end" and "error" with the same null (FS-7)
    const dirent* const entry = ::readdir(folder);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return posix_error(errno, "readdir", path);
  std::sort(names.begin(), names.end());  // char_traits<char> compares as unsigned char
  return names;
}

inline result<void> PosixFileSystem::make_directory(const std::string& path) const {
  if (::mkdir(path.c_str(), 0777) == 0) return success();
  const int why = errno;
  struct stat found = {};
  if (why == EEXIST && ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return success();
  return posix_error(why, "mkdir", path);
}

inline result<bool> PosixFileSystem::lock(File& file) const {
  struct flock request = detail::whole_file_lock();
  int failed = 0;
  const bool taken = detail::LockedDescriptors::changing(file.descriptor_, [&] {
    if (detail::uninterrupted([&] { return ::fcntl(file.descriptor_, F_OFD_SETLK, &request); }) == 0) return true;
    failed = errno;
    return false;
  });
  file.locked_ = taken;
  if (taken) return true;
  if (failed == EAGAIN || failed == EACCES) return false;
  return posix_error(failed, "fcntl(F_OFD_SETLK)", file.path_);
}

inline result<bool> PosixFileSystem::locked_elsewhere(const File& file) const {
  struct flock request = detail::whole_file_lock();
  if (detail::uninterrupted([&] { return ::fcntl(file.descriptor_, F_OFD_GETLK, &request); }) != 0) return posix_error(errno, "fcntl(F_OFD_GETLK)", file.path_);
  return request.l_type != F_UNLCK;
}

inline result<std::uint64_t> PosixFileSystem::block_size(const std::string& path) const {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) return posix_error(errno, "stat", path);
  constexpr std::uint64_t smallest = 4096, file_system_max = 65536, sector_max = 1 << 20;
  const long page = ::sysconf(_SC_PAGESIZE);
  std::uint64_t unit = std::max(smallest, page > 0 ? static_cast<std::uint64_t>(page) : smallest);
  for (const std::uint64_t candidate : {std::min(static_cast<std::uint64_t>(found.st_blksize), file_system_max), detail::physical_sector(found.st_dev)})
    if (candidate > unit && candidate <= sector_max) unit = candidate;
  return std::uint64_t{1} << (64 - __builtin_clzll(unit - 1));  // units are powers of two; one that is not is rounded up
}

static_assert(diagnose_file_system<PosixFileSystem>());

}  // namespace kfm_det

#endif
