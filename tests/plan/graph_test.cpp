// SPDX-License-Identifier: BSL-1.0
/// \file
/// Waves and cycles of step graphs, against the slowest way to say the same thing; and shapes that are long, wide and dense.
#include "kfm_det/plan/graph.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/plan/plans.hpp"

namespace {

namespace det = kfm_det;
using plans::make;
using plans::step;
using Edges = std::vector<std::set<std::uint32_t>>;  // what each step waits for

det::detail::StepGraph graph_of(const Edges& edges) {
  det::detail::StepGraph graph;
  for (const auto& each : edges) {
    graph.to.insert(graph.to.end(), each.begin(), each.end());
    graph.first.push_back(static_cast<std::uint32_t>(graph.to.size()));
  }
  return graph;
}

/// From numbers: at most `size` steps, each number one dependency.
Edges edges_of(std::size_t size, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& pairs, bool acyclic) {
  Edges edges(size);
  for (const auto& [a, b] : pairs) {
    auto from = static_cast<std::uint32_t>(a % size), to = static_cast<std::uint32_t>(b % size);
    if (acyclic && from == to) continue;
    if (acyclic && from < to) std::swap(from, to);
    edges[from].insert(to);
  }
  return edges;
}

/// reach[i][j]: there is a path of at least one dependency from i to j.
std::vector<std::vector<bool>> reach_of(const Edges& edges) {
  const std::size_t size = edges.size();
  std::vector<std::vector<bool>> reach(size, std::vector<bool>(size, false));
  for (std::size_t i = 0; i < size; ++i)
    for (const auto j : edges[i]) reach[i][j] = true;
  for (std::size_t k = 0; k < size; ++k)
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = 0; j < size; ++j)
        if (reach[i][k] && reach[k][j]) reach[i][j] = true;
  return reach;
}

/// All closed paths through start without a repeated step, the shortest and then the first; by trying everything.
void try_all(const Edges& edges, std::vector<std::uint32_t>& path, std::vector<std::uint32_t>& best) {
  if (!best.empty() && path.size() >= best.size() + 1) return;
  for (const auto next : edges[path.back()]) {
    if (next == path.front()) {
      if (best.empty() || path.size() < best.size() || (path.size() == best.size() && path < best)) best = path;
      continue;
    }
    if (std::find(path.begin(), path.end(), next) != path.end()) continue;
    path.push_back(next);
    try_all(edges, path, best);
    path.pop_back();
  }
}

/// What topology and shortest_cycle say that a search of everything does not; empty when they agree.
std::string fault_of(const Edges& edges) {
  const auto graph = graph_of(edges);
  const auto found = det::detail::topology(graph);
  const auto reach = reach_of(edges);
  std::optional<std::uint32_t> lowest;
  for (std::uint32_t i = 0; i < edges.size() && !lowest; ++i)
    if (reach[i][i]) lowest = i;
  if (found.first_cyclic != lowest) return "the lowest step on a cycle";
  if (lowest) {
    std::vector<std::uint32_t> path{*lowest}, best;
    try_all(edges, path, best);
    return det::detail::shortest_cycle(graph, *lowest) == best ? "" : "the shortest cycle";
  }
  for (std::size_t i = 0; i < edges.size(); ++i) {
    std::uint32_t level = 0;
    for (const auto wait : edges[i]) level = std::max(level, found.level[wait] + 1);
    if (found.level[i] != level) return "a level";
  }
  return "";
}

std::string id_of(std::size_t i) { return "s" + std::to_string(1000000 + i); }

}  // namespace

TEST_CASE("in every graph of up to four steps: the lowest step on a cycle and the path are those that a search of everything finds, and levels are longest chains") {
  std::string first;
  for (std::uint32_t size = 1; size <= 4; ++size) {
    for (std::uint32_t bits = 0; bits < std::uint32_t{1} << size * size && first.empty(); ++bits) {
      Edges edges(size);
      for (std::uint32_t i = 0; i < size * size; ++i)
        if ((bits >> i & 1) != 0) edges[i / size].insert(i % size);
      if (const std::string wrong = fault_of(edges); !wrong.empty()) first = wrong + " of size " + std::to_string(size) + ", edges " + std::to_string(bits);
    }
  }
  CHECK(first == "");
}

