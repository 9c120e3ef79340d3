// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of the store contract.
#include "kfm_det/contracts/store.hpp"

#include <array>
#include <span>
#include <type_traits>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause { movable, has_claims, has_stream, opens_stream, recovers, inspects, appends, syncs, scans, has_tail, proves, closes, drops, none };

template <class S>
consteval std::array<bool, 13> holds() {
  using namespace det::store_clause;
  return {movable<S>, has_claims<S>, has_stream<S>, opens_stream<S>, recovers<S>, inspects<S>, appends<S>, syncs<S>, scans<S>, has_tail<S>, proves<S>, closes<S>, drops<S>};
}

template <Clause C, How H>
struct StreamModel {
  template <Clause Verb> static constexpr bool good = C != Verb;
  template <Clause Verb> static constexpr bool wrong = C == Verb && H == How::wrong;

  result<det::Recovery> recover(std::span<const det::Head>, det::RecoverOptions) requires(good<Clause::recovers>);
  result<det::Recovery> recover(std::span<const det::Head>) requires(wrong<Clause::recovers>);
  result<det::Recovery> inspect(std::span<const det::Head>) const requires(good<Clause::inspects>);
  result<det::Verdict> inspect(std::span<const det::Head>) const requires(wrong<Clause::inspects>);
  result<det::Lsn> append(det::Lsn, std::span<const det::BytesView>) requires(good<Clause::appends>);
  result<det::Lsn> append(std::span<const det::BytesView>) requires(wrong<Clause::appends>);
  result<det::Lsn> sync() requires(good<Clause::syncs>);
  result<void> sync() requires(wrong<Clause::syncs>);
  result<det::Lsn> scan(det::Lsn, det::FrameVisitor) requires(good<Clause::scans>);
  result<void> scan(det::Lsn, det::FrameVisitor) requires(wrong<Clause::scans>);
  det::Tail tail() const requires(good<Clause::has_tail>);
  det::Tail tail() requires(wrong<Clause::has_tail>);  // not const
  result<void> prove() requires(good<Clause::proves>);
  bool prove() requires(wrong<Clause::proves>);
  result<void> close() requires(good<Clause::closes>);
  void close() requires(wrong<Clause::closes>);
  result<void> drop_before(det::Lsn) requires(good<Clause::drops>);
  result<det::Lsn> drop_before(det::Lsn) requires(wrong<Clause::drops>);
};

template <Clause C, How H> struct Claims { static constexpr det::StoreClaims claims{}; };
template <> struct Claims<Clause::has_claims, How::absent> {};
template <> struct Claims<Clause::has_claims, How::wrong> { static constexpr int claims = 3; };

struct Fixed {
  Fixed(Fixed&&) = delete;
};
struct Empty {};

template <Clause C, How H>
struct Model : Claims<C, H>, std::conditional_t<C == Clause::movable, Fixed, Empty> {
  using Stream = StreamModel<C, H>;
  result<Stream> open_stream(const det::StreamId&) requires(C != Clause::opens_stream);
  Stream open_stream(const det::StreamId&) requires(C == Clause::opens_stream && H == How::wrong);
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(det::StorePolicy<Archetype>);
static_assert(det::diagnose_store<Archetype>());

FAILS_WHEN_WRONG(det::StorePolicy, Model, movable);
FAILS_ALONE(det::StorePolicy, Model, has_claims);
FAILS_ALONE(det::StorePolicy, Model, opens_stream);
FAILS_ALONE(det::StorePolicy, Model, recovers);
FAILS_ALONE(det::StorePolicy, Model, inspects);
FAILS_ALONE(det::StorePolicy, Model, appends);
FAILS_ALONE(det::StorePolicy, Model, syncs);
FAILS_ALONE(det::StorePolicy, Model, scans);
FAILS_ALONE(det::StorePolicy, Model, has_tail);
FAILS_ALONE(det::StorePolicy, Model, proves);
FAILS_ALONE(det::StorePolicy, Model, closes);
FAILS_ALONE(det::StorePolicy, Model, drops);

// Without a Stream there is nothing to ask the other questions of.
struct NoStream {
  static constexpr det::StoreClaims claims{};
};
static_assert(table::fails_only(holds<NoStream>(), {Clause::has_stream, Clause::opens_stream, Clause::recovers, Clause::inspects, Clause::appends, Clause::syncs, Clause::scans,
                                                    Clause::has_tail, Clause::proves, Clause::closes, Clause::drops}));
static_assert(!det::StorePolicy<NoStream>);
// A Stream that cannot be moved cannot be answered either.
struct FixedStream : NoStream {
  struct Stream : StreamModel<Clause::none, How::wrong>, Fixed {};
};
static_assert(table::fails_only(holds<FixedStream>(), {Clause::has_stream, Clause::opens_stream}));
static_assert(!det::StorePolicy<FixedStream>);

}  // namespace
