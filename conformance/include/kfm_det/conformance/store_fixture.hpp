// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a backend author writes so that the kit can check a Store, and what the kit says when it is written wrong.
///
///   struct RocksFixture {
///     using Store = acme::RocksStore;
///     static constexpr kfm_det::StoreClaims claims{.survives_power_loss = true};
///     kfm_det::result<Store> open();      // the store on the same storage, again and again; several may be open at once
///     void wipe();                        // the storage is empty
///     void crash();                       // may be left out: what a power loss does to it
///   };
///   template <class Fs> struct RocksOnDisk {                    // for check_store_on_disk: a store that is a template over its file system
///     using Store = acme::FileStore<Fs>;
///     kfm_det::result<Store> open(Fs& file_system);             // claims: here, or those of Store
///     static std::vector<MediaRegion> places(const std::vector<std::pair<std::string, Bytes>>& files);   // may be left out: what the bytes of these files are
///   };
///
/// The engine sees a store through StoreSubject, so it is compiled once and not again for each fixture. Thread-safety: one thread, but append and sync.
#ifndef KFM_DET_CONFORMANCE_STORE_FIXTURE_HPP
#define KFM_DET_CONFORMANCE_STORE_FIXTURE_HPP

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/bytes.hpp"

namespace kfm_det::conformance {

/// What a byte of a log at rest is to its store. Whose fixture says so is asked for the verdict that fits (check_store_media): the kit knows no format.
enum class MediaPlace : std::uint8_t {
  nothing,    ///< padding below the last frame, a proof that a later one supersedes: damage is Clean
  behind,     ///< behind the last frame, the last proof too: Clean, or TornTail with every frame there
  proven,     ///< a frame that the rest of the log proves: CorruptCommitted or Hole
  unproven,   ///< a frame that nothing but a witness proves: TornTail; with a witness CorruptCommitted or Regressed
};
struct MediaRegion {
  std::string path;
  std::uint64_t from = 0, to = 0;   ///< bytes
  MediaPlace place = MediaPlace::nothing;
};

namespace store_fixture_clause {
template <class F> concept names_store = requires { typename F::Store; };
template <class F> concept default_made = std::is_default_constructible_v<F>;   // not default_initializable: a member with an explicit default constructor is fine
template <class F> concept has_claims = requires { { F::claims } -> std::convertible_to<StoreClaims>; } || requires { { F::Store::claims } -> std::convertible_to<StoreClaims>; };
template <class F> concept opens = requires(F& fixture) { { fixture.open() } -> std::same_as<result<typename F::Store>>; };
template <class F> concept wipes = requires(F& fixture) { fixture.wipe(); };
template <class F, class Fs> concept opens_on = requires(F& fixture, Fs& file_system) { { fixture.open(file_system) } -> std::same_as<result<typename F::Store>>; };
template <class F> concept knows_places = requires(const std::vector<std::pair<std::string, Bytes>>& files) { { F::places(files) } -> std::same_as<std::vector<MediaRegion>>; };
template <class F> concept crashes = requires(F& fixture) { fixture.crash(); };
}  // namespace store_fixture_clause

/// Says in sentences what is missing of a fixture for check_store and check_log, all of it at once.
template <class F>
consteval bool diagnose_store_fixture() {
  using namespace store_fixture_clause;
  static_assert(default_made<F>, "kfm_det store fixture: must be default constructible; the kit makes it");
  static_assert(names_store<F>, "kfm_det store fixture: needs `using Store = ...`, the type under test");
  static_assert(has_claims<F>, "kfm_det store fixture: needs `static constexpr kfm_det::StoreClaims claims{...}`, or a Store that has them");
  static_assert(opens<F>, "kfm_det store fixture: needs `kfm_det::result<Store> open()`; each call opens the same storage");
  static_assert(wipes<F>, "kfm_det store fixture: needs `void wipe()`: the storage is empty behind it");
  if constexpr (names_store<F>) return diagnose_store<typename F::Store>();
  else return false;
}
/// The same for check_store_on_disk.
template <class F, class Fs>
consteval bool diagnose_store_fixture_on_disk() {
  using namespace store_fixture_clause;
  static_assert(default_made<F>, "kfm_det store fixture: must be default constructible; the kit makes it");
  static_assert(names_store<F>, "kfm_det store fixture: needs `using Store = ...`, the type under test on this file system");
  static_assert(has_claims<F>, "kfm_det store fixture: needs `static constexpr kfm_det::StoreClaims claims{...}`, or a Store that has them");
  static_assert(opens_on<F, Fs>, "kfm_det store fixture: needs `kfm_det::result<Store> open(Fs& file_system)`");
  if constexpr (names_store<F>) return diagnose_store<typename F::Store>();
  else return false;
}

template <class F>
[[nodiscard]] constexpr StoreClaims store_claims_of() {
  if constexpr (requires { { F::claims } -> std::convertible_to<StoreClaims>; }) return F::claims;
  else return F::Store::claims;
}

/// As a report lists them.
[[nodiscard]] inline std::vector<std::pair<std::string, bool>> listed(const StoreClaims& claims) {
  return {{"survives_power_loss", claims.survives_power_loss}, {"many_processes", claims.many_processes}, {"detects_corruption", claims.detects_corruption}, {"trims", claims.trims}};
}

/// A stream under test, without its type.
class StreamSubject {
 public:
  StreamSubject() = default;
  StreamSubject(const StreamSubject&) = delete;
  StreamSubject& operator=(const StreamSubject&) = delete;
  virtual ~StreamSubject() = default;
  [[nodiscard]] virtual result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) = 0;
  [[nodiscard]] virtual result<Recovery> inspect(std::span<const Head> witnesses) = 0;
  [[nodiscard]] virtual result<Lsn> append(Lsn expected_last, std::span<const BytesView> group) = 0;
  [[nodiscard]] virtual result<Lsn> sync() = 0;
  [[nodiscard]] virtual result<Lsn> scan(Lsn from, FrameVisitor visitor) = 0;
  [[nodiscard]] virtual Tail tail() const = 0;
  [[nodiscard]] virtual result<void> prove() = 0;
  [[nodiscard]] virtual result<void> close() = 0;
  [[nodiscard]] virtual result<void> drop_before(Lsn lsn) = 0;
};
using StreamPtr = std::unique_ptr<StreamSubject>;

