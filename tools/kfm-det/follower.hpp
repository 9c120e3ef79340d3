// SPDX-License-Identifier: BSL-1.0
/// \file
/// Follower: what a writer adds to a log, as it comes. Looks only.
///
/// Reads behind where it stopped, and only where a file has changed. Gives whole groups alone, each linked to what was given before; what it gives need not
/// be durable yet. Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_FOLLOWER_HPP
#define KFM_DET_TOOLS_KFM_DET_FOLLOWER_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <time.h>

#include <kfm_det/files/whole.hpp>

#include "opened_log.hpp"

namespace kfm_det::tool {

class Follower {
 public:
  /// Goes on behind `tail`.
  Follower(LogPlace place, const Head& tail) : place_(std::move(place)), next_(tail.lsn + 1), hash_(tail.hash) {}

  /// Everything new. Errors: forked (what is there now does not follow from what was given), not_found (it is gone), those of reading and of the visitor.
  [[nodiscard]] result<void> poll(FrameVisitor visitor) {
    KFM_DET_TRY(const auto names, segment::list(fs_, place_.folder));
    if (!has_changed(names.segments)) return success();
    wal::Judge judge(place_.stream, names.segments, {});
    if (!judge.living().empty() && judge.living().front().name.first > next_)
      return Error(errc::not_found, "LSN " + std::to_string(next_) + " is not in this folder any more: the log was compacted or moved meanwhile", place_.given, "Start again");
    for (const auto& [name, limit] : judge.living()) {
      if (limit <= next_) continue;
      if (name.first > next_) break;   // its predecessor is still being read
      KFM_DET_TRY(read(name, limit, visitor));
    }
    return success();
  }

 private:
  struct Seen {
    wal::SegmentName name;
    std::int64_t size = 0, changed_s = 0, changed_ns = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };

  /// A file that was changed a moment ago may be changed again without its time showing it.
  [[nodiscard]] bool has_changed(const std::vector<wal::SegmentName>& names) {
    std::vector<Seen> now;
    timespec clock = {};
    ::clock_gettime(CLOCK_REALTIME, &clock);
    bool young = false;
    for (const auto& name : names) {
      struct stat status = {};
      if (::stat(segment::path(place_.folder, name).c_str(), &status) != 0) continue;
      now.push_back({name, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec});
      young = young || clock.tv_sec - status.st_mtim.tv_sec < 2;
    }
    return std::exchange(seen_, now) != now || young;
  }

  result<void> read(const wal::SegmentName& name, Lsn limit, FrameVisitor visitor) {
    if (name != at_) { at_ = name; offset_ = 0; }
    KFM_DET_TRY(auto file, fs_.open(segment::path(place_.folder, name), OpenMode::read));
    KFM_DET_TRY(const std::uint64_t size, fs_.size(file));
    if (size <= offset_) return success();
    if (size - offset_ > segment::bytes_max) return Error(errc::limit_exceeded, "a segment of " + bytes_of(size) + ": nothing that this library wrote", segment::path(place_.folder, name), "Look what this file is");
    Bytes bytes(static_cast<std::size_t>(size - offset_), '\0');
    KFM_DET_TRY(const std::size_t have, read_up_to(fs_, file, offset_, std::span<char>(bytes)));
    bytes.resize(have);
    return read(BytesView(bytes), limit, visitor);
  }

  result<void> read(BytesView bytes, Lsn limit, FrameVisitor visitor) {
    std::vector<Frame> group;
    Digest hash = hash_;
    std::size_t done = 0;
    for (std::size_t at = 0; at < bytes.size();) {
      if (bytes[at] == '\n') { at = std::min(bytes.find_first_not_of('\n', at), bytes.size()); continue; }
      const std::size_t end = bytes.find('\n', at);
      if (end == BytesView::npos) break;   // half a line
      const BytesView text = bytes.substr(at, end - at);
      at = end + 1;
      const wal::Line line = wal::read_line(text);
      if (line.kind == wal::LineKind::garbage)
        if (const std::size_t inside = wal::next_beginning(text); inside != BytesView::npos) at = end - text.size() + inside;
      if (line.kind == wal::LineKind::newer_format) return Error(errc::unsupported_version, "the log goes on in a newer version of the format", place_.given, "Use that version or a newer one");
      if (line.kind != wal::LineKind::frame || line.stream != place_.stream.text || line.lsn < next_) continue;
      if (line.lsn >= limit) break;
      if (line.lsn != next_ + group.size()) break;   // written while it was read: next time
      if (line.link != hash) {
        if (!group.empty()) break;
        return Error(errc::forked, "LSN " + std::to_string(line.lsn) + " does not follow from what was shown before it", place_.given, "Look at the log as a whole: kfm-det wal show");
      }
      group.push_back({line.lsn, text});
      hash = line.hash;
      if (group.size() < line.group_count) continue;
      for (const Frame& frame : group) { KFM_DET_TRY(visitor(frame)); }
      next_ += group.size();
      hash_ = hash;
      group.clear();
      done = at;
    }
    offset_ += done;
    return success();
  }

  LogPlace place_;
  LookingFileSystem fs_;
  Lsn next_;
  Digest hash_;
  wal::SegmentName at_;          // the segment that was read last,
  std::uint64_t offset_ = 0;     // and up to where
  std::vector<Seen> seen_;
};

}  // namespace kfm_det::tool

#endif
