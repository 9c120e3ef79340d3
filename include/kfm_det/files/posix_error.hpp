// SPDX-License-Identifier: BSL-1.0
/// \file
/// posix_error: what an errno means to us: the code, a sentence that names call and path, and a remedy.
///
/// Thread-safety: a pure function.
#ifndef KFM_DET_FILES_POSIX_ERROR_HPP
#define KFM_DET_FILES_POSIX_ERROR_HPP

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "kfm_det/core/error.hpp"

namespace kfm_det {

/// The Error of a failed system call: `number` is its errno, `call` its name.
[[nodiscard]] Error posix_error(int number, std::string_view call, const std::string& path);

namespace detail {

struct PosixMeaning {
  errc code;
  const char* remedy;
};

[[nodiscard]] inline PosixMeaning posix_meaning(int number) noexcept {
  switch (number) {
    case ENOENT: return {errc::not_found, "Check the path."};
    case ENOTDIR: return {errc::not_found, "Check the path: a part of it is not a directory."};
    case EEXIST:
    case ENOTEMPTY: return {errc::conflict, "Something is there already: look at it again before going on."};
    case ENOSPC: return {errc::no_space, "Free space on that file system, then run again."};
    case EDQUOT: return {errc::no_space, "Free space, or raise the quota of this user, then run again."};
    case EFBIG: return {errc::limit_exceeded, "The file system or `ulimit -f` does not allow a file of that size: raise the limit or use another file system."};
    case EACCES:
    case EPERM: return {errc::permission_denied, "Give this user the right to do so, or choose another directory."};
    case EROFS: return {errc::permission_denied, "Mount the file system writable, or choose another directory."};
    case EMFILE:
    case ENFILE: return {errc::unavailable, "Close files, or raise the limit of open files (`ulimit -n`)."};
    case ENOMEM:
    case ENOLCK: return {errc::unavailable, "The kernel has no memory left for this: try again when the machine is less busy."};
    case ESTALE:
    case ETIMEDOUT:
    case ENOTCONN:
    case ECONNREFUSED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ENODEV:
    case ENXIO:
    case EAGAIN: return {errc::unavailable, "Look whether the file system is mounted and its server can be reached, then try again."};
    case EBUSY:
    case ETXTBSY: return {errc::busy, "Something else is using it: try again later."};
    case EISDIR: return {errc::invalid_argument, "Name a file: this is a directory."};
    case EINVAL:
    case EBADF:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV: return {errc::invalid_argument, "Check the path and how the file was opened."};
    case ENOSYS:
    case EOPNOTSUPP: return {errc::unsupported, "This file system cannot do that: use a local one, such as ext4, xfs or btrfs."};
    default: return {errc::io_error, "Look at the medium and at the kernel's log (`dmesg`)."};
  }
}

// strerror_r has two signatures, and feature macros that are not ours choose: overload resolution finds out which one this is.
[[nodiscard]] inline std::string strerror_text(const char* text, const char*) { return text; }                    // GNU: gives the text
[[nodiscard]] inline std::string strerror_text(int failed, const char* buffer) { return failed == 0 ? buffer : "unknown error"; }  // POSIX: fills the buffer

}  // namespace detail

inline Error posix_error(int number, std::string_view call, const std::string& path) {
  const detail::PosixMeaning meaning = detail::posix_meaning(number);
  char buffer[256] = {};
  std::string what(call);
  what += " failed: ";
  what += detail::strerror_text(::strerror_r(number, buffer, sizeof buffer), buffer);
  what += " (errno " + std::to_string(number) + ")";
  return {meaning.code, std::move(what), path, meaning.remedy};
}

}  // namespace kfm_det

#endif
