# SPDX-License-Identifier: BSL-1.0
"""File systems that are broken on purpose: the rows L20 and L21, whose law is the file system's, and one or two for each other law of it (FS..)."""
from table import Family, Mutant

POSIX = Family(
    files=["files/posix_file_system.hpp"],
    check="check_file_system",
    include=['"kfm_det/conformance/scratch_folder.hpp"', "<string>"],
    fixture="""
struct Fixture_ID : kfm_det::conformance::ScratchFolder {
  using FileSystem = kfm_det::ID::PosixFileSystem;
  static constexpr bool on_this_machine = true;
  FileSystem open() { return {}; }
  std::string folder() { return path(); }
};
""")
FAMILIES = {"posix": POSIX}


def posix(id, name, law, *change):
    return Mutant(id, name, "posix", law, list(change))


CREATE = "  const int descriptor = detail::uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });\n"
OPEN = "::open(path.c_str(), access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); });\n"
READ = "  if (got < 0) return posix_error(errno, \"pread\", file.path_);\n"
WRITE = "  const ssize_t taken = detail::uninterrupted([&] { return ::pwrite(file.descriptor_, bytes.data(), bytes.size(), at); });\n"
TAKEN = "  return static_cast<std::size_t>(taken);\n"
SYNC = "  if (detail::uninterrupted([&] { return ::fdatasync(file.descriptor_); }) != 0) return posix_error(errno, \"fdatasync\", file.path_);\n"
SYNC_FOLDER = "  if (detail::uninterrupted([&] { return ::fsync(descriptor); }) != 0) return posix_error(errno, \"fsync of a directory\", path);\n"
RENAME = "  if (::rename(from.c_str(), to.c_str()) != 0) return posix_error(errno, \"rename\", from + \" -> \" + to);\n"
NO_REPLACE = "  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return success();\n"
SORT = "  std::sort(names.begin(), names.end());  // char_traits<char> compares as unsigned char\n"
AGAIN = "    if (answer != -1 || errno != EINTR) return answer;\n"

FLOCK = "[[nodiscard]] inline struct flock whole_file_lock() noexcept {\n"
TABLE = '''
inline ino_t inode_of(int descriptor) { struct stat found = {}; ::fstat(descriptor, &found); return found.st_ino; }
inline bool held_elsewhere(int descriptor) {
  const ino_t inode = inode_of(descriptor);
  return std::any_of(held_table().begin(), held_table().end(), [&](const auto& one) { return one.first == inode && one.second != descriptor; });
}
inline int held(int descriptor, int answer) {
  if (answer == 0 && !std::any_of(held_table().begin(), held_table().end(), [&](const auto& one) { return one.second == descriptor; })) held_table().emplace_back(inode_of(descriptor), descriptor);
  return answer;
}
inline struct flock whole_file_lock() noexcept {
'''

