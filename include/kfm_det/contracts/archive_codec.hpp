// SPDX-License-Identifier: BSL-1.0
/// \file
/// ArchiveCodec: how a FileStore packs segments that it archives. Not needed for archives as they are (`.jsonl`); kfm_det::zstd has one.
///
/// The store names a packed segment for the SHA-256 of its plain bytes and checks it whenever it reads: a codec is believed in nothing.
/// Laws: decode(encode(x)) is x; decode never answers more than `plain_bytes_max` bytes, nor uses memory far beyond it, whatever it is given.
/// Thread-safety: const calls from any thread.
#ifndef KFM_DET_CONTRACTS_ARCHIVE_CODEC_HPP
#define KFM_DET_CONTRACTS_ARCHIVE_CODEC_HPP

#include <cstddef>
#include <string_view>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

class ArchiveCodec {
 public:
  ArchiveCodec() = default;
  ArchiveCodec(const ArchiveCodec&) = delete;
  ArchiveCodec& operator=(const ArchiveCodec&) = delete;
  virtual ~ArchiveCodec() = default;

  /// What stands behind `.jsonl` in a packed segment's name, with its dot: ".zst".
  [[nodiscard]] virtual std::string_view suffix() const = 0;
  /// Errors: the codec's.
  [[nodiscard]] virtual result<Bytes> encode(BytesView plain) const = 0;
  /// Errors: corrupt_committed for what cannot be decoded, limit_exceeded for what would be larger.
  [[nodiscard]] virtual result<Bytes> decode(BytesView packed, std::size_t plain_bytes_max) const = 0;
};

}  // namespace kfm_det

#endif
