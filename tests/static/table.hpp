// SPDX-License-Identifier: BSL-1.0
/// \file
/// Truth tables: a model of a contract with one thing absent or wrong fails that clause, and no other.
///
/// A table is a function `holds<M>()` that gives every clause of a contract for a model M, in the order of its enum Clause (whose last name is
/// `none`). A model is a class template over what is bad about it; each member says with `requires` when it is there.
#ifndef KFM_DET_TESTS_STATIC_TABLE_HPP
#define KFM_DET_TESTS_STATIC_TABLE_HPP

#include <array>
#include <cstddef>
#include <initializer_list>

namespace table {

enum class How { absent, wrong };

/// Exactly these clauses fail.
template <class Clause, std::size_t N>
consteval bool fails_only(const std::array<bool, N>& holds, std::initializer_list<Clause> clauses) {
  static_assert(N == static_cast<std::size_t>(Clause::none), "the table has another number of clauses than the enum");
  std::array<bool, N> expected{};
  for (bool& each : expected) each = true;
  for (const Clause clause : clauses) expected[static_cast<std::size_t>(clause)] = false;
  for (std::size_t i = 0; i < N; ++i)
    if (holds[i] != expected[i]) return false;
  return true;
}

}  // namespace table

/// The model with this one thing absent, and with it wrong, fails this clause, no other, and the contract.
#define FAILS_ALONE(Concept, Model, clause)                                                             \
  static_assert(table::fails_only(holds<Model<Clause::clause, How::absent>>(), {Clause::clause}));      \
  static_assert(!Concept<Model<Clause::clause, How::absent>>);                                          \
  FAILS_WHEN_WRONG(Concept, Model, clause)
#define FAILS_WHEN_WRONG(Concept, Model, clause)                                                        \
  static_assert(table::fails_only(holds<Model<Clause::clause, How::wrong>>(), {Clause::clause}));       \
  static_assert(!Concept<Model<Clause::clause, How::wrong>>)

#endif
