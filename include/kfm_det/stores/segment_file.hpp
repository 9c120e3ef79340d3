// SPDX-License-Identifier: BSL-1.0
/// \file
/// What FileStore knows about files: names of claims and segments, whole reads and writes, one pass over the frames of a segment.
///
/// Thread-safety: plain functions; the file system decides. Unknown files in a stream's folder are left alone and mean nothing.
#ifndef KFM_DET_STORES_SEGMENT_FILE_HPP
#define KFM_DET_STORES_SEGMENT_FILE_HPP

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/wal/recovery.hpp"

namespace kfm_det::segment {

inline constexpr std::size_t digits = 20;
inline constexpr std::string_view claim_suffix = ".claim", suffix = ".jsonl", temporary_prefix = "tmp-";
inline constexpr std::uint64_t bytes_max = std::uint64_t{1} << 30;   ///< nobody writes larger segments; a larger file is not read

[[nodiscard]] inline std::string number(std::uint64_t value) {
  std::string text = std::to_string(value);
  return std::string(digits - text.size(), '0') + text;
}
[[nodiscard]] inline bool parse_number(std::string_view text, std::uint64_t& into) {
  if (text.size() != digits) return false;
  into = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (into > (~std::uint64_t{0} - digit) / 10) return false;
    into = into * 10 + digit;
  }
  return true;
}
[[nodiscard]] inline std::string claim_path(const std::string& directory, std::uint64_t ordinal) { return directory + "/" + number(ordinal) + std::string(claim_suffix); }
[[nodiscard]] inline std::string path(const std::string& directory, const wal::SegmentName& name) {
  return directory + "/" + number(name.ordinal) + "-" + number(name.first) + std::string(suffix);
}
[[nodiscard]] inline std::string temporary_path(const std::string& directory, std::uint64_t ordinal) { return directory + "/" + std::string(temporary_prefix) + number(ordinal); }
[[nodiscard]] inline std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

/// What a stream's folder holds.
struct Listing {
  struct Leftover { std::uint64_t ordinal; std::string name; };
  std::vector<std::uint64_t> claims;            ///< sorted
  std::vector<wal::SegmentName> segments;       ///< sorted
  std::vector<Leftover> leftovers;              ///< unnamed segments
  [[nodiscard]] std::uint64_t highest() const { return std::max(claims.empty() ? 0 : claims.back(), segments.empty() ? 0 : segments.back().ordinal); }
};

template <class Fs>
[[nodiscard]] result<Listing> list(Fs& fs, const std::string& directory) {
  KFM_DET_TRY(auto names, fs.list(directory));
  Listing out;
  for (const std::string& name : names) {
    const std::string_view view = name;
    std::uint64_t ordinal = 0, first = 0;
    if (view.size() == digits + claim_suffix.size() && view.ends_with(claim_suffix) && parse_number(view.substr(0, digits), ordinal)) out.claims.push_back(ordinal);
    else if (view.size() == 2 * digits + 1 + suffix.size() && view.ends_with(suffix) && view[digits] == '-' && parse_number(view.substr(0, digits), ordinal) &&
             parse_number(view.substr(digits + 1, digits), first) && first != 0) out.segments.push_back({ordinal, first});
    else if (view.size() == temporary_prefix.size() + digits && view.starts_with(temporary_prefix) && parse_number(view.substr(temporary_prefix.size()), ordinal))
      out.leftovers.push_back({ordinal, name});
  }
  std::sort(out.claims.begin(), out.claims.end());
  std::sort(out.segments.begin(), out.segments.end());
  return out;
}

/// Makes `path` and what is missing above it. The entry of a folder is durable before anything is made inside it, so only the last one made can be lost.
template <class Fs>
[[nodiscard]] result<void> ensure_directory(Fs& fs, const std::string& path) {
  KFM_DET_TRY(const bool there, fs.exists(path));
  if (there || path == "." || path == "/") return success();
  const std::string parent = parent_of(path);
  KFM_DET_TRY(ensure_directory(fs, parent));
  KFM_DET_TRY(fs.sync_directory(parent_of(parent)));
  return fs.make_directory(path);
}

template <class Fs>
[[nodiscard]] result<void> write_whole(Fs& fs, typename Fs::File& file, std::uint64_t offset, BytesView bytes) {
  while (!bytes.empty()) {
    KFM_DET_TRY(const std::size_t written, fs.write(file, offset, bytes));
    if (written == 0) return Error(errc::io_error, "the file takes no more bytes", "offset " + std::to_string(offset), "Look at the disk.");
    offset += written;
    bytes.remove_prefix(std::min(written, bytes.size()));
  }
  return success();
}

template <class Fs>
[[nodiscard]] result<void> write_newlines(Fs& fs, typename Fs::File& file, std::uint64_t from, std::uint64_t to) {
  const Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(to - from, std::uint64_t{1} << 20)), '\n');
  while (from < to) {
    const BytesView next = BytesView(piece).substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), to - from)));
    KFM_DET_TRY(write_whole(fs, file, from, next));
    from += next.size();
  }
  return success();
}

template <class Fs>
[[nodiscard]] result<Bytes> read_whole(Fs& fs, typename Fs::File& file, const std::string& path) {
  KFM_DET_TRY(const std::uint64_t size, fs.size(file));
  if (size > bytes_max) return Error(errc::limit_exceeded, "a segment of " + std::to_string(size) + " bytes: nothing that this library wrote", path, "Look what this file is.");
  Bytes out(static_cast<std::size_t>(size), '\0');
  std::size_t at = 0;
  while (at < out.size()) {
    KFM_DET_TRY(const std::size_t got, fs.read(file, at, std::span<char>(out.data() + at, out.size() - at)));
    if (got == 0) break;
    at += got;
  }
  out.resize(at);
  return out;
}

template <class Fs>
[[nodiscard]] result<Bytes> read_whole(Fs& fs, const std::string& path) {
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  return read_whole(fs, file, path);
}

/// Gives the frames next..last of a segment's bytes to the visitor, verified and linked to each other.
[[nodiscard]] inline result<void> visit(BytesView bytes, const std::string& where, const StreamId& stream, Lsn next, Lsn last, FrameVisitor visitor) {
  Digest link;
  bool linked = false;
  for (std::size_t at = 0; at < bytes.size() && next <= last;) {
    if (bytes[at] == '\n') { at = std::min(bytes.find_first_not_of('\n', at), bytes.size()); continue; }
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const BytesView text = bytes.substr(at, end - at);
    at = end + 1;
    const wal::Line line = wal::read_line(text);
    if (line.kind == wal::LineKind::garbage)
      if (const std::size_t inside = wal::next_beginning(text); inside != BytesView::npos) at = end - text.size() + inside;
    if (line.kind != wal::LineKind::frame || line.stream != stream.text) continue;
    if (line.lsn + 1 == next) { link = line.hash; linked = true; continue; }
    if (line.lsn != next || (linked && line.link != link)) continue;
    KFM_DET_TRY(visitor(Frame{line.lsn, text}));
    link = line.hash;
    linked = true;
    ++next;
  }
  if (next <= last)
    return Error(errc::corrupt_committed, "LSN " + std::to_string(next) + " was there and does not verify any more", where, "Recover the stream to see what is left.");
  return success();
}

}  // namespace kfm_det::segment

#endif
