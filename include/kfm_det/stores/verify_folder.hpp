// SPDX-License-Identifier: BSL-1.0
/// \file
/// verify_folder: verifies the log in a stream's folder (docs/formats/wal.md) and in its `archive/`. Looks only: no byte and no name changes.
///
/// Works while a writer appends: what it had appended when the folder was read is judged, and what is half there is a torn tail. Memory: pieces of a segment.
/// Thread-safety: plain functions.
#ifndef KFM_DET_STORES_VERIFY_FOLDER_HPP
#define KFM_DET_STORES_VERIFY_FOLDER_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/files/whole.hpp"
#include "kfm_det/stores/archive.hpp"
#include "kfm_det/stores/segment_file.hpp"
#include "kfm_det/wal/verify.hpp"

namespace kfm_det {

namespace detail {

template <class Fs>
class FolderVerifier {
 public:
  FolderVerifier(Fs& fs, std::string folder, wal::Verifier& verifier, const ArchiveCodec* codec) : fs_(fs), folder_(std::move(folder)), verifier_(verifier), codec_(codec) {}

  /// Which segments there are, and in which of the two folders. Errors: as listing a folder; not_found when this is no log's folder.
  [[nodiscard]] result<void> look() {
    KFM_DET_TRY(const segment::Listing here, segment::list(fs_, folder_));
    KFM_DET_TRY(auto places, segment::places_of(fs_, folder_, here));   // where both have it, archiving was stopped before its end
    for (auto& place : places)
      if (!place.plain || (codec_ && std::string_view(place.path).ends_with(codec_->suffix()))) where_[place.name] = std::move(place);
    if (where_.empty() && here.claims.empty() && here.leftovers.empty())
      return Error(errc::not_found, "there is no log in this folder", folder_, "Name the folder of one stream: <root>/<stream id>");
    return success();
  }

  void read(const StreamId& stream) {
    std::vector<wal::SegmentName> names;
    for (const auto& [name, place] : where_) names.push_back(name);
    const wal::Judge judge(stream, names, {});
    auto living = judge.living().begin();
    for (const auto& name : names) {
      if (living == judge.living().end() || living->name != name) {
        verifier_.dead_segment(label(name), name.first);
        continue;
      }
      verifier_.begin_segment(name, living->limit, label(name));
      read_segment(name);
      verifier_.end_segment();
      ++living;
    }
  }

 private:
  [[nodiscard]] std::string label(const wal::SegmentName& name) const {
    const segment::Place& place = where_.at(name);
    const std::string file = place.path.substr(place.path.rfind('/') + 1);
    return place.archived ? std::string(segment::archive_name) + "/" + file : file;
  }

  void read_segment(const wal::SegmentName& name) {
    segment::Place& place = where_.at(name);
    auto opened = segment::open_place(fs_, folder_, place);   // it may have been archived just now
    if (!opened) return unreadable(opened.error());
    typename Fs::File& file = *opened.value();
    if (place.plain) {
      const auto plain = segment::read_place(fs_, file, place, codec_);
      if (plain) return verifier_.feed(plain.value());
      if (plain.error().code() != errc::corrupt_committed) return unreadable(plain.error());
      return verifier_.unreadable(wal::FindingCode::damaged, wal::printable(plain.error().what()));
    }
    auto size = fs_.size(file);
    if (!size) return unreadable(size.error());
    if (size.value() == 0) return verifier_.unreadable(wal::FindingCode::segment_empty, "the segment has 0 bytes; nothing of ours leaves it so");
    if (size.value() > segment::bytes_max)
      return verifier_.unreadable(wal::FindingCode::segment_too_large, "the segment has " + std::to_string(size.value()) + " bytes, and nobody writes more than " + std::to_string(segment::bytes_max) + "; it was not read");
    buffer_.resize(piece_bytes);
    for (std::uint64_t at = 0;;) {
      const auto got = read_up_to(fs_, file, at, std::span<char>(buffer_.data(), buffer_.size()));
      if (!got) return unreadable(got.error());
      if (got.value() == 0) return;
      verifier_.feed(BytesView(buffer_).substr(0, got.value()));
      at += got.value();
      if (at > segment::bytes_max) return verifier_.unreadable(wal::FindingCode::segment_too_large, "the segment grows while it is read");
    }
  }
  void unreadable(const Error& error) { verifier_.unreadable(wal::FindingCode::unreadable, "the segment cannot be read: " + wal::printable(error.what())); }

  static constexpr std::size_t piece_bytes = std::size_t{1} << 20;
  Fs& fs_;
  std::string folder_;
  wal::Verifier& verifier_;
  const ArchiveCodec* codec_;
  std::map<wal::SegmentName, segment::Place> where_;
  Bytes buffer_;
};

}  // namespace detail

/// Verifies the log of one stream. `stream`: whose it should be; else the folder's name says it (give it for a copy that has another name).
/// `codec` reads packed segments of the archive; those of another codec, or without one, are not looked at, and missing where they are needed.
/// What is wrong with the log is in the report (VerifyReport::answer makes an error of it). Errors: not_found (no such folder, or no log in it, and no witness
/// that knows better), permission_denied, invalid_argument (a folder whose name says no stream).
template <FileSystem Fs>
[[nodiscard]] result<wal::VerifyReport> verify_folder(Fs& fs, std::string folder, const wal::VerifyOptions& options, std::optional<StreamId> stream = std::nullopt, const ArchiveCodec* codec = nullptr) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  if (!stream) stream = StreamId{folder.substr(folder.rfind('/') + 1)};   // behind npos is the beginning
  if (stream->text.empty() || stream->text == "." || stream->text == "..")
    return Error(errc::invalid_argument, "this name does not say which stream the log is of", folder, "Name the stream's folder itself: <root>/<stream id>");
  wal::Verifier verifier(*stream, options);
  detail::FolderVerifier<Fs> reader(fs, folder, verifier, codec);
  if (auto looked = reader.look(); !looked) {
    const bool is_gone = looked.error().code() == errc::not_found && std::any_of(options.witnesses.begin(), options.witnesses.end(), [](const Head& witness) { return witness.lsn != 0; });
    if (!is_gone) return looked.error();   // else the witness says that there was a log (VERIFY-4)
  }
  reader.read(*stream);
  return verifier.finish();
}

}  // namespace kfm_det

#endif
