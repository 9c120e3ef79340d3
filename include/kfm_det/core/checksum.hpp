// SPDX-License-Identifier: BSL-1.0
/// \file
/// XXH3-64 of bytes: for indexes, buckets and dedupe; never for identity or integrity, which are SHA-256 (core/digest.hpp).
///
/// Anyone can make two texts with the same XXH3, so whoever finds by it compares the bytes afterwards.
/// Thread-safety: pure functions. The one seam of xxHash.
#ifndef KFM_DET_CORE_CHECKSUM_HPP
#define KFM_DET_CORE_CHECKSUM_HPP

#include <cstddef>
#include <cstdint>

#include <xxhash.h>

#include "kfm_det/core/bytes.hpp"

namespace kfm_det {

/// The same on every machine: XXH3 reads its input as little endian.
[[nodiscard]] inline std::uint64_t xxh3(BytesView bytes, std::uint64_t seed = 0) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

/// For unordered containers keyed by bytes; finds by string_view without building a string.
struct BytesHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(BytesView bytes) const noexcept { return static_cast<std::size_t>(xxh3(bytes)); }
};

}  // namespace kfm_det

#endif
