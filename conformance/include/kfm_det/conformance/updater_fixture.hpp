// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a person writes so that the kit can check an updater: their plan type over their backends; and what the kit says when it is written wrong.
///
///   struct Monthly {
///     using Plan = acme::MonthlySummary;
///     kfm_det::result<acme::Store> open_store();                    // the same storage, again and again: a new process opens it
///     kfm_det::result<acme::Lock> open_lock(const kfm_det::OwnerId& owner, const kfm_det::ManualClock& clock);
///     kfm_det::result<acme::Sink> open_sink();
///     static std::vector<Sources> worlds();                         // what the sources hold (uri, bytes): at least two contents, A and B
///     // may be left out:
///     void wipe();                                                  // the storage is empty: for storage that outlives the fixture
///     void crash();                                                 // every process died, or the power went
///     acme::Copy copy_sink();                                       // what the sink holds now, and
///     void put_sink_back(const acme::Copy& copy);                   // the sink as it was then, beside the log of now
///     Plan plan(const Sources& world) const;                        // for a plan type that wants arguments: of the sources' names, not of their bytes
///     void equip(kfm_det::Services& services) const;                // what the operations ask for
///     template <class P, class St, class L, class Si, class Env> using Updater = acme::Updater<P, St, L, Si, Env>;   // another updater: run(Trigger), undo(RunId), compact()
///     template <class P, class St, class L, class Si, class Env>
///     static result<...> run(P plan, St store, L lock, Si sink, Env environment, const kfm_det::Trigger& trigger);   // or a function of your own
///   };
///
/// A fixture is made anew for each case. Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_UPDATER_FIXTURE_HPP
#define KFM_DET_CONFORMANCE_UPDATER_FIXTURE_HPP

#include <any>
#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/updater_subject.hpp"
#include "kfm_det/conformance/detail/updater_told.hpp"
#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/updater/updater.hpp"

namespace kfm_det::conformance {

namespace updater_fixture_clause {
template <class R> inline constexpr bool is_result = requires { typename R::value_type; requires std::same_as<R, result<typename R::value_type>>; };
template <class F> concept default_made = std::is_default_constructible_v<F>;   // not default_initializable: a member with an explicit default constructor is fine
template <class F> concept names_plan = requires { typename F::Plan; };
template <class F> concept opens_store = requires(F& fixture) { fixture.open_store(); requires is_result<decltype(fixture.open_store())>; };
template <class F> concept opens_lock = requires(F& fixture, const OwnerId& owner, const ManualClock& clock) { fixture.open_lock(owner, clock); requires is_result<decltype(fixture.open_lock(owner, clock))>; };
template <class F> concept opens_sink = requires(F& fixture) { fixture.open_sink(); requires is_result<decltype(fixture.open_sink())>; };
template <class F> concept has_worlds = requires { { F::worlds() } -> std::convertible_to<std::vector<Sources>>; };
template <class F> concept makes_plan = requires(const F& fixture, const Sources& world) { { fixture.plan(world) } -> std::same_as<typename F::Plan>; };
template <class F> concept plan_fits = !names_plan<F> || makes_plan<F> || std::default_initializable<typename F::Plan>;
template <class F> concept crashes = requires(F& fixture) { fixture.crash(); };
template <class F> concept puts_back = requires(F& fixture) { fixture.put_sink_back(fixture.copy_sink()); };
template <class F> concept wipes = requires(F& fixture) { fixture.wipe(); };
template <class F> concept equips = requires(const F& fixture, Services& services) { fixture.equip(services); };
}  // namespace updater_fixture_clause

/// Says in sentences what is missing of a fixture for check_updater, all of it at once.
template <class F>
consteval bool diagnose_updater_fixture() {
  using namespace updater_fixture_clause;
  static_assert(default_made<F>, "kfm_det updater fixture: must be default constructible; the kit makes one for each case");
  static_assert(names_plan<F>, "kfm_det updater fixture: needs `using Plan = ...`, the plan type");
  static_assert(opens_store<F>, "kfm_det updater fixture: needs `kfm_det::result<Store> open_store()`; each call opens the same storage");
  static_assert(opens_lock<F>, "kfm_det updater fixture: needs `kfm_det::result<Lock> open_lock(const kfm_det::OwnerId&, const kfm_det::ManualClock&)`; each call is another owner on the same board");
  static_assert(opens_sink<F>, "kfm_det updater fixture: needs `kfm_det::result<Sink> open_sink()`; each call opens the same storage");
  static_assert(has_worlds<F>, "kfm_det updater fixture: needs `static std::vector<kfm_det::conformance::Sources> worlds()`: what the sources hold, at least two contents");
  static_assert(plan_fits<F>, "kfm_det updater fixture: the plan type is not default constructible: needs `Plan plan(const kfm_det::conformance::Sources& world) const`");
  return default_made<F> && names_plan<F> && opens_store<F> && opens_lock<F> && opens_sink<F> && has_worlds<F> && plan_fits<F>;
}

namespace detail {

/// A plan type whose version can be changed: the code of the next deployment, without compiling everything twice.
template <class P>
struct Versioned : P {
  static inline Version version = P::version;
  static inline SourcesNow* world = nullptr;
};
/// The same, and the world hears when inputs() begins to look.
template <class P>
  requires plan_clause::mentions_inputs<P>
struct Versioned<P> : P {
  static inline Version version = P::version;
  static inline SourcesNow* world = nullptr;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const {
    if (world) world->looked = true;
    return P::inputs(reader);
  }
};

template <class F>
class UpdaterUnderTest final : public UpdaterSubject {
  using Given = typename F::Plan;
  static constexpr bool is_open = !std::is_final_v<Given>;
  template <class P> struct Next { using type = Versioned<P>; };
  template <class P> struct Same { using type = P; };
  using P = typename std::conditional_t<is_open, Next<Given>, Same<Given>>::type;
  using Store = WatchedStore<typename decltype(std::declval<F&>().open_store())::value_type>;
  using Lock = WatchedLock<typename decltype(std::declval<F&>().open_lock(std::declval<const OwnerId&>(), std::declval<const ManualClock&>()))::value_type>;
  using Sink = WatchedSink<typename decltype(std::declval<F&>().open_sink())::value_type>;
  using Env = Environment<ManualClock, WatchedReader>;

