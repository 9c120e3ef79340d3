// SPDX-License-Identifier: BSL-1.0
/// \file
/// What `wal archive` and `wal compact` share: their options, and what went to the archive. Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_TRIM_HPP
#define KFM_DET_TOOLS_KFM_DET_TRIM_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "operate.hpp"

namespace kfm_det::tool {

struct TrimArguments : OperateArguments { bool zstd = false; };

inline void add_trim_options(CLI::App& command, TrimArguments& given) {
  add_log(command, given.log);
  add_operate_options(command, given);
  command.add_flag("--zstd", given.zstd, "Pack what goes to the archive (.jsonl.zst); an archive that holds packed segments is gone on with so by itself");
  command.add_flag("-n,--dry-run", given.dry_run, "Say what would be moved, and change nothing");
}

/// Packs where it is asked for, or was done before: an updater whose store has no codec does not meet what it cannot read by surprise.
inline void choose_codec(TrimArguments& given, const OpenedLog& log) {
  const bool packs = given.zstd || std::any_of(log.archived().begin(), log.archived().end(), [](const segment::Place& place) { return place.plain.has_value(); });
  given.codec = packs ? archive_codec() : nullptr;
}

struct Moved {
  std::uint64_t segments = 0, bytes = 0;
  [[nodiscard]] std::string text() const { return count_of(segments, "segment") + " (" + bytes_of(bytes) + ")"; }
};
/// Those that begin below `limit`.
[[nodiscard]] inline Moved all_of(const std::vector<SegmentFile>& segments, Lsn limit = wal::Judge::no_limit) {
  Moved out;
  for (const auto& one : segments)
    if (one.name.first < limit) { ++out.segments; out.bytes += one.bytes; }
  return out;
}
/// Those that are not in the folder any more.
[[nodiscard]] inline Moved moved_since(const std::vector<SegmentFile>& before, const LogPlace& place) {
  std::vector<SegmentFile> gone = before;
  const auto now = segments_of(place);
  std::erase_if(gone, [&](const SegmentFile& one) { return std::any_of(now.begin(), now.end(), [&](const SegmentFile& other) { return other.name == one.name; }); });
  return all_of(gone);
}
[[nodiscard]] inline std::string archive_of(const LogPlace& place) { return place.shown(segment::archive_path(place.folder)); }

}  // namespace kfm_det::tool

#endif
