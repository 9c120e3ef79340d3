// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/evidence.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "tests/files/scratch.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using kfm_det::tests::bad;
using kfm_det::tests::good;

namespace {
using simulate::Call;
using simulate::Disk;
using simulate::Fault;
using simulate::Verb;
using Store = FileStore<Disk>;
struct Killed {};

const std::string folder = "/log/" + test_stream().text;
constexpr FileStoreOptions small{.segment_bytes = 16384, .prewrite_bytes = 4096};

/// A log of six frames, closed; the fourth is damaged at rest. Its verdict rests on two things: the damaged region, and that LSN 6 is missing.
struct World {
  Disk disk{{simulate::Profile::standard, simulate::sector_bytes, 3 * simulate::sector_bytes}};
  std::string segment;
  Lines lines;
  World() {
    auto stream = open();
    REQUIRE(good(stream.recover({}, {})).tail.lsn == 0);
    for (Lsn lsn = 0; lsn < 6; ++lsn) REQUIRE(stream.append(lsn, views(lines.group(1))));
    REQUIRE(stream.sync());
    REQUIRE(stream.close());
    for (const auto& [path, bytes] : disk.files())
      if (path.ends_with(".jsonl")) segment = path;
    REQUIRE(disk.damage(segment, [&](Bytes& bytes) { bytes[bytes.find("\"lsn\":4,")] ^= 1; }));
  }
  Store::Stream open(std::optional<Disk> on = {}) { return good(good(Store::open("/log", small, on.value_or(disk))).open_stream(test_stream())); }
  Recovery inspected() {
    auto stream = open();
    return good(stream.inspect({}));
  }
};
result<std::vector<KeptEvidence>> gather(Disk disk, const Recovery& recovery, const EvidenceOptions& options = {}) { return gather_evidence(disk, folder, test_stream(), recovery, options); }
std::map<std::string, Bytes> kept_files(const Disk& disk) {
  std::map<std::string, Bytes> out;
  for (const auto& [path, bytes] : disk.files())
    if (path.find("/evidence/") != std::string::npos && path.find("/tmp-") == std::string::npos) out[path] = bytes;
  return out;
}
/// EVIDENCE-4, EVIDENCE-5: what stands under a name is whole.
void check_whole(Disk disk) {
  for (const auto& one : good(list_evidence(disk, folder))) {
    CHECK(one.trouble.empty());
    CHECK(disk.files().contains(one.folder + "/manifest.json"));
  }
}
}  // namespace

TEST_CASE("EVIDENCE-2 EVIDENCE-5 a damaged region is copied with its context, and its manifest says what it is") {
  World world;
  const Recovery recovery = world.inspected();
  REQUIRE(recovery.verdict == Verdict::corrupt_committed);
  REQUIRE(recovery.evidence.size() == 2);
  const Bytes before = world.disk.files()[world.segment];
  const auto kept = good(gather(world.disk, recovery, {.context_bytes = 100}));
  REQUIRE(kept.size() == 2);
  const KeptEvidence& one = kept[0];
  CHECK_FALSE(one.was_there);
  CHECK(one.manifest.verdict == "CorruptCommitted");
  CHECK(one.manifest.sentence == recovery.evidence[0].sentence);
  CHECK(one.manifest.stream == test_stream().text);
  CHECK(one.manifest.behind.lsn == 3);
  CHECK(one.manifest.behind.hash == recovery.tail.hash);
  CHECK(one.manifest.file->name == world.segment.substr(folder.size() + 1));
  CHECK(one.manifest.file->sha256 == sha256(before));
  CHECK(one.manifest.file->size == before.size());
  CHECK(one.manifest.offset == recovery.evidence[0].offset);
  CHECK(one.manifest.length == recovery.evidence[0].length);
  CHECK(one.manifest.copy->offset == one.manifest.offset - 100);
  CHECK(one.manifest.copy->length == one.manifest.length + 200);
  const auto files = kept_files(world.disk);
  REQUIRE(files.size() == 3);
  CHECK(kept[1].manifest.file->sha256 == sha256(before));
  CHECK_FALSE(kept[1].manifest.copy);   // something is missing: there are no bytes of it
  CHECK(files.at(one.folder + "/region.bin") == before.substr(one.manifest.copy->offset, one.manifest.copy->length));
  CHECK(sha256(files.at(one.folder + "/region.bin")) == one.manifest.copy->sha256);
  CHECK(sha256(files.at(one.folder + "/manifest.json")) == one.name);
  CHECK(one.folder == folder + "/evidence/" + one.name.hex());
  CHECK(files.at(one.folder + "/manifest.json").find("/log") == std::string::npos);   // no path of this machine
  CHECK(world.disk.files()[world.segment] == before);

  const auto listed = good(list_evidence(world.disk, folder));
  REQUIRE(listed.size() == 2);
  CHECK(std::count_if(listed.begin(), listed.end(), [&](const KeptEvidence& each) { return each.name == one.name && each.trouble.empty() && each.manifest.copy->sha256 == one.manifest.copy->sha256; }) == 1);
}

