// SPDX-License-Identifier: BSL-1.0
/// \file
/// The laws as they stand in the contract headers: numbered without gaps, each named by a test; and every sentence of a diagnosis has a twin
/// in tests/compile_fail/ that makes a compiler say it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

fs::path root() {
#ifdef KFM_DET_SOURCE_DIR
  return KFM_DET_SOURCE_DIR;
#else
  return fs::path(__FILE__).parent_path().parent_path().parent_path();
#endif
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> sources_below(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".cpp" || extension == ".hpp")) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

/// PREFIX-n at the beginning of text; 0 when there is none.
std::size_t law_size(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] >= 'A' && text[at] <= 'Z') ++at;
  if (at == 0 || at == text.size() || text[at] != '-') return 0;
  const std::size_t number = ++at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at == number || (at < text.size() && is_word(text[at])) ? 0 : at;
}

/// Every PREFIX-n that stands in a text as a word.
std::set<std::string> laws_named_in(std::string_view text) {
  std::set<std::string> out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at != 0 && is_word(text[at - 1])) continue;
    if (const std::size_t size = law_size(text.substr(at)); size != 0) out.emplace(text.substr(at, size));
  }
  return out;
}

struct Law {
  std::string id;
  std::string contract;
};

/// As a contract states them: "///   STORE-1   what holds", in the order in which they stand.
std::vector<Law> laws() {
  std::vector<Law> out;
  for (const fs::path& header : sources_below(root() / "include/kfm_det/contracts")) {
    const std::string text = text_of(header);
    constexpr std::string_view lead = "\n///   ";
    for (std::size_t at = text.find(lead); at != std::string::npos; at = text.find(lead, at + 1)) {
      const std::string_view rest = std::string_view(text).substr(at + lead.size());
      const std::size_t size = law_size(rest);
      if (size != 0 && rest.substr(size, 2) == "  ") out.push_back({std::string(rest.substr(0, size)), header.filename().string()});
    }
  }
  return out;
}

std::string prefix_of(const std::string& law) { return law.substr(0, law.find('-')); }

/// The strings of a file that begin with "kfm_det ", as the source spells them.
std::vector<std::string> sentences_in(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = text.find("\"kfm_det "); at != std::string::npos; at = text.find("\"kfm_det ", at + 1)) {
    std::size_t end = at + 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2U : 1U;
    out.push_back(text.substr(at + 1, end - at - 1));
  }
  return out;
}

}  // namespace

TEST_CASE("law ids are read as words") {
  CHECK(laws_named_in("STORE-1, (LOCK-22) SINK-3: x PLAN-4") == std::set<std::string>{"STORE-1", "LOCK-22", "SINK-3", "PLAN-4"});
  CHECK(laws_named_in("RESTORE-1 STORE-1x STORE-12-3 xSTORE-4 STORE- -5 Store-6 STORE_7").count("RESTORE-1") == 1);
  CHECK(laws_named_in("STORE-1x STORE-12-3 xSTORE-4 STORE- -5 Store-6 STORE_7").empty());
}

TEST_CASE("the laws of every contract are numbered from 1, in order, without gaps") {
  std::map<std::string, std::size_t> count;
  std::map<std::string, std::string> home;
  for (const Law& law : laws()) {
    INFO(law.id << " in " << law.contract);
    const std::string prefix = prefix_of(law.id);
    CHECK(law.id == prefix + "-" + std::to_string(++count[prefix]));
    CHECK(home.try_emplace(prefix, law.contract).first->second == law.contract);
  }
  const std::set<std::string> expected{"CLOCK", "FS", "LOCK", "PLAN", "SIGNER", "SINK", "SOURCE", "STORE"};
  std::set<std::string> found;
  for (const auto& [prefix, number] : count) found.insert(prefix);
  for (const std::string& prefix : expected) {
    INFO(prefix);
    CHECK(found.count(prefix) == 1);
  }
}

TEST_CASE("every contract that has a concept states laws") {
  std::set<std::string> with_laws;
  for (const Law& law : laws()) with_laws.insert(law.contract);
  for (const fs::path& header : sources_below(root() / "include/kfm_det/contracts")) {
    INFO(header.filename().string());
    const bool diagnoses = text_of(header).find("consteval bool diagnose_") != std::string::npos;
    CHECK(diagnoses == (with_laws.count(header.filename().string()) == 1));
  }
}

TEST_CASE("every law is named by a test, and no test names a law that is not there") {
  std::map<std::string, std::string> named;  // law, a file that names it
  for (const char* place : {"tests", "conformance/include"})   // the kit asks laws, too
    for (const fs::path& file : sources_below(root() / place)) {
      if (file.filename() == "laws_test.cpp" || file.filename() == "laws.hpp") continue;
      for (const std::string& law : laws_named_in(text_of(file))) named.try_emplace(law, file.filename().string());
    }
  std::set<std::string> known, prefixes;
  for (const Law& law : laws()) {
    known.insert(law.id);
    prefixes.insert(prefix_of(law.id));
    INFO(law.id << " (" << law.contract << ") is named by no test");
    CHECK(named.count(law.id) == 1);
  }
  for (const auto& [law, file] : named) {
    INFO(law << " is named in " << file << ", but no contract has it");
    CHECK((prefixes.count(prefix_of(law)) == 0 || known.count(law) == 1));
  }
}

TEST_CASE("every sentence of a diagnosis is promised by a file of tests/compile_fail") {
  std::vector<std::string> promised;
  for (const fs::path& file : sources_below(root() / "tests/compile_fail")) {
    const std::string text = text_of(file);
    constexpr std::string_view lead = "// expect: ";
    for (std::size_t at = text.find(lead); at != std::string::npos; at = text.find(lead, at + 1))
      promised.push_back(text.substr(at + lead.size(), text.find('\n', at) - at - lead.size()));
  }
  REQUIRE_FALSE(promised.empty());
  std::size_t sentences = 0;
  for (const char* room : {"include/kfm_det/contracts", "include/kfm_det/plan", "conformance/include"}) {
    for (const fs::path& header : sources_below(root() / room)) {
      for (const std::string& sentence : sentences_in(text_of(header))) {
        INFO(header.filename().string() << ": no twin promises: " << sentence);
        // A quote inside a sentence is printed differently by each compiler, so a twin may promise the part in front of it.
        const bool found = std::any_of(promised.begin(), promised.end(), [&](const std::string& each) {
          return each.size() >= 20 && sentence.starts_with(each) && (each.size() == sentence.size() || sentence.find("\\\"") != std::string::npos);
        });
        CHECK(found);
        ++sentences;
      }
    }
  }
  CHECK(sentences >= 80);
}
