// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "kfm_det/conformance/detail/store_oracle.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/verify_folder.hpp"
#include "tests/files/scratch.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using conformance::detail::Chain;
using conformance::detail::Frames;
using tests::bad;
using tests::good;

namespace {
using simulate::Call;
using simulate::Disk;
using simulate::Fault;
using Store = FileStore<Disk>;
const std::string folder = "/log/" + test_stream().text;
constexpr FileStoreOptions small{.segment_bytes = 4096, .prewrite_bytes = 4096};

/// A stream with an owner, and everything that was ever written to it.
struct World {
  Disk disk;
  FileStoreOptions options = small;
  std::optional<Store::Stream> owner;
  Chain chain;
  Frames log;

  explicit World(FileStoreOptions with = small) : options(with) { begin(); }
  Store::Stream open() { return good(good(Store::open("/log", options, disk)).open_stream(test_stream())); }
  Recovery begin() {
    owner.emplace(open());
    Recovery found = good(owner->recover({}, {}));
    REQUIRE(is_usable(found.verdict));
    return found;
  }
  void write(const Frames& frames) {
    const std::vector<BytesView> views(frames.begin(), frames.end());
    REQUIRE(good(owner->append(chain.last - frames.size(), views)) == chain.last);
    chain.durable = good(owner->sync());
    log.insert(log.end(), frames.begin(), frames.end());
  }
  void append(std::size_t bytes = 0) { write(conformance::detail::make_frames(test_stream(), chain, 1, bytes, "x")); }
  Lsn checkpoint() {
    write(conformance::detail::make_checkpoint(test_stream(), chain, log));
    return chain.last - 1;
  }
  /// Three segments, then a checkpoint. Answers where it begins.
  Lsn fill() {
    for (int i = 0; i < 3; ++i) append(2600);
    return checkpoint();
  }
  std::vector<std::string> names(const std::string& suffix, bool archived) const {
    std::vector<std::string> out;
    for (const auto& [path, bytes] : disk.files())
      if (path.ends_with(suffix) && path.starts_with(folder) && (path.find("/archive/") != std::string::npos) == archived) out.push_back(path);
    return out;
  }
};
/// What a stream gives from its base on, as one text of LSNs, checked against what was written.
std::pair<Lsn, Lsn> read(Store::Stream& stream, const Frames& log) {
  Lsn first = 0, last = 0;
  const Lsn answer = good(stream.scan(1, [&](const Frame& frame) -> result<void> {
    if (first == 0) first = frame.lsn;
    else REQUIRE(frame.lsn == last + 1);
    REQUIRE(frame.bytes == log.at(frame.lsn - 1));
    last = frame.lsn;
    return success();
  }));
  REQUIRE(answer == last);
  return {first, last};
}
Recovery inspect(World& world, std::vector<Head> witnesses = {}) { auto stream = world.open(); return good(stream.inspect(witnesses)); }

/// Packs by turning the bytes round.
struct Backwards final : ArchiveCodec {
  std::string_view suffix() const override { return ".back"; }
  result<Bytes> encode(BytesView plain) const override { return Bytes(plain.rbegin(), plain.rend()); }
  result<Bytes> decode(BytesView packed, std::size_t) const override { return Bytes(packed.rbegin(), packed.rend()); }
};
const Backwards backwards;
}  // namespace