TEST_CASE("EVIDENCE-3 the same evidence again is the same name, and nothing is written; other damage has another name") {
  World world;
  const Recovery recovery = world.inspected();
  const auto first = good(gather(world.disk, recovery));
  const auto files = world.disk.files();
  int writes = 0;
  world.disk.on_call([&](const Call& call) { writes += call.verb == Verb::write || call.verb == Verb::create || call.verb == Verb::rename_no_replace || call.verb == Verb::remove; });
  const auto again = good(gather(world.disk, recovery));
  CHECK(writes == 0);
  CHECK(again.at(0).was_there);
  CHECK(again[0].name == first.at(0).name);
  CHECK(world.disk.files() == files);
  world.disk.on_call({});
  world.disk.damage(world.segment, [](Bytes& bytes) { bytes[bytes.find("\"lsn\":5,")] ^= 1; });
  const auto other = good(gather(world.disk, world.inspected()));
  CHECK(other.at(0).name != first[0].name);
  for (const auto& [path, bytes] : files)
    if (path.find("/evidence/") != std::string::npos) CHECK(world.disk.files().at(path) == bytes);   // EVIDENCE-2
  CHECK(good(list_evidence(world.disk, folder)).size() == 4);
}

TEST_CASE("EVIDENCE-5 kept evidence that was changed is never passed for what it was") {
  for (const std::string name : {"region.bin", "manifest.json"}) {
    World world;
    const Recovery recovery = world.inspected();
    const auto kept = good(gather(world.disk, recovery));
    REQUIRE(world.disk.damage(kept.at(0).folder + "/" + name, [](Bytes& bytes) { bytes[10] ^= 1; }));
    const auto files = world.disk.files();
    CHECK(bad(gather(world.disk, recovery)) == errc::hash_mismatch);
    CHECK(world.disk.files() == files);
    const auto listed = good(list_evidence(world.disk, folder));
    REQUIRE(listed.size() == 2);
    CHECK(std::count_if(listed.begin(), listed.end(), [](const KeptEvidence& each) { return each.trouble.empty(); }) == 1);
  }
  World world;
  const auto kept = good(gather(world.disk, world.inspected()));
  world.disk.lose(kept.at(0).folder + "/region.bin");
  CHECK(bad(gather(world.disk, world.inspected())) == errc::hash_mismatch);
}

