// SPDX-License-Identifier: BSL-1.0
/// \file
/// The leaf for GoogleTest: one test per check that is registered in the program; a broken law is a failure with script, reproducer and usual cause.
///
/// Call register_with_gtest() in main(), between InitGoogleTest and RUN_ALL_TESTS. KFM_DET_REPRODUCE in the environment plays a reproducer line instead.
#ifndef KFM_DET_CONFORMANCE_GTEST_HPP
#define KFM_DET_CONFORMANCE_GTEST_HPP

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/conformance/registry.hpp"

namespace kfm_det::conformance {

class ConformanceTest : public ::testing::Test {
 public:
  explicit ConformanceTest(RegisteredCheck check) : check_(std::move(check)) {}
  void TestBody() override {
    Options options;
    if (const char* line = std::getenv("KFM_DET_REPRODUCE"))
      if (std::string(line).find(" " + check_.check + " ") != std::string::npos) options.reproduce = line;
    const Report report = check_(options);
    for (const Violation& broken : report.violations)
      ADD_FAILURE() << broken.law << ": " << broken.sentence << "\n" << broken.script << "\nreproduce: " << broken.reproducer << "\nusual cause: " << broken.usual_cause;
  }

 private:
  RegisteredCheck check_;
};

inline void register_with_gtest() {
  serve_fresh_process();
  for (const RegisteredCheck& check : registry())
    ::testing::RegisterTest(check.check.c_str(), check.subject.c_str(), nullptr, nullptr, __FILE__, __LINE__, [check]() -> ::testing::Test* { return new ConformanceTest(check); });
}

}  // namespace kfm_det::conformance

#endif
