// SPDX-License-Identifier: BSL-1.0
/// \file
/// A key ring and a public key in a file, as the commands read them. Thread-safety: plain functions.
#ifndef KFM_DET_TOOLS_KFM_DET_KEY_RING_FILE_HPP
#define KFM_DET_TOOLS_KFM_DET_KEY_RING_FILE_HPP

#include <string>

#include <kfm_det/stores/segment_file.hpp>
#include <kfm_det/wal/key_ring.hpp>

#include "looking_file_system.hpp"

namespace kfm_det::tool {

namespace detail {
[[nodiscard]] inline result<Bytes> read_text(const std::string& path, std::size_t bytes_max, const char* what, const char* remedy) {
  const LookingFileSystem fs;
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  KFM_DET_TRY(const std::uint64_t size, fs.size(file));
  if (size > bytes_max) return Error(errc::limit_exceeded, std::string("a file of that size is no ") + what, path, remedy);
  return segment::read_whole(fs, file, path);
}
}  // namespace detail

/// Errors: those of opening a file, limit_exceeded, invalid_argument for what is no ring.
[[nodiscard]] inline result<wal::KeyRing> read_ring(const std::string& path) {
  KFM_DET_TRY(const Bytes text, detail::read_text(path, wal::KeyRing::text_bytes_max, "key ring", "Name the file that `kfm-det wal keys` wrote"));
  auto ring = wal::KeyRing::parse(text);
  if (!ring) return ring.error().as(errc::invalid_argument).at(path);
  return ring;
}

/// In PEM, or its 64 hex digits. Errors: those of opening a file, limit_exceeded, invalid_argument for what is neither.
[[nodiscard]] inline result<wal::Ed25519PublicKey> read_public_key(const std::string& path) {
  constexpr const char* remedy = "Name a file with what `openssl pkey -in KEY -pubout` writes, or with the 64 hex digits that `kfm-det wal keys new` printed";
  KFM_DET_TRY(Bytes text, detail::read_text(path, 64 << 10, "public key", remedy));
  if (text.find("PRIVATE KEY") != Bytes::npos) return Error(errc::invalid_argument, "this is a private key, which should not be here", path, "Give its public half alone, or name it as --key");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  auto key = text.starts_with("-----") ? wal::Ed25519PublicKey::from_pem(text) : wal::Ed25519PublicKey::from_hex(text);
  if (!key) return key.error().at(path).advise(remedy);
  return key;
}

}  // namespace kfm_det::tool

#endif
