// SPDX-License-Identifier: BSL-1.0
/// \file
/// A sink that finds stored bytes but not effects would take the third run of contents A, B, A for done.
// expect: kfm_det sink: needs `result<optional<Publication>> find(const EffectId&)`: did this very effect happen
#include "kfm_det/contracts/sink.hpp"

namespace det = kfm_det;

struct Sink {
  static constexpr det::SinkClaims claims{};
  det::result<det::Head> begin(const det::Tenure&, const det::StreamId&);
  det::result<std::vector<det::UpsertResult>> upsert(const det::Tenure&, const det::Head&, std::span<const det::Upsert>);
  det::result<void> withdraw(const det::Tenure&, const det::Head&, std::span<const det::Withdrawal>);
#ifdef KFM_DET_GOOD
  det::result<std::optional<det::Publication>> find(const det::EffectId&);
#endif
  det::result<std::optional<det::StoredVersion>> find(const det::IdempotencyKey&);
  det::result<void> read(const det::IdempotencyKey&, det::BytesVisitor);
  det::result<std::optional<det::Publication>> current(const det::BusinessKey&);
  det::result<void> history(const det::BusinessKey&, det::PublicationVisitor);
  det::result<void> keys(det::KeyVisitor);
  det::result<det::Head> witness(const det::StreamId&);
};
static_assert(det::diagnose_sink<Sink>());
