// SPDX-License-Identifier: BSL-1.0
/// \file
/// ZstdCodec: packs archived segments of the log with Zstandard (RFC 8878). The files are plain .zst: `zstd -dc FILE | jq` reads them.
///
/// Memory: what comes out, what goes in, and a window of at most 8 MiB: decode() refuses a frame that wants more. Thread-safety: const calls from any thread.
#ifndef KFM_DET_ADAPTERS_ZSTD_ZSTD_CODEC_HPP
#define KFM_DET_ADAPTERS_ZSTD_ZSTD_CODEC_HPP

#include <zstd.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "kfm_det/contracts/archive_codec.hpp"

namespace kfm_det {

struct ZstdOptions {
  int level = 3;   ///< 1 (fast) to 19 (small)
};

class ZstdCodec final : public ArchiveCodec {
 public:
  explicit ZstdCodec(ZstdOptions options = {}) : options_(options) {}

  [[nodiscard]] std::string_view suffix() const override { return ".zst"; }

  /// Errors: invalid_argument for a level that there is not; io_error for what libzstd answers.
  [[nodiscard]] result<Bytes> encode(BytesView plain) const override {
    if (options_.level < 1 || options_.level > 19) return Error(errc::invalid_argument, "a Zstandard level is 1 to 19", std::to_string(options_.level), "Use the default.");
    const std::unique_ptr<ZSTD_CCtx, FreeEncoder> context(ZSTD_createCCtx());
    if (!context) return Error(errc::io_error, "libzstd has no memory", "ZstdCodec");
    for (const auto& [parameter, value] : {std::pair(ZSTD_c_compressionLevel, options_.level), std::pair(ZSTD_c_windowLog, window_log_max), std::pair(ZSTD_c_checksumFlag, 1)})
      if (const std::size_t set = ZSTD_CCtx_setParameter(context.get(), parameter, value); ZSTD_isError(set)) return failed(errc::io_error, set);
    Bytes out(ZSTD_compressBound(plain.size()), '\0');
    const std::size_t size = ZSTD_compress2(context.get(), out.data(), out.size(), plain.data(), plain.size());
    if (ZSTD_isError(size)) return failed(errc::io_error, size);
    out.resize(size);
    out.shrink_to_fit();
    return out;
  }

  /// Errors: corrupt_committed for what is no whole Zstandard frame; limit_exceeded for what would be larger, before it is.
  [[nodiscard]] result<Bytes> decode(BytesView packed, std::size_t plain_bytes_max) const override {
    const std::unique_ptr<ZSTD_DCtx, FreeDecoder> context(ZSTD_createDCtx());
    if (!context) return Error(errc::io_error, "libzstd has no memory", "ZstdCodec");
    if (const std::size_t set = ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log_max); ZSTD_isError(set)) return failed(errc::io_error, set);
    Bytes out;
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    std::size_t left = 1;   // 0: a frame has ended
    for (;;) {
      const std::size_t had = out.size(), room = std::min<std::size_t>(std::max<std::size_t>(had, ZSTD_DStreamOutSize()), plain_bytes_max - had + 1);
      out.resize(had + room);
      ZSTD_outBuffer piece{out.data() + had, room, 0};
      left = ZSTD_decompressStream(context.get(), &piece, &in);
      out.resize(had + piece.pos);
      if (ZSTD_isError(left)) return failed(errc::corrupt_committed, left);
      if (out.size() > plain_bytes_max) return Error(errc::limit_exceeded, "unpacked it is larger than " + std::to_string(plain_bytes_max) + " bytes", "ZstdCodec", "Look what this file is.");
      if (in.pos == in.size && (left == 0 || piece.pos < piece.size)) break;
    }
    if (left != 0) return Error(errc::corrupt_committed, "a packed file that ends in the middle", "ZstdCodec", "Put a copy of this file back.");
    return out;
  }

 private:
  static constexpr int window_log_max = 23;   // 8 MiB
  struct FreeEncoder { void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); } };
  struct FreeDecoder { void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); } };
  static Error failed(errc code, std::size_t answer) { return {code, std::string("libzstd says: ") + ZSTD_getErrorName(answer), "ZstdCodec", "Put a copy of this file back."}; }
  ZstdOptions options_;
};

}  // namespace kfm_det

#endif
