// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "kfm_det/contracts/sink_rules.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "tests/sinks/sink_laws.hpp"

namespace {

using namespace kfm_det;
using namespace kfm_det::sink_laws;

/// A disk that gives little at a time, and may fail at some read.
struct Stingy : PosixFileSystem {
  std::size_t most = 3, fail_at = 0, reads = 0;
  [[nodiscard]] result<std::size_t> read(File& file, std::uint64_t offset, std::span<char> into) {
    if (++reads == fail_at) return Error(errc::io_error, "a bad sector", "sda");
    return PosixFileSystem::read(file, offset, into.first(std::min(most, into.size())));
  }
};
static_assert(FileSystem<Stingy>);

TEST_CASE("sink rules: a staged file is read in whole pieces, whatever the disk gives at once") {
  const Scratch scratch;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, sink_rules::piece_bytes - 1, sink_rules::piece_bytes, sink_rules::piece_bytes + 1, 2 * sink_rules::piece_bytes}) {
    const std::string bytes(size, 'b'), path = scratch / std::to_string(size);
    std::ofstream(path, std::ios::binary) << bytes;
    NewVersion version = fresh(bytes);
    for (const bool staged : {false, true}) {
      if (staged) version.bytes = StagedFile{path, size};
      Stingy fs;
      fs.most = 300000;
      std::vector<std::size_t> pieces;
      const auto got = sink_rules::check_content(fs, version, [&](BytesView piece) -> result<void> { pieces.push_back(piece.size()); return success(); });
      REQUIRE(got);
      CHECK(got.value() == size);
      std::size_t left = size;
      for (const std::size_t piece : pieces) { CHECK(piece == std::min(left, sink_rules::piece_bytes)); left -= piece; }
      CHECK(left == 0);
    }
  }
}

TEST_CASE("sink rules: SINK-8 a read that fails is its own error, and a file that grows is not read to its end") {
  const Scratch scratch;
  const std::string path = scratch / "staged";
  std::ofstream(path, std::ios::binary) << std::string(1000, 'x');
  NewVersion version = fresh(std::string(10, 'x'));
  version.bytes = StagedFile{path, 10};
  Stingy fs;
  const auto ignore = [](BytesView) -> result<void> { return success(); };
  const auto grown = sink_rules::check_content(fs, version, ignore);
  REQUIRE_FALSE(grown);
  CHECK(grown.error().code() == errc::hash_mismatch);
  CHECK(fs.reads < 20);
  fs.reads = 0;
  fs.fail_at = 2;
  const auto failed = sink_rules::check_content(fs, version, ignore);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == errc::io_error);
  const auto stopped = sink_rules::check_content(fs, fresh("x"), [](BytesView) -> result<void> { return Error(errc::no_space, "full"); });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code() == errc::no_space);
}

TEST_CASE("sink rules: SINK-6 and SINK-7 as tables") {
  using sink_rules::Floor;
  struct Case { std::uint64_t floor; const char* holder; std::uint64_t token; const char* owner; int expected; };   // 1 rises, 0 stays, -1 stale
  for (const Case& c : {Case{0, "", 1, "a", 1}, Case{5, "a", 6, "a", 1}, Case{5, "a", 6, "b", 1}, Case{5, "a", 5, "a", 0}, Case{5, "a", 5, "b", -1}, Case{5, "a", 4, "a", -1}, Case{5, "a", 4, "b", -1}}) {
    const auto answer = sink_rules::raises_floor(Floor{{c.floor}, {c.holder}}, tenure(c.token, c.owner));
    CHECK((answer ? answer.value() ? 1 : 0 : -1) == c.expected);
  }
  CHECK(sink_rules::raises_floor({}, tenure(0)).error().code() == errc::invalid_argument);
  struct Place { Incarnation incarnation; Lsn lsn; const char* line; int expected; };
  for (const Place& p : {Place{2, 5, "x", 0}, Place{2, 5, "y", -1}, Place{2, 4, "y", 0}, Place{2, 6, "y", 1}, Place{3, 1, "y", 1}, Place{1, 9, "y", 0}}) {
    const auto answer = sink_rules::raises_witness(head(5, 2, "x"), head(p.lsn, p.incarnation, p.line));
    CHECK((answer ? answer.value() ? 1 : 0 : -1) == p.expected);
  }
}

}  // namespace
