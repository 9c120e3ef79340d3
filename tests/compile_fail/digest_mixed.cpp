// SPDX-License-Identifier: BSL-1.0
// Digests of different things do not mix.
// expect: ContentHash
#include "kfm_det/core/digest.hpp"

kfm_det::IdempotencyKey wrong(const kfm_det::ContentHash& hash) {
#ifdef KFM_DET_GOOD
  return kfm_det::IdempotencyKey{hash.digest};
#else
  return hash;
#endif
}