MUTANTS = [
    posix("L20", "posix-any-close", "FS-6", ("::fcntl(file.descriptor_, F_OFD_SETLK, &request)", "::fcntl(file.descriptor_, F_SETLK, &request)"), ("::fcntl(file.descriptor_, F_OFD_GETLK, &request)", "::fcntl(file.descriptor_, F_GETLK, &request)")),
    # Locks of the process, and beside them a table, so that two Files of one process exclude each other: what is left is the bug itself.
    posix("L20b", "posix-any-close-of-another-file", "FS-6",
          (FLOCK, TABLE),
          ("::fcntl(file.descriptor_, F_OFD_SETLK, &request)", "detail::held_elsewhere(file.descriptor_) ? (errno = EAGAIN, -1) : detail::held(file.descriptor_, ::fcntl(file.descriptor_, F_SETLK, &request))"),
          ("  if (detail::uninterrupted([&] { return ::fcntl(file.descriptor_, F_OFD_GETLK, &request); }) != 0)", "  if (detail::held_elsewhere(file.descriptor_)) return true;\n  if (detail::uninterrupted([&] { return ::fcntl(file.descriptor_, F_GETLK, &request); }) != 0)"),
          ("[this] { ::close(descriptor_); return false; }", "[this] { std::erase_if(detail::held_table(), [&](const auto& one) { return one.second == descriptor_; }); ::close(descriptor_); return false; }"),
          ("/// The descriptors of this process that hold a lock.", "inline std::vector<std::pair<ino_t, int>>& held_table() { static std::vector<std::pair<ino_t, int>> all; return all; }\n/// The descriptors of this process that hold a lock.")),
    posix("L21", "fork-inherits", "FS-6", ("[] { instance().let_go(); });", "[] { instance().mutex_.unlock(); });")),
    posix("FS01", "short-write-as-whole", "FS-1", (TAKEN, "  return taken == 0 ? std::size_t{0} : bytes.size();\n")),
    posix("FS02", "sync-that-does-nothing", "FS-2", (SYNC, "  (void)file;\n")),
    posix("FS02b", "sync-of-another-file", "FS-2", (SYNC, "  const int other = ::open(\"/tmp\", O_RDONLY | O_DIRECTORY | O_CLOEXEC);\n  (void)::fsync(other);\n  ::close(other);\n  (void)file;\n")),
    posix("FS03", "sync-error-swallowed", "FS-3", (SYNC, "  (void)detail::uninterrupted([&] { return ::fdatasync(file.descriptor_); });\n")),
    posix("FS03b", "sync-retried", "FS-3", (SYNC, "  if (detail::uninterrupted([&] { return ::fdatasync(file.descriptor_); }) != 0 && detail::uninterrupted([&] { return ::fdatasync(file.descriptor_); }) != 0) return posix_error(errno, \"fdatasync\", file.path_);\n")),
    posix("FS04", "folder-not-synced", "FS-4", (SYNC_FOLDER, "")),
    posix("FS05", "check-then-create", "FS-5", (CREATE, "  struct stat there = {};\n  if (::lstat(path.c_str(), &there) == 0) return posix_error(EEXIST, \"open\", path);\n  const int descriptor = detail::uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666); });\n")),
    posix("FS05b", "check-then-rename", "FS-5", (NO_REPLACE, "  struct stat there = {};\n  if (::lstat(from.c_str(), &there) == 0 && ::lstat(to.c_str(), &there) == 0) return posix_error(EEXIST, \"rename\", to);\n  if (::rename(from.c_str(), to.c_str()) == 0) return success();\n")),
    posix("FS07", "read-error-as-end", "FS-7", (READ, "  if (got < 0) return std::size_t{0};\n")),
    posix("FS07b", "list-error-as-end", "FS-7", ("  if (errno != 0) return posix_error(errno, \"readdir\", path);\n", "")),
    posix("FS08", "list-unsorted", "FS-8", (SORT, "")),
    posix("FS08b", "list-by-signed-bytes", "FS-8", (SORT, "  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) { return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return static_cast<signed char>(x) < static_cast<signed char>(y); }); });\n")),
    posix("FS09", "open-creates", "FS-9", (OPEN, "::open(path.c_str(), access | (access == O_RDWR ? 0 : O_CREAT) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666); });\n")),
    posix("FS09b", "truncate-error-swallowed", "FS-9", ("  if (detail::uninterrupted([&] { return ::ftruncate(file.descriptor_, end); }) != 0) return posix_error(errno, \"ftruncate\", file.path_);\n", "  (void)detail::uninterrupted([&] { return ::ftruncate(file.descriptor_, end); });\n")),
    posix("FS10", "appends-wherever", "FS-10", (CREATE, CREATE.replace("O_EXCL", "O_EXCL | O_APPEND"))),
    posix("FS11", "signal-handed-on", "FS-11", (AGAIN, "    return answer;\n")),
    posix("FS12", "remove-then-rename", "FS-12", (RENAME, "  if (from != to && ::access(from.c_str(), F_OK) == 0) ::unlink(to.c_str());\n" + RENAME)),

    # odd, and right
    posix("FB01", "one-byte-reads-and-writes", None, (WRITE, WRITE.replace("bytes.size()", "std::min<std::size_t>(bytes.size(), 1)")), ("into.data(), into.size(), at", "into.data(), std::min<std::size_t>(into.size(), 97), at")),
    posix("FB02", "syncs-more-than-it-must", None, ("::fdatasync(file.descriptor_)", "::fsync(file.descriptor_)")),
    posix("FB03", "links-instead-of-renameat2", None, (NO_REPLACE + "  if (errno == EINVAL || errno == ENOSYS) ", "  if (true) ")),
]
