// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <thread>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {
using simulate::Call;
using simulate::Disk;
using simulate::Fault;
using simulate::Verb;
using Store = FileStore<Disk>;
using Stream = Store::Stream;
struct Killed {};
/// What is drawn, and what a power loss leaves.
struct Choices final : simulate::Fates {
  conformance::Random random;
  explicit Choices(std::uint64_t seed) : random(seed) {}
  std::uint64_t next() { return random.next(); }
  std::uint64_t below(std::uint64_t n) { return random.below(n); }
  std::uint32_t decide(std::uint32_t options) override { return random.below(options); }
};
Disk short_writes() { return Disk({simulate::Profile::paranoid, simulate::sector_bytes, 3 * simulate::sector_bytes}); }
Fault fails_if(bool fails, const Call& call) { return fails ? Fault{Fault::Kind::error, errc::io_error, call.length / 2} : Fault{}; }

constexpr FileStoreOptions small{.segment_bytes = 16384, .prewrite_bytes = 4096};

Stream open(const Disk& disk, FileStoreOptions options = small) {
  auto store = Store::open("/log", options, disk);
  REQUIRE(store);
  auto stream = store.value().open_stream(test_stream());
  REQUIRE(stream);
  return std::move(stream).value();
}
std::vector<std::string> scan_all(Stream& stream) {
  std::vector<std::string> out;
  auto last = stream.scan(1, [&](const Frame& frame) -> result<void> {
    REQUIRE(frame.lsn == out.size() + 1);
    out.emplace_back(frame.bytes);
    return success();
  });
  if (!last) FAIL(last.error().message());
  REQUIRE(last.value() == out.size());
  return out;
}
Recovery recovered(Stream& stream, std::vector<Head> witnesses = {}, bool accept = false) {
  auto found = stream.recover(witnesses, {accept});
  if (!found) FAIL(found.error().message());
  return found.value();
}
template <class T> errc code(const result<T>& r) { REQUIRE(!r); return r.error().code(); }
}  // namespace

TEST_CASE("STORE-1 STORE-3 STORE-10 what was appended and synced is there for the next tenure, byte for byte") {
  Disk disk = short_writes();
  Lines lines;
  {
    Stream stream = open(disk);
    CHECK(recovered(stream).tail.lsn == 0);
    CHECK(stream.append(0, views(lines.group(2))).value() == 2);
    CHECK(stream.tail().durable == 0);
    CHECK(stream.sync().value() == 2);
    CHECK(stream.append(2, views(lines.group(1, 2))).value() == 3);
    CHECK(stream.sync().value() == 3);
    CHECK(stream.close());
  }
  Stream stream = open(disk);
  const auto found = recovered(stream);
  CHECK(found.verdict == Verdict::clean);
  CHECK(found.proven == 3);
  CHECK(found.tail == lines.head);
  CHECK(scan_all(stream) == lines.all);
}

TEST_CASE("STORE-2 another expected_last is a conflict and ends the tenure; the identical group again is the same LSN") {
  Disk disk = short_writes();
  Lines lines;
  Stream stream = open(disk);
  recovered(stream);
  const auto one = lines.group(2);
  CHECK(stream.append(0, views(one)).value() == 2);
  CHECK(stream.append(0, views(one)).value() == 2);
  CHECK(scan_all(stream).size() == 2);
  const auto two = lines.group(1);
  CHECK(code(stream.append(1, views(two))) == errc::conflict);
  CHECK(code(stream.append(2, views(two))) == errc::conflict);
  CHECK(code(stream.sync()) == errc::conflict);
}

TEST_CASE("STORE-2 bad groups are refused and change nothing") {
  Disk disk = short_writes();
  Lines lines;
  Stream stream = open(disk);
  CHECK(code(stream.append(0, views(lines.group(1)))) == errc::invalid_argument);   // before recover()
  recovered(stream);
  CHECK(code(stream.append(0, {})) == errc::invalid_argument);
  CHECK(code(stream.append(0, views({""}))) == errc::invalid_argument);
  CHECK(code(stream.append(0, views({"a\nb"}))) == errc::invalid_argument);
  CHECK(stream.append(0, views(lines.all)).value() == 1);
}

