// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/adapters/sqlite.hpp"
#include "kfm_det/conformance/check_sink.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/scratch_folder.hpp"

struct SqliteSinkFixture : kfm_det::conformance::ScratchFolder {
  using Sink = kfm_det::SqliteSink;
  static constexpr kfm_det::SinkClaims claims = Sink::claims;
  kfm_det::result<Sink> open() { return Sink::open(path() + "/sink.db"); }
};
KFM_DET_CONFORMANCE_SINK(SqliteSinkFixture)
