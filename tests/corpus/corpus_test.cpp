// SPDX-License-Identifier: BSL-1.0
/// \file
/// Every log of the corpus says today what it said when it was written, and looking at it changes no byte.
#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/stores/evidence.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/verify_folder.hpp"
#include "kfm_det/wal/key_ring.hpp"
#include "tests/corpus/summary.hpp"

using namespace kfm_det;
namespace fs = std::filesystem;

namespace {
Bytes read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::map<std::string, Bytes> tree(const fs::path& folder) {
  std::map<std::string, Bytes> out;
  for (const auto& one : fs::recursive_directory_iterator(folder))
    if (one.is_regular_file()) out[one.path().lexically_relative(folder).string()] = read_file(one.path());
  return out;
}
std::set<fs::path> logs() {
  std::set<fs::path> out;
  for (const auto& version : fs::directory_iterator(fs::path(KFM_DET_SOURCE_DIR) / "tests/corpus"))
    if (version.is_directory())
      for (const auto& one : fs::directory_iterator(version)) out.insert(one.path());
  return out;
}
/// The keys that stand beside a signed log.
wal::KeyRing ring_of(const std::map<std::string, Bytes>& log) { return log.contains("keys.json") ? wal::KeyRing::parse(log.at("keys.json")).value() : wal::KeyRing(); }
Json expected_of(const fs::path& folder) {
  const Bytes text = read_file(folder / "expected.json");
  return parse_json(BytesView(text).substr(0, text.size() - 1)).value();
}
fs::path corpus_log(const std::string& name) { return fs::path(KFM_DET_SOURCE_DIR) / "tests/corpus/wal-1" / name; }
wal::VerifyReport verified(const fs::path& folder, wal::VerifyOptions options = {}) {
  PosixFileSystem fs;
  return verify_folder(fs, (folder / "log/corpus@").string(), options).value();
}
/// The state that a log gives, read from its folder or from another one.
wal::ScopeState state_of(const fs::path& root) {
  auto store = FileStore<>::open(root.string()).value();
  auto stream = store.open_stream({"corpus@"}).value();
  REQUIRE(stream.inspect({}).value().verdict == Verdict::clean);
  wal::Replay replay;
  REQUIRE(wal::read_records(stream, 1, [&](const wal::Line& line, const wal::WalRecord& record) { return replay.apply(line, record); }));
  return replay.state();
}
Json without(const Json& object, std::string_view name) {
  Json out = Json::object();
  for (const auto& [key, value] : object.members())
    if (key != name) out.set(key, value);
  return out;
}
}  // namespace

TEST_CASE("every log of the corpus is read as it was read when it was written, and looking changes no byte", "[corpus]") {
  std::set<std::string> verdicts, statuses;
  CHECK(logs().size() > 21);
  for (const fs::path& folder : logs()) {
    INFO(folder.string());
    const auto before = tree(folder);
    const Json expected = expected_of(folder);
    const StreamId id{get_string(expected, "stream").value()};
    auto store = FileStore<>::open((folder / "log").string());
    REQUIRE(store);
    const auto seen = kfm_det::testing::summary(store.value(), id, ring_of(before));
    if (!seen) FAIL(seen.error().message());
    CHECK(canonical(seen.value()).value() == canonical(without(expected, "says")).value());
    CHECK(tree(folder) == before);
    verdicts.insert(get_string(expected, "verdict").value());
    for (const Json& run : expected.find("runs")->items()) statuses.insert(get_string(run, "status").value());
  }
  CHECK(verdicts == std::set<std::string>{"Clean", "CorruptCommitted", "Hole", "TornTail"});
  CHECK(statuses == std::set<std::string>{"abandoned", "committed", "failed", "lost", "open", "parked", "quarantined", "undoing", "undone"});
}

