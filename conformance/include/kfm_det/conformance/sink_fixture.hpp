// SPDX-License-Identifier: BSL-1.0
/// \file
/// SinkFixture: what a backend author gives to check_sink. And SinkBench, the same without its type, so that the engine is compiled once.
///
///   struct RocksSink {                                            // everything that check_sink needs
///     using Sink = acme::RocksSink;
///     static constexpr SinkClaims claims{.atomic_batch = true, .survives_power_loss = true};
///     result<Sink> open() { return Sink::open(folder.path()); }   // again on the same storage: the same sink
///     void wipe() { folder = {}; }                                // the next open() gives an empty one
///     acme::ScratchFolder folder;
///   };
/// Optional: `void crash()`: what a power loss does to the storage (drops what was not synced); no sink is open meanwhile.
///           `void damage(const IdempotencyKey&)`: changes one stored byte of that version; no sink is open meanwhile.
///           `result<std::string> stage(BytesView)`: writes a staged file (whole, synced) where the sink takes it, and gives its path;
///            without it the kit writes one into the folder for temporary files.
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_SINK_FIXTURE_HPP
#define KFM_DET_CONFORMANCE_SINK_FIXTURE_HPP

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"

namespace kfm_det::conformance {

namespace sink_fixture_clause {
template <class F> concept default_made = std::constructible_from<F>;
template <class F> concept has_sink = requires { typename F::Sink; } && SinkPolicy<typename F::Sink>;
template <class F> concept has_claims = requires { { F::claims } -> std::convertible_to<SinkClaims>; };
template <class F> concept opens = requires(F& fixture) { typename F::Sink; { fixture.open() } -> std::same_as<result<typename F::Sink>>; };
template <class F> concept wipes = requires(F& fixture) { { fixture.wipe() } -> std::same_as<void>; };
template <class F> concept crashes = requires(F& fixture) { { fixture.crash() } -> std::same_as<void>; };
template <class F> concept damages = requires(F& fixture, const IdempotencyKey& key) { { fixture.damage(key) } -> std::same_as<void>; };
template <class F> concept stages = requires(F& fixture, BytesView bytes) { { fixture.stage(bytes) } -> std::same_as<result<std::string>>; };
// an optional verb that is there, but not as it must be
template <class F> concept crash_fits = crashes<F> || !requires { &F::crash; };
template <class F> concept damage_fits = damages<F> || !requires { &F::damage; };
template <class F> concept stage_fits = stages<F> || !requires { &F::stage; };
}  // namespace sink_fixture_clause

template <class F>
concept SinkFixture = sink_fixture_clause::default_made<F> && sink_fixture_clause::has_sink<F> && sink_fixture_clause::has_claims<F> && sink_fixture_clause::opens<F> &&
                      sink_fixture_clause::wipes<F> && sink_fixture_clause::crash_fits<F> && sink_fixture_clause::damage_fits<F> && sink_fixture_clause::stage_fits<F>;

/// Says in sentences which clauses F misses, all of them at once.
template <class F>
consteval bool diagnose_sink_fixture() {
  using namespace sink_fixture_clause;
  static_assert(default_made<F>, "kfm_det sink fixture: must be default constructible");
  static_assert(has_sink<F>, "kfm_det sink fixture: needs `using Sink = ...`, a SinkPolicy (diagnose_sink<Sink>() says what it misses)");
  static_assert(has_claims<F>, "kfm_det sink fixture: needs `static constexpr SinkClaims claims`");
  static_assert(opens<F>, "kfm_det sink fixture: needs `result<Sink> open()`: a sink on the storage, the same one again when it is called again");
  static_assert(wipes<F>, "kfm_det sink fixture: needs `void wipe()`: the next open() gives an empty sink");
  static_assert(crash_fits<F>, "kfm_det sink fixture: `crash` must be `void crash()`: what a power loss does to the storage");
  static_assert(damage_fits<F>, "kfm_det sink fixture: `damage` must be `void damage(const IdempotencyKey&)`: changes one stored byte");
  static_assert(stage_fits<F>, "kfm_det sink fixture: `stage` must be `result<std::string> stage(BytesView)`: writes a staged file, gives its path");
  return SinkFixture<F>;
}

/// As a report lists them.
[[nodiscard]] inline std::vector<std::pair<std::string, bool>> listed(const SinkClaims& claims) {
  return {{"atomic_batch", claims.atomic_batch}, {"many_processes", claims.many_processes}, {"survives_power_loss", claims.survives_power_loss}};
}

/// A sink without its type.
class AnySink {
 public:
  AnySink() = default;
  AnySink(const AnySink&) = delete;
  AnySink& operator=(const AnySink&) = delete;
  virtual ~AnySink() = default;
  virtual result<Head> begin(const Tenure& tenure, const StreamId& stream) = 0;
  virtual result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) = 0;
  virtual result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) = 0;
  virtual result<std::optional<Publication>> find(const EffectId& effect) = 0;
  virtual result<std::optional<StoredVersion>> find(const IdempotencyKey& key) = 0;
  virtual result<void> read(const IdempotencyKey& key, BytesVisitor visitor) = 0;
  virtual result<std::optional<Publication>> current(const BusinessKey& key) = 0;
  virtual result<void> history(const BusinessKey& key, PublicationVisitor visitor) = 0;
  virtual result<void> keys(KeyVisitor visitor) = 0;
  virtual result<Head> witness(const StreamId& stream) = 0;
  [[nodiscard]] virtual bool tells_scopes() const = 0;
  virtual result<std::optional<Scope>> scope_of(const BusinessKey& key) = 0;
};

