// SPDX-License-Identifier: BSL-1.0
/// \file
/// FileSourceReader: sources that are files of this machine, named by a path or a file:// URI.
///
/// A uri is a path as it stands ("data/2012.csv", with no decoding, so that a '%' in a name means itself), or file:///path and file://localhost/path,
/// percent-decoded. Only regular files: a directory has no bytes, and a pipe gives its bytes once, so what was hashed could not be read again.
/// Thread-safety: the reader has no state, any thread; one Source by one thread.
#ifndef KFM_DET_FILES_FILE_SOURCE_READER_HPP
#define KFM_DET_FILES_FILE_SOURCE_READER_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/stat.h>

#include "kfm_det/contracts/source_reader.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/files/posix_file_system.hpp"

namespace kfm_det {

class FileSourceReader {
 public:
  /// The bytes of one file, front to back. Shows what the file holds while it is read; who must be sure compares the hash (StepContext does).
  class Source {
   public:
    /// Up to `into.size()` bytes; 0 is the end. Errors: io_error and unavailable, both temporary (SOURCE-3).
    [[nodiscard]] result<std::size_t> read(std::span<char> into) {
      KFM_DET_TRY(const std::size_t got, PosixFileSystem{}.read(file_, at_, into));
      at_ += got;
      return got;
    }

   private:
    friend class FileSourceReader;
    explicit Source(PosixFileSystem::File file) : file_(std::move(file)) {}
    PosixFileSystem::File file_;
    std::uint64_t at_ = 0;
  };

  /// Reads the whole file, 64 KiB at a time, and hashes it (SOURCE-1); `uri` in the answer is as it was asked. Errors: as open() and Source::read().
  [[nodiscard]] result<SourceRef> describe(const std::string& uri) const {
    KFM_DET_TRY(auto source, open(uri));
    Bytes piece(std::size_t{64} << 10, '\0');
    Sha256 hash;
    for (;;) {
      KFM_DET_TRY(const std::size_t got, source.read(piece));
      if (got == 0) break;
      hash.update(BytesView(piece).substr(0, got));
    }
    SourceRef ref;
    ref.uri = uri;
    ref.content_hash = ContentHash{hash.finish()};
    return ref;
  }

  /// Errors: not_found when no file has that name; permission_denied; unavailable or io_error, temporary, when the file system does not answer (SOURCE-2);
  /// invalid_argument for what is no regular file, and for a URI that names another machine or is badly encoded; unsupported for other schemes.
  [[nodiscard]] result<Source> open(const std::string& uri) const {
    KFM_DET_TRY(const std::string path, path_of(uri));
    KFM_DET_TRY(auto file, PosixFileSystem{}.open(path, OpenMode::read));
    struct stat found = {};
    if (::fstat(file.descriptor(), &found) != 0) return posix_error(errno, "fstat", path);
    if (!S_ISREG(found.st_mode)) return Error(errc::invalid_argument, "this is a device, not a file", path, "Write its bytes to a file first.");
    return Source(std::move(file));
  }

  /// The path that a uri names.
  [[nodiscard]] static result<std::string> path_of(std::string_view uri);
};
static_assert(diagnose_source_reader<FileSourceReader>());

inline result<std::string> FileSourceReader::path_of(std::string_view uri) {
  const auto fail = [&](errc code, const char* what, const char* remedy) { return Error(code, what, std::string(uri), remedy); };
  if (uri.find('\0') != std::string_view::npos) return fail(errc::invalid_argument, "a path with a zero byte", "Check the uri.");
  if (uri.empty()) return fail(errc::invalid_argument, "an empty uri", "Name a file.");
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos || uri.substr(0, scheme).find('/') != std::string_view::npos) return std::string(uri);
  if (uri.substr(0, scheme) != "file") return fail(errc::unsupported, "this reader knows paths and file:// only", "Use a reader for that scheme, or fetch it to a file first.");
  std::string_view rest = uri.substr(scheme + 3);
  if (rest.starts_with("localhost/")) rest.remove_prefix(std::string_view("localhost").size());
  if (!rest.starts_with('/')) return fail(errc::invalid_argument, "a file URI that names another machine, or a relative path", "Write file:///absolute/path.");
  if (rest.find_first_of("?#") != std::string_view::npos) return fail(errc::invalid_argument, "a file URI with a query or a fragment", "Write '?' as %3F and '#' as %23.");
  std::string path;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] != '%') { path += rest[i]; continue; }
    const auto digit = [&](std::size_t at) {
      const char c = at < rest.size() ? rest[at] : '\0';
      return detail::hex_value(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    };
    const unsigned high = digit(i + 1), low = digit(i + 2);
    if (high > 15 || low > 15 || high + low == 0) return fail(errc::invalid_argument, "a '%' without two hex digits, or %00", "Write '%' itself as %25.");
    path += static_cast<char>(static_cast<unsigned char>(high * 16 + low));
    i += 2;
  }
  return path;
}

}  // namespace kfm_det

#endif
