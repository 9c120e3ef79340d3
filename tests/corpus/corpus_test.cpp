// SPDX-License-Identifier: BSL-1.0
/// \file
/// Every log of the corpus says today what it said when it was written, and looking at it changes no byte.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/stores/file_store.hpp"
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
Json without(const Json& object, std::string_view name) {
  Json out = Json::object();
  for (const auto& [key, value] : object.members())
    if (key != name) out.set(key, value);
  return out;
}
}  // namespace

TEST_CASE("every log of the corpus is read as it was read when it was written, and looking changes no byte", "[corpus]") {
  std::set<std::string> verdicts, statuses;
  CHECK(logs().size() > 13);
  for (const fs::path& folder : logs()) {
    INFO(folder.string());
    const auto before = tree(folder);
    const Json expected = parse_json(BytesView(before.at("expected.json")).substr(0, before.at("expected.json").size() - 1)).value();
    const StreamId id{get_string(expected, "stream").value()};
    auto store = FileStore<>::open((folder / "log").string());
    REQUIRE(store);
    const auto seen = kfm_det::testing::summary(store.value(), id);
    if (!seen) FAIL(seen.error().message());
    CHECK(canonical(seen.value()).value() == canonical(without(expected, "says")).value());
    CHECK(tree(folder) == before);
    verdicts.insert(get_string(expected, "verdict").value());
    for (const Json& run : expected.find("runs")->items()) statuses.insert(get_string(run, "status").value());
  }
  CHECK(verdicts == std::set<std::string>{"Clean", "CorruptCommitted", "Hole", "TornTail"});
  CHECK(statuses == std::set<std::string>{"abandoned", "committed", "failed", "lost", "open", "parked", "quarantined", "undoing", "undone"});
}
