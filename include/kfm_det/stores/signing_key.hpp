// SPDX-License-Identifier: BSL-1.0
/// \file
/// Signing keys in files: PEM PKCS#8, which nobody but their owner may read. The only way a private key comes in: never by a flag, never by the environment.
///
/// Durability: save_signing_key answers when file and name survive power loss. Thread-safety: plain functions. Linux: permissions are asked of the open file, so
/// nobody can put another one in its place between the question and the reading.
#ifndef KFM_DET_STORES_SIGNING_KEY_HPP
#define KFM_DET_STORES_SIGNING_KEY_HPP

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kfm_det/files/posix_error.hpp"
#include "kfm_det/files/whole.hpp"
#include "kfm_det/wal/signer_ed25519.hpp"

namespace kfm_det {

namespace detail {
class OwnDescriptor {
 public:
  explicit OwnDescriptor(int number) : number_(number) {}
  OwnDescriptor(const OwnDescriptor&) = delete;
  OwnDescriptor& operator=(const OwnDescriptor&) = delete;
  ~OwnDescriptor() { if (number_ >= 0) ::close(number_); }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};
}  // namespace detail

/// `name`: the key's id in the ring; empty: its fingerprint. Errors: permission_denied when the file is not the caller's own or anybody else may do anything with
/// it, invalid_argument when it is no regular file or no key, limit_exceeded, and as opening a file.
[[nodiscard]] inline result<wal::Ed25519Signer> load_signing_key(const std::string& path, std::string name = {}) {
  constexpr std::size_t bytes_max = 64 << 10;
  const detail::OwnDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));   // a FIFO would wait for its other end
  if (file.get() < 0) return posix_error(errno, "open", path);
  struct stat found = {};
  if (::fstat(file.get(), &found) != 0) return posix_error(errno, "fstat", path);
  if (!S_ISREG(found.st_mode)) return Error(errc::invalid_argument, "a private key must be a regular file", path, "Name the file that holds it.");
  if (found.st_uid != ::geteuid())
    return Error(errc::permission_denied, "the private key belongs to another user", path, "Let the user who runs this own it: chown, or take a key of your own.");
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) return Error(errc::permission_denied, "the private key is open to others", path, "Make it yours alone: chmod 600 " + path);
  if (found.st_size < 0 || static_cast<std::size_t>(found.st_size) > bytes_max) return Error(errc::limit_exceeded, "a file of that size is no private key", path, "Name the file that holds it.");
  wal::SecretBytes text(Bytes(static_cast<std::size_t>(found.st_size), '\0'));
  for (std::size_t at = 0; at < text.bytes().size();) {
    const ssize_t got = ::pread(file.get(), text.bytes().data() + at, text.bytes().size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_error(errno, "pread", path);
    if (got == 0) break;
    at += static_cast<std::size_t>(got);
  }
  auto signer = wal::Ed25519Signer::from_pem(text.view(), std::move(name));
  if (!signer) return signer.error().at(path);
  return signer;
}

/// A new file that its owner alone may read. Errors: conflict when something has the name, and as making a file.
[[nodiscard]] inline result<void> save_signing_key(const std::string& path, const wal::Ed25519Signer& signer) {
  KFM_DET_TRY(const wal::SecretBytes text, signer.private_pem());
  const detail::OwnDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (file.get() < 0) return posix_error(errno, "open", path);
  for (std::size_t at = 0; at < text.view().size();) {
    const ssize_t taken = ::pwrite(file.get(), text.view().data() + at, text.view().size() - at, static_cast<off_t>(at));
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) return posix_error(taken == 0 ? ENOSPC : errno, "pwrite", path);
    at += static_cast<std::size_t>(taken);
  }
  if (::fsync(file.get()) != 0) return posix_error(errno, "fsync", path);
  const detail::OwnDescriptor folder(::open(parent_directory(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return posix_error(errno, "fsync", parent_directory(path));
  return success();
}

}  // namespace kfm_det

#endif