  static constexpr bool has_updater = requires { typename F::template Updater<P, Store, Lock, Sink, Env>; };
  static constexpr bool has_run = requires(P plan, Store store, Lock lock, Sink sink, Env env, const Trigger& trigger) { F::run(std::move(plan), std::move(store), std::move(lock), std::move(sink), std::move(env), trigger); };
  template <class G, bool> struct Chosen { template <class... T> using type = kfm_det::Updater<T...>; };
  template <class G> struct Chosen<G, true> { template <class A, class B, class C, class D, class E> using type = typename G::template Updater<A, B, C, D, E>; };
  template <class G> using UpdaterOf = typename Chosen<G, has_updater>::template type<P, Store, Lock, Sink, Env>;

 public:
  static constexpr std::uint32_t attempts = 3;
  static constexpr bool can_undo = !has_run && requires(UpdaterOf<F>& updater, const RunId& run) { updater.undo(run); };
  static constexpr bool can_compact = !has_run && Store::claims.trims && requires(UpdaterOf<F>& updater) { updater.compact(); };
  static constexpr bool can_tell = !has_run && tells<UpdaterOf<F>>;
  static constexpr bool can_put_back = updater_fixture_clause::puts_back<F>;
  static constexpr bool has_versions = is_open;
  static constexpr bool retires = missing_keys_of<Given> == MissingKeys::retire, may_be_empty = may_be_empty_of<Given>;

  UpdaterUnderTest() {
    if constexpr (updater_fixture_clause::wipes<F>) fixture_.wipe();
    deploy(false);
    watch.find_effect = [this](const EffectId& effect) -> std::optional<Publication> {
      auto sink = fixture_.open_sink();
      if (!sink) return std::nullopt;
      auto found = sink.value().find(effect);
      return found ? std::move(found).value() : std::nullopt;
    };
  }

