// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>

#include "kfm_det/conformance/check_verify.hpp"
#include "kfm_det/wal/envelope_reader.hpp"
#include "kfm_det/wal/verify.hpp"
#include "tests/conformance/brought_back.hpp"

namespace {

using namespace kfm_det;
using namespace kfm_det::conformance;

struct Reference {
  VerifyAnswer verify(const VerifyInput& log) { return answer_of<wal::Verifier, wal::VerifyOptions>(log); }
};

/// As in docs/guides/conformance.md: follows the chain from entry to entry, and looks at nothing else.
struct ChainAuditor {
  VerifyAnswer verify(const VerifyInput& log) {
    VerifyAnswer out;
    Digest link;
    for (const VerifySegment& segment : log.segments) {
      const BytesView bytes = segment.bytes;
      for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
        const wal::Line line = wal::read_line(bytes.substr(at, end - at));
        if (line.kind == wal::LineKind::garbage && end != at) out.errors.push_back("a line that is none");
        if (line.kind == wal::LineKind::frame && line.link != link) out.errors.push_back("the chain is broken");
        if (line.kind == wal::LineKind::frame) link = line.hash;
        at = end + 1;
      }
    }
    out.trusted = out.errors.empty();
    return out;
  }
};

/// Calls everything sealed that is there.
struct Credulous : Reference {
  VerifyAnswer verify(const VerifyInput& log) {
    VerifyAnswer out = Reference::verify(log);
    if (out.sealed_upto != 0) ++out.sealed_upto;
    return out;
  }
};

Options small() {
  Options out;
  out.cases = 30;
  return out;
}

TEST_CASE("check_verify: the verifier that is here passes, and every law is asked") {
  const Report report = check_verify<Reference>(small());
  INFO(report.to_text());
  CHECK(report.passed());
  for (int law = 1; law <= 11; ++law) CHECK(report.laws.contains("VERIFY-" + std::to_string(law)));
  for (const char* found : {"found: chain_broken", "found: forked", "found: signature_invalid", "found: effect_unplanned"}) CHECK(report.reached.contains(found));
  CHECK(check_verify<Reference>(small()).to_json() == report.to_json());
}

TEST_CASE("check_verify: an auditor that only follows the chain misses signatures, witnesses and records; each line brings its finding back") {
  const Report report = check_verify<ChainAuditor>(small());
  std::set<std::string> laws;
  for (const Violation& found : report.violations) {
    laws.insert(found.law);
    CHECK(testing::brought_back(check_verify<ChainAuditor>, found).cases == 1);
  }
  CHECK(laws == std::set<std::string>{"VERIFY-1", "VERIFY-3", "VERIFY-4", "VERIFY-5"});
}

TEST_CASE("check_verify: an auditor that calls one entry too many sealed is rejected") {
  const Report report = check_verify<Credulous>(small());
  REQUIRE_FALSE(report.passed());
  CHECK(report.violations[0].law == "VERIFY-3");
}

}  // namespace
