// SPDX-License-Identifier: BSL-1.0
/// \file
/// The leaf for RapidCheck: the kit's choice vectors as a generator, so that a property of one's own can drive and shrink the kit's scripts.
///
///   rc::check("my store keeps what it acknowledged", [] {
///     const auto choices = *kfm_det::conformance::choice_vectors();
///     kfm_det::conformance::Options options;
///     options.reproduce = kfm_det::conformance::reproducer_of("check_store", "scripts", choices);
///     RC_ASSERT(kfm_det::conformance::check_store<MyFixture>(options).passed());
///   });
///
/// RapidCheck shrinks the vector by its own means; the script that a vector means is in the report.
#ifndef KFM_DET_CONFORMANCE_RAPIDCHECK_HPP
#define KFM_DET_CONFORMANCE_RAPIDCHECK_HPP

#include <rapidcheck.h>

#include <string>
#include <string_view>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/reproducer.hpp"

namespace kfm_det::conformance {

/// Vectors of small numbers (the largest menu of a script has 19 entries), with every length that the size allows. A number that is too large for its choice counts as the largest.
[[nodiscard]] inline rc::Gen<ChoiceVector> choice_vectors(std::uint32_t below = 24) {
  return rc::gen::container<ChoiceVector>(rc::gen::inRange<std::uint32_t>(0, below));
}
/// The line that plays a vector in one part of a check (the report's `bounds` name the parts).
[[nodiscard]] inline std::string reproducer_of(std::string_view check, std::string_view part, const ChoiceVector& choices) {
  return Reproducer{std::string(check), std::string(part), choices}.text();
}

}  // namespace kfm_det::conformance

#endif