  Answer trigger(Owner& owner, const std::string& key) override {
    Trigger trigger;
    trigger.key = key;
    if constexpr (has_run) return as_process(owner, [&](P plan, Store store, Lock lock, Sink sink, Env env) { return answer_of(F::run(std::move(plan), std::move(store), std::move(lock), std::move(sink), std::move(env), trigger)); });
    else return as_updater(owner, [&](auto& updater) { return answer_of(updater.run(trigger)); });
  }
  Answer undo([[maybe_unused]] Owner& owner, [[maybe_unused]] const RunId& run) override {
    if constexpr (can_undo) return as_updater(owner, [&](auto& updater) { return answer_of(updater.undo(run)); });
    else return {};
  }
  Answer compact([[maybe_unused]] Owner& owner) override {
    if constexpr (can_compact) return as_updater(owner, [&](auto& updater) { return answer_of(updater.compact()); });
    else return {};
  }
  std::string told() override {
    std::string out;
    if constexpr (can_tell) {
      Owner looker;
      (void)as_updater(looker, [&](auto& updater) -> Answer {
        if (const auto runs = updater.status()) out = told_of(runs.value());
        else out = runs.error().message();
        if (const auto view = look())
          for (const auto& entry : view.value().keys) out += told_of(BusinessKey{entry.first}, updater.explain(BusinessKey{entry.first}));
        return {};
      });
    }
    return out;
  }

  result<SinkView> look() override {
    KFM_DET_TRY(auto sink, fixture_.open_sink());
    SinkView out;
    std::vector<BusinessKey> keys;
    KFM_DET_TRY(sink.keys([&](const BusinessKey& key) -> result<void> { keys.push_back(key); return success(); }));
    for (const BusinessKey& key : keys) {
      std::vector<Publication> publications;
      KFM_DET_TRY(sink.history(key, [&](const Publication& one) -> result<void> { publications.push_back(one); return success(); }));
      auto& shown = out.keys[key.text];
      for (const Publication& one : publications) {
        ShownPublication now{one.effect.hex(), one.run.text(), {}, {}, {}, one.order, one.state, one.tombstone, one.version.has_value()};
        if (one.version) {
          now.version_key = one.version->key.hex();
          KFM_DET_TRY(now.metadata, canonical(one.version->metadata));
          KFM_DET_TRY(sink.read(one.version->key, [&](BytesView piece) -> result<void> { now.bytes += piece; return success(); }));
        }
        shown.push_back(std::move(now));
      }
    }
    return out;
  }

  WorldOutcome outcome(const Sources& world, std::string& impure) override {
    WorldOutcome out = work_out(world);
    const WorldOutcome again = work_out(world);
    if (out.plan_text != again.plan_text) {
      const auto before = Plan::parse(out.plan_text), now = Plan::parse(again.plan_text);
      impure = "plan() gave another plan the second time: " + (before && now ? kfm_det::first_difference(before.value(), now.value()) : "\"" + out.why + "\", then \"" + again.why + "\"");
    } else {
      impure = first_difference(out.steps, again.steps);
    }
    return out;
  }

  void deliver() override {
    const auto requests = std::exchange(watch.under_way, {});
    if (requests.empty()) return;
    auto opened = fixture_.open_sink();
    if (!opened) return;   // it never arrives
    TypedSink<typename std::remove_cvref_t<decltype(opened)>::value_type> sink(std::move(opened).value());
    for (const auto& request : requests) request(sink);
  }

  std::any copy_sink() override {
    if constexpr (can_put_back) return fixture_.copy_sink();
    else return {};
  }
  void put_sink_back([[maybe_unused]] const std::any& copy) override {
    if constexpr (can_put_back) fixture_.put_sink_back(std::any_cast<const std::remove_cvref_t<decltype(fixture_.copy_sink())>&>(copy));
  }
  Head witness() override {
    auto sink = fixture_.open_sink();
    auto head = sink ? sink.value().witness(StreamId::of({std::string(UpdaterId(P::id).text), ""})) : result<Head>(sink.error());
    return head ? std::move(head).value() : Head();
  }
  void crash() override {
    if constexpr (updater_fixture_clause::crashes<F>) fixture_.crash();
  }
  void deploy([[maybe_unused]] bool next) override {
    if constexpr (is_open) P::version = next ? Version{Version(Given::version).major + 1, 0, 0} : Version(Given::version);
  }

 private:
  P plan_of(const Sources& world) const {
    const auto given = [&]() -> Given {
      if constexpr (updater_fixture_clause::makes_plan<F>) return fixture_.plan(world);
      else return Given{};
    };
    if constexpr (is_open) return P{given()};
    else return given();
  }
  Env environment(Owner* owner) {
    Env env;
    sources->looked = false;
    if constexpr (is_open) P::world = sources.get();
    env.clock = clock;
    env.source_reader = WatchedReader(sources, owner);
    env.limits.window = 2;   // several windows in a small plan
    env.limits.attempts = attempts;
    if constexpr (updater_fixture_clause::equips<F>) fixture_.equip(env.services);
    return env;
  }

