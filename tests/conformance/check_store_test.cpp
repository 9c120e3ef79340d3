// SPDX-License-Identifier: BSL-1.0
// The store checks on small bounds: our stores pass, broken ones are named by their law, and a line brings a failure back.
#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/check_store_on_disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "tests/conformance/brought_back.hpp"
#include "tests/conformance/impatient.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

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

struct ThrowsAtThree {
  static void appends(std::size_t frames) { if (frames == 3) throw std::runtime_error("three is too many"); }
  static void recovered(Verdict) {}
};
struct ThrowsAtTorn {
  static void appends(std::size_t) {}
  static void recovered(Verdict verdict) { if (verdict == Verdict::torn_tail) throw 17; }
};
struct ThrowsAtOnce {
  static void appends(std::size_t) {}
  static void recovered(Verdict) { throw std::bad_alloc(); }
};

template <class Act>
struct MemoryWith {
  using Store = testing::Impatient<MemoryStore, Act>;
  result<Store> open() { return store; }
  void wipe() { store = Store(); }
  Store store;
};
template <class Act>
struct FilesWith {
  template <class Fs>
  struct Fixture {
    using Store = testing::Impatient<FileStore<Fs>, Act>;
    result<Store> open(Fs& fs) {
      KFM_DET_TRY(auto store, FileStore<Fs>::open("/wal", {4096, 4096}, fs));
      return Store(std::move(store));
    }
  };
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
