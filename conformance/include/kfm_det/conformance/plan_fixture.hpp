// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a person writes so that the kit can check a plan type, and what the kit says when it is written wrong.
///
///   struct Monthly {
///     using Plan = acme::MonthlySummary;
///     static std::vector<Sources> worlds();                           // what the sources hold (uri, bytes): the operations are run as well
///     Plan plan(const Sources& world) const;                          // may be left out: for a plan type that wants arguments for inputs()
///   };
///   struct PlanOnly {                                                 // a plan type whose operations want more than bytes
///     using Plan = acme::Tiles;
///     static std::vector<std::vector<kfm_det::SourceRef>> input_sets();   // or `static std::vector<kfm_det::SourceRef> inputs()`
///   };
///   // both may have:
///   void equip(kfm_det::Services& services) const;                    // what the operations ask for
///   static std::vector<GoldenPlan> golden();                          // what earlier builds gave: {version, input_hash, plan_hash}, as text (PLAN-2)
///
/// Thread-safety: a fixture must be usable from several threads, one after the other.
#ifndef KFM_DET_CONFORMANCE_PLAN_FIXTURE_HPP
#define KFM_DET_CONFORMANCE_PLAN_FIXTURE_HPP

#include <concepts>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/plan_outputs.hpp"
#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/core/source_ref.hpp"

namespace kfm_det::conformance {

/// What the sources of a world hold: uri, bytes.
using Sources = std::map<std::string, Bytes>;

/// What another build gave for one set of inputs, as report or log show it.
struct GoldenPlan {
  std::string version, input_hash, plan_hash;
};

namespace plan_fixture_clause {
template <class F> concept default_made = std::is_default_constructible_v<F>;   // not default_initializable: a member with an explicit default constructor is fine
template <class F> concept names_plan = requires { typename F::Plan; };
template <class F> concept has_worlds = requires { { F::worlds() } -> std::convertible_to<std::vector<Sources>>; };
template <class F> concept has_sets = requires { { F::input_sets() } -> std::convertible_to<std::vector<std::vector<SourceRef>>>; };
template <class F> concept has_inputs = requires { { F::inputs() } -> std::convertible_to<std::vector<SourceRef>>; };
template <class F> concept has_any = has_worlds<F> || has_sets<F> || has_inputs<F>;
template <class F> concept makes_plan = requires(const F& fixture, const Sources& world) { { fixture.plan(world) } -> std::same_as<typename F::Plan>; };
template <class F> concept plan_fits = !names_plan<F> || !has_worlds<F> || makes_plan<F> || std::default_initializable<typename F::Plan>;
template <class F> concept equips = requires(const F& fixture, Services& services) { fixture.equip(services); };
template <class F> concept mentions_golden = requires { &F::golden; };
template <class F> concept golden_fits = !mentions_golden<F> || requires { { F::golden() } -> std::convertible_to<std::vector<GoldenPlan>>; };
}  // namespace plan_fixture_clause

/// Says in sentences what is missing of a fixture for check_plan, all of it at once.
template <class F>
consteval bool diagnose_plan_fixture() {
  using namespace plan_fixture_clause;
  static_assert(default_made<F>, "kfm_det plan fixture: must be default constructible; the kit makes it");
  static_assert(names_plan<F>, "kfm_det plan fixture: needs `using Plan = ...`, the plan type");
  static_assert(has_any<F>, "kfm_det plan fixture: needs `static std::vector<kfm_det::conformance::Sources> worlds()`, or `static std::vector<kfm_det::SourceRef> inputs()`, or input_sets()");
  static_assert(plan_fits<F>, "kfm_det plan fixture: the plan type is not default constructible: needs `Plan plan(const kfm_det::conformance::Sources& world) const`");
  static_assert(golden_fits<F>, "kfm_det plan fixture: golden must be `static std::vector<kfm_det::conformance::GoldenPlan> golden()`");
  return default_made<F> && names_plan<F> && has_any<F> && plan_fits<F> && golden_fits<F>;
}

namespace detail {

/// What one set of inputs comes to: everything that must never change.
struct PlanResult {
  std::string text;        ///< canonical plan; empty when plan() answered an error
  std::string plan_hash, input_hash;
  std::string error;
  bool two_steps_one_key = false;   ///< the error is errc::duplicate_target
  StepOutputs steps;       ///< of worlds only
  friend bool operator==(const PlanResult&, const PlanResult&) = default;

