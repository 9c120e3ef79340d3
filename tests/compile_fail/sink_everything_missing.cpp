// SPDX-License-Identifier: BSL-1.0
/// \file
/// A sink that has nothing of the contract is told everything that is missing, at once.
// expect: kfm_det sink: must be movable
// expect: kfm_det sink: needs `static constexpr SinkClaims claims`
// expect: kfm_det sink: needs `result<Head> begin(const Tenure&, const StreamId&)`: raises the token floor, then answers the witness
// expect: kfm_det sink: needs `result<vector<UpsertResult>> upsert(const Tenure&, const Head&, span<const Upsert>)`
// expect: kfm_det sink: needs `result<void> withdraw(const Tenure&, const Head&, span<const Withdrawal>)`, also of effects it has not seen
// expect: kfm_det sink: needs `result<optional<Publication>> find(const EffectId&)`: did this very effect happen
// expect: kfm_det sink: needs `result<optional<StoredVersion>> find(const IdempotencyKey&)`: are these bytes stored
// expect: kfm_det sink: needs `result<void> read(const IdempotencyKey&, BytesVisitor)`
// expect: kfm_det sink: needs `result<optional<Publication>> current(const BusinessKey&)`
// expect: kfm_det sink: needs `result<void> history(const BusinessKey&, PublicationVisitor)`, by order, late and withdrawn ones too
// expect: kfm_det sink: needs `result<void> keys(KeyVisitor)`: every business key ever seen, sorted by bytes
// expect: kfm_det sink: needs `result<Head> witness(const StreamId&)`: the highest head it was given
#include "kfm_det/contracts/sink.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Sink {
  static constexpr det::SinkClaims claims{};
  det::result<det::Head> begin(const det::Tenure&, const det::StreamId&);
  det::result<std::vector<det::UpsertResult>> upsert(const det::Tenure&, const det::Head&, std::span<const det::Upsert>);
  det::result<void> withdraw(const det::Tenure&, const det::Head&, std::span<const det::Withdrawal>);
  det::result<std::optional<det::Publication>> find(const det::EffectId&);
  det::result<std::optional<det::StoredVersion>> find(const det::IdempotencyKey&);
  det::result<void> read(const det::IdempotencyKey&, det::BytesVisitor);
  det::result<std::optional<det::Publication>> current(const det::BusinessKey&);
  det::result<void> history(const det::BusinessKey&, det::PublicationVisitor);
  det::result<void> keys(det::KeyVisitor);
  det::result<det::Head> witness(const det::StreamId&);
};
#else
struct Sink {
  Sink(Sink&&) = delete;
};
#endif
static_assert(det::diagnose_sink<Sink>());
