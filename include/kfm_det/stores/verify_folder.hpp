// SPDX-License-Identifier: BSL-1.0
/// \file
/// verify_folder: verifies the log in a stream's folder (docs/formats/wal.md) and in its `archive/`. Looks only: no byte and no name changes.
///
/// Works while a writer appends or trims: what it had appended when the folder was read is judged, and what is half there is a torn tail. Memory: pieces of a
/// segment; of a packed one all of it.
/// Thread-safety: plain functions.
#ifndef KFM_DET_STORES_VERIFY_FOLDER_HPP
#define KFM_DET_STORES_VERIFY_FOLDER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/archive_codec.hpp"
#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/files/whole.hpp"
#include "kfm_det/stores/archive.hpp"
#include "kfm_det/stores/segment_file.hpp"
#include "kfm_det/wal/verify.hpp"

namespace kfm_det {

namespace detail {

template <class Fs>
class FolderVerifier {
 public:
  FolderVerifier(Fs& fs, std::string folder, wal::Verifier& verifier, const ArchiveCodec* codec, wal::History history) : fs_(fs), folder_(std::move(folder)), verifier_(verifier), codec_(codec), history_(history) {}

  /// Which segments there are, in the folder and in its archive. Errors: as listing a folder; not_found when this is no log's folder.
  [[nodiscard]] result<void> look() {
    for (int tries = 0;; ++tries) {
      KFM_DET_TRY(const segment::Listing here, segment::list(fs_, folder_));
      KFM_DET_TRY(const auto places, segment::places_of(fs_, folder_, here));   // where both have a segment, archiving was stopped before its end
      if (places.empty() && here.claims.empty() && here.leftovers.empty())
        return Error(errc::not_found, "there is no log in this folder", folder_, "Name the folder of one stream: <root>/<stream id>");
      parts_.clear();
      for (const segment::Place& place : places) parts_.push_back({place, nullptr});
      if (hold() || tries == 64) return success();
    }
  }

  void read(const StreamId& stream) {
    std::vector<wal::SegmentName> names;
    for (const Part& part : parts_) names.push_back(part.place.name);
    const wal::Judge judge(stream, names, {});
    auto living = judge.living().begin();
    const auto first_read = living + static_cast<std::ptrdiff_t>(begin_of(judge.living()));
    if (first_read == judge.living().end() && living != first_read)
      verifier_.unreadable(wal::FindingCode::unreadable, "all that there is of the log stands in packed segments, and the codec that reads them was not given");
    for (Part& part : parts_) {
      if (living == judge.living().end() || living->name != part.place.name) {
        verifier_.dead_segment(label(part.place), part.place.name.first);
        continue;
      }
      if (living >= first_read) {
        verifier_.begin_segment(part.place.name, living->limit, label(part.place));
        read_segment(part);
        verifier_.end_segment();
      }
      ++living;
    }
  }

 private:
  struct Part {
    segment::Place place;
    std::shared_ptr<typename Fs::File> file;   // opened ahead, so that who trims meanwhile takes nothing away
  };
  static constexpr std::size_t held_max = 64;  // the oldest go first; a descriptor each
  static constexpr std::size_t piece_bytes = std::size_t{1} << 20;

  /// False: a segment that was listed is gone, and not to the archive; look again.
  bool hold() {
    std::size_t held = 0;
    for (Part& part : parts_) {
      if (part.place.archived || held == held_max) continue;
      auto file = segment::open_place(fs_, folder_, part.place);
      if (!file && file.error().code() == errc::not_found) return false;
      if (file) part.file = std::move(file).value(), ++held;   // else its error is its segment's finding, in its turn
    }
    return true;
  }
  bool is_readable(const segment::Place& place) const { return !place.plain || (codec_ != nullptr && std::string_view(place.path).ends_with(codec_->suffix())); }
  /// Where the log is read from: behind the last segment that cannot be read for want of its codec, or of which the policy wants nothing.
  std::size_t begin_of(const std::vector<wal::Judge::Living>& living) {
    const auto place_of = [&](const wal::Judge::Living& one) -> const segment::Place& { return std::lower_bound(parts_.begin(), parts_.end(), one.name, [](const Part& part, const wal::SegmentName& name) { return part.place.name < name; })->place; };
    const bool drops = history_ == wal::History::dropped && std::any_of(living.begin(), living.end(), [&](const wal::Judge::Living& one) { return !place_of(one).archived; });
    std::size_t packed = 0, begin = 0;
    for (std::size_t i = 0; i < living.size(); ++i) {
      const segment::Place& place = place_of(living[i]);
      if (!place.archived || (!drops && is_readable(place))) continue;
      begin = i + 1;
      packed += !is_readable(place);
    }
    if (begin != 0)
      verifier_.not_read(label(place_of(living.front())), living.front().name.first, begin == living.size() ? 0 : living[begin].name.first,
                         std::to_string(begin) + (begin == 1 ? " segment" : " segments") + " of the archive " + (begin == 1 ? "was" : "were") + " not read, " +
                             (drops ? "for the policy says that the store drops what a checkpoint covers" : "for " + std::to_string(packed) + (packed == 1 ? " is" : " are") + " packed, and the codec was not given"));
    return begin;
  }
  [[nodiscard]] std::string label(const segment::Place& place) const { return place.path.substr(folder_.size() + 1); }

