// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/wal/envelope_reader.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {
std::string frame_line(wal::Envelope envelope, const wal::WalRecord& what) {
  std::string line;
  REQUIRE(wal::seal_frame(line, envelope, what));
  return line;
}
wal::Envelope first() { return {test_stream(), 3, 7, sha256("before"), 1, 4, 5}; }
}  // namespace

TEST_CASE("a sealed frame reads back what the log knew about it") {
  const std::string line = frame_line(first(), record(9, "step \"1\"", "\xC3\xBC\n"));
  const wal::Line read = wal::read_line(line);
  REQUIRE(read.kind == wal::LineKind::frame);
  CHECK(read.stream == test_stream().text);
  CHECK(read.incarnation == 3);
  CHECK(read.lsn == 7);
  CHECK(read.link == sha256("before"));
  CHECK(read.group_index == 1);
  CHECK(read.group_count == 4);
  CHECK(read.durable_upto == 5);
  const auto back = wal::read_record(read);
  REQUIRE(back);
  CHECK(back.value().seq == 9);
  CHECK(back.value().step_id == "step \"1\"");
  CHECK(canonical(back.value()).value() == canonical(record(9, "step \"1\"", "\xC3\xBC\n")).value());
}

TEST_CASE("a line is canonical JSON as a whole, and one line") {
  const std::string line = frame_line(first(), record(1, "a\nb", std::string("\0\x1f", 2)));
  CHECK(line.find('\n') == std::string::npos);
  const auto json = parse_json(line);
  REQUIRE(json);
  CHECK(canonical(json.value()).value() == line);
}

TEST_CASE("numbers beyond 2^53 travel as strings and come back whole") {
  wal::Envelope envelope = first();
  envelope.lsn = 9007199254740993u;
  envelope.durable_upto = 18446744073709551615u;
  const std::string line = frame_line(envelope, record(18446744073709551615u));
  const wal::Line read = wal::read_line(line);
  REQUIRE(read.kind == wal::LineKind::frame);
  CHECK(read.lsn == 9007199254740993u);
  CHECK(read.durable_upto == 18446744073709551615u);
  CHECK(wal::read_record(read).value().seq == 18446744073709551615u);
}

TEST_CASE("every flipped bit and every cut of a frame or a MARK is garbage") {
  std::string mark;
  wal::seal_mark(mark, {test_stream(), 1, 4, 12, sha256("h")});
  REQUIRE(wal::read_line(mark).kind == wal::LineKind::mark);
  CHECK(wal::read_line(mark).lsn == 12);
  CHECK(wal::read_line(mark).ordinal == 4);
  for (const std::string& good : {frame_line(first(), record(1)), mark}) {
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      if (wal::read_line(bad).kind != wal::LineKind::garbage) FAIL("bit " << bit << " of " << good);
    }
    for (std::size_t size = 0; size < good.size(); ++size)
      if (wal::read_line(std::string_view(good).substr(0, size)).kind != wal::LineKind::garbage) FAIL("cut at " << size);
    CHECK(wal::read_line(good + " ").kind == wal::LineKind::garbage);
    CHECK(wal::read_line(good + "x}").kind == wal::LineKind::garbage);
    CHECK(wal::read_line(good + good).kind == wal::LineKind::garbage);
  }
}

TEST_CASE("a verified line of a higher format is a newer version, not garbage") {
  const std::string body = R"({"format":2,"something":"else"})";
  const std::string line = "{\"body\":" + body + ",\"hash\":\"" + domain_digest(wal::frame_domain, body).hex() + "\"}";
  CHECK(wal::read_line(line).kind == wal::LineKind::newer_format);
  std::string unverified = line;
  unverified[20] ^= 1;
  CHECK(wal::read_line(unverified).kind == wal::LineKind::garbage);
}

TEST_CASE("a record with a member or a phase that this version does not know is refused, never skipped") {
  wal::WalRecord good = record(1);
  std::string text = canonical(good).value();
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"phase\":\"EXECUTE\"", "\"phase\":\"EXPLODE\""}, {"\"actor\":", "\"aaa\":1,\"actor\":"}}) {
    std::string bad = text;
    bad.replace(bad.find(from), from.size(), to);
    wal::Line line;
    line.kind = wal::LineKind::frame;
    line.lsn = 4;
    line.record = bad;
    const auto read = wal::read_record(line);
    REQUIRE(!read);
    CHECK(read.error().code() == errc::unsupported_version);
    CHECK(read.error().where().find("lsn 4") != std::string::npos);
  }
}

TEST_CASE("the shape of a line is what the format page says, byte for byte") {
  const wal::WalRecord what = record(1, "2012-01", "x");
  std::string line;
  const Digest hash = wal::seal_frame(line, {test_stream(), 1, 1, Digest{}, 0, 1, 0}, what).value();
  const std::string body = R"({"durable_upto":0,"format":1,"group":{"count":1,"index":0},"incarnation":1,"lsn":1,"prev":")" + std::string(64, '0') + R"(","record":)" + canonical(what).value() +
                           R"(,"stream":"test@p"})";
  const std::string tail = ",\"hash\":\"" + sha256("kfm_det/v1/frame\n" + body).hex() + "\"}";
  CHECK(line == "{\"body\":" + body + tail);
  CHECK(hash == sha256("kfm_det/v1/line\n" + tail));
}
