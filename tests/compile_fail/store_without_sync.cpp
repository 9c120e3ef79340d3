// SPDX-License-Identifier: BSL-1.0
/// \file
/// A store whose stream cannot sync: nothing that it acknowledged would survive power loss.
// expect: kfm_det store: Stream needs `result<Lsn> sync()`: every frame up to the answer survives power loss
#include "kfm_det/contracts/store.hpp"

namespace det = kfm_det;

struct Store {
  static constexpr det::StoreClaims claims{};
  struct Stream {
    det::result<det::Recovery> recover(std::span<const det::Head>, det::RecoverOptions);
    det::result<det::Recovery> inspect(std::span<const det::Head>) const;
    det::result<det::Lsn> append(det::Lsn, std::span<const det::BytesView>);
#ifdef KFM_DET_GOOD
    det::result<det::Lsn> sync();
#endif
    det::result<det::Lsn> scan(det::Lsn, det::FrameVisitor);
    det::Tail tail() const;
    det::result<void> prove();
    det::result<void> close();
    det::result<void> drop_before(det::Lsn);
  };
  det::result<Stream> open_stream(const det::StreamId&);
};
static_assert(det::diagnose_store<Store>());
