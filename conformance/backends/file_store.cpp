// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <kfm_det/conformance/check_store_on_disk.hpp>
#include <kfm_det/conformance/registry.hpp>
#include <kfm_det/stores/file_store.hpp>

template <class Fs>
struct FileStoreOnDisk {
  using Store = kfm_det::FileStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/state/wal", {.segment_bytes = 4096, .prewrite_bytes = 4096}, fs); }
};
KFM_DET_CONFORMANCE_STORE_ON_DISK(FileStoreOnDisk)

namespace {
using kfm_det::Bytes;
using kfm_det::conformance::MediaPlace;
using kfm_det::conformance::MediaRegion;

/// The number behind the first `name` of a line; small ones only. Written from docs/formats/wal.md and not from the library's reader, which is under test.
std::uint64_t number_in(const std::string& line, const std::string& name) {
  const std::size_t at = line.find("\"" + name + "\":");
  return at == std::string::npos ? 0 : std::stoull(line.substr(at + name.size() + 3));
}
/// What each byte of a log of format 1 is that nobody has trimmed: lines with their newline, and newlines between them. The names of the files are in its order.
std::vector<MediaRegion> places_of_log(const std::vector<std::pair<std::string, Bytes>>& files) {
  struct Line { std::string path; std::size_t from, to; std::uint64_t frame; };   // frame 0: a MARK
  std::vector<Line> lines;
  std::uint64_t proven = 0;
  for (const auto& [path, bytes] : files)
    for (std::size_t at = bytes.find_first_not_of('\n'); at != Bytes::npos; at = bytes.find_first_not_of('\n', at)) {
      const std::size_t end = bytes.find('\n', at) + 1;
      const std::string line = bytes.substr(at, end - at);
      const bool is_mark = line.starts_with("{\"mark\":");
      lines.push_back({path, at, end, is_mark ? 0 : number_in(line, "lsn")});
      proven = std::max(proven, number_in(line, is_mark ? "lsn" : "durable_upto"));
      at = end;
    }
  const auto last_frame = std::find_if(lines.rbegin(), lines.rend(), [](const Line& line) { return line.frame != 0; });
  std::vector<MediaRegion> out;
  for (const auto& file : files) {
    const std::string& path = file.first;
    std::size_t at = 0;
    const auto rest = [&](std::size_t to) {
      const bool is_behind = last_frame == lines.rend() || (path == last_frame->path && at >= last_frame->to);
      if (at < to) out.push_back({path, at, to, is_behind ? MediaPlace::behind : MediaPlace::nothing});
      at = to;
    };
    for (const Line& line : lines) {
      if (line.path != path || line.frame == 0) continue;
      rest(line.from);
      out.push_back({path, line.from, line.to, line.frame <= proven ? MediaPlace::proven : MediaPlace::unproven});
      at = line.to;
    }
    rest(file.second.size());
  }
  return out;
}
}  // namespace

template <class Fs>
struct FileStoreOfThreeSegments {   // 64 KiB, for every bit and every length
  using Store = kfm_det::FileStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/state/wal", {.segment_bytes = 24576, .prewrite_bytes = 4096}, fs); }
  static std::vector<MediaRegion> places(const std::vector<std::pair<std::string, Bytes>>& files) { return places_of_log(files); }
};
KFM_DET_CONFORMANCE_STORE_MEDIA(FileStoreOfThreeSegments)
