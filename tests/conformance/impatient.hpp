// SPDX-License-Identifier: BSL-1.0
/// \file
/// For tests of VERB-1: a store around another one that throws, or ends the process, instead of answering.
#ifndef KFM_DET_TESTS_CONFORMANCE_IMPATIENT_HPP
#define KFM_DET_TESTS_CONFORMANCE_IMPATIENT_HPP

#include <cstddef>
#include <span>
#include <utility>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"

namespace kfm_det::testing {

/// Act::appends(frames) is called before an append, Act::recovered(verdict) behind a recovery.
template <class Inner, class Act>
class Impatient {
 public:
  static constexpr StoreClaims claims = Inner::claims;
  struct Stream : Inner::Stream {
    explicit Stream(typename Inner::Stream stream) : Inner::Stream(std::move(stream)) {}
    [[nodiscard]] result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) {
      auto out = Inner::Stream::recover(witnesses, options);
      if (out) Act::recovered(out.value().verdict);
      return out;
    }
    [[nodiscard]] result<Lsn> append(Lsn expected_last, std::span<const BytesView> group) {
      Act::appends(group.size());
      return Inner::Stream::append(expected_last, group);
    }
  };

  Impatient() = default;
  explicit Impatient(Inner inner) : inner_(std::move(inner)) {}
  [[nodiscard]] result<Stream> open_stream(const StreamId& id) {
    KFM_DET_TRY(auto stream, inner_.open_stream(id));
    return Stream(std::move(stream));
  }

 private:
  Inner inner_;
};

struct Patient {
  static void appends(std::size_t) {}
  static void recovered(Verdict) {}
};

/// Fixtures of check_store and check_store_on_disk.
template <class Act>
struct MemoryWith {
  using Store = Impatient<MemoryStore, Act>;
  result<Store> open() { return store; }
  void wipe() { store = Store(); }
  Store store;
};
template <class Act>
struct FilesWith {
  template <class Fs>
  struct Fixture {
    using Store = Impatient<FileStore<Fs>, Act>;
    result<Store> open(Fs& fs) {
      KFM_DET_TRY(auto store, FileStore<Fs>::open("/wal", {4096, 4096}, fs));
      return Store(std::move(store));
    }
  };
};

}  // namespace kfm_det::testing

#endif
