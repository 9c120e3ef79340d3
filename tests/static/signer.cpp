// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of the signer contract.
#include "kfm_det/contracts/signer.hpp"

#include <array>
#include <string>
#include <string_view>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause { signs, verifies, names_key, names_algorithm, none };

template <class S>
consteval std::array<bool, 4> holds() {
  using namespace det::signer_clause;
  return {signs<S>, verifies<S>, names_key<S>, names_algorithm<S>};
}

template <Clause C, How H>
struct Model {
  template <Clause Verb> static constexpr bool good = C != Verb;
  template <Clause Verb> static constexpr bool wrong = C == Verb && H == How::wrong;

  result<det::Bytes> sign(det::BytesView) const requires(good<Clause::signs>);
  det::Bytes sign(det::BytesView) const requires(wrong<Clause::signs>);
  result<void> verify(det::BytesView, det::BytesView) const requires(good<Clause::verifies>);
  bool verify(det::BytesView, det::BytesView) const requires(wrong<Clause::verifies>);  // a bool is easily not looked at
  std::string key_id() const requires(good<Clause::names_key>);
  int key_id() const requires(wrong<Clause::names_key>);
  std::string_view algorithm() const requires(good<Clause::names_algorithm>);
  int algorithm() const requires(wrong<Clause::names_algorithm>);
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(table::fails_only<Clause>(holds<det::NoSigner>(), {}));
static_assert(det::Signer<Archetype>);
static_assert(det::diagnose_signer<Archetype>() && det::diagnose_signer<det::NoSigner>());

FAILS_ALONE(det::Signer, Model, signs);
FAILS_ALONE(det::Signer, Model, verifies);
FAILS_ALONE(det::Signer, Model, names_key);
FAILS_ALONE(det::Signer, Model, names_algorithm);

}  // namespace