TEST_CASE("EVIDENCE-5 what somebody else puts under the name meanwhile is not written over") {
  World undisturbed;
  const std::string kept = good(gather(undisturbed.disk, undisturbed.inspected())).at(0).folder;
  const std::vector<std::string> named{kept + "/region.bin", kept + "/manifest.json"};   // in this order
  for (std::size_t which = 0; which < named.size(); ++which) {
    INFO(named[which]);
    World world;
    const Recovery recovery = world.inspected();
    std::size_t renames = 0;
    world.disk.on_call([&](const Call& call) {   // at the last moment: nothing was there when it was looked for
      if (call.verb != Verb::rename_no_replace && call.verb != Verb::rename) return;
      if (renames++ == which) world.disk.plant(named[which], "another one's");
    });
    const auto refused = gather(world.disk, recovery);
    world.disk.on_call({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == errc::hash_mismatch);
    CHECK(world.disk.files().at(named[which]) == "another one's");
  }
}

TEST_CASE("EVIDENCE-1 EVIDENCE-4 stopped at every call, killed or by power loss: whole evidence under its name, or none; the next attempt completes it") {
  const auto names = [] {
    World world;
    std::vector<Digest> out;
    for (const auto& one : good(gather(world.disk, world.inspected()))) out.push_back(one.name);
    return out;
  }();
  int states = 0, none = 0, some = 0, whole = 0;
  for (const bool power : {false, true})
    for (std::uint64_t stop = 0;; ++stop) {
      World world;
      const Recovery recovery = world.inspected();
      const std::uint64_t begin = world.disk.calls();
      bool stopped = false;
      world.disk.on_call([&](const Call& call) {
        if (call.number == begin + stop) throw Killed{};
      });
      try {
        good(gather(world.disk, recovery));
      } catch (const Killed&) {
        stopped = true;
      }
      world.disk.on_call({});
      for (std::uint64_t seed = 0; seed < (power ? 6u : 1u); ++seed) {
        conformance::DrawnFates fates(stop * 100 + seed);
        Disk after = power ? world.disk.after_power_loss(fates) : world.disk.after_kill();
        ++states;
        check_whole(after);
        const auto listed = good(list_evidence(after, folder));
        (listed.empty() ? none : listed.size() == names.size() ? whole : some) += 1;
        if (!stopped) CHECK(listed.size() == names.size());   // EVIDENCE-1
        auto stream = world.open(after);
        CHECK(good(stream.inspect({})).verdict == Verdict::corrupt_committed);   // nothing to the store
        const auto again = good(gather(after, recovery));
        CHECK(again.at(0).name == names[0]);
        check_whole(after);
        conformance::DrawnFates more(seed);
        CHECK(good(list_evidence(*std::make_unique<Disk>(after.after_power_loss(more)), folder)).size() == names.size());
      }
      if (!stopped) break;
    }
  CHECK(states > 100);
  CHECK(none > 20);
  CHECK(some > 5);
  CHECK(whole > 5);
}

TEST_CASE("EVIDENCE-4 a full or failing disk at every call leaves nothing half-named, and no litter where it can be removed") {
  for (const errc code : {errc::no_space, errc::io_error})
    for (std::uint64_t at = 0;; ++at) {
      World world;
      const Recovery recovery = world.inspected();
      const std::uint64_t begin = world.disk.calls();
      world.disk.on_fault([&](const Call& call) { return call.number == begin + at ? Fault{Fault::Kind::error, code, call.length / 2} : Fault{}; });
      const auto kept = gather(world.disk, recovery);
      const bool reached = world.disk.calls() > begin + at;
      world.disk.on_fault({});
      check_whole(world.disk);
      if (!kept) {
        CHECK(kept.error().code() == code);
        for (const auto& [path, bytes] : world.disk.files()) CHECK(path.find("/tmp-") == std::string::npos);
      }
      CHECK(good(gather(world.disk, recovery)).size() == 2);
      if (!reached) break;
    }
}

TEST_CASE("evidence of what no file shows is a manifest alone") {
  World world;
  Head witness{test_stream(), 1, 99, sha256("x")};
  auto stream = world.open();
  Recovery recovery = good(stream.inspect(std::span<const Head>(&witness, 1)));
  const auto kept = good(gather(world.disk, recovery));
  REQUIRE(kept.size() == recovery.evidence.size());
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].manifest.copy);
  CHECK_FALSE(kept[2].manifest.file);
  CHECK(kept[2].manifest.sentence.find("the sink saw LSN 99") != std::string::npos);
  CHECK(kept_files(world.disk).size() == 4);
  CHECK(good(gather(world.disk, recovery)).at(2).was_there);
  CHECK(good(list_evidence(world.disk, folder)).size() == 3);
}

TEST_CASE("R15 a store goes on working with an evidence folder, leftovers and strays in its own") {
  World world;
  good(gather(world.disk, world.inspected()));
  world.disk.plant(folder + "/evidence/tmp-0123456789abcdef-0", "half");
  world.disk.plant(folder + "/evidence/" + std::string(64, 'a') + "/region.bin", "no manifest");
  world.disk.plant(folder + "/evidence/note.txt", "by hand");
  CHECK(good(list_evidence(world.disk, folder)).size() == 2);
  auto stream = world.open();
  const auto found = good(stream.recover({}, {.accept_loss = true}));
  CHECK(found.tail.lsn == 3);
  CHECK(found.incarnation == 2);
  Lines lines;   // any frames will do: the chain is not the store's
  auto frames = lines.group(1);
  const auto evidence = kept_files(world.disk);
  CHECK(stream.append(3, views(frames)));
  CHECK(stream.sync());
  CHECK(stream.close());
  CHECK(kept_files(world.disk) == evidence);
}

TEST_CASE("evidence on a real file system") {
  const kfm_det::tests::Scratch scratch;
  PosixFileSystem fs;
  const std::string own = scratch / "log";
  std::filesystem::create_directories(own);
  const std::string segment = own + "/00000000000000000001-00000000000000000001.jsonl";
  const Bytes bytes = Bytes(200'000, 'x') + "damage" + Bytes(70'000, 'y');
  {
    auto file = good(fs.create_exclusive(segment));
    REQUIRE(write_all(fs, file, 0, bytes));
  }
  Recovery recovery;
  recovery.verdict = Verdict::torn_tail;
  recovery.evidence.push_back({segment, 200'000, 6, "behind LSN 3 stands something that is not a whole group"});
  const auto kept = good(gather_evidence(fs, own, test_stream(), recovery));
  CHECK(kept.at(0).manifest.copy->length == 6 + 2 * 4096);
  CHECK(good(evidence::hash_file(fs, kept[0].folder + "/region.bin")) == sha256(bytes.substr(200'000 - 4096, 6 + 2 * 4096)));
  CHECK(good(gather_evidence(fs, own, test_stream(), recovery)).at(0).was_there);
  CHECK(good(list_evidence(fs, own)).at(0).trouble.empty());
}
