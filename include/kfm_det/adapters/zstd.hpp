// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a program includes to pack archived segments: `ZstdCodec codec; FileStore<>::open("state/wal", {.codec = &codec})`. Link kfm_det::zstd.
#ifndef KFM_DET_ADAPTERS_ZSTD_HPP
#define KFM_DET_ADAPTERS_ZSTD_HPP

#include "kfm_det/adapters/zstd/zstd_codec.hpp"

#endif