  void read_segment(Part& part) {
    if (part.file == nullptr) {
      auto opened = segment::open_place(fs_, folder_, part.place);
      if (!opened) return unreadable(opened.error());
      part.file = std::move(opened).value();
    }
    auto& file = *part.file;
    const auto size = fs_.size(file);
    if (!size) return unreadable(size.error());
    if (size.value() == 0) return verifier_.unreadable(wal::FindingCode::segment_empty, "the segment has 0 bytes; nothing of ours leaves it so");
    if (size.value() > segment::bytes_max)
      return verifier_.unreadable(wal::FindingCode::segment_too_large, "the segment has " + std::to_string(size.value()) + " bytes, and nobody writes more than " + std::to_string(segment::bytes_max) + "; it was not read");
    if (part.place.plain) read_packed(part);
    else read_plain(file);
    part.file.reset();
  }
  void read_plain(typename Fs::File& file) {
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
  /// Whole in memory: the hash that the name states is of all of it.
  void read_packed(const Part& part) {
    const auto bytes = segment::read_whole(fs_, *part.file, part.place.path);
    if (!bytes) return unreadable(bytes.error());
    if (!is_readable(part.place)) return verifier_.unreadable(wal::FindingCode::unreadable, "the segment was packed while it was looked for, and the codec was not given");
    const auto plain = codec_->decode(bytes.value(), segment::bytes_max);
    if (!plain) {
      const bool is_large = plain.error().code() == errc::limit_exceeded;
      return verifier_.unreadable(is_large ? wal::FindingCode::segment_too_large : wal::FindingCode::archive_damaged, "the packed segment cannot be unpacked: " + wal::printable(plain.error().what()));
    }
    if (sha256(plain.value()) != *part.place.plain)
      verifier_.unreadable(wal::FindingCode::archive_damaged, "the packed segment does not hold what was packed: its bytes have another hash than its name says");
    verifier_.feed(plain.value());   // then its lines tell where
  }
  void unreadable(const Error& error) { verifier_.unreadable(wal::FindingCode::unreadable, "the segment cannot be read: " + wal::printable(error.what())); }

  Fs& fs_;
  std::string folder_;
  wal::Verifier& verifier_;
  const ArchiveCodec* codec_;
  wal::History history_;
  std::vector<Part> parts_;   // by name
  Bytes buffer_;
};

}  // namespace detail

/// Verifies the log of one stream. `stream`: whose it should be; else the folder's name says it (give it for a copy that has another name).
/// `codec`: reads archived segments that were packed; without it the log is verified from behind them on, and the report says so (archive_not_read).
/// What is wrong with the log is in the report (VerifyReport::answer makes an error of it). Errors: not_found (no such folder, or no log in it, and no witness
/// that knows better), permission_denied, invalid_argument (a folder whose name says no stream).
template <FileSystem Fs>
[[nodiscard]] result<wal::VerifyReport> verify_folder(Fs& fs, std::string folder, const wal::VerifyOptions& options, std::optional<StreamId> stream = std::nullopt, const ArchiveCodec* codec = nullptr) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  if (!stream) stream = StreamId{folder.substr(folder.rfind('/') + 1)};   // behind npos is the beginning
  if (stream->text.empty() || stream->text == "." || stream->text == "..")
    return Error(errc::invalid_argument, "this name does not say which stream the log is of", folder, "Name the stream's folder itself: <root>/<stream id>");
  wal::Verifier verifier(*stream, options);
  detail::FolderVerifier<Fs> reader(fs, folder, verifier, codec, options.policy.history);
  if (auto looked = reader.look(); !looked) {
    const bool is_gone = looked.error().code() == errc::not_found && std::any_of(options.witnesses.begin(), options.witnesses.end(), [](const Head& witness) { return witness.lsn != 0; });
    if (!is_gone) return looked.error();   // else the witness says that there was a log (VERIFY-4)
  }
  reader.read(*stream);
  return verifier.finish();
}

}  // namespace kfm_det

#endif
