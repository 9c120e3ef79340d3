// SPDX-License-Identifier: BSL-1.0
// The store checks on small bounds: our stores pass, broken ones are named by their law, and a line brings a failure back.
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/check_store_on_disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "tests/conformance/brought_back.hpp"
#include "tests/conformance/impatient.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;
using testing::FilesWith;
using testing::MemoryWith;

namespace {

struct Memory {
  using Store = MemoryStore;
  result<Store> open() { return store; }
  void wipe() { store = Store(); }
  void crash() { store.lose_unsynced(); }
  Store store;
};

template <class Fs>
struct Files {
  using Store = FileStore<Fs>;
  result<Store> open(Fs& fs) { return Store::open("/wal", {4096, 4096}, fs); }
};

/// A file system whose sync does nothing.
template <class Fs>
struct Lazy : Fs {
  Lazy(Fs fs) : Fs(std::move(fs)) {}
  result<void> sync(typename Fs::File&) { return success(); }
};
template <class Fs>
struct FilesUnsynced {
  using Store = FileStore<Lazy<Fs>>;
  result<Store> open(Fs& fs) { return Store::open("/wal", {4096, 4096}, Lazy<Fs>(fs)); }
};

struct ThrowsAtThree : testing::Patient {
  static void appends(std::size_t frames) { if (frames == 3) throw std::runtime_error("three is too many"); }
};
struct ThrowsAtTorn : testing::Patient {
  static void recovered(Verdict verdict) { if (verdict == Verdict::torn_tail) throw 17; }
};
struct ThrowsAtOnce : testing::Patient {
  static void recovered(Verdict) { throw std::bad_alloc(); }
};

Options small() {
  Options options;
  options.cases = 10;
  options.states_max = 500;
  return options;
}

}  // namespace

TEST_CASE("the memory store holds the laws of a store") {
  const Report report = check_store<Memory>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.laws.size() >= 12);
}

TEST_CASE("the file store holds them on a disk that loses power") {
  const Report report = check_store_on_disk<Files>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.laws.size() == 21);
  CHECK(report.states >= 500);
  for (const char* reached : {"Clean", "a failed sync", "damage: CorruptCommitted", "damage: Foreign", "damage: UnsupportedVersion", "damage: Hole"}) {
    CAPTURE(reached);
    CHECK(report.reached.contains(reached));
  }
  // the bounds of the search for crashes say what was played
  const auto bound = [&](const std::string& of) {
    for (const std::string& line : report.bounds)
      if (line.starts_with(of)) return line;
    return std::string();
  };
  for (const char* part : {"workloads of up to 2: ", "workloads of up to 3: ", "workloads of 4: "}) {
    CAPTURE(part, bound(part));
    CHECK(bound(part).find("the rest was left out") != std::string::npos);
    CHECK(bound(part).find(": all ") == std::string::npos);
  }
  CHECK(bound("longer workloads: ").find(" drawn ") != std::string::npos);   // they have a share of their own
  CHECK(bound("longer workloads: ").find(" 0 crash states") == std::string::npos);
  CHECK(report.crash_states >= 750);   // the smallest ones, and a half again
  CHECK(report.crash_states < report.states);
}

TEST_CASE("the share of the drawn workloads comes to each kind of disk, and to a third crash") {
  Options options;
  options.states_max = 4000;
  Report report;
  Explorer explorer(report, options);
  conformance::detail::search_crashes(explorer, options, conformance::detail::store_on_disk<Files<simulate::Disk>>(), false);
  INFO(report.to_text());
  CHECK(report.passed());
  for (const char* reached : {"workloads cut on a plain disk", "workloads cut on a disk with short writes", "workloads cut on a disk with large rewrite units", "crash states behind one crash", "crash states behind two crashes", "crash states behind three crashes"}) {
    CAPTURE(reached);
    CHECK(report.reached.contains(reached));
  }
}

TEST_CASE("whatever a workload was drawn by, its choices make it again") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Choices drawn({}, &random);
    Report report;
    std::unordered_set<std::uint64_t> states;
    Play drawing(drawn, report, states);
    const auto workload = seed % 2 == 0 ? conformance::detail::draw_workload(drawing, 5, 12, 3) : conformance::detail::pick_workload(drawing, 0, 3, 1);
    Choices given(conformance::detail::choices_of(workload));
    Play again(given, report, states);
    const auto same = conformance::detail::pick_workload(again, 0, 64, 3);
    CHECK(same.ops == workload.ops);
    CHECK(same.disk_kind == workload.disk_kind);
    CHECK(given.made() == conformance::detail::choices_of(workload));   // and nothing of them is left for the crash
  }
}

