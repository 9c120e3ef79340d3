// SPDX-License-Identifier: BSL-1.0
/// \file
/// MemorySourceReader, the view that plan types see, and read_all, by the source laws.
#include "kfm_det/contracts/source_reader.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <array>
#include <string>
#include <vector>

namespace {

namespace det = kfm_det;

det::Bytes drained(det::MemorySourceReader::Source source, std::size_t piece) {
  std::vector<char> into(piece);
  det::Bytes out;
  for (;;) {
    const std::size_t got = source.read(into).value();
    if (got == 0) return out;
    out.append(into.data(), got);
  }
}

/// Gives some bytes, then an error, for ever.
struct Broken {
  struct Source {
    int left = 2;
    det::result<std::size_t> read(std::span<char> into) {
      if (left-- <= 0) return det::Error(det::errc::io_error, "the disk does not answer", "broken:");
      into[0] = 'x';
      return std::size_t{1};
    }
  };
  det::result<det::SourceRef> describe(const std::string& uri) { return det::Error(det::errc::unavailable, "nobody answers", uri); }
  det::result<Source> open(const std::string& uri) {
    if (uri == "away") return det::Error(det::errc::unavailable, "nobody answers", uri);
    return Source{};
  }
};
static_assert(det::SourceReaderPolicy<Broken>);

}  // namespace

TEST_CASE("SOURCE-1 memory: describe hashes the very bytes that open gives, in pieces of any size") {
  CHECK(rc::check([](const std::string& bytes, std::uint8_t piece) {
    det::MemorySourceReader reader;
    reader.put("a", bytes);
    const det::SourceRef ref = reader.describe("a").value();
    RC_ASSERT(ref.uri == "a");
    RC_ASSERT(ref.partition.empty());
    const det::Bytes read = drained(reader.open("a").value(), std::size_t{piece} + 1);
    RC_ASSERT(read == bytes);
    RC_ASSERT(ref.content_hash.digest == det::sha256(read));
  }));
}

TEST_CASE("SOURCE-1 memory: what is put later is another content; a source that is open keeps its bytes") {
  det::MemorySourceReader reader;
  reader.put("a", "old");
  const auto before = reader.describe("a").value();
  auto open = reader.open("a").value();
  reader.put("a", "new bytes");
  CHECK(reader.describe("a").value().content_hash != before.content_hash);
  CHECK(drained(open, 2) == "old");
  reader.erase("a");
  CHECK(drained(open, 100) == "old");
}

TEST_CASE("SOURCE-2 memory: a source that is not there is not_found") {
  det::MemorySourceReader reader;
  reader.put("a", "");
  CHECK(drained(reader.open("a").value(), 1).empty());
  reader.erase("a");
  CHECK(reader.describe("a").error().message() == "not_found: there is no such source (a). Check the uri.");
  CHECK(reader.open("a").error().code() == det::errc::not_found);
  CHECK(reader.open("A").error().code() == det::errc::not_found);
}

TEST_CASE("the end of a source stays the end, and nothing is read into nothing") {
  det::MemorySourceReader reader;
  reader.put("a", "xy");
  auto source = reader.open("a").value();
  CHECK(source.read(std::span<char>()).value() == 0);
  std::array<char, 8> into{};
  CHECK(source.read(into).value() == 2);
  CHECK(source.read(into).value() == 0);
  CHECK(source.read(into).value() == 0);
}

TEST_CASE("copies of a memory reader are independent") {
  det::MemorySourceReader reader;
  reader.put("a", "1");
  det::MemorySourceReader copy = reader;
  copy.put("a", "2");
  CHECK(drained(reader.open("a").value(), 1) == "1");
  CHECK(drained(copy.open("a").value(), 1) == "2");
}

TEST_CASE("the view gives what the reader gives") {
  det::MemorySourceReader memory;
  memory.put("a", std::string(40'000, 'z') + "end");
  det::SourceReaderView view{memory};
  det::SourceReader& reader = view;
  CHECK(reader.describe("a").value() == memory.describe("a").value());
  CHECK(reader.describe("b").error().code() == det::errc::not_found);
  CHECK(reader.read_all("a").value() == std::string(40'000, 'z') + "end");
  CHECK(reader.read_all("b").error().code() == det::errc::not_found);
  auto source = reader.open("a").value();
  std::array<char, 3> into{};
  CHECK(source->read(into).value() == 3);
}

TEST_CASE("read_all takes what fits and refuses one byte more") {
  det::MemorySourceReader memory;
  memory.put("a", std::string(20'000, 'x'));
  det::SourceReaderView view{memory};
  CHECK(view.read_all("a", 20'000).value().size() == 20'000);
  CHECK(view.read_all("a", 19'999).error().message() == "limit_exceeded: the source is larger than 19999 bytes (a). Read it in pieces, with open().");
  memory.put("none", "");
  CHECK(view.read_all("none", 0).value().empty());
}

TEST_CASE("SOURCE-3 an error in the middle is an error of the whole, never a shorter source; SOURCE-2 away is not gone") {
  Broken broken;
  det::SourceReaderView view{broken};
  CHECK(view.read_all("x").error().message() == "io_error: the disk does not answer (broken:).");
  CHECK(view.read_all("away").error().code() == det::errc::unavailable);
  CHECK(view.describe("x").error().code() == det::errc::unavailable);
}
