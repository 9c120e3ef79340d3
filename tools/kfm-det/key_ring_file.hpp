// SPDX-License-Identifier: BSL-1.0
/// \file
/// A key ring in a file, as the commands read it. Thread-safety: plain functions.
#ifndef KFM_DET_TOOLS_KFM_DET_KEY_RING_FILE_HPP
#define KFM_DET_TOOLS_KFM_DET_KEY_RING_FILE_HPP

#include <string>

#include <kfm_det/stores/segment_file.hpp>
#include <kfm_det/wal/key_ring.hpp>

#include "looking_file_system.hpp"

namespace kfm_det::tool {

/// Errors: those of opening a file, limit_exceeded, invalid_argument for what is no ring.
[[nodiscard]] inline result<wal::KeyRing> read_ring(const std::string& path) {
  const LookingFileSystem fs;
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  KFM_DET_TRY(const std::uint64_t size, fs.size(file));
  if (size > wal::KeyRing::text_bytes_max) return Error(errc::limit_exceeded, "a file of that size is no key ring", path, "Name the file that `kfm-det wal keys` wrote");
  KFM_DET_TRY(const Bytes text, segment::read_whole(fs, file, path));
  auto ring = wal::KeyRing::parse(text);
  if (!ring) return ring.error().as(errc::invalid_argument).at(path);
  return ring;
}

}  // namespace kfm_det::tool

#endif
