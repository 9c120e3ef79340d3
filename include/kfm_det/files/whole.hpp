// SPDX-License-Identifier: BSL-1.0
/// \file
/// What every user of a FileSystem needs once: writing all of a text, reading all that is there, folders with durable names, numbers in names.
///
/// Thread-safety: plain functions; the file system decides.
#ifndef KFM_DET_FILES_WHOLE_HPP
#define KFM_DET_FILES_WHOLE_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kfm_det/contracts/file_system.hpp"

namespace kfm_det {

/// Writes until every byte is taken (FS-1). Not durable: sync. Errors: the file system's; io_error when it takes nothing.
template <class Fs>
[[nodiscard]] result<void> write_all(Fs& fs, typename Fs::File& file, std::uint64_t offset, BytesView bytes) {
  while (!bytes.empty()) {
    KFM_DET_TRY(const std::size_t taken, fs.write(file, offset, bytes));
    if (taken == 0 || taken > bytes.size()) return Error(errc::io_error, "the file takes no more bytes", "offset " + std::to_string(offset), "Look at the disk.");
    offset += taken;
    bytes.remove_prefix(taken);
  }
  return success();
}

/// Reads until `into` is full or the file ends; says how many bytes. Errors: the file system's.
template <class Fs>
[[nodiscard]] result<std::size_t> read_up_to(Fs& fs, typename Fs::File& file, std::uint64_t offset, std::span<char> into) {
  std::size_t at = 0;
  while (at < into.size()) {
    KFM_DET_TRY(const std::size_t got, fs.read(file, offset + at, into.subspan(at)));
    if (got == 0) break;
    at += got;
  }
  return at;
}

/// The folder that `path` stands in.
[[nodiscard]] inline std::string parent_directory(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

/// Makes `path` and what is missing above it; afterwards each of these names survives power loss, whoever made it.
/// A parent that may not be read is passed over when its child was there before us: we could not have made it either.
template <class Fs>
[[nodiscard]] result<void> make_directories(Fs& fs, const std::string& path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string here = path.substr(0, end);
    const std::size_t name = here.rfind('/');
    const std::string last = name == std::string::npos ? here : here.substr(name + 1);
    if (last.empty() || last == "." || last == "..") continue;
    KFM_DET_TRY(const bool there, fs.exists(here));
    KFM_DET_TRY(fs.make_directory(here));
    const result<void> synced = fs.sync_directory(parent_directory(here));
    if (!synced && !(there && synced.error().code() == errc::permission_denied)) return synced.error();
  }
  return success();
}

/// A number as it stands in file names: 20 digits, so that names sort as numbers do.
inline constexpr std::size_t name_digits = 20;
[[nodiscard]] inline std::string name_number(std::uint64_t value) {
  const std::string text = std::to_string(value);
  return std::string(name_digits - text.size(), '0') + text;
}
/// The other way; false for anything else.
[[nodiscard]] constexpr bool parse_name_number(std::string_view text, std::uint64_t& out) noexcept {
  if (text.size() != name_digits) return false;
  std::uint64_t value = 0;
  for (const char c : text)
    if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10U, &value) || __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) return false;
  out = value;
  return true;
}

}  // namespace kfm_det

#endif