TEST_CASE("the signed log of the corpus is sealed up to its end, by each key where it is valid, and by no other ring", "[corpus]") {
  const fs::path folder = corpus_log("signed");
  const wal::KeyRing ring = ring_of(tree(folder));
  REQUIRE(ring.keys().size() == 2);
  wal::VerifyOptions options;
  options.ring = ring;
  const auto report = verified(folder, options);
  CHECK(report.errors == 0);
  CHECK(report.sealed_upto == report.tail.lsn);
  CHECK(report.signatures_valid == report.signatures);
  std::uint64_t expected = 0;
  const Json all = expected_of(folder);
  for (const auto& [key, count] : all.find("signatures")->members()) {
    CHECK(ring.find(key));
    expected += static_cast<std::uint64_t>(*count.number());
  }
  CHECK(report.signatures == expected);

  wal::KeyRing other;   // the keys, each where the other one is valid
  REQUIRE(other.add({ring.keys()[0].id, ring.keys()[1].key, ring.keys()[0].from, ring.keys()[0].to}));
  REQUIRE(other.add({ring.keys()[1].id, ring.keys()[0].key, ring.keys()[1].from, ring.keys()[1].to}));
  options.ring = other;
  CHECK(verified(folder, options).signatures_valid == 0);
  const auto unsigned_one = kfm_det::testing::summary(*std::make_unique<FileStore<>>(FileStore<>::open((folder / "log").string()).value()), StreamId{"corpus@"}, other);
  CHECK(!unsigned_one);
}

TEST_CASE("the compacted logs of the corpus say what their archive says, and are good under verify", "[corpus]") {
  for (const char* name : {"archived", "compacted", "compacted_going_back", "compacted_undropped"}) {
    INFO(name);
    const auto report = verified(corpus_log(name));
    for (const auto& finding : report.findings) UNSCOPED_INFO(finding.sentence);
    CHECK(report.errors == 0);
  }
  wal::VerifyOptions options;   // this one's store drops what a checkpoint covers, and its archive is evidence with gaps
  CHECK(verified(corpus_log("compacted_in_parts"), options).errors > 0);
  options.policy.history = wal::History::dropped;
  CHECK(verified(corpus_log("compacted_in_parts"), options).errors == 0);
  // The archive of `compacted` is whole: put back, it is the log from LSN 1 on. The one above it begins at the last checkpoint.
  const fs::path log = corpus_log("compacted") / "log", scratch = fs::temp_directory_path() / ("kfm_det_corpus_" + std::to_string(::getpid()));
  fs::remove_all(scratch);
  fs::create_directories(scratch / "corpus@");
  for (const auto& one : fs::recursive_directory_iterator(log))
    if (one.is_regular_file()) fs::copy_file(one.path(), scratch / "corpus@" / one.path().filename());
  const auto whole = state_of(scratch), compacted = state_of(log);
  CHECK(whole == compacted);
  CHECK(whole.runs.size() == 5);
  fs::remove_all(scratch);
}

TEST_CASE("the loss of the corpus names evidence that is what its hashes say", "[corpus]") {
  PosixFileSystem fs;
  const auto kept = list_evidence(fs, (corpus_log("loss_with_evidence") / "log/corpus@").string());
  REQUIRE(kept);
  std::set<std::string> names, named;
  for (const auto& one : kept.value()) {
    CHECK(one.trouble.empty());
    names.insert(one.name.hex());
  }
  const Json expected = expected_of(corpus_log("loss_with_evidence"));
  for (const Json& one : expected.find("evidence")->items()) named.insert(*one.string());
  CHECK(names == named);
  CHECK(names.size() == 3);
}

TEST_CASE("the undo of the corpus whose process died stands between its intents and their answers", "[corpus]") {
  const auto state = state_of(corpus_log("undoing") / "log");
  REQUIRE(state.runs.size() == 1);
  const auto& run = state.runs.front();
  CHECK(run.status == wal::RunStatus::undoing);
  CHECK(run.ends_as == wal::RunStatus::undone);
  CHECK(!run.has_effects);   // it had ended: who takes it back reads its PLAN record again
  using Progress = wal::EffectState::Progress;
  CHECK(run.recorded == std::vector<std::pair<std::string, Progress>>{{"join", Progress::withdrawing}, {"copy:c", Progress::withdrawing}});   // backwards, a window of two
  CHECK(run.planned_effects == 4);
}
