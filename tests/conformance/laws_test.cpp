// SPDX-License-Identifier: BSL-1.0
// The kit's table of laws says what the contract headers say, and every law of a file system, store, lock, sink, plan and run is asked by a check.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "kfm_det/conformance/laws.hpp"

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string without_stop(std::string text) {
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

/// Law by id: what holds, and its usual bug, as the headers state them.
std::map<std::string, std::pair<std::string, std::string>> stated() {
  std::map<std::string, std::pair<std::string, std::string>> out;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(KFM_DET_SOURCE_DIR) / "include/kfm_det")) {
    if (entry.path().extension() != ".hpp") continue;
    std::ifstream file(entry.path());
    std::string id, whole;
    const auto end = [&] {
      if (id.empty()) return;
      const auto bug = whole.find(" Bug: ");
      out[id] = {without_stop(whole.substr(0, bug)), bug == std::string::npos ? "" : without_stop(whole.substr(bug + 6))};
      id.clear();
    };
    for (std::string line; std::getline(file, line);) {
      const std::string lead = "///   ";
      const auto dash = line.find('-');
      const bool begins = line.starts_with(lead) && line.size() > 7 && line[6] >= 'A' && line[6] <= 'Z' && dash != std::string::npos && line.find("  ", dash) != std::string::npos &&
                          std::all_of(line.begin() + 6, line.begin() + static_cast<std::ptrdiff_t>(dash), [](char c) { return c >= 'A' && c <= 'Z'; });
      if (line.starts_with("/// Law ") && line.find(": ") != std::string::npos) {   // the only one of its header
        end();
        id = line.substr(8, line.find(": ") - 8);
        whole = line.substr(line.find(": ") + 2);
      } else if (begins) {
        end();
        const auto space = line.find(' ', dash);
        id = line.substr(6, space - 6);
        whole = line.substr(line.find_first_not_of(' ', space));
      } else if (!id.empty() && line.starts_with("///    ")) {
        whole += " " + line.substr(line.find_first_not_of(' ', 3));
      } else {
        end();
      }
    }
    end();
  }
  return out;
}

}  // namespace

TEST_CASE("the kit names laws as the contracts do") {
  const auto contracts = stated();
  for (const auto& law : kfm_det::conformance::laws) {
    CAPTURE(law.id);
    const auto found = contracts.find(std::string(law.id));
    REQUIRE(found != contracts.end());
    CHECK(found->second.first == law.holds);
    CHECK(found->second.second == law.usual_cause);
  }
}

