// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a check found, played again by its line alone.
#ifndef KFM_DET_TESTS_CONFORMANCE_BROUGHT_BACK_HPP
#define KFM_DET_TESTS_CONFORMANCE_BROUGHT_BACK_HPP

#include <catch2/catch.hpp>

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

}  // namespace kfm_det::testing

#endif
