// SPDX-License-Identifier: BSL-1.0
/// \file
/// A store that has nothing of the contract is told everything that is missing, at once.
// expect: kfm_det store: must be movable
// expect: kfm_det store: needs `static constexpr StoreClaims claims`: what it promises beyond the required laws
// expect: kfm_det store: needs a movable type `Stream`
// expect: kfm_det store: needs `result<Stream> open_stream(const StreamId&)`
// expect: kfm_det store: Stream needs `result<Recovery> recover(span<const Head> witnesses, RecoverOptions)`, the first call of a tenure
// expect: kfm_det store: Stream needs `result<Recovery> inspect(span<const Head> witnesses)`, which changes no byte
// expect: kfm_det store: Stream needs `result<Lsn> append(Lsn expected_last, span<const BytesView> group)`, all or nothing
// expect: kfm_det store: Stream needs `result<Lsn> sync()`: every frame up to the answer survives power loss
// expect: kfm_det store: Stream needs `result<Lsn> scan(Lsn from, FrameVisitor)`, in order and without gaps
// expect: kfm_det store: Stream needs `Tail tail() const`
// expect: kfm_det store: Stream needs `result<void> prove()`: leaves a durable proof behind the tail
// expect: kfm_det store: Stream needs `result<void> close()`: proves and lets go
// expect: kfm_det store: Stream needs `result<void> drop_before(Lsn)`; errc::unsupported unless it claims `trims`
#include "kfm_det/contracts/store.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Store {
  static constexpr det::StoreClaims claims{};
  struct Stream {
    det::result<det::Recovery> recover(std::span<const det::Head>, det::RecoverOptions);
    det::result<det::Recovery> inspect(std::span<const det::Head>) const;
    det::result<det::Lsn> append(det::Lsn, std::span<const det::BytesView>);
    det::result<det::Lsn> sync();
    det::result<det::Lsn> scan(det::Lsn, det::FrameVisitor);
    det::Tail tail() const;
    det::result<void> prove();
    det::result<void> close();
    det::result<void> drop_before(det::Lsn);
  };
  det::result<Stream> open_stream(const det::StreamId&);
};
#else
struct Store {
  Store(Store&&) = delete;
};
#endif
static_assert(det::diagnose_store<Store>());