TEST_CASE("STORE-4 after a failed sync nothing is acknowledged any more, whatever the next sync would say") {
  Disk disk = short_writes();
  Lines lines;
  Stream stream = open(disk);
  recovered(stream);
  REQUIRE(stream.append(0, views(lines.group(1))));
  bool armed = true;
  disk.on_fault([&](const Call& call) { return fails_if(armed && call.verb == Verb::sync, call); });
  CHECK(code(stream.sync()) == errc::log_failed);
  armed = false;
  CHECK(code(stream.sync()) == errc::log_failed);
  CHECK(code(stream.append(1, views(lines.group(1)))) == errc::log_failed);
  CHECK(code(stream.prove()) == errc::log_failed);
}

TEST_CASE("STORE-5 a later tenure ends the earlier one: its sync, append and rotation answer conflict, and nothing of it is read") {
  Disk disk = short_writes();
  Lines lines;
  Stream first = open(disk);
  recovered(first);
  REQUIRE(first.append(0, views(lines.group(1))));
  REQUIRE(first.sync());
  Lines fork = lines;
  Stream second = open(disk);
  CHECK(recovered(second).tail.lsn == 1);
  REQUIRE(second.append(1, views(lines.group(1, 1))));
  REQUIRE(second.sync());
  REQUIRE(first.append(1, views(fork.group(1, 1, 1, "fork"))));   // written, but dead
  CHECK(code(first.sync()) == errc::conflict);
  CHECK(code(first.sync()) == errc::conflict);
  Stream third = open(disk);
  CHECK(recovered(third).verdict == Verdict::clean);
  CHECK(scan_all(third) == lines.all);
}

TEST_CASE("STORE-5 a paused owner cannot rotate behind its successor's back") {
  Disk disk = short_writes();
  Lines lines;
  Stream first = open(disk);
  recovered(first);
  REQUIRE(first.append(0, views(lines.group(1))));
  REQUIRE(first.sync());
  Stream second = open(disk);
  recovered(second);
  Lines fork = lines;
  for (int i = 0; i < 40; ++i) {
    const auto group = fork.group(1);
    auto appended = first.append(fork.head.lsn - 1, views(group));
    if (!appended) { CHECK(appended.error().code() == errc::conflict); return; }
  }
  FAIL("it filled a segment and never looked");
}

TEST_CASE("STORE-5 a whole tenure that comes between two calls of a recovery: one of the two is told a conflict, and what either was told stays") {
  bool interrupted = true;
  for (std::uint64_t at = 0; interrupted; ++at) {
    REQUIRE(at < 200);
    for (std::uint64_t fate = 0; fate < 6; ++fate) {
      Disk disk = short_writes();
      Lines own;
      {
        Stream stream = open(disk);
        recovered(stream);
        REQUIRE(stream.append(0, views(own.group(2))));
        REQUIRE(stream.sync());
      }
      Lines a = own, b = own;
      const std::uint64_t base = disk.calls();
      std::optional<Stream> second;
      bool second_acked = false;
      disk.on_call([&](const Call& call) {
        if (second || call.number != base + at) return;
        second.emplace(open(disk));
        const auto found = second->recover({}, {});
        REQUIRE(found);
        REQUIRE(found.value().tail.lsn == 2);
        REQUIRE(second->append(2, views(b.group(1, 2, 1, "second"))));
        if (fate % 2 == 0) second_acked = second->sync().has_value();
      });
      Stream first = open(disk);
      const auto found = first.recover({}, {});
      disk.on_call({});
      interrupted = second.has_value();
      if (!interrupted) break;
      bool first_acked = false;
      std::vector<std::string> told = own.all;
      if (found) {
        told = scan_all(first);   // the first was told this, and acts on it
        if (told.size() == 3) a = b;   // it began behind the second
        if (fate % 3 == 0 && first.append(told.size(), views(a.group(1, 2, 1, "first")))) first_acked = first.sync().has_value();
        if (first_acked) told = a.all;
      } else {
        CHECK(found.error().code() == errc::conflict);
      }
      const bool in_turn = told.size() >= b.all.size() && std::equal(b.all.begin(), b.all.end(), told.begin());
      CHECK_FALSE((first_acked && second_acked && !in_turn));
      Choices choose(fate * 31 + at);
      if (fate >= 2) disk.lose_power(disk.options().profile, choose);
      Stream third = open(disk);
      CHECK(is_usable(recovered(third).verdict));
      const auto all = scan_all(third);
      INFO("interrupted at call " << at << ", fate " << fate);
      CHECK(all.size() >= told.size());
      CHECK(std::equal(told.begin(), told.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), told.size()))));
      if (second_acked) CHECK((all.size() >= 3 && all[2] == b.all[2]));
    }
  }
}