  template <class Body>
  Answer as_process(Owner& owner, Body&& body) {
    owner.watch = &watch;
    try {
      auto store = fixture_.open_store();
      auto lock = fixture_.open_lock(OwnerId{"owner-" + std::to_string(++owners_)}, clock);
      auto sink = fixture_.open_sink();
      if (!store) return failed(store.error());
      if (!lock) return failed(lock.error());
      if (!sink) return failed(sink.error());
      Answer answer = body(plan_of(sources->sources), Store{std::move(store).value(), &owner}, Lock{std::move(lock).value(), &owner}, Sink{std::move(sink).value(), &owner}, environment(&owner));
      if (owner.dead) return killed();
      return answer;
    } catch (const Killed&) {
      return killed();
    }
  }
  template <class Body>
  Answer as_updater(Owner& owner, Body&& body) {
    return as_process(owner, [&](P plan, Store store, Lock lock, Sink sink, Env env) {
      UpdaterOf<F> updater(std::move(plan), std::move(store), std::move(lock), std::move(sink), std::move(env));
      return body(updater);
    });
  }
  static Answer killed() {
    Answer out;
    out.killed = true;
    return out;
  }
  static Answer failed(const Error& error) {
    Answer out;
    out.error = error;
    return out;
  }
  template <class R>
  static Answer answer_of(R done) {
    if (!done) return failed(done.error());
    Answer out;
    if constexpr (std::is_same_v<typename R::value_type, RunReport>) {
      done.value().verdict = Verdict::clean;   // whoever came before may have cut the tail
      out.report = done.value().sentence() + " " + std::to_string(done.value().attempts) + " attempts, " + std::to_string(done.value().keys) + " keys";
    }
    return out;
  }

  WorldOutcome work_out(const Sources& world) {
    WorldOutcome out;
    auto now = std::make_shared<SourcesNow>();
    now->sources = world;
    WatchedReader reader(now, nullptr);
    SourceReaderView view(reader);
    const P plan = plan_of(world);
    Services services;
    if constexpr (updater_fixture_clause::equips<F>) fixture_.equip(services);
    const auto work = [&]() -> result<void> {
      std::vector<SourceRef> refs;
      if constexpr (plan_clause::mentions_inputs<P>) {
        KFM_DET_TRY(refs, plan.inputs(view));
      }
      refs = canonical_inputs(refs);
      KFM_DET_TRY(const InputHash hash, input_hash(refs));
      out.inputs = hash.hex();
      if constexpr (plan_clause::mentions_gate<P>) {
        for (const SourceRef& ref : refs)
          if (auto passed = plan.gate(ref, view); !passed) {
            out.gate = passed.error();
            return passed.error();
          }
      }
      KFM_DET_TRY(const kfm_det::Plan planned, build_plan<P>(refs));
      out.plan_text = planned.canonical_text();
      out.steps = run_steps<P>(planned, refs, view, services);
      for (const auto& step : planned.steps()) {
        const auto ran = out.steps.find(step.id);
        if (ran == out.steps.end() || !ran->second.error.empty()) {
          out.kind = WorldOutcome::Kind::fails;
          if (ran != out.steps.end()) out.why = ran->second.error;
        } else if (step.publishes) {
          out.published[step.publishes->text] = ran->second;
        }
      }
      return success();
    };
    if (auto done = work(); !done) {
      out.kind = WorldOutcome::Kind::refused;
      out.why = done.error().message();
    }
    return out;
  }

  F fixture_;
  std::uint64_t owners_ = 0;
};

template <class F>
[[nodiscard]] UpdaterDriver drive_updater() {
  using Subject = UpdaterUnderTest<F>;
  return {[] { return std::unique_ptr<UpdaterSubject>(std::make_unique<Subject>()); }, F::worlds(), Subject::can_undo, Subject::can_compact, Subject::can_tell, Subject::can_put_back, Subject::has_versions, Subject::retires, Subject::may_be_empty, Subject::attempts};
}

}  // namespace detail
}  // namespace kfm_det::conformance

#endif
