// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of check_sink_on_disk that has nothing is told everything, at once.
// expect: kfm_det sink fixture on a disk: must be default constructible
// expect: kfm_det sink fixture on a disk: needs `using Sink = ...`, a SinkPolicy over the file system (diagnose_sink<Sink>() says what it misses)
// expect: kfm_det sink fixture on a disk: needs `static constexpr SinkClaims claims`
// expect: kfm_det sink fixture on a disk: needs `result<Sink> open(Fs&)`: a sink on that file system, the same one again when it is called again
#include "kfm_det/conformance/check_sink_on_disk.hpp"
#include "kfm_det/sinks/file_sink.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Fixture {
  using Sink = det::FileSink<det::simulate::Disk>;
  static constexpr det::SinkClaims claims{};
  det::result<Sink> open(det::simulate::Disk&);
};
#else
struct Fixture {
  explicit Fixture(int);
};
#endif
static_assert(det::conformance::diagnose_sink_disk_fixture<Fixture>());
