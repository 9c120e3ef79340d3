// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of check_sink that has nothing right is told everything, at once.
// expect: kfm_det sink fixture: must be default constructible
// expect: kfm_det sink fixture: needs `using Sink = ...`, a SinkPolicy (diagnose_sink<Sink>() says what it misses)
// expect: kfm_det sink fixture: needs `static constexpr SinkClaims claims`
// expect: kfm_det sink fixture: needs `result<Sink> open()`: a sink on the storage, the same one again when it is called again
// expect: kfm_det sink fixture: needs `void wipe()`: the next open() gives an empty sink
// expect: kfm_det sink fixture: `crash` must be `void crash()`: what a power loss does to the storage
// expect: kfm_det sink fixture: `damage` must be `void damage(const IdempotencyKey&)`: changes one stored byte
// expect: kfm_det sink fixture: `stage` must be `result<std::string> stage(BytesView)`: writes a staged file, gives its path
#include "kfm_det/conformance/sink_fixture.hpp"
#include "kfm_det/sinks/memory_sink.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Fixture {
  using Sink = det::MemorySink;
  static constexpr det::SinkClaims claims{};
  det::result<Sink> open();
  void wipe();
  void crash();
  void damage(const det::IdempotencyKey&);
  det::result<std::string> stage(det::BytesView);
};
#else
struct Fixture {
  explicit Fixture(int);
  int crash();
  void damage();
  std::string stage(det::BytesView);
};
#endif
static_assert(det::conformance::diagnose_sink_fixture<Fixture>());
