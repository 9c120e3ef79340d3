// SPDX-License-Identifier: BSL-1.0
/// \file
/// OpenedLog: the log that a person named, found on disk and inspected. Looks only: no claim, no tenure, no byte changes.
///
/// LOG is the folder of a stream, or a root that holds one. Works beside a writer: what looks torn because it is being written is looked at again.
/// Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_OPENED_LOG_HPP
#define KFM_DET_TOOLS_KFM_DET_OPENED_LOG_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <kfm_det/contracts/archive_codec.hpp>
#include <kfm_det/stores/file_store.hpp>
#include <kfm_det/wal/log.hpp>

#include "looking_file_system.hpp"
#include "screen.hpp"

namespace kfm_det::tool {

/// The name of a folder that is there, without links and dots. Errors: not_found, invalid_argument (a file), permission_denied.
[[nodiscard]] result<std::string> absolute_folder(const std::string& given);

/// A path without the slashes that end it ("/" stays), and what stands behind its last one.
[[nodiscard]] std::string without_slashes(std::string path);
[[nodiscard]] std::string name_of(const std::string& path);

/// Where a log is.
struct LogPlace {
  std::string given;    ///< as the person wrote it
  std::string folder;   ///< the stream's own, absolute
  std::string root;     ///< what a FileStore is opened with
  StreamId stream;

  /// The text with the folder named as the person named it.
  [[nodiscard]] std::string shown(std::string text) const;
};

/// Errors: not_found (no such folder), invalid_argument (no log; several logs, which it lists), permission_denied, io_error.
[[nodiscard]] result<LogPlace> find_log(const std::string& given);
/// Which of these streams a log that is gone was of, and where it was, for who knows from elsewhere that there was one. Nothing where there is a log, where the
/// name is another stream's, or could mean several.
[[nodiscard]] std::optional<LogPlace> find_lost_log(const std::string& given, std::span<const StreamId> seen);

/// A segment file that is there, by its own name.
struct SegmentFile {
  wal::SegmentName name;
  std::string path;
  std::uint64_t bytes = 0;
};

/// 0 for one that is not there.
[[nodiscard]] std::uint64_t bytes_of_file(const std::string& path);
/// What reads, and packs, archived segments (`.jsonl.zst`).
[[nodiscard]] const ArchiveCodec* archive_codec();
/// The store of a log, to look at.
[[nodiscard]] result<FileStore<LookingFileSystem>> looking_store(const LogPlace& place, const LookingFileSystem& fs = LookingFileSystem());
[[nodiscard]] std::vector<SegmentFile> segments_of(const LogPlace& place);
/// The last line of the segments from `first` on, archived ones too, that carries a signature; none: the log is not signed. Looks behind damage as well, and
/// passes over what cannot be read: that a log is signed is not forgotten because its end is not, or is gone.
[[nodiscard]] std::optional<std::string> last_signed_line(const LogPlace& place, Lsn first);
/// To be asked where no record was found. Errors: corrupt_committed when the files are nothing that a FileStore wrote.
[[nodiscard]] result<void> refuse_strangers_files(const LogPlace& place, const std::vector<SegmentFile>& segments);
/// The error of a foreign log, with what can be done about it: mostly a folder was renamed.
[[nodiscard]] Error of_another_stream(const Error& error);

class OpenedLog {
 public:
  /// A bad verdict is no error here: what stands before the damage can be read. Errors: as find_log; corrupt_committed for files in which nothing is a record.
  [[nodiscard]] static result<OpenedLog> open(Screen& screen, const std::string& given, std::span<const Head> witnesses = {});

  [[nodiscard]] const LogPlace& place() const { return place_; }
  [[nodiscard]] const Recovery& recovery() const { return recovery_; }
  [[nodiscard]] const std::vector<SegmentFile>& segments() const { return segments_; }
  [[nodiscard]] std::uint64_t bytes() const;
  /// Segments that were moved to archive/.
  [[nodiscard]] const std::vector<segment::Place>& archived() const { return archived_; }

  /// Where the log begins: LSN 1, or the checkpoint that what is older was folded into.
  [[nodiscard]] Lsn first() const { return recovery_.base; }
  [[nodiscard]] bool is_compacted() const { return recovery_.base > 1; }
  /// Records that are here: none below first().
  [[nodiscard]] std::uint64_t records() const { return recovery_.tail.lsn < first() ? 0 : recovery_.tail.lsn - first() + 1; }
  /// "the checkpoint at LSN 310, and as they were sealed in archive/": where records below first() are.
  [[nodiscard]] std::string where_older_are() const;
  /// What a run cannot be asked any more, as its records were folded; with the way to them.
  [[nodiscard]] Error was_folded(const std::string& what, const RunId& run) const;

  /// Every record up to the last good frame. Errors: those of wal::read_records.
  [[nodiscard]] result<Lsn> read(Lsn from, wal::RecordVisitor visitor) { return wal::read_records(stream_, from, visitor); }
  /// The same lines as they stand in the files.
  [[nodiscard]] result<Lsn> scan(Lsn from, FrameVisitor visitor) { return stream_.scan(from, visitor); }

  /// Log, verdict and evidence as a person reads them.
  void print_verdict(Screen& screen) const;
  [[nodiscard]] Json to_json() const;
  /// 0 for a log that can be trusted as far as looking tells, else the verdict's own code, said on stderr.
  [[nodiscard]] int outcome(Screen& screen) const;

 private:
  using Stream = FileStore<LookingFileSystem>::Stream;
  OpenedLog(LogPlace place, Stream stream, Recovery recovery, std::vector<SegmentFile> segments, std::vector<segment::Place> archived)
      : place_(std::move(place)), stream_(std::move(stream)), recovery_(std::move(recovery)), segments_(std::move(segments)), archived_(std::move(archived)) {}
  LogPlace place_;
  Stream stream_;
  Recovery recovery_;
  std::vector<SegmentFile> segments_;
  std::vector<segment::Place> archived_;
};

}  // namespace kfm_det::tool

#endif
