// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/wal/recovery.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using wal::Findings;
using wal::SegmentName;

namespace {
std::string text(const std::vector<std::string>& lines, std::size_t gap = 0) {
  std::string out;
  for (const auto& line : lines) out += line + "\n" + std::string(gap, '\n');
  return out;
}
std::string mark(Lsn lsn, const Digest& hash, std::uint64_t ordinal = 1) {
  std::string out;
  wal::seal_mark(out, {test_stream(), 1, ordinal, lsn, hash});
  return out;
}
struct File { SegmentName name; std::string bytes; };
Recovery judge(const std::vector<File>& files, std::vector<Head> witnesses = {}, bool accept = false) {
  std::vector<SegmentName> names;
  for (const auto& file : files) names.push_back(file.name);
  wal::Judge judge(test_stream(), names, witnesses);
  for (const auto& living : std::vector<wal::Judge::Living>(judge.living())) {
    const auto file = std::find_if(files.begin(), files.end(), [&](const File& f) { return f.name == living.name; });
    if (!judge.feed(file->bytes, "segment " + std::to_string(living.name.ordinal))) break;
  }
  return judge.finish(accept);
}
}  // namespace

TEST_CASE("the verdict table, all 256 findings: the order of the rows is the order of the reasons") {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const auto on = [&](unsigned bit) { return (bits >> bit & 1) != 0; };
    const Findings found{on(0), on(1), on(2), on(3), on(4), on(5), on(6), on(7)};
    const Verdict want = on(0) ? Verdict::io_error : on(1) ? Verdict::unsupported_version : on(2) ? Verdict::foreign : on(3) ? Verdict::hole : on(4) ? Verdict::forked
                         : on(5) ? Verdict::corrupt_committed : on(6) ? (on(7) ? Verdict::corrupt_committed : Verdict::regressed) : on(7) ? Verdict::torn_tail : Verdict::clean;
    CHECK(wal::judge(found) == want);
  }
  static_assert(wal::judge(Findings{}) == Verdict::clean);
}

TEST_CASE("an empty log is clean, and with a witness it has regressed") {
  CHECK(judge({}).verdict == Verdict::clean);
  CHECK(judge({{{1, 1}, "\n\n\n"}}).verdict == Verdict::clean);
  Lines lines;
  lines.group(1);
  CHECK(judge({}, {lines.head}).verdict == Verdict::regressed);
}

TEST_CASE("gaps of newlines, MARKs and garbage between frames are no damage") {
  Lines lines;
  std::string bytes = mark(0, {}) + "\n\n\n" + text(lines.group(2));
  bytes += "\n\n" + mark(2, lines.head.hash) + "\n#garbage in a gap\n";
  bytes += text(lines.group(1, 2)) + std::string(100, '\n');
  const auto found = judge({{{1, 1}, bytes}});
  CHECK(found.verdict == Verdict::clean);
  CHECK(found.tail == lines.head);
  CHECK(found.proven == 2);
}

TEST_CASE("what is not a whole group behind the last good frame is a torn tail, and is shown") {
  Lines lines;
  const auto one = lines.group(1), two = lines.group(2), three = lines.group(1);
  const auto check = [&](const std::string& bytes, Lsn last) {
    const auto found = judge({{{1, 1}, bytes}});
    CHECK(found.verdict == Verdict::torn_tail);
    CHECK(found.tail.lsn == last);
    REQUIRE(!found.evidence.empty());
    CHECK(found.evidence[0].length > 0);
  };
  check(text(one) + two[0] + "\n", 1);                          // half a group
  check(text(one) + two[0] + "\n" + two[1].substr(0, 50), 1);   // torn inside
  check(text(one) + two[0] + "\n" + two[1], 1);                 // the newline belongs to the frame
  check(text(one) + two[1] + "\n" + two[0] + "\n", 1);          // the wrong way round
  check(text(one) + "#\n" + text(three), 1);                    // a later frame does not chain
  check(text(one) + two[0] + "\n#\n" + two[1] + "\n", 1);       // garbage inside a group
  check(text(one) + text(two) + "{\"body\":", 3);
}