namespace {

/// A law that no check of the kit can ask: it is not one of a backend, a plan or an updater that a stranger has. A unit test holds it, by its name.
struct HeldByUnitTest {
  const char* law;
  const char* test_case;
};
constexpr HeldByUnitTest held_by_unit_tests[] = {
    {"CLOCK-1", "CLOCK-1 monotonic time never goes back, and it is the clock that counts in suspend"},
    {"CLOCK-2", "CLOCK-2 now is UTC: POSIX time"},
    {"CLOCK-3", "CLOCK-3 the epoch is the boot, the same for every copy"},
    {"SIGNER-1", "SIGNER-1 Ed25519 gives the signatures of RFC 8032, and no other bytes or signature fit"},
    {"SIGNER-2", "VERIFY-3 SIGNER-2 the algorithm and the keys are the reader's: none, others, unknown keys, another's name"},
    {"SOURCE-1", "SOURCE-1 describe hashes the very bytes that open gives, also those longer than its pieces"},
    {"SOURCE-2", "SOURCE-2 what is not there is not_found, and not a reason to try again"},
    {"SOURCE-3", "SOURCE-3 a read error in the middle is an error, not the end"},
    {"RUN-5", "an operation that throws is an error, and so is one that is not pure"},   // in check_updater a step that gives other bytes breaks PLAN-5 before
    {"LOSS-1", "log or sink put back alone at every point of a history is refused, and an accepted loss is accounted for, over memory"},
    {"LOSS-2", "log or sink put back alone at every point of a history is refused, and an accepted loss is accounted for, over memory"},
    {"LOSS-3", "an open run that goes on behind an accepted loss asks the sink again for every effect, forward and back"},
    {"LOSS-4", "LOSS-4 accepting a loss can be stopped at any call"},
    {"LOSS-5", "REPAIR-2 where the evidence cannot be kept, nothing is accepted"},
    {"SETTLE-1", "R25 a run whose effects are all there is committed although its inputs and its code are gone"},
    {"SETTLE-2", "SETTLE-2 every way to end has its record, its reason in the report and in explain, and its remedy"},
    {"SETTLE-3", "SETTLE-3 an open run whose error passes is passed over by a newer run and finished later, in its own place"},
    {"SETTLE-4", "SETTLE-4 attempts are counted over processes, a new effect starts the count again, and used up they end the run: quarantined, with what to do"},
    {"SETTLE-5", "R23 an open run that was on its way back when its process died never goes forward again"},
    {"LOG-8", "LOG-8 a log signs the last line of each group, or of those that commit() makes durable, and nothing without a signer"},
    {"RUN-20", "RUN-20 a run, then its undo, is the state before, in any order with other runs"},
    {"RISK-1", "RISK-1 a plan of tier 2 without an approval: its own error, nothing is logged, nothing published"},
    {"RISK-2", "RISK-2 what PLAN recorded holds for the whole run, stopped at every call and taken up by a trigger without approval"},
    {"RISK-3", "RISK-3 every record says who acted and how risky it is; the approval stands where something is published"},
    {"PREVIEW-1", "PREVIEW-1 looking changes no byte of files, and makes no lock"},
    {"PREVIEW-2", "PREVIEW-2 an undo does what its preview says, key by key"},
    {"EVIDENCE-1", "EVIDENCE-1 EVIDENCE-4 stopped at every call, killed or by power loss: whole evidence under its name, or none; the next attempt completes it"},
    {"EVIDENCE-2", "EVIDENCE-2 EVIDENCE-5 a damaged region is copied with its context, and its manifest says what it is"},
    {"EVIDENCE-3", "EVIDENCE-3 the same evidence again is the same name, and nothing is written; other damage has another name"},
    {"EVIDENCE-4", "EVIDENCE-4 a full or failing disk at every call leaves nothing half-named, and no litter where it can be removed"},
    {"EVIDENCE-5", "EVIDENCE-5 kept evidence that was changed is never passed for what it was"},
    {"REPAIR-1", "REPAIR-1 a repair without the word proposes: it says what would be lost, and changes no byte"},
    {"REPAIR-2", "REPAIR-2 killed at every call, or by power loss, the next repair goes on, and nothing was accepted before its evidence was durable"},
    {"REPAIR-3", "REPAIR-2 REPAIR-3 with it: evidence, then a LOSS that names it; the original bytes stay, and updaters go on"},
    {"REPAIR-4", "REPAIR-4 what is accepted is what was shown"},
    {"REPRODUCE-1", "REPRODUCE-1 another plan, another version, another updater"},
    {"REPRODUCE-2", "REPRODUCE-2 each recorded member of a step is compared, in any step"},
    {"REPRODUCE-3", "REPRODUCE-3 inputs that changed or went away are said as such, and no step is blamed"},
    {"REPRODUCE-4", "REPRODUCE-1 REPRODUCE-2 a run is reproduced from its log: every step runs, every result is compared, nothing is written"},   // its parameters are the proof: none of them publishes
    {"REPRODUCE-5", "REPRODUCE-5 the updater, started with every prefix of a run, ends in the same export"},
    {"REPRODUCE-6", "REPRODUCE-6 a run that failed is reproduced when it fails in the same step with the same code"},
    {"BUNDLE-1", "BUNDLE-1 every bit flip of every byte is an error"},
    {"BUNDLE-2", "BUNDLE-2 what is too large is refused before it is read"},
    {"BUNDLE-3", "BUNDLE-3 a newer format is said to be one, also when nothing else can be understood"},
    {"COMPACT-4", "COMPACT-4 a compaction that is killed at any call leaves a log that says the same, and the next one goes on"},
    {"REPLAY-2", "REPLAY-2 COMPACT-1 COMPACT-2 replay from a checkpoint is replay of the whole log, field by field, over random histories with kills and compactions"},
    {"REPLAY-1", "every script of the model's table, undisturbed and with a crash, comes to its serial meaning over memory"},
};

std::string everything_below(const char* folder, const char* extension, const char* but) {
  std::string out;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(KFM_DET_SOURCE_DIR) / folder))
    if (entry.path().extension() == extension && entry.path().filename() != but) out += text_of(entry.path());
  return out;
}

}  // namespace

TEST_CASE("every law of every header is asked by a check of the kit, or names the unit test that holds it") {
  const auto contracts = stated();
  CHECK(contracts.size() >= 90);   // the headers were read
  for (const char* prefix : {"STORE", "LOG", "LOCK", "SINK", "FS", "CLOCK", "SOURCE", "SIGNER", "PLAN", "RUN", "LOSS", "SETTLE", "REPLAY", "COMPACT"}) {
    INFO(prefix);
    CHECK(contracts.contains(std::string(prefix) + "-1"));
  }
  const std::string checks = everything_below("conformance/include", ".hpp", "laws.hpp"), tests = everything_below("tests", ".cpp", "laws_test.cpp");
  std::map<std::string, std::string> unit;
  for (const HeldByUnitTest& row : held_by_unit_tests) {
    INFO(row.law << ", " << row.test_case);
    CHECK(unit.emplace(row.law, row.test_case).second);
    CHECK(contracts.contains(row.law));   // else the row is stale
    CHECK(tests.find("TEST_CASE(\"" + std::string(row.test_case) + "\"") != std::string::npos);
  }
  for (const auto& [id, words] : contracts) {
    INFO(id << ": no check of the kit asks it, and no row of held_by_unit_tests names the test that holds it");
    const bool asked = checks.find("\"" + id + "\"") != std::string::npos;
    CHECK((asked || unit.contains(id)));
    CHECK_FALSE((asked && unit.contains(id)));   // else the row is stale
    INFO("the kit asks it, and its table of laws (laws.hpp) does not have it");
    CHECK((!asked || kfm_det::conformance::find_law(id) != nullptr));
  }
}
