// SPDX-License-Identifier: BSL-1.0
/// \file
/// The leaf for GoogleTest: for each check that is registered in the program a suite "check/Fixture", with a test for each law that the check may ask, and
/// one for the rest. A broken law is a failure with script, reproducer and usual cause; a law that was not asked is skipped.
///
/// Call register_with_gtest() in main(), between InitGoogleTest and RUN_ALL_TESTS. A check is played once, whatever of its tests are chosen; KFM_DET_REPRODUCE
/// in the environment plays a reproducer line instead. A test is named STORE_3, and not STORE-3: a minus has a meaning in --gtest_filter.
#ifndef KFM_DET_CONFORMANCE_GTEST_HPP
#define KFM_DET_CONFORMANCE_GTEST_HPP

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/conformance/laws.hpp"
#include "kfm_det/conformance/registry.hpp"

namespace kfm_det::conformance {

class ConformanceTest : public ::testing::Test {
 public:
  /// Without a law: the rest.
  ConformanceTest(std::shared_ptr<PlayedOnce> played, std::string law) : played_(std::move(played)), law_(std::move(law)) {}
  void TestBody() override {
    const PlayedOnce::Word word = played_->word_of(law_);
    if (word.kind == PlayedOnce::Word::Kind::broken) ADD_FAILURE() << word.text;
    if (word.kind == PlayedOnce::Word::Kind::not_asked) GTEST_SKIP() << word.text;
  }

 private:
  std::shared_ptr<PlayedOnce> played_;
  std::string law_;
};

inline void register_with_gtest() {
  serve_fresh_process();
  for (const RegisteredCheck& check : registry()) {
    const auto played = std::make_shared<PlayedOnce>(check);
    const std::string suite = check.check + "/" + check.subject;
    for (const std::string& law : tests_of(check)) {
      std::string name = law.empty() ? "the_rest" : law;
      std::replace(name.begin(), name.end(), '-', '_');
      ::testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__, [played, law]() -> ::testing::Test* { return new ConformanceTest(played, law); });
    }
  }
}

}  // namespace kfm_det::conformance

#endif