TEST_CASE("damage at or below the proof is corruption: by durable_upto, MARK, name or witness") {
  Lines lines;
  const auto one = lines.group(1), two = lines.group(1), three = lines.group(1, 2);
  std::string broken = text(two);
  broken[40] ^= 1;
  CHECK(judge({{{1, 1}, text(one) + broken + text(three)}}).verdict == Verdict::corrupt_committed);                                       // frame 3 says that 2 was durable
  CHECK(judge({{{1, 1}, text(one) + broken}}).verdict == Verdict::torn_tail);                                                              // nothing says so
  CHECK(judge({{{1, 1}, text(one) + broken + mark(2, lines.heads[2].hash) + "\n"}}).verdict == Verdict::corrupt_committed);                // a MARK does
  CHECK(judge({{{1, 1}, text(one) + broken}, {{2, 3}, "\n"}}).verdict == Verdict::corrupt_committed);                                      // a later segment does
  CHECK(judge({{{1, 1}, text(one) + broken}}, {lines.heads[2]}).verdict == Verdict::corrupt_committed);                                    // a witness does, and there is something
  CHECK(judge({{{1, 1}, text(one)}}, {lines.heads[2]}).verdict == Verdict::regressed);                                                     // a witness does, and there is nothing
  CHECK(judge({{{1, 1}, text(one) + text(two)}}, {lines.heads[2]}).proven == 2);
}

TEST_CASE("a proof that names the midst of a group proves what is before the group: it is copied whole, or not at all") {
  Lines lines;
  const auto one = lines.group(1), two = lines.group(4), three = lines.group(2, 3);   // frame 6 says that 3 was durable, the second of four
  CHECK(judge({{{1, 1}, text(one) + text(two) + text(three)}}).proven == 1);
  CHECK(judge({{{1, 1}, text(one) + text(two)}}, {lines.heads[4]}).proven == 1);
  CHECK(judge({{{1, 1}, text(one) + text(two)}}, {lines.heads[5]}).proven == 5);
  CHECK(judge({{{1, 1}, text(one) + text(two) + mark(3, lines.heads[3].hash) + "\n"}}).proven == 1);
}

TEST_CASE("a missing segment is a hole or corruption; frames behind a later beginning are dead, and so are MARKs that name them") {
  Lines lines;
  const auto one = lines.group(1), two = lines.group(1), three = lines.group(1);
  CHECK(judge({{{2, 2}, text(two)}}).verdict == Verdict::hole);
  CHECK(judge({{{1, 1}, text(one)}, {{3, 3}, text(three)}}).verdict == Verdict::hole);
  Lines other;
  other.group(1);
  const auto fork = other.group(2, 1, 1, "other");
  const auto found = judge({{{1, 1}, text(one) + text(two) + text(three) + mark(3, lines.head.hash) + "\n"}, {{2, 2}, text(fork)}});
  CHECK(found.verdict == Verdict::clean);
  CHECK(found.tail == other.head);
}

TEST_CASE("two histories are a fork: a successor that does not chain, a witness with another hash") {
  Lines lines, other;
  const auto one = lines.group(1);
  lines.group(1);
  other.group(1, 0, 1, "other");
  const auto alien = other.group(1);
  CHECK(judge({{{1, 1}, text(one)}, {{2, 2}, text(alien)}}).verdict == Verdict::forked);
  CHECK(judge({{{1, 1}, text(one)}}, {other.heads[1]}).verdict == Verdict::forked);
}

TEST_CASE("another stream's frames are foreign; a newer format is said so") {
  std::string line;
  REQUIRE(wal::seal_frame(line, {StreamId{"other@x"}, 1, 1, Digest{}, 0, 1, 0}, record(1)));
  CHECK(judge({{{1, 1}, line + "\n"}}).verdict == Verdict::foreign);
  const std::string body = R"({"format":2})";
  CHECK(judge({{{1, 1}, "{\"body\":" + body + ",\"hash\":\"" + domain_digest(wal::frame_domain, body).hex() + "\"}\n"}}).verdict == Verdict::unsupported_version);
}

TEST_CASE("an accepted loss begins the next incarnation, and the old witness binds no more") {
  Lines lines;
  const auto one = lines.group(1);
  lines.group(3);
  const auto found = judge({{{1, 1}, text(one)}}, {lines.head}, true);
  CHECK(found.verdict == Verdict::regressed);
  CHECK(found.incarnation == 2);
  CHECK(found.tail.lsn == 1);
  Lines next;
  next.group(1);
  const auto two = next.group(1, 1, 2, "after the loss");
  CHECK(judge({{{1, 1}, text(one)}, {{2, 2}, text(two)}}, {lines.head}).verdict == Verdict::clean);
  CHECK(judge({{{1, 1}, text(one)}}, {next.head}).verdict == Verdict::regressed);   // restored from before the loss was accepted
}
