// SPDX-License-Identifier: BSL-1.0
/// \file
/// The leaf for Catch2 (version 2): one test case with a section per law for each check that is registered in the program.
///
/// Include it in one source of the test program. A broken law fails its section with script, reproducer and usual cause; KFM_DET_REPRODUCE in the
/// environment plays a reproducer line instead.
#ifndef KFM_DET_CONFORMANCE_CATCH2_HPP
#define KFM_DET_CONFORMANCE_CATCH2_HPP

#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <string>

#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/conformance/registry.hpp"

TEST_CASE("conformance", "[conformance]") {
  using namespace kfm_det::conformance;
  serve_fresh_process({"conformance"});
  static std::map<std::string, Report> played;   // a check is played once, whatever sections Catch2 enters
  for (const RegisteredCheck& check : registry()) {
    const std::string name = check.check + " " + check.subject;
    DYNAMIC_SECTION(name) {
      auto found = played.find(name);
      if (found == played.end()) {
        Options options;
        if (const char* line = std::getenv("KFM_DET_REPRODUCE"))
          if (std::string(line).find(" " + check.check + " ") != std::string::npos) options.reproduce = line;
        found = played.emplace(name, check(options)).first;
      }
      const Report& report = found->second;
      for (const auto& [law, count] : report.laws) {
        DYNAMIC_SECTION(law) {
          const Violation* broken = report.find(law);
          if (broken) FAIL_CHECK(broken->sentence << "\n" << broken->script << "\nreproduce: " << broken->reproducer << "\nusual cause: " << broken->usual_cause);
          else SUCCEED("asked " << count << " times");
        }
      }
      for (const Violation& broken : report.violations)
        if (!report.laws.contains(broken.law)) FAIL_CHECK(broken.law << ": " << broken.sentence);
    }
  }
}

#endif
