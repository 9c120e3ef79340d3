// SPDX-License-Identifier: BSL-1.0
/// \file
/// The head file: a place in a log, kept somewhere else. It is a witness: a log that was cut or rewritten below it is found out.
///
/// One line of canonical JSON: {"hash","incarnation","lsn","stream"}. Written whole or not at all (a temporary name, synced, renamed). Thread-safety: plain functions.
#ifndef KFM_DET_TOOLS_KFM_DET_HEAD_FILE_HPP
#define KFM_DET_TOOLS_KFM_DET_HEAD_FILE_HPP

#include <optional>
#include <string>

#include <kfm_det/core/json_parser.hpp>
#include <kfm_det/core/json_writer.hpp>
#include <kfm_det/files/whole.hpp>
#include <kfm_det/stores/segment_file.hpp>
#include <kfm_det/wal/log.hpp>

namespace kfm_det::tool {

[[nodiscard]] inline Json head_file_json(const Head& head) {
  Json out = wal::head_json(head);
  out.set("stream", Json(head.stream.text));
  return out;
}

/// Nothing when the file is not there. Errors: invalid_json for one that is no head, and those of reading.
template <class Fs>
[[nodiscard]] result<std::optional<Head>> read_head_file(Fs& fs, const std::string& path) {
  constexpr std::uint64_t bytes_max = 4096;
  KFM_DET_TRY(const bool there, fs.exists(path));
  if (!there) return std::optional<Head>();
  const auto no = [&](const std::string& why) { return Error(errc::invalid_argument, "this is no head file: " + why, path, "Give a file that `kfm-det wal head --out` wrote"); };
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  KFM_DET_TRY(const std::uint64_t size, fs.size(file));
  if (size > bytes_max) return no("it has " + std::to_string(size) + " bytes");
  KFM_DET_TRY(std::string text, segment::read_whole(fs, path));
  while (text.ends_with('\n')) text.pop_back();
  const auto json = parse_json(text);
  if (!json) return no(json.error().what());
  const auto read = [&]() -> result<Head> {
    Head head;
    KFM_DET_TRY(head.stream.text, get_string(json.value(), "stream"));
    KFM_DET_TRY(head.incarnation, get_u64(json.value(), "incarnation"));
    KFM_DET_TRY(head.lsn, get_u64(json.value(), "lsn"));
    KFM_DET_TRY(const std::string hash, get_string(json.value(), "hash"));
    KFM_DET_TRY(head.hash, Digest::from_hex(hash));
    return head;
  };
  auto head = read();
  if (!head) return no(head.error().where() + ": " + head.error().what());
  return std::optional<Head>(std::move(head).value());
}

}  // namespace kfm_det::tool

#endif