namespace {

/// Finds one disk in 400 to be another stream's, whatever is on it.
template <class Fs, std::uint64_t which>
struct Touchy {
  struct Stream : FileStore<Fs>::Stream {
    Stream(typename FileStore<Fs>::Stream stream, Fs fs) : FileStore<Fs>::Stream(std::move(stream)), disk(std::move(fs)) {}
    Fs disk;
    result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) {
      const bool is_it = disk.hash() % 400 == which;
      auto found = FileStore<Fs>::Stream::recover(witnesses, options);
      if (found && is_it) found.value().verdict = Verdict::foreign;
      return found;
    }
  };
  static constexpr StoreClaims claims = FileStore<Fs>::claims;
  FileStore<Fs> store;
  Fs disk;
  result<Stream> open_stream(const StreamId& id) {
    KFM_DET_TRY(auto stream, store.open_stream(id));
    return Stream(std::move(stream), disk);
  }
};
struct TouchyFiles {
  using Store = Touchy<simulate::Disk, 7>;
  result<Store> open(simulate::Disk& disk) {
    KFM_DET_TRY(auto store, FileStore<simulate::Disk>::open("/wal", {4096, 4096}, disk));
    return Store{std::move(store), disk};
  }
};

}  // namespace

TEST_CASE("what a search finds comes back by its choices, behind a third crash too") {
  const auto subject = conformance::detail::store_on_disk<TouchyFiles>();
  std::uint32_t all = 0, third = 0;
  for (std::uint64_t seed = 1; seed <= 16; ++seed) {
    Options options;
    options.seed = seed;
    Report report;
    Explorer explorer(report, options);
    conformance::detail::CrashSearch search(explorer, subject, options);
    search.depth = 3, search.fates_max = 12, search.second_fates_max = 2, search.points_in = 16, search.only_last = false;
    std::vector<conformance::detail::CrashSearch::Found> found;
    explorer.run("drawn", {0, 30, "", true}, [&](Play& play) {
      conformance::detail::CrashSearch one = search;
      const auto workload = conformance::detail::draw_workload(play, 5, 12, 3);
      play.be_silent(true);
      one.search(play, workload);
      play.be_silent(false);
      found = one.found();
      if (!found.empty()) explorer.end_part();
    });
    if (found.empty()) continue;
    ++all;
    Choices choices(found[0].choices);
    std::unordered_set<std::uint64_t> states;
    Play play(choices, report, states);
    std::string sentence;
    try {
      search.replay(play, conformance::detail::pick_workload(play, 0, 64, 3));
    } catch (const BrokenLaw& law) {
      sentence = law.sentence;
    }
    CAPTURE(seed, to_text(found[0].choices));
    CHECK(sentence == found[0].law.sentence);
    const auto crashes = std::count_if(play.script().begin(), play.script().end(), [](const std::string& line) { return line.find("the power goes before change") != std::string::npos; });
    third += crashes == 3 ? 1 : 0;
  }
  CHECK(all > 10);
  CHECK(third > 0);
}

namespace {

/// Calls everything damaged what `As` says.
template <class Store, Verdict As, bool also_padding>
struct Alarmist {
  struct Stream : Store::Stream {
    Stream(typename Store::Stream stream) : Store::Stream(std::move(stream)) {}
    result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) {
      auto found = Store::Stream::recover(witnesses, options);
      if (!found) return found;
      Recovery& recovery = found.value();
      if (also_padding ? recovery.verdict == Verdict::torn_tail : recovery.verdict == Verdict::corrupt_committed) recovery.verdict = As;
      return found;
    }
  };
  static constexpr StoreClaims claims = Store::claims;
  Store store;
  result<Stream> open_stream(const StreamId& id) {
    KFM_DET_TRY(auto stream, store.open_stream(id));
    return Stream(std::move(stream));
  }
};
template <class Fs, Verdict As, bool also_padding>
struct FilesOf {
  using Store = Alarmist<FileStore<Fs>, As, also_padding>;
  result<Store> open(Fs& fs) {
    KFM_DET_TRY(auto store, FileStore<Fs>::open("/wal", {8192, 4096}, fs));
    return Store{std::move(store)};
  }
};
/// Says of every byte that it is the same.
template <class Fs, MediaPlace As>
struct FilesAllOf : Files<Fs> {
  static std::vector<MediaRegion> places(const std::vector<std::pair<std::string, Bytes>>& files) {
    std::vector<MediaRegion> out;
    for (const auto& [path, bytes] : files) out.push_back({path, 0, bytes.size(), As});
    return out;
  }
};
template <class Fs> using AllNothing = FilesAllOf<Fs, MediaPlace::nothing>;
template <class Fs> using AllBehind = FilesAllOf<Fs, MediaPlace::behind>;
template <class Fs> using AllProven = FilesAllOf<Fs, MediaPlace::proven>;
template <class Fs> using AllUnproven = FilesAllOf<Fs, MediaPlace::unproven>;
template <class Fs> using EverythingForeign = FilesOf<Fs, Verdict::foreign, false>;
template <class Fs> using EverythingUnreadable = FilesOf<Fs, Verdict::io_error, false>;
template <class Fs> using EverythingRegressed = FilesOf<Fs, Verdict::regressed, false>;
template <class Fs> using PaddingCorrupt = FilesOf<Fs, Verdict::corrupt_committed, true>;

}  // namespace

