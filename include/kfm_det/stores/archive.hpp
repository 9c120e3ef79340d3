// SPDX-License-Identifier: BSL-1.0
/// \file
/// The archive of a stream: `archive/` in its folder, where finished segments go that are not wanted in it. A part of the log: whoever looks for a segment
/// looks in the folder first, then here.
///
/// archive/<ordinal>-<first>.jsonl                    a segment as it was
/// archive/<ordinal>-<first>-<sha256>.jsonl<suffix>   packed by a codec; the hash is of the plain bytes
/// archive/tmp-<ordinal>-<claim>                      a copy in the making; harmless
///
/// A segment goes by copy, sync, rename without replace, sync of the directory, and only then is it removed from the folder (conformance/model/compact_model.py: a
/// rename between two folders can lose both names). Nothing in the archive is ever overwritten or removed. Thread-safety: plain functions; the file system decides.
#ifndef KFM_DET_STORES_ARCHIVE_HPP
#define KFM_DET_STORES_ARCHIVE_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/contracts/archive_codec.hpp"
#include "kfm_det/stores/segment_file.hpp"

namespace kfm_det::segment {

inline constexpr std::string_view archive_name = "archive";

/// Where a segment is.
struct Place {
  wal::SegmentName name;
  std::string path;
  std::optional<Digest> plain;   ///< packed: the hash of the plain bytes
  bool archived = false;
};
[[nodiscard]] inline std::string archive_path(const std::string& directory) { return directory + "/" + std::string(archive_name); }

/// The segments of the archive, sorted; of a plain and a packed copy the plain one. Empty where there is no archive. Packed ones of another codec are
/// listed, and cannot be read.
template <class Fs>
[[nodiscard]] result<std::vector<Place>> list_archive(Fs& fs, const std::string& directory) {
  std::vector<Place> out;
  const std::string folder = archive_path(directory);
  auto names = fs.list(folder);
  if (!names && names.error().code() == errc::not_found) return out;
  if (!names) return names.error();
  constexpr std::size_t head = 2 * digits + 1, hash = 64;
  for (const std::string& name : names.value()) {
    const std::string_view view = name;
    Place place{{}, folder + "/" + name, std::nullopt, true};
    if (view.size() < head || view[digits] != '-' || !parse_number(view.substr(0, digits), place.name.ordinal) || !parse_number(view.substr(digits + 1, digits), place.name.first) || place.name.first == 0) continue;
    const std::string_view rest = view.substr(head);
    if (rest.size() > 1 + hash + suffix.size() && rest[0] == '-' && rest.substr(1 + hash).starts_with(suffix)) {
      auto plain = Digest::from_hex(rest.substr(1, hash));
      if (!plain) continue;
      place.plain = plain.value();
    } else if (rest != suffix) {
      continue;
    }
    if (!out.empty() && out.back().name == place.name) {   // names come in byte order: `-` before `.`
      if (!place.plain) out.back() = std::move(place);
      continue;
    }
    out.push_back(std::move(place));
  }
  return out;
}

/// The plain bytes of an open segment. Errors: the file system's; corrupt_committed for what does not unpack to what was packed; unsupported without the codec.
template <class Fs>
[[nodiscard]] result<Bytes> read_place(Fs& fs, typename Fs::File& file, const Place& place, const ArchiveCodec* codec) {
  KFM_DET_TRY(auto bytes, read_whole(fs, file, place.path));
  if (!place.plain) return bytes;
  if (!codec || !std::string_view(place.path).ends_with(codec->suffix()))
    return Error(errc::unsupported, "this segment was packed by a codec that is not here", place.path, "Open the store with FileStoreOptions::codec, or unpack the file beside it as <ordinal>-<first>.jsonl.");
  auto plain = codec->decode(bytes, bytes_max);
  if (!plain) return plain.error().at(place.path);
  if (sha256(plain.value()) != *place.plain) return Error(errc::corrupt_committed, "a packed segment does not hold what was packed", place.path, "Put a copy of this file back.");
  return plain;
}

/// Opens a segment where it is, or where it went meanwhile. Errors: not_found when it is in neither; the file system's.
template <class Fs>
[[nodiscard]] result<std::shared_ptr<typename Fs::File>> open_place(Fs& fs, const std::string& directory, Place& place) {
  auto file = fs.open(place.path, OpenMode::read);
  if (!file && file.error().code() == errc::not_found && !place.archived) {
    KFM_DET_TRY(const auto archived, list_archive(fs, directory));
    for (const Place& other : archived)
      if (other.name == place.name) {
        place = other;
        file = fs.open(place.path, OpenMode::read);
      }
  }
  if (!file) return file.error();
  return std::make_shared<typename Fs::File>(std::move(file).value());
}

/// Every segment of a log: those of the folder as it was listed, and those of the archive that are not in it; by ordinal. Called behind the listing of the
/// folder: a segment that left it before then is in the archive by now.
template <class Fs>
[[nodiscard]] result<std::vector<Place>> places_of(Fs& fs, const std::string& directory, const Listing& listing) {
  KFM_DET_TRY(auto out, list_archive(fs, directory));
  std::erase_if(out, [&](const Place& place) { return std::binary_search(listing.segments.begin(), listing.segments.end(), place.name); });
  for (const wal::SegmentName& name : listing.segments) out.push_back({name, path(directory, name), std::nullopt, false});
  std::sort(out.begin(), out.end(), [](const Place& a, const Place& b) { return a.name < b.name; });
  return out;
}

/// Which frames of a segment count.
struct Counted { Lsn first = 1, last = 0; };
/// Those frames, verified, one a line. Errors: as visit.
[[nodiscard]] inline result<Bytes> frames_of(BytesView bytes, const std::string& where, const StreamId& stream, Counted counted) {
  Bytes out;
  KFM_DET_TRY(visit(bytes, where, stream, counted.first, counted.last, [&](const Frame& frame) -> result<void> {
    out += frame.bytes;
    out += '\n';
    return success();
  }));
  return out;
}
/// Nothing stands in the segment but frames that count and MARKs: no evidence goes with it.
[[nodiscard]] inline bool holds_no_evidence(BytesView bytes, const StreamId& stream, Counted counted) {
  Lsn next = counted.first;
  for (std::size_t at = bytes.find_first_not_of('\n'); at < bytes.size(); at = bytes.find_first_not_of('\n', at)) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const wal::Line line = wal::read_line(bytes.substr(at, end - at));
    at = end;
    if (line.stream != stream.text) return false;
    if (line.kind == wal::LineKind::mark) continue;
    if (line.kind != wal::LineKind::frame || line.lsn != next++) return false;
  }
  return next == counted.last + 1;
}

