// SPDX-License-Identifier: BSL-1.0
#include <filesystem>
#include <string>

#include "kfm_det/adapters/sqlite.hpp"
#include "kfm_det/conformance/check_sink.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/scratch_path.hpp"

struct SqliteSinkFixture {
  using Sink = kfm_det::SqliteSink;
  static constexpr kfm_det::SinkClaims claims = Sink::claims;
  ~SqliteSinkFixture() { wipe(); }
  kfm_det::result<Sink> open() { return Sink::open(path); }
  void wipe() { for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end); }
  std::string path = kfm_det::conformance::scratch_path() + ".db";
};
KFM_DET_CONFORMANCE_SINK(SqliteSinkFixture)