TEST_CASE("a verdict on damage at rest that cannot be is named") {
  Options options = small();
  options.first_only = true;
  options.cases = 5;
  const auto law = [&](const Report& report) {
    INFO(report.to_text());
    return report.violations.empty() ? std::string() : report.violations[0].law;
  };
  CHECK(law(check_store_media<Files>(options)).empty());
  CHECK(law(check_store_media<EverythingForeign>(options)) == "STORE-18");
  CHECK(law(check_store_media<EverythingUnreadable>(options)) == "STORE-8");
  CHECK(law(check_store_media<EverythingRegressed>(options)) == "STORE-8");
  CHECK(law(check_store_media<PaddingCorrupt>(options)) == "STORE-17");
  // and where the fixture says what a byte is, one that does not fit it
  CHECK(law(check_store_media<AllNothing>(options)) == "STORE-17");
  CHECK(law(check_store_media<AllBehind>(options)) == "STORE-17");
  CHECK(law(check_store_media<AllProven>(options)) == "STORE-8");
  CHECK(law(check_store_media<AllUnproven>(options)) == "STORE-8");
}

TEST_CASE("equal options give an equal report of a store") {
  CHECK(check_store_on_disk<Files>(small()).to_json() == check_store_on_disk<Files>(small()).to_json());
}

TEST_CASE("a store that does not sync is named, with a script that is short and a line that brings it back") {
  Options options = small();
  options.first_only = true;
  const Report report = check_store_on_disk<FilesUnsynced>(options);
  REQUIRE(report.violations.size() == 1);
  const Violation& found = report.violations[0];
  INFO(found.sentence << "\n" << found.script << "\n" << found.reproducer);
  CHECK(found.law == "STORE-3");
  CHECK(found.operations <= 6);
  CHECK(testing::brought_back(check_store_on_disk<FilesUnsynced>, found, options).cases == 1);
}

TEST_CASE("VERB-1 an exception out of a store is told, shrunk and brought back") {
  testing::threw(check_store<MemoryWith<ThrowsAtThree>>, "an exception (three is too many) came out of a verb", small());
}

TEST_CASE("VERB-1 an exception out of a crash search: behind a loss of power, and in the workload itself") {
  testing::threw(check_store_on_disk<FilesWith<ThrowsAtTorn>::Fixture>, "an exception that is no std::exception", small());
  testing::threw(check_store_on_disk<FilesWith<ThrowsAtThree>::Fixture>, "three is too many", small());
}

TEST_CASE("VERB-1 an exception out of what is asked alone") {
  const Report report = check_store<MemoryWith<ThrowsAtOnce>>(small());
  const Violation* found = report.find("VERB-1");
  REQUIRE(found);
  CHECK(found->sentence.find("std::bad_alloc") != std::string::npos);
  CHECK(found->reproducer == "kfm_det/1 check_store part=waits choices=-");
  testing::brought_back(check_store<MemoryWith<ThrowsAtOnce>>, *found, small());
}

TEST_CASE("VERB-1 what a backend throws in a thread of the kit is thrown where the kit waits for it") {
  conformance::detail::JoinedThread one([] { throw std::runtime_error("in a thread"); });
  CHECK_THROWS_WITH(one.join(), "in a thread");
  const conformance::detail::Errand errand([] { throw std::runtime_error("in an errand"); });
  CHECK_THROWS_WITH(errand.done_within(std::chrono::seconds(10)), "in an errand");
}