/// Copies finished segments into the archive; one tenure's.
template <class Fs>
class Archiver {
 public:
  /// `claim`: the tenure's ordinal, by which its unfinished copies are told from another's.
  Archiver(Fs& fs, std::string directory, StreamId stream, std::uint64_t claim, const ArchiveCodec* codec)
      : fs_(fs), directory_(std::move(directory)), folder_(archive_path(directory_)), stream_(std::move(stream)), claim_(claim), codec_(codec) {}

  /// Makes the archive, durable, and clears away the unfinished copies of earlier tenures.
  [[nodiscard]] result<void> begin() {
    KFM_DET_TRY(fs_.make_directory(folder_));
    KFM_DET_TRY(fs_.sync_directory(directory_));
    KFM_DET_TRY(const auto names, fs_.list(folder_));
    for (const std::string& name : names) {
      std::uint64_t segment = 0, claim = 0;
      const std::string_view view = name;
      if (view.size() != temporary_prefix.size() + 2 * digits + 1 || !view.starts_with(temporary_prefix) || view[temporary_prefix.size() + digits] != '-') continue;
      if (parse_number(view.substr(temporary_prefix.size(), digits), segment) && parse_number(view.substr(temporary_prefix.size() + digits + 1), claim) && claim <= claim_) (void)fs_.remove(folder_ + "/" + name);
    }
    return success();
  }

  /// The segment is in the archive, durable, when this answers. A copy that is there already must hold the same frames, as far as they count: it may differ in
  /// dead frames, and in newlines that went with the power. Errors: conflict where it does not; no_space, io_error.
  [[nodiscard]] result<void> keep(const wal::SegmentName& name, const std::string& source, BytesView plain, Counted counted) {
    KFM_DET_TRY(const bool there, is_there(name, source, plain, counted));
    if (!there) {
      Bytes packed;
      std::string target = path(folder_, name);
      if (codec_) {
        KFM_DET_TRY(packed, codec_->encode(plain));
        target.insert(target.size() - suffix.size(), "-" + sha256(plain).hex());
        target += codec_->suffix();
      }
      const std::string temporary = temporary_path(folder_, name.ordinal) + "-" + number(claim_);
      KFM_DET_TRY(auto file, fs_.create_exclusive(temporary));
      const auto undone = [&](const Error& error) -> Error { (void)fs_.remove(temporary); return error; };
      if (auto written = write_whole(fs_, file, 0, codec_ ? BytesView(packed) : plain); !written) return undone(written.error().at(temporary));
      if (auto synced = fs_.sync(file); !synced) return undone(synced.error().at(temporary));
      if (auto named = fs_.rename_no_replace(temporary, target); !named) return undone(named.error());
    }
    return fs_.sync_directory(folder_);
  }

 private:
  result<bool> is_there(const wal::SegmentName& name, const std::string& source, BytesView plain, Counted counted) {
    KFM_DET_TRY(const auto places, list_archive(fs_, directory_));
    for (Place place : places) {
      if (place.name != name) continue;
      KFM_DET_TRY(auto file, open_place(fs_, directory_, place));
      KFM_DET_TRY(const Bytes other, read_place(fs_, *file, place, codec_));
      KFM_DET_TRY(const Bytes mine, frames_of(plain, source, stream_, counted));
      auto theirs = frames_of(other, place.path, stream_, counted);
      if (!theirs || theirs.value() != mine)
        return Error(errc::conflict, "the archive holds another segment under this name", place.path, "Nothing was removed. Find out where that file comes from, and move it away if it is not this log's.");
      return true;
    }
    return false;
  }

  Fs& fs_;
  std::string directory_, folder_;
  StreamId stream_;
  std::uint64_t claim_;
  const ArchiveCodec* codec_;
};

}  // namespace kfm_det::segment

#endif