TEST_CASE("STORE-20 a trim moves whole segments to the archive, byte for byte, and the log begins at the checkpoint") {
  World world;
  const Lsn base = world.fill();
  const auto before = world.disk.files();
  const auto segments = world.names(".jsonl", false);
  REQUIRE(segments.size() == 4);
  REQUIRE(world.owner->drop_before(base));
  CHECK(world.owner->tail().base == base);
  CHECK(world.names(".jsonl", false) == std::vector<std::string>{segments[3]});
  const auto archived = world.names(".jsonl", true);
  REQUIRE(archived.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(world.disk.files().at(archived[i]) == before.at(segments[i]));
  CHECK(read(*world.owner, world.log) == std::pair(base, world.chain.last));
  world.append();
  for (const bool with_archive : {true, false}) {   // below the base nothing is needed
    if (!with_archive)
      for (const auto& path : archived) world.disk.lose(path);
    const Recovery found = world.begin();
    CHECK(found.verdict == Verdict::clean);
    CHECK(found.base == base);
    CHECK(read(*world.owner, world.log) == std::pair(base, world.chain.last));
    world.append();
  }
  CHECK(world.owner->drop_before(base));   // again: nothing to do
  const Lsn next = world.checkpoint();
  REQUIRE(world.owner->drop_before(next));
  CHECK(world.begin().base == next);
}

TEST_CASE("STORE-21 no trim to what begins no durable checkpoint") {
  World world;
  world.append();
  CHECK(bad(world.owner->drop_before(2)) == errc::invalid_argument);
  world.append();
  CHECK(bad(world.owner->drop_before(2)) == errc::invalid_argument);
  const Frames frames = conformance::detail::make_checkpoint(test_stream(), world.chain, world.log);
  (void)good(world.owner->append(2, std::vector<BytesView>(frames.begin(), frames.end())));
  CHECK(bad(world.owner->drop_before(3)) == errc::invalid_argument);
  (void)good(world.owner->sync());
  CHECK(bad(world.owner->drop_before(4)) == errc::invalid_argument);
  CHECK(world.owner->tail().base == 1);
  CHECK(world.owner->drop_before(3));
}

TEST_CASE("what is below a checkpoint is ignored when it is damaged or gone, and read as long as it is whole") {
  World world;
  const Lsn base = world.fill();
  CHECK(inspect(world).base == 1);
  const auto segments = world.names(".jsonl", false);
  for (const bool lost : {false, true}) {
    if (lost) world.disk.lose(segments[1]);
    else world.disk.damage(segments[1], [](Bytes& bytes) { bytes[700] = static_cast<char>(bytes[700] ^ 1); });
    const Recovery found = inspect(world);
    CHECK(found.verdict == Verdict::clean);
    CHECK(found.base == base);
    CHECK(found.evidence.empty());
  }
  CHECK(world.begin().base == base);
  CHECK(read(*world.owner, world.log) == std::pair(base, world.chain.last));
  world.append();
  CHECK(world.begin().tail.lsn == world.chain.last);
}

TEST_CASE("a damaged checkpoint is no base: the log is what is below it, and without that it is a hole") {
  World world;
  const Lsn base = world.fill();
  world.append();
  const auto segments = world.names(".jsonl", false);
  const Bytes whole = world.disk.files().at(segments[3]);
  const std::size_t at = whole.find(world.log[base]);   // its second entry
  REQUIRE(at != Bytes::npos);
  world.disk.damage(segments[3], [&](Bytes& bytes) { bytes[at + 40] = static_cast<char>(bytes[at + 40] ^ 1); });
  CHECK(inspect(world).verdict == Verdict::corrupt_committed);
  world.disk.lose(segments[0]);
  CHECK(inspect(world).verdict == Verdict::hole);
}

TEST_CASE("an old witness is judged behind a trim as before it") {
  World world;
  const Lsn base = world.fill();
  std::vector<Head> ends;
  for (Lsn lsn = 1; lsn < base; ++lsn) ends.push_back(conformance::detail::StoreOracle::head_of(test_stream(), Frames(world.log.begin(), world.log.begin() + static_cast<std::ptrdiff_t>(lsn))));
  REQUIRE(world.owner->drop_before(base));
  for (Head witness : ends) {
    CHECK(inspect(world, {witness}).verdict == Verdict::clean);
    witness.hash = domain_digest("test", "another");
    CHECK(inspect(world, {witness}).verdict == Verdict::forked);
  }
  CHECK(inspect(world, {{test_stream(), 1, world.chain.last + 1, {}}}).verdict == Verdict::regressed);
}

TEST_CASE("finished segments may be archived without a checkpoint: the chain is whole through the archive") {
  for (const ArchiveCodec* codec : {static_cast<const ArchiveCodec*>(nullptr), static_cast<const ArchiveCodec*>(&backwards)}) {
    World world({.segment_bytes = 4096, .prewrite_bytes = 4096, .codec = codec});
    for (int i = 0; i < 4; ++i) world.append(2600);
    auto reader = world.open();
    (void)good(reader.inspect({}));
    REQUIRE(world.owner->archive_finished());
    CHECK(world.names(".jsonl", false).size() == 1);
    const auto archived = world.names(codec ? ".jsonl.back" : ".jsonl", true);
    REQUIRE(archived.size() == 3);
    CHECK(read(reader, world.log) == std::pair(Lsn{1}, world.chain.last));
    CHECK(read(*world.owner, world.log) == std::pair(Lsn{1}, world.chain.last));
    CHECK(world.begin().base == 1);
    CHECK(read(*world.owner, world.log) == std::pair(Lsn{1}, world.chain.last));
    CHECK(world.owner->close());
    (void)world.begin();
    REQUIRE(world.owner->archive_finished());   // all of it: everything is proven, so nothing was copied, and nothing is active yet
    CHECK(world.names(".jsonl", false).empty());
    world.append();
    CHECK(world.begin().tail.lsn == world.chain.last);
    CHECK(world.begin().base == 1);
    if (codec) {
      const Bytes packed = world.disk.files().at(archived[1]);
      world.disk.damage(archived[1], [](Bytes& bytes) { bytes[100] = static_cast<char>(bytes[100] ^ 1); });
      const Recovery damaged = inspect(world);   // the medium answers: what it gives is not what was packed
      CHECK(damaged.verdict == Verdict::corrupt_committed);
      CHECK(damaged.tail.lsn == 1);
      CHECK(damaged.evidence.at(0).where == archived[1]);
      world.disk.damage(archived[1], [&](Bytes& bytes) { bytes = packed; });
      world.options.codec = nullptr;
      const Recovery blind = inspect(world);
      CHECK(blind.verdict == Verdict::io_error);
      CHECK(blind.evidence.at(0).sentence.find("codec") != std::string::npos);
      world.options.codec = codec;
    }
    world.disk.lose(archived[1]);
    CHECK(inspect(world).verdict == Verdict::hole);
  }
}

TEST_CASE("a copy that is in the archive already is fine when its frames are the same, and else a conflict that removes nothing") {
  for (const bool same : {true, false}) {
    World world;
    const Lsn base = world.fill();
    const auto segments = world.names(".jsonl", false);
    const std::string copy = folder + "/archive/" + segments[0].substr(folder.size() + 1);
    Bytes bytes = world.disk.files().at(segments[0]);
    if (same) bytes.resize(bytes.find_last_not_of('\n') + 2);                       // newlines went with the power
    else bytes[bytes.find("\"text\"") + 12] = 'Q';
    world.disk.plant(copy, bytes);
    if (same) {
      CHECK(world.owner->drop_before(base));
      CHECK(world.names(".jsonl", false).size() == 1);
    } else {
      CHECK(bad(world.owner->drop_before(base)) == errc::conflict);
      CHECK(world.names(".jsonl", false) == segments);
      CHECK(world.owner->tail().base == 1);
    }
    CHECK(world.disk.files().at(copy) == bytes);   // never overwritten
  }
}

TEST_CASE("STORE-13 without an archive segments go away, but for those that hold evidence") {
  World world({.segment_bytes = 4096, .prewrite_bytes = 4096, .archive = false});
  world.append();
  world.owner.reset();
  const auto segments = world.names(".jsonl", false);
  world.disk.damage(segments[0], [&](Bytes& bytes) { bytes.replace(3000, 7, "garbage"); });
  CHECK(world.begin().verdict == Verdict::torn_tail);
  const Lsn base = world.fill();
  auto reader = world.open();
  (void)good(reader.inspect({}));
  REQUIRE(world.owner->drop_before(base));
  CHECK(world.names(".jsonl", false).size() == 1);
  const auto archived = world.names(".jsonl", true);
  REQUIRE(archived.size() == 1);
  CHECK(world.disk.files().at(archived[0]).find("garbage") == 3000);
  CHECK(read(reader, world.log) == std::pair(Lsn{1}, world.chain.last));   // STORE-19: its files are open
  CHECK(inspect(world).base == base);
}

TEST_CASE("STORE-20 a trim whose calls fail, each in turn, loses nothing, and can be done again") {
  for (std::uint64_t k = 0;; ++k) {
    World world;
    const Lsn base = world.fill();
    const std::uint64_t first = world.disk.calls();
    bool hit = false;
    world.disk.on_fault([&](const Call& call) -> Fault {
      if (call.number != first + k) return {};
      hit = true;
      return {Fault::Kind::error, errc::no_space, call.length / 2};
    });
    const bool answered = world.owner->drop_before(base).has_value();
    world.disk.on_fault({});
    INFO("call " << k);
    const Recovery found = inspect(world);
    CHECK(is_usable(found.verdict));
    CHECK(found.tail.lsn == world.chain.last);
    CHECK((found.base == 1 || found.base == base));
    if (!answered) (void)world.begin();
    CHECK(world.owner->drop_before(base));
    CHECK(world.begin().base == base);
    CHECK(read(*world.owner, world.log) == std::pair(base, world.chain.last));
    if (!hit) break;
  }
}

TEST_CASE("when power goes at any call of a trim or of archiving, every segment is whole, in the folder or in the archive") {
  for (const bool trims : {true, false}) {
    World world;
    const Lsn base = world.fill();
    world.append(2600);
    std::vector<std::pair<std::string, Disk>> left;   // at each call, and behind the last
    const auto lose_power = [&](const std::string& where) {
      conformance::WorstFates worst;
      left.emplace_back(where, world.disk.after_power_loss(worst));
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        conformance::DrawnFates drawn(seed);
        left.emplace_back(where, world.disk.after_power_loss(drawn));
      }
    };
    world.disk.on_call([&](const Call& call) {
      if (simulate::changes(call.verb)) lose_power("before " + std::string(simulate::name(call.verb)) + " of " + std::string(call.path));
    });
    REQUIRE((trims ? world.owner->drop_before(base) : world.owner->archive_finished()));
    world.disk.on_call({});
    lose_power("behind the last call");
    REQUIRE(left.size() > 9 * 10);
    wal::VerifyOptions options;
    options.records = false;
    options.policy.history = wal::History::whole;
    options.witnesses = {Head{test_stream(), world.chain.incarnation, world.chain.last, world.chain.hash}};
    for (auto& [where, disk] : left) {
      const auto report = good(verify_folder(disk, folder, options));
      INFO(where << "\n" << report.text());
      REQUIRE(report.is_intact());
      REQUIRE(report.first == 1);
      REQUIRE(report.verified.lsn == world.chain.last);
    }
  }
}