TEST_CASE("STORE-7 a second recovery finds the same and copies nothing; a closed log is opened without a new segment") {
  Disk disk = short_writes();
  Lines lines;
  {
    Stream stream = open(disk);
    recovered(stream);
    REQUIRE(stream.append(0, views(lines.group(3))));   // not synced, so not proven
  }
  const auto segments = [&] { std::size_t n = 0; for (const auto& [path, bytes] : disk.files()) n += path.ends_with(".jsonl"); return n; };
  CHECK(segments() == 1);
  { Stream stream = open(disk); CHECK(recovered(stream).tail.lsn == 3); }
  CHECK(segments() == 2);   // the unproven frames were copied
  for (int i = 0; i < 3; ++i) {
    Stream stream = open(disk);
    const auto found = recovered(stream);
    CHECK(found.tail.lsn == 3);
    CHECK(found.proven == 3);
    CHECK(scan_all(stream) == lines.all);
  }
  CHECK(segments() == 2);
}

TEST_CASE("STORE-9 inspection changes no byte and claims nothing, also beside a writer") {
  Disk disk = short_writes();
  { Stream stream = open(disk); CHECK(stream.inspect({}).value().tail.lsn == 0); }
  CHECK(disk.files().empty());
  Lines lines;
  Stream writer = open(disk);
  recovered(writer);
  REQUIRE(writer.append(0, views(lines.group(2))));
  REQUIRE(writer.sync());
  REQUIRE(writer.append(2, views(lines.group(1, 2))));
  const auto before = disk.files();
  Stream looker = open(disk);
  const auto found = looker.inspect({});
  REQUIRE(found);
  CHECK(found.value().tail.lsn == 3);
  CHECK(found.value().proven == 2);
  CHECK(scan_all(looker) == lines.all);
  CHECK(code(looker.append(3, views(lines.group(1)))) == errc::invalid_argument);
  CHECK(disk.files() == before);
  CHECK(writer.sync().value() == 3);
}

TEST_CASE("STORE-10 a frame that rots behind an open store is not given") {
  Disk disk = short_writes();
  Lines lines;
  Stream stream = open(disk);
  recovered(stream);
  REQUIRE(stream.append(0, views(lines.group(3))));
  REQUIRE(stream.sync());
  for (const auto& [path, bytes] : disk.files())
    if (path.ends_with(".jsonl")) disk.damage(path, [&](std::string& text) { text[text.find("\"lsn\":2") + 200] ^= 1; });
  std::size_t given = 0;
  CHECK(code(stream.scan(1, [&](const Frame&) -> result<void> { ++given; return success(); })) == errc::corrupt_committed);
  CHECK(given == 1);
}

TEST_CASE("STORE-8 a proven frame that is damaged or a segment that is gone is refused, and nothing is changed but the claim") {
  Disk disk = short_writes();
  Lines lines;
  for (int tenure = 0; tenure < 3; ++tenure) {
    Stream stream = open(disk);
    recovered(stream);
    for (int i = 0; i < 3; ++i) {
      const Lsn before = lines.head.lsn;
      REQUIRE(stream.append(before, views(lines.group(1, before))));
      REQUIRE(stream.sync());
    }
    REQUIRE(stream.close());
  }
  const auto image = disk.files();
  std::vector<std::string> segments;
  for (const auto& [path, bytes] : image)
    if (path.ends_with(".jsonl")) segments.push_back(path);
  REQUIRE(segments.size() == 3);
  SECTION("damage") {
    disk.damage(segments[1], [](std::string& text) { text[text.find("\"lsn\":5") + 9] ^= 2; });
    Stream stream = open(disk);
    const auto found = recovered(stream);
    CHECK(found.verdict == Verdict::corrupt_committed);
    CHECK(found.tail.lsn == 4);
    REQUIRE(!found.evidence.empty());
    CHECK(found.evidence[0].where == segments[1]);
    CHECK(code(stream.append(4, views(lines.group(1)))) == errc::conflict);
    Stream accepted = open(disk);
    CHECK(recovered(accepted, {}, true).incarnation == 2);
    Lines next;
    for (int i = 0; i < 4; ++i) next.group(1, next.head.lsn);
    CHECK(next.all == std::vector<std::string>(lines.all.begin(), lines.all.begin() + 4));
    REQUIRE(accepted.append(4, views(next.group(1, 4, 2))));
    REQUIRE(accepted.sync());
    Stream again = open(disk);
    CHECK(recovered(again).verdict == Verdict::clean);
    CHECK(scan_all(again) == next.all);
  }
  SECTION("the first is gone") { disk.lose(segments[0]); Stream stream = open(disk); CHECK(recovered(stream).verdict == Verdict::hole); }
  SECTION("the middle one is gone") { disk.lose(segments[1]); Stream stream = open(disk); CHECK(recovered(stream).verdict == Verdict::hole); }
  SECTION("the last is gone: only a witness can tell") {
    disk.lose(segments[2]);
    Stream stream = open(disk);
    CHECK(recovered(stream, {lines.head}).verdict == Verdict::regressed);
  }
  SECTION("strange files mean nothing") {
    for (const char* name : {"/.DS_Store", "/00000000000000000001-0.jsonl", "/99999999999999999999.claim.bak", "/tmp-x", "/99999999999999999999999.jsonl"})
      REQUIRE(disk.create_exclusive("/log/" + test_stream().text + name));
    Stream stream = open(disk);
    CHECK(recovered(stream).verdict == Verdict::clean);
    CHECK(scan_all(stream) == lines.all);
  }
}

