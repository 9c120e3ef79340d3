// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/check_sink.hpp"
#include "kfm_det/sinks/file_sink.hpp"
#include "tests/sinks/sink_laws.hpp"

namespace {

using namespace kfm_det;
using namespace kfm_det::sink_laws;
namespace fs = std::filesystem;

FileSink<> opened(const std::string& root) {
  auto out = FileSink<>::open(root);
  if (!out) FAIL(out.error().message());
  return std::move(out).value();
}

/// On the real file system; the simulated one is for conformance/backends/file_sink.cpp.
struct RealFiles {
  using Sink = FileSink<>;
  static constexpr SinkClaims claims = Sink::claims;
  result<Sink> open() { return Sink::open(scratch / "sink"); }
  void wipe() { fs::remove_all(scratch / "sink"); }
  void damage(const IdempotencyKey&) {
    for (const auto& entry : fs::directory_iterator(scratch / "sink/versions")) {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.put('#');
    }
  }
  Scratch scratch;
};

TEST_CASE("FileSink: the laws, on the real file system") {
  conformance::Options options;
  options.states_max = 120;
  options.cases = 10;
  const auto report = conformance::check_sink<RealFiles>(options);
  INFO(report.to_text());
  CHECK(report.passed());
}

TEST_CASE("FileSink: the numbers and texts of a commit record come back") {
  const Scratch scratch;
  {
    auto sink = opened(scratch / "sink");
    publish(sink, upsert("large", {~std::uint64_t{0}, (std::uint64_t{1} << 53) + 1}, std::string("\xff\0", 2), fresh("x")), tenure(~std::uint64_t{0}, "\xfe", Scope{"\xfd", ""}), head(~std::uint64_t{0}));
  }
  auto sink = opened(scratch / "sink");
  const auto all = history(sink, std::string("\xff\0", 2));
  REQUIRE(all.size() == 1);
  CHECK(all[0].order == Order{~std::uint64_t{0}, (std::uint64_t{1} << 53) + 1});
  CHECK(witness(sink) == head(~std::uint64_t{0}));
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", fresh("y"))}, tenure(~std::uint64_t{0}, "bob", Scope{"\xfd", ""})) == errc::stale_token);
}

TEST_CASE("FileSink: one process at a time") {
  const Scratch scratch;
  {
    auto sink = opened(scratch / "deep/down/sink");
    const auto second = FileSink<>::open(scratch / "deep/down/sink/");
    REQUIRE_FALSE(second);
    CHECK(second.error().code() == errc::busy);
  }
  CHECK(FileSink<>::open(scratch / "deep/down/sink"));
  CHECK(FileSink<>::open("").error().code() == errc::invalid_argument);
}

TEST_CASE("FileSink: a staged file is taken over, and a retry finds its bytes") {
  const Scratch scratch;
  auto sink = opened(scratch / "sink");
  const std::string path = scratch / "staged";
  std::ofstream(path, std::ios::binary) << "staged bytes";
  NewVersion version = fresh("staged bytes");
  version.bytes = StagedFile{path, 12};
  publish(sink, upsert("e", {1, 1}, "k", version));
  CHECK_FALSE(fs::exists(path));
  CHECK(current_bytes(sink, "k") == "staged bytes");
  CHECK(publish(sink, upsert("e", {1, 1}, "k", version)) == UpsertResult::unchanged);
  CHECK(publish(sink, upsert("f", {1, 2}, "k", version)) == UpsertResult::moved);
}

TEST_CASE("FileSink: damage is told, and nothing is changed") {
  const Scratch scratch;
  const std::string commits = scratch / "sink/commits/";
  {
    auto sink = opened(scratch / "sink");
    for (Lsn lsn = 1; lsn <= 3; ++lsn) publish(sink, upsert("e" + std::to_string(lsn), {1, lsn}, "k", fresh(std::to_string(lsn))), tenure(), head(lsn));
  }
  std::ofstream(commits + "tmp-00000000000000000004.json") << "half";   // a leftover, and what is not ours
  std::ofstream(commits + ".DS_Store") << "x";
  std::ofstream(commits + "1.json") << "x";
  { auto sink = opened(scratch / "sink"); CHECK(history(sink, "k").size() == 3); }
  CHECK_FALSE(fs::exists(commits + "tmp-00000000000000000004.json"));
  const std::string second = commits + "00000000000000000002.json";
  fs::rename(second, scratch / "kept");
  CHECK(FileSink<>::open(scratch / "sink").error().code() == errc::hole);
  fs::copy_file(scratch / "kept", second);
  { std::fstream file(second, std::ios::in | std::ios::out | std::ios::binary); file.seekp(100); file.put('#'); }
  CHECK(FileSink<>::open(scratch / "sink").error().code() == errc::corrupt_committed);
  fs::copy_file(commits + "00000000000000000001.json", second, fs::copy_options::overwrite_existing);
  CHECK(FileSink<>::open(scratch / "sink").error().code() == errc::corrupt_committed);   // under another number
  fs::copy_file(scratch / "kept", second, fs::copy_options::overwrite_existing);
  CHECK(FileSink<>::open(scratch / "sink"));
}

}  // namespace