TEST_CASE("options of an archive: nothing but segments of this store counts in it") {
  World world;
  const Lsn base = world.fill();
  for (const char* stray : {"README", "00000000000000000001-00000000000000000001.jsonl.zst", "tmp-00000000000000000001", "00000000000000000009-00000000000000000000.jsonl"}) world.disk.plant(folder + "/archive/" + stray, "not yours");
  CHECK(inspect(world).base == 1);
  REQUIRE(world.owner->drop_before(base));
  CHECK(world.begin().base == base);
  CHECK(world.names("README", true).size() == 1);
}

TEST_CASE("C08 no name is used twice, however often a log is trimmed, archived, left and taken over") {
  World world;
  std::set<std::string> taken;
  world.disk.on_call([&](const Call& call) {
    const bool names = call.verb == simulate::Verb::create || call.verb == simulate::Verb::rename_no_replace;
    if (!names || call.path.find("/tmp-") != std::string_view::npos) return;
    INFO(call.path);
    CHECK(taken.emplace(call.path).second);
    CHECK(call.verb != simulate::Verb::rename);
  });
  for (int round = 0; round < 6; ++round) {
    world.append(2600);
    const Lsn base = world.checkpoint();
    if (round % 3 != 1) world.append(2600);
    if (round % 2 == 0) CHECK(world.owner->drop_before(base));
    else CHECK(world.owner->archive_finished());
    if (round % 3 == 0) (void)world.begin();
    if (round % 3 == 2) { CHECK(world.owner->close()); (void)world.begin(); CHECK(world.owner->archive_finished()); (void)world.begin(); }
  }
  CHECK(taken.size() > 12);
  world.disk.on_call({});
}

