// SPDX-License-Identifier: BSL-1.0
/// \file
/// OpenedLog: the log that a person named, found on disk and inspected. Looks only: no claim, no tenure, no byte changes.
///
/// LOG is the folder of a stream, or a root that holds one. Works beside a writer: what looks torn because it is being written is looked at again.
/// Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_OPENED_LOG_HPP
#define KFM_DET_TOOLS_KFM_DET_OPENED_LOG_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <kfm_det/stores/file_store.hpp>
#include <kfm_det/wal/log.hpp>

#include "looking_file_system.hpp"
#include "screen.hpp"

namespace kfm_det::tool {

/// The name of a folder that is there, without links and dots. Errors: not_found, invalid_argument (a file), permission_denied.
[[nodiscard]] result<std::string> absolute_folder(const std::string& given);

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

/// A segment file that is there, by its own name.
struct SegmentFile {
  wal::SegmentName name;
  std::string path;
  std::uint64_t bytes = 0;
};

[[nodiscard]] std::vector<SegmentFile> segments_of(const LogPlace& place);
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
  OpenedLog(LogPlace place, Stream stream, Recovery recovery, std::vector<SegmentFile> segments)
      : place_(std::move(place)), stream_(std::move(stream)), recovery_(std::move(recovery)), segments_(std::move(segments)) {}
  LogPlace place_;
  Stream stream_;
  Recovery recovery_;
  std::vector<SegmentFile> segments_;
};

}  // namespace kfm_det::tool

#endif
