// SPDX-License-Identifier: BSL-1.0
/// \file
/// The DAG of a run's steps, with how far each of them got, in the languages of Graphviz and Mermaid.
///
/// Labels are a stranger's: they are made printable first, and then escaped for the language that they stand in. Names of nodes are numbers. Pure functions.
#ifndef KFM_DET_TOOLS_KFM_DET_GRAPH_TEXT_HPP
#define KFM_DET_TOOLS_KFM_DET_GRAPH_TEXT_HPP

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "story.hpp"

namespace kfm_det::tool {

/// A step of the plan, or a key that the run retires.
struct GraphNode {
  enum class State : std::uint8_t { planned, ran, unknown, published, withdrawing, withdrawn, failed };
  std::string step, operation, key;   ///< key: empty for a step that publishes nothing
  State state = State::planned;
  bool irreversible = false, tombstone = false;
  std::vector<std::size_t> after;     ///< nodes that it waits for
};
[[nodiscard]] constexpr std::string_view name(GraphNode::State state) noexcept {
  constexpr std::string_view names[] = {"planned", "ran", "unknown", "published", "withdrawing", "withdrawn", "failed"};
  return names[static_cast<std::size_t>(state)];
}

/// Errors: invalid_argument for a run without a PLAN record (a lost one), corrupt_committed for a plan that cannot be read.
[[nodiscard]] result<std::vector<GraphNode>> graph_of(const Story& story);

[[nodiscard]] std::string to_dot(const Story& story, const std::vector<GraphNode>& nodes);
[[nodiscard]] std::string to_mermaid(const Story& story, const std::vector<GraphNode>& nodes);

}  // namespace kfm_det::tool

#endif
