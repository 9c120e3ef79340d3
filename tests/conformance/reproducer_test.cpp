// SPDX-License-Identifier: BSL-1.0
// Reproducer lines that are none: each is a clear error, and never a check that passed.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/main.hpp"
#include "kfm_det/stores/memory_store.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

namespace {

struct SomeStore {
  using Store = MemoryStore;
  result<Store> open() { return store; }
  void wipe() { store = Store(); }
  Store store;
};

struct Row {
  const char* line;
  const char* words;   ///< of the error
};
const Row no_lines[] = {
    {"kfm_det/1 check_store part=no-such-part choices=-", "check_store has no part no-such-part here; it has waits, scripts, longer-scripts"},
    {"kfm_det/1 check_store part=scripts choices=1..2", "its choices cannot be read: \"1..2\""},
    {"kfm_det/1 check_store part=scripts choices=1.x", "its choices cannot be read"},
    {"kfm_det/1 check_store part=scripts choices=1.2.", "its choices cannot be read"},
    {"kfm_det/1 check_store part=scripts choices=99999999999", "its choices cannot be read"},
    {"kfm_det/1 check_store part=scripts choices=", "its choices cannot be read"},
    {"kfm_det/0 check_store part=scripts choices=-", "of version kfm_det/0 of the kit, and this one is kfm_det/1"},
    {"kfm_det/2 check_store part=scripts choices=-", "of version kfm_det/2 of the kit"},
    {"kfm_det/1 check_store part=scripts choices=1.2 and more", "something follows the choices: \"and more\""},
    {"kfm_det/1 check_lock part=scripts choices=-", "the line is of check_lock"},
    {"kfm_det/1 check_store part=scripts", "the line is not whole"},
    {"kfm_det/1 check_store", "the line is not whole"},
    {"kfm_det/1", "the line is not whole"},
    {"STORE-3", "this is no reproducer line"},
};

/// The exit code of the plain main with these words, which says nothing here.
int exit_code(std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const auto served = conformance::detail::fresh_processes();
  std::fflush(nullptr);
  const int out = ::dup(1), err = ::dup(2), nothing = ::open("/dev/null", O_WRONLY);
  ::dup2(nothing, 1);
  ::dup2(nothing, 2);
  const int code = run_main(static_cast<int>(argv.size()), argv.data());
  std::fflush(nullptr);
  ::dup2(out, 1);
  ::dup2(err, 2);
  for (const int file : {out, err, nothing}) ::close(file);
  conformance::detail::fresh_processes() = served;
  return code;
}

}  // namespace

TEST_CASE("a text that is no reproducer line of a check is a violation that says why") {
  for (const Row& row : no_lines) {
    INFO(row.line);
    Options options;
    options.reproduce = row.line;
    const Report report = check_store<SomeStore>(options);
    REQUIRE(report.violations.size() == 1);
    CHECK(report.violations[0].law == "reproduce");
    INFO(report.violations[0].sentence);
    CHECK(report.violations[0].sentence.find(row.words) != std::string::npos);
    CHECK(report.cases == 0);
  }
}

TEST_CASE("a line that a check wrote is read, and plays one case") {
  std::string why;
  const auto line = read_reproducer("kfm_det/1 check_store part=scripts choices=0.2.1", why);
  REQUIRE(line);
  CHECK(line->text() == "kfm_det/1 check_store part=scripts choices=0.2.1");
  Options options;
  options.reproduce = line->text();
  const Report report = check_store<SomeStore>(options);
  CHECK(report.passed());
  CHECK(report.cases == 1);
}

TEST_CASE("the plain main answers 2 for a line that it cannot play, and 0 for one that it can") {
  for (const Row& row : no_lines) {
    INFO(row.line);
    CHECK(exit_code({"--reproduce", row.line}) == 2);
  }
  CHECK(exit_code({"--reproduce", "kfm_det/1 check_store part=scripts choices=-"}) == 0);
  CHECK(exit_code({"--reproduce"}) == 2);
}