template <class Store>
class StreamUnderTest final : public StreamSubject {
 public:
  StreamUnderTest(Store store, typename Store::Stream stream) : store_(std::move(store)), stream_(std::move(stream)) {}
  result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) override { return stream_.recover(witnesses, options); }
  result<Recovery> inspect(std::span<const Head> witnesses) override { return stream_.inspect(witnesses); }
  result<Lsn> append(Lsn expected_last, std::span<const BytesView> group) override { return stream_.append(expected_last, group); }
  result<Lsn> sync() override { return stream_.sync(); }
  result<Lsn> scan(Lsn from, FrameVisitor visitor) override { return stream_.scan(from, visitor); }
  Tail tail() const override { return stream_.tail(); }
  result<void> prove() override { return stream_.prove(); }
  result<void> close() override { return stream_.close(); }
  result<void> drop_before(Lsn lsn) override { return stream_.drop_before(lsn); }

 private:
  Store store_;                      // outlives its stream
  typename Store::Stream stream_;
};

/// Opens the store and one stream of it.
using OpenStream = std::function<result<StreamPtr>(const StreamId&)>;

template <class Store>
[[nodiscard]] result<StreamPtr> open_subject(result<Store> store, const StreamId& id) {
  if (!store) return store.error();
  auto stream = store.value().open_stream(id);
  if (!stream) return stream.error();
  return StreamPtr(std::make_unique<StreamUnderTest<Store>>(std::move(store).value(), std::move(stream).value()));
}

/// What the engine of check_store and check_log drives.
struct StoreDriver {
  StoreClaims claims;
  OpenStream open;
  std::function<void()> wipe;
  std::function<void()> crash;   ///< empty: the fixture has none
  std::function<std::uint64_t()> fingerprint;          ///< of the storage, where the kit can see it
  std::function<bool(const Bytes&)> holds;             ///< whether these bytes are anywhere on it
};
template <class F>
[[nodiscard]] StoreDriver drive_store(F& fixture) {
  StoreDriver out{store_claims_of<F>(), [&fixture](const StreamId& id) { return open_subject<typename F::Store>(fixture.open(), id); }, [&fixture] { fixture.wipe(); }, {}, {}, {}};
  if constexpr (store_fixture_clause::crashes<F>) out.crash = [&fixture] { fixture.crash(); };
  return out;
}

}  // namespace kfm_det::conformance

#endif
