// SPDX-License-Identifier: BSL-1.0
// Stores that end the process instead of answering, and fixtures that throw, beside a store that is right: ended.py plays them.
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>

#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/check_store_on_disk.hpp"
#include "kfm_det/conformance/main.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "tests/conformance/impatient.hpp"

namespace {

using namespace kfm_det;
using kfm_det::testing::FilesWith;
using kfm_det::testing::MemoryWith;
using kfm_det::testing::Patient;

using RightStore = MemoryWith<Patient>;
KFM_DET_CONFORMANCE_STORE(RightStore)

struct Aborts : Patient {
  static void appends(std::size_t frames) { if (frames == 3) std::abort(); }
};
using AbortingStore = MemoryWith<Aborts>;
KFM_DET_CONFORMANCE_STORE(AbortingStore)

/// Calls itself until the stack is full: only behind a loss of power.
struct Overflows : Patient {
  static std::size_t deeper(volatile char* before, std::size_t depth) {
    volatile char more[512] = {};
    more[depth % 512] = before[0];
    return depth == 0 ? 0 : deeper(more, depth + 1) + static_cast<std::size_t>(more[1]);
  }
  static void recovered(Verdict verdict) {
    volatile char first = 1;
    if (verdict == Verdict::torn_tail && deeper(&first, 1) == 1) std::abort();
  }
};
template <class Fs>
using OverflowingStore = FilesWith<Overflows>::Fixture<Fs>;
KFM_DET_CONFORMANCE_STORE_ON_DISK(OverflowingStore)

struct ThrowingFixture : RightStore {
  void wipe() { throw std::runtime_error("no such database"); }
};
KFM_DET_CONFORMANCE_STORE(ThrowingFixture)

}  // namespace

int main(int argc, char** argv) { return conformance::run_main(argc, argv); }
