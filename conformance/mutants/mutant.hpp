// SPDX-License-Identifier: BSL-1.0
/// \file
/// A mutant as main.cpp plays it.
#ifndef KFM_DET_CONFORMANCE_MUTANTS_MUTANT_HPP
#define KFM_DET_CONFORMANCE_MUTANTS_MUTANT_HPP

#include <string>
#include <vector>

#include "kfm_det/conformance/registry.hpp"

namespace kfm_det::conformance::mutants {

struct Mutant {
  std::string id, name, family, laws;   ///< laws: those by which it may die, with spaces between; empty: it must pass
  std::string check;
  Report (*play)(const Options&) = nullptr;
};
inline std::vector<Mutant>& all() {
  static std::vector<Mutant> mutants;
  return mutants;
}
struct Enrolled {
  Enrolled(Mutant mutant) { all().push_back(std::move(mutant)); }
};

}  // namespace kfm_det::conformance::mutants

#define KFM_DET_MUTANT(id, name, family, laws, check, Fixture)                                                                                  \
  static const ::kfm_det::conformance::mutants::Enrolled KFM_DET_CONFORMANCE_DETAIL_JOIN(enrolled_, __COUNTER__)(                                 \
      {id, name, family, laws, #check, [](const ::kfm_det::conformance::Options& options) { return ::kfm_det::conformance::check<Fixture>(options); }});

#endif