template <class S>
class TypedSink : public AnySink {
 public:
  explicit TypedSink(S sink) : sink_(std::move(sink)) {}
  result<Head> begin(const Tenure& tenure, const StreamId& stream) override { return sink_.begin(tenure, stream); }
  result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) override { return sink_.upsert(tenure, head, batch); }
  result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) override { return sink_.withdraw(tenure, head, batch); }
  result<std::optional<Publication>> find(const EffectId& effect) override { return sink_.find(effect); }
  result<std::optional<StoredVersion>> find(const IdempotencyKey& key) override { return sink_.find(key); }
  result<void> read(const IdempotencyKey& key, BytesVisitor visitor) override { return sink_.read(key, visitor); }
  result<std::optional<Publication>> current(const BusinessKey& key) override { return sink_.current(key); }
  result<void> history(const BusinessKey& key, PublicationVisitor visitor) override { return sink_.history(key, visitor); }
  result<void> keys(KeyVisitor visitor) override { return sink_.keys(visitor); }
  result<Head> witness(const StreamId& stream) override { return sink_.witness(stream); }
  [[nodiscard]] bool tells_scopes() const override { return with_scopes; }
  result<std::optional<Scope>> scope_of(const BusinessKey& key) override {
    if constexpr (with_scopes) return sink_.scope_of(key);
    else return Error(errc::unsupported, "this sink has no scope_of", key.text);
  }

 private:
  static constexpr bool with_scopes = requires(S& sink, const BusinessKey& key) { { sink.scope_of(key) } -> std::same_as<result<std::optional<Scope>>>; };
  S sink_;
};

/// A fixture without its type.
class SinkBench {
 public:
  SinkBench() = default;
  SinkBench(const SinkBench&) = delete;
  SinkBench& operator=(const SinkBench&) = delete;
  virtual ~SinkBench() = default;
  SinkClaims claims;
  bool can_crash = false, can_damage = false, can_stage = false;
  virtual result<std::unique_ptr<AnySink>> open() = 0;
  virtual void wipe() = 0;
  virtual void crash() = 0;
  virtual void damage(const IdempotencyKey& key) = 0;
  virtual result<std::string> stage(BytesView bytes) = 0;
};

template <class Fixture>
class TypedSinkBench final : public SinkBench {
  static_assert(diagnose_sink_fixture<Fixture>());

 public:
  TypedSinkBench() {
    claims = Fixture::claims;
    can_crash = sink_fixture_clause::crashes<Fixture>;
    can_damage = sink_fixture_clause::damages<Fixture>;
    can_stage = sink_fixture_clause::stages<Fixture>;
  }
  result<std::unique_ptr<AnySink>> open() override {
    KFM_DET_TRY(auto sink, fixture_.open());
    return std::unique_ptr<AnySink>(std::make_unique<TypedSink<typename Fixture::Sink>>(std::move(sink)));
  }
  void wipe() override { fixture_.wipe(); }
  void crash() override {
    if constexpr (sink_fixture_clause::crashes<Fixture>) fixture_.crash();
  }
  void damage([[maybe_unused]] const IdempotencyKey& key) override {
    if constexpr (sink_fixture_clause::damages<Fixture>) fixture_.damage(key);
  }
  result<std::string> stage([[maybe_unused]] BytesView bytes) override {
    if constexpr (sink_fixture_clause::stages<Fixture>) return fixture_.stage(bytes);
    else return Error(errc::unsupported, "this fixture stages no files", {});
  }

 private:
  Fixture fixture_;
};

}  // namespace kfm_det::conformance

#endif
