// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/evidence.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/updater/repair.hpp"
#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {
using simulate::Call;
using simulate::Disk;
using simulate::Fault;

const StreamId stream = StreamId::of({"test-updater", ""});
const std::string folder = "/wal/" + stream.text;

/// The updater over files of a simulated disk, and a sink in memory that loses nothing.
struct Files {
  using Store = FileStore<Disk>;
  using Lock = FileLock<Disk, ManualClock>;
  Disk disk;
  MemorySink sink;
  MemorySourceReader sources;
  ManualClock clock{Instant{1'700'000'000'000'000'000}};
  int owners = 0;

  Files() {
    for (const char* uri : {"a", "b"}) sources.put(uri, std::string("content of ") + uri);
  }
  Store store() { return ok(Store::open("/wal", {.segment_bytes = 65536, .prewrite_bytes = 4096}, disk)); }
  Lock lock() { return ok(Lock::open("/locks", {OwnerId{"owner " + std::to_string(++owners)}, clock, disk})); }
  result<RunReport> trigger(const std::string& key) {
    TestEnvironment env;
    env.clock = clock;
    env.source_reader = sources;
    env.services.add(std::make_shared<Behaviour>());
    Updater<TestPlan<>, Store, Lock, MemorySink, TestEnvironment> updater(TestPlan<>{{"a", "b"}}, store(), lock(), sink, env);
    Trigger trigger;
    trigger.key = key;
    return updater.run(trigger);
  }
  auto person() {
    Environment<ManualClock> env;
    env.clock = clock;
    return Operator<Store, Lock, MemorySink, Environment<ManualClock>>(Scope{"test-updater", ""}, store(), lock(), sink, env);
  }
  result<RepairReport> repaired(bool accept) {
    auto who = person();
    return repair(who, EvidenceKeeper(who.store(), who.stream()), {.accept = accept, .actor = "somebody"});
  }
  std::map<std::string, Bytes> segments() const {
    std::map<std::string, Bytes> out;
    for (const auto& [path, bytes] : disk.files())
      if (path.ends_with(".jsonl")) out[path] = bytes;
    return out;
  }
  /// Flips a bit of the frame with this LSN, at rest.
  void damage(Lsn lsn) {
    const std::string text = "\"lsn\":" + std::to_string(lsn) + ",\"prev\"";
    for (const auto& [path, bytes] : segments())
      if (const auto at = bytes.find(text); at != Bytes::npos) {
        REQUIRE(disk.damage(path, [&](Bytes& all) { all[at + text.size() + 4] ^= 1; }));
        return;
      }
    FAIL("no such frame");
  }
  /// The members `evidence` of all LOSS records.
  std::vector<std::string> named() {
    std::vector<std::string> out;
    auto opened = ok(store().open_stream(stream));
    const Head witness = ok(sink.witness(stream));
    REQUIRE(ok(opened.inspect(std::span<const Head>(&witness, 1))).verdict == Verdict::clean);
    ok(wal::read_records(opened, 1, [&](const wal::Line&, const wal::WalRecord& record) -> result<void> {
      if (record.operation == wal::operation::loss)
        if (const Json* evidence = record.payload.find("evidence"))
          for (const Json& one : evidence->items()) out.push_back(*one.string());
      return success();
    }));
    return out;
  }
  std::vector<KeptEvidence> kept() { return ok(list_evidence(disk, folder)); }
};

/// Two runs; then a frame of the second one is damaged.
struct Damaged : Files {
  std::map<std::string, Bytes> before;
  Damaged() {
    ok(trigger("first"));
    const Lsn last = ok(sink.witness(stream)).lsn;
    sources.put("a", "second");
    ok(trigger("second"));
    damage(last + 6);
    before = segments();
  }
  void check_original_bytes() const {   // REPAIR-3
    const auto now = segments();
    for (const auto& [path, bytes] : before) {
      REQUIRE(now.contains(path));
      CHECK(now.at(path) == bytes);
    }
  }
};

}  // namespace

TEST_CASE("REPAIR-1 a repair without the word proposes: it says what would be lost, and changes no byte") {
  Damaged world;
  CHECK(code(world.trigger("third")) == errc::corrupt_committed);
  const auto files = world.disk.files();
  const auto hash = world.disk.hash();
  const auto report = ok(world.repaired(false));
  CHECK_FALSE(report.done);
  CHECK(report.proposed.recovery.verdict == Verdict::corrupt_committed);
  CHECK(report.proposed.lost_from != 0);
  CHECK(report.proposed.cut_short.size() == 1);
  CHECK(report.sentence().find("To go on without what is lost, accept it explicitly.") != std::string::npos);
  CHECK(world.disk.files() == files);
  CHECK(world.disk.hash() == hash);
}

