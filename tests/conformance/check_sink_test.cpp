// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <string>

#include "kfm_det/conformance/check_sink.hpp"
#include "kfm_det/conformance/check_sink_on_disk.hpp"
#include "kfm_det/sinks/file_sink.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "tests/conformance/brought_back.hpp"

namespace {

using namespace kfm_det;
using namespace kfm_det::conformance;

template <class S>
struct InMemory {
  using Sink = S;
  static constexpr SinkClaims claims = Sink::claims;
  result<Sink> open() { return storage; }
  void wipe() { storage = {}; }
  Sink storage;
};
using Memory = InMemory<MemorySink>;

/// Takes the key of another case for the same one.
class CarelessSink : public MemorySink {
 public:
  result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    std::vector<Upsert> lower(batch.begin(), batch.end());
    for (Upsert& one : lower)
      for (char& c : one.business_key.text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return MemorySink::upsert(tenure, head, lower);
  }
};
using Careless = InMemory<CarelessSink>;

template <class Fs>
struct File {
  using Sink = FileSink<Fs>;
  static constexpr SinkClaims claims = Sink::claims;
  result<Sink> open(Fs& fs) { return Sink::open("/sink", {}, fs); }
};
/// Says that all is well whatever sync() says, for the file system of its sink.
template <class Fs>
struct Deaf : Fs {
  Deaf(Fs fs = Fs()) : Fs(std::move(fs)) {}
  result<void> sync(typename Fs::File&) { return success(); }
};
template <class Fs>
struct Unsynced {
  using Sink = FileSink<Deaf<Fs>>;
  static constexpr SinkClaims claims = Sink::claims;
  result<Sink> open(Fs& fs) { return Sink::open("/sink", {}, Deaf<Fs>(fs)); }
};

Options small() {
  Options out;
  out.states_max = 300;
  out.cases = 20;
  return out;
}

struct ThrowingSink : MemorySink {
  [[nodiscard]] result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    auto out = MemorySink::upsert(tenure, head, batch);
    if (!out && out.error().code() == errc::hash_mismatch) throw std::runtime_error("UNIQUE constraint failed");
    return out;
  }
};
using ClientOfASink = InMemory<ThrowingSink>;

TEST_CASE("check_sink: a sink that keeps the contract passes, and every law is asked") {
  const Report report = check_sink<Memory>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  for (int law = 1; law <= 14; ++law) CHECK(report.laws.contains("SINK-" + std::to_string(law)));
  CHECK(report.states > 100);
  for (const char* answer : {"created", "moved", "unchanged", "superseded", "withdrawn", "stale_token", "forked", "wrong_scope", "hash_mismatch", "not_found"}) CHECK(report.reached.contains(answer));
}

TEST_CASE("check_sink: equal options give an equal report") {
  Options options = small();
  options.states_max = 50;
  CHECK(check_sink<Memory>(options).to_json() == check_sink<Memory>(options).to_json());
}

TEST_CASE("check_sink: a broken sink is rejected by its law, and its line brings it back") {
  const Report report = check_sink<Careless>(small());
  REQUIRE_FALSE(report.passed());
  const Violation& found = report.violations[0];
  CHECK(found.law == "SINK-10");
  CHECK(found.operations <= 2);
  CHECK(testing::brought_back(check_sink<Careless>, found).cases == 1);
}

TEST_CASE("check_sink_on_disk: a file sink keeps what it answered in every crash") {
  Options options = small();
  options.states_max = 3000;
  const Report report = check_sink_on_disk<File>(options);
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.states > 200);
}

TEST_CASE("check_sink_on_disk: a sink that never syncs is rejected, and its line brings it back") {
  Options options = small();
  options.states_max = 3000;
  const Report report = check_sink_on_disk<Unsynced>(options);
  REQUIRE_FALSE(report.passed());
  const Violation& found = report.violations[0];
  INFO(report.to_text());
  CHECK(found.operations <= 2);
  testing::brought_back(check_sink_on_disk<Unsynced>, found);
}

TEST_CASE("VERB-1 an exception out of a sink is told, and its line brings it back") { testing::threw(check_sink<ClientOfASink>, "UNIQUE constraint failed", small()); }

}  // namespace
