// SPDX-License-Identifier: BSL-1.0
// The store checks on small bounds: our stores pass, broken ones are named by their law, and a line brings a failure back.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/check_store_on_disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "tests/conformance/brought_back.hpp"

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
  CHECK(report.laws.size() == 20);
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
