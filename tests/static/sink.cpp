// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of the sink contract.
#include "kfm_det/contracts/sink.hpp"

#include <array>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause { movable, has_claims, begins, upserts, withdraws, finds_effect, finds_version, reads, tells_current, tells_history, lists_keys, witnesses, none };

template <class S>
consteval std::array<bool, 12> holds() {
  using namespace det::sink_clause;
  return {movable<S>,       has_claims<S>, begins<S>,        upserts<S>,       withdraws<S>,  finds_effect<S>,
          finds_version<S>, reads<S>,      tells_current<S>, tells_history<S>, lists_keys<S>, witnesses<S>};
}

template <Clause C, How H> struct Claims { static constexpr det::SinkClaims claims{}; };
template <> struct Claims<Clause::has_claims, How::absent> {};
template <> struct Claims<Clause::has_claims, How::wrong> { static constexpr bool claims = true; };

struct Fixed {
  Fixed(Fixed&&) = delete;
};
struct Empty {};

template <Clause C, How H>
struct Model : Claims<C, H>, std::conditional_t<C == Clause::movable, Fixed, Empty> {
  template <Clause Verb> static constexpr bool good = C != Verb;
  template <Clause Verb> static constexpr bool wrong = C == Verb && H == How::wrong;

  result<det::Head> begin(const det::Tenure&, const det::StreamId&) requires(good<Clause::begins>);
  result<void> begin(const det::Tenure&, const det::StreamId&) requires(wrong<Clause::begins>);
  result<std::vector<det::UpsertResult>> upsert(const det::Tenure&, const det::Head&, std::span<const det::Upsert>) requires(good<Clause::upserts>);
  result<std::vector<det::UpsertResult>> upsert(const det::Tenure&, std::span<const det::Upsert>) requires(wrong<Clause::upserts>);  // no head: no witness
  result<void> withdraw(const det::Tenure&, const det::Head&, std::span<const det::Withdrawal>) requires(good<Clause::withdraws>);
  result<void> withdraw(const det::Tenure&, const det::Head&, std::span<const det::EffectId>) requires(wrong<Clause::withdraws>);  // no order, no key
  result<std::optional<det::Publication>> find(const det::EffectId&) requires(good<Clause::finds_effect>);
  result<bool> find(const det::EffectId&) requires(wrong<Clause::finds_effect>);
  result<std::optional<det::StoredVersion>> find(const det::IdempotencyKey&) requires(good<Clause::finds_version>);
  result<det::StoredVersion> find(const det::IdempotencyKey&) requires(wrong<Clause::finds_version>);
  result<void> read(const det::IdempotencyKey&, det::BytesVisitor) requires(good<Clause::reads>);
  result<det::Bytes> read(const det::IdempotencyKey&) requires(wrong<Clause::reads>);
  result<std::optional<det::Publication>> current(const det::BusinessKey&) requires(good<Clause::tells_current>);
  result<det::Publication> current(const det::BusinessKey&) requires(wrong<Clause::tells_current>);
  result<void> history(const det::BusinessKey&, det::PublicationVisitor) requires(good<Clause::tells_history>);
  result<std::vector<det::Publication>> history(const det::BusinessKey&) requires(wrong<Clause::tells_history>);
  result<void> keys(det::KeyVisitor) requires(good<Clause::lists_keys>);
  result<std::vector<det::BusinessKey>> keys() requires(wrong<Clause::lists_keys>);
  result<det::Head> witness(const det::StreamId&) requires(good<Clause::witnesses>);
  result<std::optional<det::Head>> witness(const det::StreamId&) requires(wrong<Clause::witnesses>);
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(det::SinkPolicy<Archetype>);
static_assert(det::diagnose_sink<Archetype>());

FAILS_WHEN_WRONG(det::SinkPolicy, Model, movable);
FAILS_ALONE(det::SinkPolicy, Model, has_claims);
FAILS_ALONE(det::SinkPolicy, Model, begins);
FAILS_ALONE(det::SinkPolicy, Model, upserts);
FAILS_ALONE(det::SinkPolicy, Model, withdraws);
FAILS_ALONE(det::SinkPolicy, Model, finds_effect);
FAILS_ALONE(det::SinkPolicy, Model, finds_version);
FAILS_ALONE(det::SinkPolicy, Model, reads);
FAILS_ALONE(det::SinkPolicy, Model, tells_current);
FAILS_ALONE(det::SinkPolicy, Model, tells_history);
FAILS_ALONE(det::SinkPolicy, Model, lists_keys);
FAILS_ALONE(det::SinkPolicy, Model, witnesses);

// An effect cannot be asked for by the key of its bytes, nor the other way round (SINK-5).
static_assert(!std::is_convertible_v<det::EffectId, det::IdempotencyKey> && !std::is_convertible_v<det::IdempotencyKey, det::EffectId>);

}  // namespace
