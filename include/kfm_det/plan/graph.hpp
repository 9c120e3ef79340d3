// SPDX-License-Identifier: BSL-1.0
/// \file
/// StepGraph: what waits for what, by index, and the two questions that a plan asks of it: how deep is each step, and is there a cycle.
///
/// Linear in steps and dependencies, and without recursion: a chain of a million steps must not overflow the stack.
/// Thread-safety: pure functions.
#ifndef KFM_DET_PLAN_GRAPH_HPP
#define KFM_DET_PLAN_GRAPH_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace kfm_det::detail {

/// Step i waits for to[first[i]] .. to[first[i + 1] - 1], ascending.
struct StepGraph {
  std::vector<std::uint32_t> first{0};
  std::vector<std::uint32_t> to;

  [[nodiscard]] std::size_t size() const noexcept { return first.size() - 1; }
};

struct Topology {
  std::vector<std::uint32_t> level;          ///< steps in the longest chain that a step waits for; without meaning when there is a cycle
  std::optional<std::uint32_t> first_cyclic;  ///< the lowest step that waits for itself, over others or directly
};

/// Tarjan's strongly connected components with a stack of our own. Components come out dependencies first, so levels fall out on the way.
[[nodiscard]] inline Topology topology(const StepGraph& graph) {
  struct Visit { std::uint32_t step, edge; };
  const std::size_t size = graph.size();
  Topology out{std::vector<std::uint32_t>(size, 0), std::nullopt};
  std::vector<std::uint32_t> order(size, 0), low(size, 0), open;  // order 0: not seen yet
  std::vector<bool> closed(size, false);
  std::vector<Visit> visits;
  std::uint32_t seen = 0;
  const auto enter = [&](std::uint32_t step) {
    order[step] = low[step] = ++seen;
    open.push_back(step);
    visits.push_back({step, graph.first[step]});
  };
  const auto leave = [&](std::uint32_t step) {
    bool cyclic = false;
    for (std::uint32_t edge = graph.first[step]; edge < graph.first[step + 1]; ++edge) {
      out.level[step] = std::max(out.level[step], out.level[graph.to[edge]] + 1);
      cyclic = cyclic || graph.to[edge] == step;
    }
    if (low[step] != order[step]) return;  // its component goes on
    cyclic = cyclic || open.back() != step;
    for (bool last = false; !last;) {
      const std::uint32_t member = open.back();
      open.pop_back();
      closed[member] = true;
      if (cyclic && (!out.first_cyclic || member < *out.first_cyclic)) out.first_cyclic = member;
      last = member == step;
    }
  };
  for (std::uint32_t root = 0; root < size; ++root) {
    if (order[root] != 0) continue;
    enter(root);
    while (!visits.empty()) {
      const std::uint32_t step = visits.back().step;
      if (visits.back().edge < graph.first[step + 1]) {
        const std::uint32_t next = graph.to[visits.back().edge++];
        if (order[next] == 0) enter(next);
        else if (!closed[next]) low[step] = std::min(low[step], order[next]);
        continue;
      }
      visits.pop_back();
      leave(step);
      if (!visits.empty()) low[visits.back().step] = std::min(low[visits.back().step], low[step]);
    }
  }
  return out;
}

/// A shortest cycle through `start`, which must be on one; of several the one whose steps come first. It begins with `start` and ends before it.
[[nodiscard]] inline std::vector<std::uint32_t> shortest_cycle(const StepGraph& graph, std::uint32_t start) {
  constexpr std::uint32_t unseen = UINT32_MAX;
  std::vector<std::uint32_t> parent(graph.size(), unseen), queue{start};
  // Breadth first with ascending neighbours: whoever is reached first is reached on the path that comes first.
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const std::uint32_t step = queue[at];
    for (std::uint32_t edge = graph.first[step]; edge < graph.first[step + 1]; ++edge) {
      const std::uint32_t next = graph.to[edge];
      if (next == start) {
        std::vector<std::uint32_t> path;
        for (std::uint32_t back = step; back != start; back = parent[back]) path.push_back(back);
        path.push_back(start);
        std::reverse(path.begin(), path.end());
        return path;
      }
      if (parent[next] != unseen) continue;
      parent[next] = step;
      queue.push_back(next);
    }
  }
  return {};
}

}  // namespace kfm_det::detail

#endif
