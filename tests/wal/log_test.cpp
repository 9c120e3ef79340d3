// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <atomic>
#include <set>
#include <thread>

#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/wal/log.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {
using Log = wal::Log<MemoryStore::Stream, ManualClock>;
const auto ignore = [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); };

result<Log> open(MemoryStore& store, ManualClock clock = ManualClock(), const Head& witness = Head{test_stream(), 0, 0, {}}, wal::LogOptions options = {}) {
  return Log::open(store.open_stream(test_stream()).value(), test_stream(), witness, clock, ignore, options);
}
std::vector<wal::WalRecord> group(std::uint64_t seq, std::size_t count) {
  std::vector<wal::WalRecord> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(record(seq + i));
  return out;
}
}  // namespace

TEST_CASE("LOG-2 LOG-3 LOG-4 groups are whole, numbered without gaps, linked across tenures, and their time never goes back") {
  MemoryStore store;
  ManualClock clock(Instant{1000});
  {
    auto log = open(store, clock);
    REQUIRE(log);
    auto one = group(1, 3);
    CHECK(log.value().commit(one).value().lsn == 3);
    CHECK(one[2].ts == Instant{1000});
    clock.step_wall(Instant{500});
    auto two = group(4, 1);
    CHECK(log.value().commit(two).value().lsn == 4);
    CHECK(two[0].ts == Instant{1000});
  }
  auto log = open(store, clock);
  REQUIRE(log);
  auto three = group(5, 2);
  CHECK(log.value().commit(three).value().lsn == 6);
  CHECK(three[0].ts == Instant{1000});
  Digest link;
  Lsn next = 1;
  std::set<EntryId> ids;
  for (const auto& text : store.frames(test_stream())) {
    const wal::Line line = wal::read_line(text);
    REQUIRE(line.kind == wal::LineKind::frame);
    CHECK(line.lsn == next++);
    CHECK(line.link == link);
    link = line.hash;
    CHECK(ids.insert(wal::read_record(line).value().entry_id).second);
  }
  CHECK(log.value().durable().hash == link);
  const wal::Line last = wal::read_line(store.frames(test_stream()).back());
  CHECK(last.group_index == 1);
  CHECK(last.group_count == 2);
  CHECK(last.durable_upto == 4);
}

TEST_CASE("two equal histories under a manual clock give equal bytes") {
  MemoryStore a, b;
  for (MemoryStore* store : {&a, &b}) {
    auto log = open(*store, ManualClock(Instant{7}));
    auto one = group(1, 5);
    REQUIRE(log.value().commit(one));
  }
  CHECK(a.frames(test_stream()) == b.frames(test_stream()));
}

TEST_CASE("LOG-1 concurrent commits: each answer is durable, and one sync serves many") {
  struct Counting : MemoryStore::Stream {
    explicit Counting(MemoryStore::Stream stream, std::atomic<int>* count) : MemoryStore::Stream(std::move(stream)), syncs(count) {}
    result<Lsn> sync() { ++*syncs; std::this_thread::yield(); return MemoryStore::Stream::sync(); }
    std::atomic<int>* syncs;
  };
  MemoryStore store;
  std::atomic<int> syncs{0}, early{0};
  auto log = wal::Log<Counting, ManualClock>::open(Counting(store.open_stream(test_stream()).value(), &syncs), test_stream(), Head{test_stream(), 0, 0, {}}, ManualClock(), ignore);
  REQUIRE(log);
  constexpr int threads = 8, each = 200;
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        auto records = group(static_cast<std::uint64_t>(t * 1000 + i * 2 + 1), 2);
        auto head = log.value().commit(records);
        if (!head || head.value().lsn > log.value().durable().lsn) ++early;
      }
    });
  for (auto& thread : pool) thread.join();
  CHECK(early == 0);
  CHECK(syncs <= threads * each);
  const auto frames = store.frames(test_stream());
  REQUIRE(frames.size() == threads * each * 2);
  for (std::size_t i = 0; i < frames.size(); i += 2) {   // LOG-2: nobody stands inside a group
    const auto a = wal::read_line(frames[i]), b = wal::read_line(frames[i + 1]);
    CHECK((a.group_index == 0 && b.group_index == 1 && wal::read_record(b).value().seq == wal::read_record(a).value().seq + 1));
  }
}

TEST_CASE("LOG-5 after a conflict nothing is appended or acknowledged") {
  MemoryStore store;
  auto first = open(store);
  auto one = group(1, 1);
  REQUIRE(first.value().commit(one));
  auto second = open(store);
  REQUIRE(second);
  auto two = group(2, 1);
  for (int i = 0; i < 3; ++i) {
    auto refused = first.value().commit(two);
    REQUIRE(!refused);
    CHECK(refused.error().code() == errc::conflict);
  }
  CHECK(!first.value().sync());
  CHECK(second.value().commit(two).value().lsn == 2);
}

TEST_CASE("a record longer than a line, or one that is not canonical JSON, is refused before anything is appended") {
  MemoryStore store;
  wal::LogOptions options;
  options.line_bytes_max = 2000;
  auto log = open(store, ManualClock(), Head{test_stream(), 0, 0, {}}, options);
  auto records = group(1, 2);
  records[1].payload.set("text", Json(std::string(3000, 'x')));
  auto refused = log.value().commit(records);
  REQUIRE(!refused);
  CHECK(refused.error().code() == errc::limit_exceeded);
  CHECK(refused.error().message().find("step s") != std::string::npos);
  records[1].payload.set("text", Json("\xFF"));
  CHECK(log.value().commit(records).error().code() == errc::invalid_json);
  CHECK(store.frames(test_stream()).empty());
  auto good = group(1, 1);
  CHECK(log.value().commit(good).value().lsn == 1);
}

TEST_CASE("LOG-6 a sink below a head that a DONE carries is SinkRegressed, whatever else is fine") {
  MemoryStore store;
  Head head;
  {
    auto log = open(store);
    auto one = group(1, 2);
    head = log.value().commit(one).value();
    auto done = group(3, 1);
    done[0].payload.set("head", wal::head_json(head));
    REQUIRE(log.value().commit(done));
  }
  CHECK(open(store, ManualClock(), head));
  for (const Head& older : {Head{test_stream(), 0, 0, {}}, Head{test_stream(), 1, 1, wal::read_line(store.frames(test_stream())[0]).hash}}) {
    auto refused = open(store, ManualClock(), older);
    REQUIRE(!refused);
    CHECK(refused.error().code() == errc::sink_regressed);
    CHECK(!refused.error().remedy().empty());
  }
  CHECK(store.frames(test_stream()).size() == 3);
}

TEST_CASE("each bad verdict of a store becomes its own error with a remedy") {
  MemoryStore store;
  {
    auto log = open(store);
    auto one = group(1, 2);
    REQUIRE(log.value().commit(one));
  }
  const Head above{test_stream(), 1, 9, sha256("x")}, other{test_stream(), 1, 2, sha256("x")};
  CHECK(open(store, ManualClock(), above).error().code() == errc::regressed);
  CHECK(open(store, ManualClock(), other).error().code() == errc::forked);
  auto frames = store.frames(test_stream());
  std::string body = R"({"format":2})";
  frames.push_back("{\"body\":" + body + ",\"hash\":\"" + domain_digest(wal::frame_domain, body).hex() + "\"}");
  store.restore(test_stream(), frames);
  CHECK(open(store).error().code() == errc::unsupported_version);
}
