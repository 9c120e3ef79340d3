// SPDX-License-Identifier: BSL-1.0
// kfm-det wal repair: from a bad verdict back to a log that goes on. Proposes; only --accept acts.
#include <memory>

#include <kfm_det/stores/evidence.hpp>
#include <kfm_det/updater/repair.hpp>

#include "operate.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] Json to_json(const RepairReport& report) {
  Json lost = Json::array();
  for (const auto& run : report.proposed.loss.lost) lost.push(Json(run.id.text()));
  return Json::object({{"accepted", Json(report.done.has_value())}, {"format", Json(1)}, {"incarnation", Json(report.done ? report.done->incarnation : report.proposed.loss.incarnation)}, {"kind", Json("kfm-det wal repair")},
                       {"lost_from", Json(report.proposed.lost_from)}, {"lost_runs", std::move(lost)}, {"lost_upto", Json(report.proposed.lost_upto)}, {"sentence", Json(report.sentence())},
                       {"verdict", Json(name(report.proposed.recovery.verdict))}});
}

void print_lost(Screen& screen, const std::vector<wal::RunState>& lost) {
  for (const auto& run : lost) {
    screen.line({"  ", {run.id.text(), Tone::strong}, " is lost; the sink has " + count_of(run.effects.size(), "publication") + " of it:"});
    std::size_t shown = 0;
    for (const auto& effect : run.effects) {
      if (++shown > 12) { screen.line({{"    ... and " + std::to_string(run.effects.size() - 12) + " more", Tone::dim}}); break; }
      screen.line({"    ", effect.business_key.text});
    }
  }
}

}  // namespace

void add_wal_repair(Tool& tool, CLI::App& wal) {
  struct Arguments : OperateArguments { bool accept = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "repair", "From a bad verdict back to a log that goes on; proposes, and acts only with --accept",
    "Without --accept nothing is changed: what would be lost is said, and the exit code is that of the verdict. First of all, look for a copy of the log that is whole.\n\n"
    "With --accept, in this order: the evidence is copied to evidence/ and durable; the next incarnation begins with a record of the loss, which names it; the sink is told. "
    "No segment is written, cut or removed. What is foreign, of a newer version or unreadable is no loss: it has to be put right.\n\n"
    "Examples:\n  kfm-det wal repair state/wal --sink sqlite:state/summaries.db\n  kfm-det wal repair state/wal --sink sqlite:state/summaries.db --accept",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      const auto tell = [&](const LogPlace& place, const RepairReport& report) {
        const bool is_good = report.done.has_value() || is_usable(report.proposed.recovery.verdict);
        if (screen.wishes.json) {
          screen.json(to_json(report));
        } else {
          screen.paragraph({place.shown(report.sentence()), is_good ? Tone::good : Tone::bad}, 0);
          print_lost(screen, report.done ? report.done->lost : report.proposed.loss.lost);
        }
        if (is_good) return exit_code::done;
        screen.say({"A whole copy of the log is better than any repair; to go on without what is lost: --accept", Tone::dim});
        return exit_code_of(wal::verdict_error(report.proposed.recovery, place.stream).code());
      };
      if (!given->accept || given->dry_run) {
        KFM_DET_TRY(auto looked, look_at(*given));
        RepairReport report;
        KFM_DET_TRY(report.proposed, preview_loss(looked.store, looked.sink, looked.scope));
        return tell(looked.place, report);
      }
      KFM_DET_TRY(const auto log, OpenedLog::open(screen, given->log));
      return with_operator(*given, log, [&](const LogPlace& place, auto& person) -> result<int> {
        KFM_DET_TRY(const RepairReport report, repair(person, EvidenceKeeper(person.store(), person.stream()), {.accept = true, .actor = actor_of(*given)}));
        return tell(place, report);
      }, true);
    });
  add_log(command, given->log);
  add_operate_options(command, *given);
  command.add_flag("--accept", given->accept, "Go on without what is lost");
  command.add_flag("-n,--dry-run", given->dry_run, "Propose only, --accept or not");
}

}  // namespace kfm_det::tool