TEST_CASE("in any graph of up to nine steps, too") {
  CHECK(rc::check([] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 10);
    const auto pairs = *rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint32_t>>>(rc::gen::arbitrary<std::pair<std::uint32_t, std::uint32_t>>());
    RC_ASSERT(fault_of(edges_of(size, pairs, false)) == "");
  }));
}

TEST_CASE("every dependency lies in an earlier wave, and no wave could be earlier") {
  CHECK(rc::check([] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 40);
    const auto pairs = *rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint32_t>>>(rc::gen::arbitrary<std::pair<std::uint32_t, std::uint32_t>>());
    const auto choices = *rc::gen::arbitrary<std::vector<std::size_t>>();
    const Edges edges = edges_of(size, pairs, true);
    std::vector<det::Step> steps;
    for (std::size_t i = 0; i < size; ++i) {
      det::Step each = step(id_of((i * 7919) % size));  // 7919 is prime: ids in another order than dependencies
      for (const auto wait : edges[i]) each.after.push_back(id_of((wait * std::size_t{7919}) % size));
      steps.push_back(each);
    }
    const auto made = make(steps);
    RC_ASSERT(made.has_value());
    const det::Plan& plan = made.value();
    const auto waves = plan.waves();
    std::vector<std::size_t> wave_of(size, size);
    std::size_t count = 0;
    for (std::size_t wave = 0; wave < waves.size(); ++wave) {
      RC_ASSERT(!waves[wave].empty());
      for (std::size_t i = 0; i < waves[wave].size(); ++i) {
        if (i != 0) RC_ASSERT(plan.steps()[waves[wave][i - 1]].id < plan.steps()[waves[wave][i]].id);
        wave_of[waves[wave][i]] = wave;
        ++count;
      }
    }
    RC_ASSERT(count == size);
    for (std::size_t i = 0; i < size; ++i) {
      std::size_t earliest = 0;
      for (const std::string& dependency : plan.steps()[i].after) {
        const std::size_t before = wave_of[static_cast<std::size_t>(plan.find(dependency) - plan.steps().data())];
        RC_ASSERT(before < wave_of[i]);
        earliest = std::max(earliest, before + 1);
      }
      RC_ASSERT(wave_of[i] == earliest);
    }
    RC_ASSERT(make(plans::shuffled(steps, choices)).value().waves() == waves);
  }));
}

TEST_CASE("a chain, a fan out, a fan in and a ladder of 100,000 steps: linear, and no stack overflows") {
  constexpr std::size_t size = 100'000;
  std::vector<det::Step> chain, out, in, ladder;
  for (std::size_t i = 0; i < size; ++i) {
    chain.push_back(step(id_of(size - i), i == 0 ? std::vector<std::string>{} : std::vector<std::string>{id_of(size - i + 1)}));
    out.push_back(step(id_of(i), i == 0 ? std::vector<std::string>{} : std::vector<std::string>{id_of(0)}));
    in.push_back(step(id_of(i)));
    ladder.push_back(step(id_of(i), i < 2 ? std::vector<std::string>{} : std::vector<std::string>{id_of((i & ~std::size_t{1}) - 2), id_of((i & ~std::size_t{1}) - 1)}));
    if (i != 0) in[0].after.push_back(id_of(i));
  }
  const auto long_waves = make(chain).value().waves();
  CHECK(long_waves.size() == size);
  CHECK(long_waves.front() == std::vector<std::size_t>{size - 1});
  CHECK(long_waves.back() == std::vector<std::size_t>{0});
  const auto wide_waves = make(out).value().waves();
  REQUIRE(wide_waves.size() == 2);
  CHECK(wide_waves[1].size() == size - 1);
  const det::Plan fan_in = make(in).value();
  REQUIRE(fan_in.waves().size() == 2);
  CHECK(fan_in.waves()[1] == std::vector<std::size_t>{0});
  CHECK(make(ladder).value().waves().size() == size / 2);
  const auto read = det::Plan::parse(fan_in.canonical_text());
  REQUIRE(read);
  CHECK(read.value() == fan_in);
}
