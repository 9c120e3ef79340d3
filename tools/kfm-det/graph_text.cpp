// SPDX-License-Identifier: BSL-1.0
#include "graph_text.hpp"

#include <map>

#include <kfm_det/plan/plan.hpp>

namespace kfm_det::tool {

namespace {

struct Colours { std::string_view fill, line; };
[[nodiscard]] constexpr Colours colours_of(GraphNode::State state) noexcept {
  constexpr Colours all[] = {{"#ffffff", "#888888"}, {"#dbe9f6", "#4a7fb5"}, {"#ffe3b3", "#c77700"}, {"#d9f0d3", "#3a8f3a"}, {"#ffe3b3", "#c77700"}, {"#eeeeee", "#666666"}, {"#f8d0d0", "#b00020"}};
  return all[static_cast<std::size_t>(state)];
}

[[nodiscard]] GraphNode::State state_of(wal::EffectState::Progress progress, bool ran) {
  using Progress = wal::EffectState::Progress;
  switch (progress) {
    case Progress::planned: return ran ? GraphNode::State::ran : GraphNode::State::planned;
    case Progress::unknown: return GraphNode::State::unknown;
    case Progress::done: return GraphNode::State::published;
    case Progress::withdrawing: return GraphNode::State::withdrawing;
    case Progress::withdrawn: return GraphNode::State::withdrawn;
  }
  return GraphNode::State::planned;
}

/// Inside of double quotes. Graphviz reads HTML entities in labels, so & goes too.
[[nodiscard]] std::string dot_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '&') out += "&amp;";
    else out += c;
  }
  return out + "\"";
}

/// Inside of double quotes: everything that Mermaid, its Markdown or HTML gives a meaning to becomes a character code.
[[nodiscard]] std::string mermaid_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '.' || c == ',' || c == '-' || c == '_' || c == '/' || c == ':' || c == '@' || static_cast<unsigned char>(c) >= 0x80;
    if (plain) out += c;
    else out += "#" + std::to_string(static_cast<int>(static_cast<unsigned char>(c))) + ";";
  }
  return out;
}

[[nodiscard]] std::vector<std::string> label_of(const GraphNode& node) {
  std::vector<std::string> lines{node.step};
  if (!node.operation.empty()) lines.push_back(node.operation);
  if (!node.key.empty()) lines.push_back((node.tombstone ? "retires " : "publishes ") + node.key);
  lines.push_back(std::string(name(node.state)) + (node.irreversible ? ", irreversible" : ""));
  return lines;
}

[[nodiscard]] std::string title_of(const Story& story) { return "run " + story.run.id.text() + " is " + status_of(story.run) + " (" + story.run.updater_id + " " + story.run.version.text() + ", trigger " + story.run.trigger_key + ")"; }

}  // namespace

result<std::vector<GraphNode>> graph_of(const Story& story) {
  const Json* const text = story.plan.find("plan");
  if (text == nullptr) return Error(errc::invalid_argument, "this run has no plan in the log", story.run.id.text(), "Only an accepted loss or a checkpoint tells of it; `kfm-det wal show` says what is known");
  auto plan = Plan::from_json(*text);
  if (!plan) return plan.error().as(errc::corrupt_committed).at("run " + story.run.id.text());
  std::map<std::string, const StoryEffect*> effects;
  for (const auto& effect : story.effects) effects[effect.state.step_id] = &effect;
  std::vector<GraphNode> nodes;
  std::map<std::string, std::size_t> places;
  for (const Step& step : plan.value().steps()) {
    GraphNode node{step.id, step.operation, step.publishes ? step.publishes->text : "", {}, step.irreversible, false, {}};
    const bool ran = story.executed.contains(step.id);
    const auto effect = effects.find(step.id);
    node.state = effect == effects.end() ? (ran ? GraphNode::State::ran : GraphNode::State::planned) : state_of(effect->second->state.progress, ran);
    if (story.failed_step == step.id) node.state = GraphNode::State::failed;
    places[step.id] = nodes.size();
    nodes.push_back(std::move(node));
  }
  for (std::size_t i = 0; i < plan.value().size(); ++i)
    for (const std::string& before : plan.value().steps()[i].after) nodes[i].after.push_back(places.at(before));
  for (const auto& effect : story.effects)
    if (!places.contains(effect.state.step_id)) nodes.push_back({effect.state.step_id, "", effect.state.business_key.text, state_of(effect.state.progress, false), effect.state.irreversible, effect.state.tombstone, {}});
  return nodes;
}

std::string to_dot(const Story& story, const std::vector<GraphNode>& nodes) {
  std::string out = "digraph run {\n  rankdir=LR;\n  label=" + dot_quoted(title_of(story)) + ";\n  labelloc=t;\n  node [shape=box, style=\"filled,rounded\", fontname=\"Helvetica\", fontsize=10];\n  edge [color=\"#888888\"];\n";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::string label;
    for (const auto& line : label_of(nodes[i])) {
      const std::string quoted = dot_quoted(line);
      label += (label.empty() ? "" : "\\n") + quoted.substr(1, quoted.size() - 2);
    }
    const Colours colours = colours_of(nodes[i].state);
    out += "  n" + std::to_string(i) + " [label=\"" + label + "\", fillcolor=\"" + std::string(colours.fill) + "\", color=\"" + std::string(colours.line) + "\"" + (nodes[i].irreversible ? ", peripheries=2" : "") +
           (nodes[i].tombstone ? ", shape=note" : "") + "];\n";
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const std::size_t before : nodes[i].after) out += "  n" + std::to_string(before) + " -> n" + std::to_string(i) + ";\n";
  return out + "}\n";
}

std::string to_mermaid(const Story& story, const std::vector<GraphNode>& nodes) {
  std::string out = "%% " + mermaid_text(title_of(story)) + "\nflowchart LR\n";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::string label;
    for (const auto& line : label_of(nodes[i])) label += (label.empty() ? "" : "<br/>") + mermaid_text(line);
    out += "  n" + std::to_string(i) + "[\"" + label + "\"]:::" + std::string(name(nodes[i].state)) + "\n";
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const std::size_t before : nodes[i].after) out += "  n" + std::to_string(before) + " --> n" + std::to_string(i) + "\n";
  for (int i = 0; i <= static_cast<int>(GraphNode::State::failed); ++i) {
    const auto state = static_cast<GraphNode::State>(i);
    out += "  classDef " + std::string(name(state)) + " fill:" + std::string(colours_of(state).fill) + ",stroke:" + std::string(colours_of(state).line) + "\n";
  }
  return out;
}

}  // namespace kfm_det::tool
