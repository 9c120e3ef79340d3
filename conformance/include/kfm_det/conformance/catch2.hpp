// SPDX-License-Identifier: BSL-1.0
/// \file
/// The leaf for Catch2 (version 2): for each check that is registered in the program a test case "check Fixture LAW" for each law that the check may ask, and
/// one, "check Fixture", for the rest. A broken law fails with script, reproducer and usual cause.
///
/// Include it in one source of the test program. A check is played once, whatever of its test cases are chosen; KFM_DET_REPRODUCE in the environment plays
/// a reproducer line instead. This Catch2 cannot skip. The test case of a law that was not asked says so on the error output and asserts nothing: JUnit
/// does not have it, and `-w NoAssertions` fails it.
#ifndef KFM_DET_CONFORMANCE_CATCH2_HPP
#define KFM_DET_CONFORMANCE_CATCH2_HPP

#include <catch2/catch.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/conformance/laws.hpp"
#include "kfm_det/conformance/registry.hpp"

namespace kfm_det::conformance {

inline constexpr const char* catch2_fresh_process = "kfm_det: what a fresh process of the conformance kit runs";

/// The body of one test case.
class Catch2Law final : public Catch::ITestInvoker {
 public:
  /// Without a law: the rest.
  Catch2Law(std::shared_ptr<PlayedOnce> played, std::string law) : played_(std::move(played)), law_(std::move(law)) {}
  void invoke() const override {
    serve_fresh_process({catch2_fresh_process});
    const PlayedOnce::Word word = played_->word_of(law_);
    if (word.kind == PlayedOnce::Word::Kind::not_asked) {
      std::fprintf(stderr, "%s %s: %s\n", played_->check().check.c_str(), played_->check().subject.c_str(), word.text.c_str());
      return;
    }
    INFO(word.text);
    CHECK(word.kind == PlayedOnce::Word::Kind::holds);
  }

 private:
  std::shared_ptr<PlayedOnce> played_;
  std::string law_;
};

inline void register_with_catch2(const RegisteredCheck& check) {
  const auto played = std::make_shared<PlayedOnce>(check);
  for (const std::string& law : tests_of(check)) {
    const std::string name = check.check + " " + check.subject + (law.empty() ? "" : " " + law);
    // Catch2 owns the body, and copies the texts
    const Catch::AutoReg registered(new Catch2Law(played, law), CATCH_INTERNAL_LINEINFO, Catch::StringRef(), Catch::NameAndTags{Catch::StringRef(name), "[conformance]"});
  }
}

}  // namespace kfm_det::conformance

TEST_CASE(kfm_det::conformance::catch2_fresh_process, "[.]") { kfm_det::conformance::serve_fresh_process({kfm_det::conformance::catch2_fresh_process}); }
[[maybe_unused]] static const bool kfm_det_conformance_is_registered = (kfm_det::conformance::for_each_registration(kfm_det::conformance::register_with_catch2), true);

#endif
