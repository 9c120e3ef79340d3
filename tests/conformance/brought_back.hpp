// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a check found, played again by its line alone.
#ifndef KFM_DET_TESTS_CONFORMANCE_BROUGHT_BACK_HPP
#define KFM_DET_TESTS_CONFORMANCE_BROUGHT_BACK_HPP

#include <catch2/catch.hpp>

#include <string>

#include "kfm_det/conformance/laws.hpp"
#include "kfm_det/conformance/report.hpp"

namespace kfm_det::testing {

/// The line brings the same law, sentence and script back, and nothing else. Answers the report of that.
inline conformance::Report brought_back(conformance::Report (*check)(const conformance::Options&), const conformance::Violation& found, conformance::Options options = {}) {
  options.reproduce = found.reproducer;
  conformance::Report again = check(options);
  REQUIRE(again.violations.size() == 1);
  CHECK(again.violations[0].law == found.law);
  CHECK(again.violations[0].sentence == found.sentence);
  CHECK(again.violations[0].script == found.script);
  return again;
}

/// VERB-1 is among what the check finds, in these words, with a script, and its line brings it back.
inline void threw(conformance::Report (*check)(const conformance::Options&), const std::string& words, const conformance::Options& options) {
  const conformance::Report report = check(options);
  INFO(report.to_text());
  const conformance::Violation* found = report.find("VERB-1");
  REQUIRE(found);
  CHECK(found->sentence.find(words) != std::string::npos);
  CHECK(found->usual_cause == conformance::usual_cause("VERB-1"));
  CHECK_FALSE(found->script.empty());
  brought_back(check, *found, options);
}

}  // namespace kfm_det::testing

#endif