  /// For the way from one process to another: "size:bytes" for each field.
  [[nodiscard]] std::string to_text() const {
    std::string out;
    const auto add = [&](const std::string& field) { out += std::to_string(field.size()) + ":" + field; };
    for (const std::string* field : {&text, &plan_hash, &input_hash, &error}) add(*field);
    add(two_steps_one_key ? "1" : "");
    for (const auto& [id, step] : steps)
      for (const std::string* field : {&id, &step.key, &step.bytes, &step.metadata, &step.error}) add(*field);
    return out;
  }
  [[nodiscard]] static std::optional<PlanResult> from_text(std::string_view text) {
    std::vector<std::string> fields;
    while (!text.empty()) {
      std::size_t size = 0, at = 0;
      while (at < text.size() && text[at] >= '0' && text[at] <= '9' && size < text.size()) size = size * 10 + static_cast<std::size_t>(text[at++] - '0');
      if (at == 0 || at == text.size() || text[at] != ':' || size > text.size() - at - 1) return std::nullopt;
      fields.emplace_back(text.substr(at + 1, size));
      text.remove_prefix(at + 1 + size);
    }
    if (fields.size() < 5 || fields.size() % 5 != 0) return std::nullopt;
    PlanResult out{fields[0], fields[1], fields[2], fields[3], fields[4] == "1", {}};
    for (std::size_t i = 5; i < fields.size(); i += 5) out.steps[fields[i]] = {fields[i + 1], fields[i + 2], fields[i + 3], fields[i + 4]};
    return out;
  }
};

/// A fixture without its types. `inputs` may be in any order and have doubles; `with_steps` runs the operations, too.
struct PlanDriver {
  std::string updater_id, version;
  std::vector<std::vector<SourceRef>> sets;
  bool has_worlds = false;
  std::function<PlanResult(std::size_t set, std::span<const SourceRef> inputs, bool with_steps)> work_out;
  std::vector<GoldenPlan> golden;
  std::string broken;   ///< why inputs() of a world gave nothing
  std::optional<std::size_t> fresh;   ///< its number in a fresh process of this program
};

inline int stack_byte = -1;   // of a child in which plan() finds this byte wherever it sets nothing on its stack
__attribute__((noinline)) inline void fill_stack(int byte) {
  volatile unsigned char below[100'000];
  for (std::size_t i = 0; i < sizeof below; ++i) below[i] = static_cast<unsigned char>(byte);
}
/// The plan type, with the stack below plan() as the child wants it.
template <class P>
struct OverStack : P {
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<typename P::Operations>& builder) {
    if (stack_byte >= 0) fill_stack(stack_byte);
    return P::plan(inputs, builder);
  }
};
template <class P> struct MaybeOverStack { using type = OverStack<P>; };
template <class P> requires std::is_final_v<P> struct MaybeOverStack<P> { using type = P; };

template <class F>
[[nodiscard]] PlanDriver drive_plan() {
  using P = typename F::Plan;
  using namespace plan_fixture_clause;
  PlanDriver out;
  out.updater_id = std::string(UpdaterId(P::id).text);
  out.version = Version(P::version).text();
  std::vector<Sources> worlds;
  if constexpr (has_worlds<F>) {
    worlds = F::worlds();
    out.has_worlds = true;
    for (const Sources& world : worlds) {
      MemorySourceReader reader;
      for (const auto& [uri, bytes] : world) reader.put(uri, bytes);
      SourceReaderView view(reader);
      result<std::vector<SourceRef>> found = std::vector<SourceRef>{};
      if constexpr (plan_clause::mentions_inputs<P>) {
        if constexpr (makes_plan<F>) found = F().plan(world).inputs(view);
        else found = P{}.inputs(view);
      }
      if (!found) out.broken = found.error().message();
      out.sets.push_back(found ? canonical_inputs(found.value()) : std::vector<SourceRef>{});
    }
  } else if constexpr (has_sets<F>) {
    for (const auto& set : F::input_sets()) out.sets.push_back(canonical_inputs(set));
  } else {
    out.sets.push_back(canonical_inputs(F::inputs()));
  }
  if constexpr (mentions_golden<F>) out.golden = F::golden();
  out.work_out = [worlds = std::move(worlds), sets = out.sets](std::size_t set, std::span<const SourceRef> inputs, bool with_steps) {
    PlanResult now;
    const auto hash = input_hash(sets[set]);
    if (hash) now.input_hash = hash.value().hex();
    const auto planned = build_plan<typename MaybeOverStack<P>::type>(inputs);
    if (!planned) {
      now.error = planned.error().message();
      now.two_steps_one_key = planned.error().code() == errc::duplicate_target;
      return now;
    }
    now.text = planned.value().canonical_text();
    now.plan_hash = planned.value().hash().hex();
    if (!with_steps || worlds.empty()) return now;
    MemorySourceReader reader;
    for (const auto& [uri, bytes] : worlds[set]) reader.put(uri, bytes);
    SourceReaderView view(reader);
    Services services;
    if constexpr (equips<F>) F().equip(services);
    now.steps = run_steps<P>(planned.value(), sets[set], view, services);
    return now;
  };
  return out;
}

/// The plan of a fixture, enlisted before main(), so that a fresh process of the program has it under the same number.
template <class F>
struct FreshPlan {
  static std::string answer(std::size_t set) {
    const PlanDriver driver = drive_plan<F>();
    return set < driver.sets.size() ? driver.work_out(set, driver.sets[set], true).to_text() : std::string();
  }
  static inline const std::size_t number = enlist(&answer);
};

/// Where two results of one set of inputs differ, in words; empty when they are equal.
[[nodiscard]] inline std::string plan_difference(const PlanResult& before, const PlanResult& now) {
  if (before.error != now.error) return "its error was \"" + kfm_det::detail::shown(before.error) + "\" and is now \"" + kfm_det::detail::shown(now.error) + "\"";
  if (before.text == now.text) return {};
  const auto a = Plan::parse(before.text), b = Plan::parse(now.text);
  return a && b ? kfm_det::first_difference(a.value(), b.value()) : std::string("the canonical text differs");
}

}  // namespace detail
}  // namespace kfm_det::conformance

#endif