TEST_CASE("STORE-3 a long tenure prewrites seldom, a short one little, and none beyond a full segment") {
  constexpr FileStoreOptions options{.segment_bytes = 1 << 20, .prewrite_bytes = 4096};
  Disk disk = short_writes();
  Lines lines;
  Stream stream = open(disk, options);
  recovered(stream);
  std::size_t syncs = 0, used = 0;
  disk.on_call([&](const Call& call) { syncs += call.verb == Verb::sync; });
  const auto longest = [&] {
    std::size_t bytes = 0;
    for (const auto& [path, content] : disk.files()) bytes = std::max(bytes, content.size());
    return bytes;
  };
  const auto append = [&] {
    const auto group = lines.group(1);
    used += group[0].size() + 1;
    REQUIRE(stream.append(lines.head.lsn - 1, views(group)));
  };
  append();
  CHECK(longest() <= 2 * options.prewrite_bytes);
  while (used < 60 * options.prewrite_bytes) append();
  CHECK(syncs <= 8);   // 4096 doubled six times, and the first
  CHECK(longest() < 3 * used);
  while (used < 250 * options.prewrite_bytes) append();
  CHECK(longest() <= options.segment_bytes);
  CHECK(stream.close());
  Stream next = open(disk, options);
  CHECK(recovered(next).tail == lines.head);
  CHECK(scan_all(next) == lines.all);
}

namespace {
/// Runs a random workload and stops it at call `stop_at`; answers what was acknowledged.
struct Play {
  Disk disk = short_writes();
  Choices choose;
  std::vector<std::string> submitted;   // by LSN, of this history
  Lsn acked = 0;
  Head head{test_stream(), 1, 0, {}};
  std::string log;

  explicit Play(std::uint64_t seed) : choose(seed) {}

  void tenure(std::uint64_t stop_at, bool faults) {
    const std::uint64_t base = disk.calls();
    disk.on_call([=](const Call& call) { if (call.number >= base + stop_at) throw Killed{}; });
    if (faults) {
      const std::uint64_t bad = base + choose.below(stop_at + 1), salt = choose.below(4);
      disk.on_fault([=](const Call& call) { return fails_if(call.number == bad || (salt == 0 && call.number > bad && call.verb == Verb::sync), call); });
    }
    try {
      Stream stream = open(disk, {.segment_bytes = 8192, .prewrite_bytes = 4096});
      const Head witness{test_stream(), 1, acked, acked == 0 ? Digest{} : hash_at(acked)};
      auto found = stream.recover(std::span<const Head>(&witness, choose.below(2)), {});
      if (!found) { if (!faults) FAIL(found.error().message()); log += "recover fails; "; return end(); }
      if (faults && found.value().verdict == Verdict::io_error) { log += "recover cannot read; "; return end(); }
      const auto armed = disk.on_fault({});
      check(found.value(), stream);
      disk.on_fault(armed);
      for (int op = 0; op < 40; ++op) {
        switch (choose.below(6)) {
          case 0: case 1: case 2: append(stream, static_cast<std::uint32_t>(1 + choose.below(3))); break;
          case 3: if (auto synced = stream.sync()) { CHECK(synced.value() == submitted.size()); acked = synced.value(); } break;
          case 4: if (stream.prove()) acked = std::max(acked, stream.tail().durable); break;
          case 5: if (choose.below(8) == 0) { (void)stream.close(); acked = std::max(acked, submitted.size() == stream.tail().durable ? stream.tail().durable : acked); return end(); } break;
        }
      }
    } catch (const Killed&) {
      log += "killed; ";
    }
    end();
  }
  void end() {
    disk.on_call({});
    disk.on_fault({});
    if (choose.below(3) == 0) log += "process ends; ";   // what is written stays
    else { disk.lose_power(disk.options().profile, choose); log += "power lost; "; }
  }
  Digest hash_at(Lsn lsn) const { return wal::read_line(submitted[lsn - 1]).hash; }

