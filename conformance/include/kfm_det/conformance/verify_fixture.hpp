// SPDX-License-Identifier: BSL-1.0
/// \file
/// VerifyFixture: what the author of a verifier of logs gives to check_verify: one function, from a log's bytes to a verdict.
///
///   struct AuditorFixture {
///     kfm_det::conformance::VerifyAnswer verify(const kfm_det::conformance::VerifyInput& log) {
///       acme::Auditor auditor(log.stream.text, *log.ring, log.witnesses);          // log.ring may be null: signatures are not verified then
///       for (const auto& segment : log.segments) auditor.read(segment.name.first, segment.bytes);
///       return {auditor.good(), auditor.errors(), auditor.notes(), auditor.sealed(), auditor.signatures(), auditor.text()};
///     }
///   };
///
/// Whoever has wal::Verifier below calls answer_of. Thread-safety: one thread calls; the verifier may have threads of its own.
#ifndef KFM_DET_CONFORMANCE_VERIFY_FIXTURE_HPP
#define KFM_DET_CONFORMANCE_VERIFY_FIXTURE_HPP

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/wal/key_ring.hpp"
#include "kfm_det/wal/recovery.hpp"
#include "kfm_det/wal/verify_policy.hpp"

namespace kfm_det::conformance {

/// One file of a log: its name says ordinal and first LSN, the bytes are those of docs/formats/wal.md.
struct VerifySegment {
  wal::SegmentName name;
  Bytes bytes;
};
/// What an operator gives to a verifier.
struct VerifyInput {
  StreamId stream;                       ///< whose log it should be
  std::vector<VerifySegment> segments;   ///< in the order of their ordinals; none: there is no log
  const wal::KeyRing* ring = nullptr;    ///< null: signatures are not verified
  std::vector<Head> witnesses;           ///< what others have seen of it
  wal::VerifyPolicy policy;
  unsigned threads = 1;                  ///< how many may work; a verifier that has one only need not care
  std::size_t piece_bytes = std::size_t{1} << 20;   ///< in which the bytes come; a verifier that wants them whole need not care
};
/// What it says.
struct VerifyAnswer {
  bool trusted = false;                  ///< nothing speaks against the log
  std::vector<std::string> errors;       ///< a code for each finding that speaks against it
  std::vector<std::string> notes;        ///< a code for each that only says how it stands
  Lsn sealed_upto = 0;                   ///< a valid signature reaches from here back over everything; 0: none
  std::uint64_t signatures_valid = 0;
  std::string report;                    ///< everything it says, as text: the same log gives the same
};

namespace verify_fixture_clause {
template <class F> concept default_made = std::is_default_constructible_v<F>;
template <class F> concept verifies = requires(F& fixture, const VerifyInput& log) { { fixture.verify(log) } -> std::same_as<VerifyAnswer>; };
}  // namespace verify_fixture_clause

/// Says in sentences which clauses F misses, all of them at once.
template <class F>
consteval bool diagnose_verify_fixture() {
  using namespace verify_fixture_clause;
  static_assert(default_made<F>, "kfm_det verify fixture: must be default constructible; the kit makes it");
  static_assert(verifies<F>, "kfm_det verify fixture: needs `VerifyAnswer verify(const VerifyInput& log)`: the verifier's verdict on these bytes");
  return default_made<F> && verifies<F>;
}

/// What a verifier with the face of wal::Verifier says of a log.
template <class Verifier, class VerifyOptions>
[[nodiscard]] VerifyAnswer answer_of(const VerifyInput& log) {
  VerifyOptions options;
  if (log.ring) options.ring = *log.ring;
  options.witnesses = log.witnesses;
  options.policy = log.policy;
  options.threads = log.threads;
  Verifier verifier(log.stream, options);
  std::vector<wal::SegmentName> names;
  for (const VerifySegment& one : log.segments) names.push_back(one.name);
  const wal::Judge judge(log.stream, names, {});
  auto living = judge.living().begin();
  for (const VerifySegment& one : log.segments) {
    const std::string label = std::to_string(one.name.ordinal) + "-" + std::to_string(one.name.first);
    if (living == judge.living().end() || living->name != one.name) {
      verifier.dead_segment(label, one.name.first);
      continue;
    }
    verifier.begin_segment(one.name, living->limit, label);
    for (std::size_t at = 0; at < one.bytes.size(); at += std::min(log.piece_bytes, one.bytes.size() - at)) verifier.feed(BytesView(one.bytes).substr(at, log.piece_bytes));
    verifier.end_segment();
    ++living;
  }
  const auto report = verifier.finish();
  VerifyAnswer out{report.is_intact(), {}, {}, report.sealed_upto, report.signatures_valid, report.text()};
  for (const auto& one : report.findings) {
    using Severity = decltype(severity(one.code));
    (severity(one.code) == Severity::error ? out.errors : out.notes).emplace_back(enum_name(one.code));
  }
  return out;
}

}  // namespace kfm_det::conformance

#endif
