// SPDX-License-Identifier: BSL-1.0
// kfm-det wal graph: the steps of a run, and how far each of them got, as a drawing.
#include <memory>

#include "command.hpp"
#include "graph_text.hpp"
#include "story.hpp"
#include "subprocess.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] Json graph_json(const Story& story, const std::vector<GraphNode>& nodes) {
  Json list = Json::array();
  for (const auto& node : nodes) {
    Json after = Json::array();
    for (const std::size_t before : node.after) after.push(Json(nodes[before].step));
    Json one = Json::object({{"after", std::move(after)}, {"irreversible", Json(node.irreversible)}, {"operation", Json(node.operation)}, {"state", Json(name(node.state))}, {"step", Json(node.step)}, {"tombstone", Json(node.tombstone)}});
    if (!node.key.empty()) one.set("business_key", Json(node.key));
    list.push(std::move(one));
  }
  return Json::object({{"format", Json(1)}, {"kind", Json("kfm-det wal graph")}, {"nodes", std::move(list)}, {"run", Json(story.run.id.text())}, {"status", Json(wal::name(story.run.status))}});
}

}  // namespace

void add_wal_graph(Tool& tool, CLI::App& wal) {
  struct Arguments { std::string log, run, format = "dot"; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "graph", "The steps of a run, and how far each of them got, as a drawing",
    "Steps are boxes, their colour is their state: planned, ran, unknown (an intent whose answer is not recorded), published, withdrawn, failed. Keys that the run retires stand beside them. "
    "SVG is drawn by the program `dot` of the package graphviz; DOT and Mermaid are text and need nothing.\n\n"
    "Examples:\n  kfm-det wal graph state/wal latest --format svg > run.svg\n  kfm-det wal graph state/wal 607ba2cb --format mermaid",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      return with_run(screen, given->log, given->run, false, [&](OpenedLog& log, const Runs& runs, const wal::RunState& run) -> result<int> {
        KFM_DET_TRY(const Story story, read_story(log, runs, run));
        if (story.is_folded && story.plan.find("plan") == nullptr && !run.is_lost) return log.was_folded("the plan of this run", run.id);
        KFM_DET_TRY(const auto nodes, graph_of(story));
        if (screen.wishes.json) {
          screen.json(graph_json(story, nodes));
        } else if (given->format == "mermaid") {
          screen.raw(to_mermaid(story, nodes));
        } else if (given->format == "dot") {
          screen.raw(to_dot(story, nodes));
        } else {
          KFM_DET_TRY(const std::string svg, filtered({"dot", "-Tsvg"}, to_dot(story, nodes), "graphviz"));
          screen.raw(svg);
        }
        return log.outcome(screen);
      });
    });
  add_log(command, given->log);
  command.add_option("RUN", given->run, "A run's id, the first 4 characters of it or more, or `latest`")->required()->type_name("");
  command.add_option("--format", given->format, "svg, dot or mermaid (dot)")->check(CLI::IsMember({"svg", "dot", "mermaid"}));
}

}  // namespace kfm_det::tool
