// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/conformance/check_sink.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/sinks/memory_sink.hpp"

struct MemorySinkFixture {
  using Sink = kfm_det::MemorySink;
  static constexpr kfm_det::SinkClaims claims = Sink::claims;
  kfm_det::result<Sink> open() { return storage; }   // copies share their tables
  void wipe() { storage = {}; }
  Sink storage;
};
KFM_DET_CONFORMANCE_SINK(MemorySinkFixture)