TEST_CASE("C12 no clock decides what is kept: stores and compaction have none") {
  const std::filesystem::path include = std::filesystem::path(KFM_DET_SOURCE_DIR) / "include/kfm_det";
  std::vector<std::filesystem::path> headers{include / "wal/compact.hpp", include / "wal/checkpoint.hpp", include / "updater/compact.hpp"};
  for (const auto& entry : std::filesystem::directory_iterator(include / "stores")) headers.push_back(entry.path());
  REQUIRE(headers.size() > 6);
  for (const auto& header : headers) {
    INFO(header.filename());
    std::ifstream file(header);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    REQUIRE(!text.empty());
    for (const char* word : {"clock.now", "monotonic()", "<chrono>", "contracts/clock.hpp", "::now()"}) CHECK(text.find(word) == std::string::npos);
  }
}

TEST_CASE("a log begins a segment when the one before is old enough by its clock, and what was finished can be archived while the tenure goes on") {
  using Log = wal::Log<Store::Stream, ManualClock>;
  const auto ignore = [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); };
  World world(FileStoreOptions{});
  ManualClock clock(Instant{1'000'000'000'000});
  wal::LogOptions options;
  options.segment_age = seconds(60);
  std::uint64_t seq = 0;
  Lsn last = 0;
  {
    Log log = good(Log::open(world.open(), test_stream(), Head{test_stream(), 0, 0, {}}, clock, ignore, options));
    const auto commit = [&] {
      std::vector<wal::WalRecord> group{record(++seq), record(++seq)};
      last = good(log.commit(group)).lsn;
    };
    const auto segments = [&] { return world.names(".jsonl", false).size(); };
    commit();
    const std::size_t first = segments();
    clock.advance(seconds(59));
    commit();
    CHECK(segments() == first);
    clock.advance(seconds(1));
    commit();
    CHECK(segments() == first + 1);
    clock.step_wall(Instant{0});   // the wall clock is set back: time stands still for the log
    for (int i = 0; i < 3; ++i) commit();
    CHECK(segments() == first + 1);
    clock.step_wall(Instant{2'000'000'000'000'000});   // and far ahead: one segment more
    for (int i = 0; i < 3; ++i) commit();
    CHECK(segments() == first + 2);
    good(log.archive_finished());
    CHECK(segments() == 1);
    CHECK(world.names(".jsonl", true).size() == first + 1);
    commit();
  }
  auto stream = world.open();
  CHECK(good(stream.recover({}, {})).tail.lsn == last);
  Lsn next = 0;
  CHECK(good(stream.scan(1, [&](const Frame& frame) -> result<void> { CHECK(frame.lsn == ++next); return success(); })) == last);
  CHECK(next == last);
}