TEST_CASE("REPAIR-2 REPAIR-3 with it: evidence, then a LOSS that names it; the original bytes stay, and updaters go on") {
  Damaged world;
  const auto report = ok(world.repaired(true));
  REQUIRE(report.done);
  CHECK(report.done->accepted);
  CHECK(report.done->incarnation == 2);
  CHECK(report.done->verdict == Verdict::corrupt_committed);
  const auto kept = world.kept();
  REQUIRE(kept.size() == report.done->evidence.size());
  std::set<std::string> names;
  for (const auto& one : kept) {
    CHECK(one.trouble.empty());
    CHECK(one.manifest.verdict == "CorruptCommitted");
    names.insert(one.name.hex());
  }
  const auto named = world.named();
  CHECK(std::set<std::string>(named.begin(), named.end()) == names);
  CHECK(report.sentence().find("of evidence are kept, and named in the log") != std::string::npos);
  world.check_original_bytes();
  CHECK(ok(world.trigger("third")).status == wal::RunStatus::committed);
  CHECK(world.kept().size() == kept.size());

  const auto again = ok(world.repaired(true));   // nothing is left to repair
  CHECK_FALSE(again.done);
  CHECK(again.sentence().find("nothing to accept") == 0);
}

TEST_CASE("REPAIR-2 killed at every call, or by power loss, the next repair goes on, and nothing was accepted before its evidence was durable") {
  std::size_t pieces = 0;
  {
    Damaged undisturbed;
    pieces = ok(undisturbed.repaired(true)).done->evidence.size();
  }
  CHECK(pieces == 3);   // the region, what is proven to be missing, and the sink's witness
  int states = 0, accepted = 0;
  for (const bool power : {false, true})
    for (std::uint64_t stop = 0;; ++stop) {
      Damaged world;
      const std::uint64_t begin = world.disk.calls();
      conformance::WorstFates fates;
      std::optional<Disk> left_over;   // as it is when the process dies; what its destructors do reaches nobody
      world.disk.on_call([&](const Call& call) {
        if (left_over || call.number != begin + stop) return;
        left_over = power ? world.disk.after_power_loss(fates) : world.disk.after_kill();
        throw Killed{};
      });
      try {
        ok(world.repaired(true));
      } catch (const Killed&) {
      }
      world.disk.on_call({});
      const bool stopped = left_over.has_value();
      if (stopped) world.disk = *left_over;
      world.clock.advance(seconds(120));
      ++states;
      const auto left = ok(world.person().preview_loss());
      if (is_usable(left.recovery.verdict)) {
        ++accepted;
        const auto already = world.named();
        CHECK_FALSE(already.empty());
        std::set<std::string> whole;
        for (const auto& one : world.kept())
          if (one.trouble.empty()) whole.insert(one.name.hex());
        for (const auto& name : already) CHECK(whole.contains(name));
      }
      ok(world.repaired(true));
      std::set<std::string> all;   // what the first one kept is named, also where the second one finds another verdict
      for (const auto& one : world.kept()) all.insert(one.name.hex());
      CHECK(all.size() >= pieces);
      const auto named = world.named();
      CHECK(std::set<std::string>(named.begin(), named.end()) == all);
      world.check_original_bytes();
      CHECK(ok(world.trigger("third")).status == wal::RunStatus::committed);
      if (!stopped) break;
    }
  CHECK(states > 80);
  CHECK(accepted > 4);
}

TEST_CASE("REPAIR-2 where the evidence cannot be kept, nothing is accepted") {
  Damaged world;
  world.disk.on_fault([](const Call& call) { return call.path.find("/evidence") != std::string_view::npos && call.verb == simulate::Verb::write ? Fault{Fault::Kind::error, errc::no_space, 3} : Fault{}; });
  const auto refused = world.repaired(true);
  CHECK(code(refused) == errc::no_space);
  CHECK(refused.error().remedy().find("Nothing was accepted") != std::string::npos);
  world.disk.on_fault({});
  CHECK(world.segments() == world.before);
  CHECK(world.kept().empty());
  CHECK(ok(world.person().preview_loss()).recovery.verdict == Verdict::corrupt_committed);
  CHECK(ok(world.repaired(true)).done);
}

TEST_CASE("REPAIR-4 what is accepted is what was shown") {
  Damaged world;
  auto who = world.person();
  int asked = 0;
  const auto refused = repair(who, [&](const Recovery&) -> result<std::vector<Digest>> {   // the log changes between the proposal and the lease
    if (++asked == 1) world.damage(3);
    return std::vector<Digest>{};
  }, {.accept = true, .actor = {}});
  CHECK(code(refused) == errc::conflict);
  CHECK(refused.error().remedy().find("Nothing was accepted") != std::string::npos);
  const auto now = ok(world.repaired(false));
  CHECK(now.proposed.lost_from <= 3);   // its group, whole
  REQUIRE(ok(world.repaired(true)).done);
}

TEST_CASE("a repair of what is no loss is refused: it has to be put right") {
  Files world;
  ok(world.trigger("first"));
  for (const auto& [path, bytes] : world.segments()) {   // a newer format, well sealed
    Bytes line = bytes.substr(bytes.find("{\"body\""));
    line = line.substr(0, line.find('\n'));
    line.replace(line.find("\"format\":1"), 10, "\"format\":9");
    const auto hash = line.rfind(",\"hash\":");
    line = line.substr(0, hash) + ",\"hash\":\"" + domain_digest(wal::frame_domain, BytesView(line).substr(8, hash - 8)).hex() + "\"}";
    world.disk.damage(path, [&](Bytes& all) { all.insert(all.find("{\"body\""), line + "\n"); });
  }
  CHECK(code(world.repaired(true)) == errc::unsupported_version);
  CHECK_FALSE(ok(world.repaired(false)).proposed.is_loss());
  CHECK(world.kept().empty());
}
