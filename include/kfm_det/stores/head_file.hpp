// SPDX-License-Identifier: BSL-1.0
/// \file
/// A head in a file: the witness that a person keeps somewhere else. `{"hash":"<64 hex>","incarnation":K,"lsn":N,"stream":"<stream id>"}`, canonical, and a newline.
///
/// Durability: write_head answers when the file and its name survive power loss; what was there before is replaced at once or not at all. Keep it where
/// whoever can write the log cannot write. Thread-safety: plain functions.
#ifndef KFM_DET_STORES_HEAD_FILE_HPP
#define KFM_DET_STORES_HEAD_FILE_HPP

#include <span>
#include <string>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/files/whole.hpp"

namespace kfm_det {

[[nodiscard]] inline std::string head_text(const Head& head) {
  return "{\"hash\":\"" + head.hash.hex() + "\",\"incarnation\":" + canonical(Json(head.incarnation)).value() + ",\"lsn\":" + canonical(Json(head.lsn)).value() + ",\"stream\":" + canonical(Json(head.stream.text)).value() + "}\n";
}
/// Strict: the four members and nothing else; white space around is allowed. Errors: invalid_json, invalid_argument.
[[nodiscard]] inline result<Head> parse_head(BytesView text) {
  const auto bad = [](const Error& error) { return error.at("head").advise("Write it with `kfm-det wal head`."); };
  const auto json = parse_json(text);
  if (!json) return bad(json.error());
  if (json.value().members().size() != 4) return bad(Error(errc::invalid_json, "a head has four members: hash, incarnation, lsn, stream"));
  const auto read = [&json]() -> result<Head> {
    Head head;
    KFM_DET_TRY(const std::string hash, get_string(json.value(), "hash"));
    KFM_DET_TRY(head.hash, Digest::from_hex(hash));
    KFM_DET_TRY(head.incarnation, get_u64(json.value(), "incarnation"));
    KFM_DET_TRY(head.lsn, get_u64(json.value(), "lsn"));
    KFM_DET_TRY(head.stream.text, get_string(json.value(), "stream"));
    if (head.lsn != 0 && (head.incarnation == 0 || head.hash.is_zero() || head.stream.text.empty())) return Error(errc::invalid_json, "a head that names no entry");
    return head;
  };
  auto head = read();
  if (!head) return bad(head.error());
  return head;
}

/// Errors: not_found, permission_denied, limit_exceeded (a file that is no head), as parse_head.
template <FileSystem Fs>
[[nodiscard]] result<Head> read_head(Fs& fs, const std::string& path) {
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  Bytes text(4097, '\0');
  KFM_DET_TRY(const std::size_t got, read_up_to(fs, file, 0, std::span<char>(text.data(), text.size())));
  if (got == text.size()) return Error(errc::limit_exceeded, "a file of more than 4096 bytes is no head", path, "Write it with `kfm-det wal head`.");
  auto head = parse_head(BytesView(text).substr(0, got));
  if (!head) return head.error().at(path);
  return head;
}

/// Errors: invalid_argument for a head of nothing, the file system's.
template <FileSystem Fs>
[[nodiscard]] result<void> write_head(Fs& fs, const std::string& path, const Head& head) {
  if (head.lsn == 0) return Error(errc::invalid_argument, "an empty log has no head", path, "Write it when the log has an entry.");
  const std::string temporary = path + ".tmp";
  auto made = fs.create_exclusive(temporary);
  if (!made && made.error().code() == errc::conflict) {   // left by a write that was interrupted
    KFM_DET_TRY(fs.remove(temporary));
    made = fs.create_exclusive(temporary);
  }
  if (!made) return made.error();
  KFM_DET_TRY(write_all(fs, made.value(), 0, head_text(head)));
  KFM_DET_TRY(fs.sync(made.value()));
  KFM_DET_TRY(fs.rename(temporary, path));
  return fs.sync_directory(parent_directory(path));
}

}  // namespace kfm_det

#endif
