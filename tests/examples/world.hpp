// SPDX-License-Identifier: BSL-1.0
/// \file
/// The example's program and its state folder, as the process tests use them. Needs the program: MONTHLY_SUMMARY_PROGRAM says where it is.
#ifndef KFM_DET_TESTS_EXAMPLES_WORLD_HPP
#define KFM_DET_TESTS_EXAMPLES_WORLD_HPP

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

#include <signal.h>

#include "kfm_det/core/json_parser.hpp"
#include "tests/examples/program.hpp"
#include "tests/files/scratch.hpp"

namespace kfm_det::tests {

inline const std::string folder = MONTHLY_SUMMARY_FOLDER;
inline const std::string shipped = folder + "/data/seattle-weather.csv";
inline constexpr int killed = 1000 + SIGKILL;

/// Five months of the shipped data, in two years: enough for every kind of step, quick enough to be killed often.
inline std::string some_months() {
  const std::string all = text_of(shipped);
  std::string out;
  for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1) {
    const std::string line = all.substr(at, all.find('\n', at) + 1 - at), month = line.substr(0, 7);
    if (at == 0 || month == "2012/01" || month == "2012/02" || month == "2012/12" || month == "2013/01" || month == "2013/02") out += line;
  }
  return out;
}
inline std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

/// A state folder, and what is run in it.
struct World {
  Scratch scratch{true};
  std::string state = scratch / "state";
  int files = 0;
  std::string data = write(some_months());

  /// A file of the same name, in a folder of its own: another version of the data.
  std::string write(const std::string& text) {
    const std::string path = scratch / ("data" + std::to_string(++files) + "/w.csv");
    write_text(path, text);
    return path;
  }
  static std::vector<std::string> words(std::vector<std::string> behind) {
    behind.insert(behind.begin(), MONTHLY_SUMMARY_PROGRAM);
    return behind;
  }
  [[nodiscard]] std::vector<std::string> run_words(const std::string& file, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"run", "--data", file, "--state", state};
    all.insert(all.end(), more.begin(), more.end());
    return words(all);
  }
  [[nodiscard]] Ran run(const std::string& file, const std::vector<std::string>& more = {}) const { return Running(run_words(file, more)).wait(); }
  [[nodiscard]] Ran ask(std::vector<std::string> what) const {
    what.insert(what.end(), {"--state", state});
    return Running(words(what)).wait();
  }
  [[nodiscard]] std::string exported() const {
    const Ran ran = ask({"show", "--json"});
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    return ran.out;
  }
  void verify() const {
    const Ran ran = ask({"verify"});
    INFO(ran.err << ran.out);
    REQUIRE(ran.code == 0);
    REQUIRE(ran.out.find("each has exactly one current version") != std::string::npos);
  }
};

/// Of one business key: the idempotency keys of its publications, by order, and what is current ("" for a tombstone).
struct Told { std::vector<std::string> versions; std::string current = "?"; };
inline std::map<std::string, Told> told(const std::string& exported) {
  std::map<std::string, Told> out;
  const auto json = good(parse_json(exported.substr(0, exported.size() - 1)));
  for (const Json& key : json.find("keys")->items()) {
    Told& one = out[*key.find("business_key")->string()];
    for (const Json& publication : key.find("publications")->items()) {
      const Json* version = publication.find("idempotency_key");
      one.versions.push_back(version ? *version->string() : "");
      if (*publication.find("effect") == *key.find("current")) one.current = one.versions.back();
    }
  }
  return out;
}

inline std::string reference(const std::string& file) {
  World world;
  REQUIRE(world.run(file, {"-q"}).code == 0);
  world.verify();
  return world.exported();
}

}  // namespace kfm_det::tests

#endif
