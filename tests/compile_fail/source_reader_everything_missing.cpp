// SPDX-License-Identifier: BSL-1.0
/// \file
/// A source reader that has nothing of the contract is told everything that is missing, at once.
// expect: kfm_det source reader: needs `result<SourceRef> describe(uri)`, which hashes the bytes
// expect: kfm_det source reader: needs a movable `Source`
// expect: kfm_det source reader: needs `result<Source> open(uri)`
// expect: kfm_det source reader: Source needs `result<size_t> read(span<char>)`; 0 is the end
#include "kfm_det/contracts/source_reader.hpp"

struct Nothing {
  Nothing(Nothing&&) = delete;
};
#ifdef KFM_DET_GOOD
using Asked = kfm_det::MemorySourceReader;
#else
using Asked = Nothing;
#endif
static_assert(kfm_det::diagnose_source_reader<Asked>());
