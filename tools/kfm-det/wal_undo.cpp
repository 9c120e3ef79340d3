// SPDX-License-Identifier: BSL-1.0
// kfm-det wal undo: takes a run back; or says, key by key, what that would change.
#include <memory>

#include "operate.hpp"
#include "story.hpp"
#include "table.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] std::string version_of(const std::optional<Publication>& one) {
  if (!one) return "nothing";
  return one->version ? one->version->key.hex() : std::string("(tombstone)");
}

void print(Screen& screen, const UndoPreview& preview, bool all) {
  screen.paragraph({preview.sentence(), Tone::strong}, 0);
  if (preview.keys.empty()) return;
  screen.blank();
  constexpr std::size_t shown_max = 12;
  Table table({{"key", false, 16, 0}, {"what happens"}, {"current now", false, 12, 3, true}, {"current then", false, 12, 2, true}, {"step", false, 8, 4}});
  std::size_t shown = 0;
  for (const auto& one : preview.keys) {
    if (!all && ++shown > shown_max) break;
    const bool changes = one.change == UndoneKey::Change::restored || one.change == UndoneKey::Change::emptied;
    const bool same = one.change == UndoneKey::Change::restored && version_of(one.now) == version_of(one.then);   // another publication of the same bytes
    table.row({{one.business_key.text, Tone::strong}, {std::string(name(one.change)) + (same ? " (same bytes)" : ""), changes && !same ? Tone::warning : Tone::plain}, version_of(one.now), version_of(one.then), one.step_id});
  }
  table.print(screen);
  if (!all && preview.keys.size() > shown_max) screen.line({{"... and " + count_of(preview.keys.size() - shown_max, "key") + " more; --all shows them", Tone::dim}});
}

[[nodiscard]] Json to_json(const UndoPreview& preview) {
  Json keys = Json::array();
  for (const auto& one : preview.keys)
    keys.push(Json::object({{"business_key", Json(one.business_key.text)}, {"change", Json(name(one.change))}, {"effect", Json(one.effect.hex())}, {"now", Json(version_of(one.now))}, {"step", Json(one.step_id)}, {"then", Json(version_of(one.then))}}));
  Json out = Json::object({{"ends_as", Json(wal::name(preview.ends_as))}, {"format", Json(1)}, {"keys", std::move(keys)}, {"kind", Json("kfm-det wal undo preview")}, {"nothing_to_do", Json(preview.nothing_to_do)},
                           {"run", Json(preview.run.text())}, {"status", Json(wal::name(preview.status))}});
  if (preview.stops_at) out.set("stops_at", Json(*preview.stops_at));
  return out;
}

[[nodiscard]] Json to_json(const RunReport& report) {
  return Json::object({{"format", Json(1)}, {"kind", Json("kfm-det wal undo")}, {"run", Json(report.run.text())}, {"sentence", Json(report.sentence())}, {"status", Json(wal::name(report.status))},
                       {"were_current", Json(report.shown)}, {"withdrawn", Json(report.withdrawn)}});
}

}  // namespace

void add_wal_undo(Tool& tool, CLI::App& wal) {
  struct Arguments : OperateArguments { std::string run; bool all = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "undo", "Takes a run back: every key shows again what it showed without the run",
    "--dry-run says, key by key, what would become current, and what would not change because a newer run has replaced it; no byte changes. "
    "The undo itself takes the updater's lease, works through intent and effect as every run does, can be killed and called again, and stops at a step that is marked irreversible (the run ends parked, exit code 7).\n\n"
    "Examples:\n  kfm-det wal undo state/wal 607ba2cb --sink sqlite:state/summaries.db --dry-run\n  kfm-det wal undo state/wal 607ba2cb --sink sqlite:state/summaries.db",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      return with_run(screen, given->log, given->run, true, [&](OpenedLog& log, const Runs&, const wal::RunState& run) -> result<int> {
        if (given->dry_run) {
          KFM_DET_TRY(auto looked, look_at(*given));
          KFM_DET_TRY(const UndoPreview preview, preview_undo(looked.store, looked.sink, looked.place.stream, run.id));
          if (screen.wishes.json) screen.json(to_json(preview));
          else print(screen, preview, given->all);
          return exit_code::done;
        }
        return with_operator(*given, log, [&](const LogPlace&, auto& person) -> result<int> {
          KFM_DET_TRY(const RunReport report, person.undo(run.id, actor_of(*given)));
          if (screen.wishes.json) screen.json(to_json(report));
          else screen.paragraph({report.sentence(), Tone::good}, 0);
          return exit_code::done;
        });
      });
    });
  add_log(command, given->log);
  command.add_option("RUN", given->run, "A run's id, the first 4 characters of it or more, or `latest`")->required()->type_name("");
  add_operate_options(command, *given);
  command.add_flag("-n,--dry-run", given->dry_run, "Say what would change, and change nothing");
  command.add_flag("--all", given->all, "With --dry-run: every key");
}

}  // namespace kfm_det::tool