  void append(Stream& stream, std::uint32_t count) {
    std::vector<std::string> group;
    Head next = head;
    for (std::uint32_t i = 0; i < count; ++i) {
      std::string line;
      const wal::Envelope envelope{test_stream(), 1, next.lsn + 1, next.hash, i, count, acked};
      next.hash = wal::seal_frame(line, envelope, record(next.lsn + 1, "s", std::to_string(choose.next()))).value();
      ++next.lsn;
      group.push_back(line);
    }
    const std::size_t before = submitted.size();
    submitted.insert(submitted.end(), group.begin(), group.end());   // submitted from here on, acknowledged or not
    auto appended = stream.append(before, views(group));
    if (appended) { head = next; return; }
    log += "append fails; ";
    if (appended.error().code() == errc::log_failed) return;   // unknown: it may come back
    submitted.resize(before);   // the store says that nothing was appended: it must not come back
  }
  void check(const Recovery& found, Stream& stream) {
    INFO(log);
    REQUIRE(is_usable(found.verdict));
    const auto all = scan_all(stream);
    REQUIRE(all.size() == found.tail.lsn);
    REQUIRE(all.size() >= acked);                                            // acknowledged: all there
    REQUIRE(all.size() <= submitted.size());                                 // nothing that was never submitted
    REQUIRE(std::equal(all.begin(), all.end(), submitted.begin()));          // same bytes, same order
    if (!all.empty()) {
      const wal::Line last = wal::read_line(all.back());
      REQUIRE(last.group_index + 1 == last.group_count);                     // whole groups
    }
    submitted = all;
    head = found.tail;
    head.incarnation = 1;
    acked = all.size();                                                      // what recovery returned is true on the medium
  }
};
}  // namespace

TEST_CASE("STORE-1 STORE-3 STORE-6 STORE-7 STORE-11 random histories of appends, syncs, rotations, kills and power losses lose nothing that was told") {
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    INFO("seed " << seed);
    Play play(seed);
    for (int tenure = 0; tenure < 6; ++tenure) play.tenure(play.choose.below(4) == 0 ? 100000 : play.choose.below(160), false);
    play.tenure(100000, false);
  }
}

TEST_CASE("STORE-4 the same histories with calls that fail: what was acknowledged stays") {
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    INFO("seed " << seed);
    Play play(seed);
    for (int tenure = 0; tenure < 6; ++tenure) play.tenure(20 + play.choose.below(160), true);
    play.tenure(100000, false);
  }
}

TEST_CASE("STORE-6 every call of a short history as the last one before power goes, and again in the recovery behind it") {
  std::uint64_t ends = 0;
  for (std::uint64_t stop = 1;; ++stop) {
    bool reached = false;
    for (std::uint64_t second = 1; second < 40; second += 3)
      for (std::uint64_t fate = 0; fate < 4; ++fate) {
        Play play(fate * 7919 + 11);
        play.choose = Choices(42);   // the same workload each time
        const std::uint64_t before = play.disk.calls();
        play.tenure(stop, false);
        reached = reached || play.disk.calls() - before >= stop;
        play.choose = Choices(fate * 104729 + stop);
        play.tenure(second, false);
        play.choose = Choices(fate + 5);
        play.tenure(100000, false);
        ++ends;
      }
    if (!reached || stop > 120) break;
  }
  INFO(ends << " ends");
  CHECK(ends > 2000);
}
