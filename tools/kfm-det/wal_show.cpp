// SPDX-License-Identifier: BSL-1.0
// kfm-det wal show: the runs of a log, or one run as a timeline.
#include <algorithm>
#include <memory>

#include <kfm_det/updater/run_report.hpp>

#include "command.hpp"
#include "story.hpp"
#include "table.hpp"
#include "timeline.hpp"

namespace kfm_det::tool {

namespace {

constexpr std::size_t effects_shown = 12;   // of a run, unless --all

[[nodiscard]] Json failure_json(const wal::Failure& failure) {
  return Json::object({{"code", Json(failure.code)}, {"sentence", Json(failure.sentence)}, {"stage", Json(failure.stage)}, {"step", Json(failure.step_id)}});
}

[[nodiscard]] Json run_json(const wal::RunState& run, const std::string& actor, bool is_folded) {
  Json out = Json::object({{"attempts", Json(run.attempts_ever)}, {"effects", Json(run.planned_effects)}, {"planned_at", Json(run.planned_at.to_rfc3339())}, {"run", Json(run.id.text())},
                           {"status", Json(wal::name(run.status))}, {"updater", Json(run.updater_id)}, {"lsn", Json(run.order.lsn)}, {"incarnation", Json(run.order.incarnation)}});
  if (is_folded) out.set("folded", Json(true));
  if (!run.is_lost) {
    out.set("actor", Json(actor));
    out.set("trigger", Json::object({{"key", Json(run.trigger_key)}, {"kind", Json(run.trigger_kind)}}));
    out.set("version", Json(run.version.text()));
    out.set("input_hash", Json(run.input_hash.hex()));
  }
  if (!wal::is_unfinished(run.status)) out.set("ended_at", Json(run.finished_at.to_rfc3339()));
  if (run.status == wal::RunStatus::undoing) out.set("ends_as", Json(wal::name(run.ends_as)));
  if (run.predecessor) out.set("predecessor", Json(run.predecessor->text()));
  if (run.failure && run.status != wal::RunStatus::committed) out.set("failure", failure_json(*run.failure));
  if (const std::string what = remedy(run); !what.empty()) out.set("what_to_do", Json(what));
  return out;
}

/// "3 runs: 2 committed, 1 undone"
[[nodiscard]] std::string runs_text(const wal::ScopeState& state) {
  std::map<std::string_view, std::size_t> counts;
  for (const auto& run : state.runs) ++counts[wal::name(run.status)];
  std::string out = count_of(state.runs.size(), "run");
  for (const auto& [name, count] : counts) out += (name == counts.begin()->first ? ": " : ", ") + std::to_string(count) + " " + std::string(name);
  return out;
}

/// How many characters of an id tell all of them apart; 8 at least.
[[nodiscard]] std::size_t id_columns(const std::vector<wal::RunState>& runs) {
  std::vector<std::string> ids;
  for (const auto& run : runs) ids.push_back(run.id.text());
  std::sort(ids.begin(), ids.end());
  std::size_t out = 8;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    std::size_t same = 0;
    while (same < ids[i].size() && same < ids[i - 1].size() && ids[i][same] == ids[i - 1][same]) ++same;
    out = std::max(out, same + 1);
  }
  return out;
}

/// What a fold that ended early has to say, and the exit code of all of it.
[[nodiscard]] int outcome(Screen& screen, const OpenedLog& log, const Runs& runs) {
  const int code = log.outcome(screen);
  if (!runs.stopped) return code;
  screen.error(*runs.stopped);
  return code != exit_code::done ? code : exit_code_of(runs.stopped->code());
}

int show_runs(Screen& screen, const OpenedLog& log, const Runs& runs) {
  if (screen.wishes.json) {
    Json list = Json::array();
    for (const auto& run : runs.state.runs) {
      const auto actor = runs.actors.find(run.id);
      list.push(run_json(run, actor == runs.actors.end() ? "" : actor->second, runs.folded.contains(run.id)));
    }
    screen.json(Json::object({{"format", Json(1)}, {"kind", Json("kfm-det wal show")}, {"log", log.to_json()}, {"runs", std::move(list)}}));
    return outcome(screen, log, runs);
  }
  log.print_verdict(screen);
  screen.field("runs", runs_text(runs.state) + (runs.folded.empty() ? "" : "; " + std::to_string(runs.folded.size()) + " of them folded into the checkpoint"));
  if (!runs.state.runs.empty()) {
    screen.blank();
    std::vector<Column> columns{{"run", false, id_columns(runs.state.runs), 0, true}, {"planned"}, {"status"}, {"took", true, 0, 3}, {"effects", true, 0, 4}, {"resumed", true, 0, 5}, {"version", false, 0, 6}, {"trigger", false, 12, 0}};
    if (log.is_compacted()) columns.push_back({"records", false, 0, 2});
    Table table(std::move(columns));
    for (const auto& run : runs.state.runs)
      table.row({{run.id.text(), Tone::strong}, second_of(run.planned_at), {wal::name(run.status), tone_of(run.status)}, wal::is_unfinished(run.status) || run.is_lost ? std::string("-") : text_of(run.finished_at - run.planned_at),
                 std::to_string(run.planned_effects), std::to_string(run.attempts_ever), run.is_lost ? std::string("-") : run.version.text(), run.is_lost ? std::string("-") : run.trigger_key + " (" + run.trigger_kind + ")", runs.folded.contains(run.id) ? "folded" : "here"});
    table.print(screen);
  }
  return outcome(screen, log, runs);
}

[[nodiscard]] std::string durations_text(const Story& story) {
  std::string out;
  for (const auto& [name, time] : durations(story)) out += (out.empty() ? "" : ", ") + name + " " + text_of(time);
  return out;
}

[[nodiscard]] std::string stops_text(const Stops& stops, std::uint64_t attempts) {
  std::string out;
  const auto add = [&](std::string_view what, std::uint64_t count) {
    if (count != 0) out += (out.empty() ? "" : ", ") + std::string(what) + (count == 1 ? " once" : count == 2 ? " twice" : " " + std::to_string(count) + " times");
  };
  add("stopped without a word", stops.without_a_word);
  add("stopped on request", stops.on_request);
  add("taken up again", attempts);
  return out;
}

void print_effects(Screen& screen, const Story& story, bool all) {
  if (story.effects.empty()) return;
  screen.blank();
  Table table({{"key", false, 16, 0}, {"state"}, {"answer", false, 0, 3}, {"intent", true, 0, 4}, {"done", true, 0, 4}, {"version", false, 12, 5, true}, {"step", false, 8, 6}});
  std::size_t shown = 0;
  for (const auto& effect : story.effects) {
    if (!all && ++shown > effects_shown) break;
    using Progress = wal::EffectState::Progress;
    const Progress progress = effect.state.progress;
    const Tone tone = progress == Progress::done ? Tone::good : progress == Progress::unknown || progress == Progress::withdrawing ? Tone::warning : Tone::plain;
    table.row({{effect.state.business_key.text, Tone::strong}, {std::string(effect.state.tombstone && progress == Progress::done ? "retired" : name(progress)) + (effect.state.irreversible ? ", irreversible" : ""), tone}, effect.result,
               effect.intent == 0 ? std::string() : std::to_string(effect.intent), effect.done == 0 ? std::string() : std::to_string(effect.done), effect.state.tombstone ? std::string("(tombstone)") : effect.version, effect.state.step_id});
  }
  table.print(screen);
  if (!all && story.effects.size() > effects_shown) screen.line({{"... and " + count_of(story.effects.size() - effects_shown, "key") + " more; --all shows them", Tone::dim}});
}

void print_timeline(Screen& screen, const Story& story, bool all) {
  const auto beats = timeline(story, all);
  if (beats.empty()) return;
  screen.blank();
  Table table({{"time"}, {"after", true, 0, 2}, {"LSN", true, 0, 3}, {"phase"}, {"what", false, 20, 0, false, true}});
  std::string day = day_of(beats.front().from);
  const Beat* before = nullptr;
  for (const auto& beat : beats) {
    if (const std::string today = day_of(beat.to); today != day) {
      day = today;
      if (beat.kind == Beat::Kind::records) table.between({"-- " + day, Tone::dim});
    }
    if (beat.kind != Beat::Kind::records) {
      table.between({"-- " + beat.what, beat.tone});
      continue;
    }
    const std::string lsn = std::to_string(beat.first) + (beat.last == beat.first ? "" : "-" + std::to_string(beat.last));
    table.row({time_of_day(beat.to), before == nullptr || beat.to == before->to ? std::string() : "+" + text_of(beat.to - before->to), lsn, {beat.label, Tone::strong}, {beat.what, beat.tone}});
    before = &beat;
  }
  table.print(screen);
}

[[nodiscard]] Json story_json(const OpenedLog& log, const Story& story) {
  Json beats = Json::array(), effects = Json::array(), times = Json::object();
  for (const auto& beat : timeline(story, false)) {
    constexpr std::string_view kinds[] = {"records", "stopped", "stopped_on_request", "later", "loss_accepted"};
    Json one = Json::object({{"from", Json(beat.from.to_rfc3339())}, {"kind", Json(kinds[static_cast<std::size_t>(beat.kind)])}, {"to", Json(beat.to.to_rfc3339())}, {"what", Json(beat.what)}});
    if (beat.kind == Beat::Kind::records) {
      one.set("first_lsn", Json(beat.first));
      one.set("last_lsn", Json(beat.last));
      one.set("phase", Json(beat.label));
    }
    beats.push(std::move(one));
  }
  for (const auto& effect : story.effects) {
    Json one = Json::object({{"business_key", Json(effect.state.business_key.text)}, {"effect", Json(effect.state.effect.hex())}, {"state", Json(name(effect.state.progress))}, {"step", Json(effect.state.step_id)},
                             {"irreversible", Json(effect.state.irreversible)}, {"tombstone", Json(effect.state.tombstone)}});
    if (effect.intent != 0) one.set("intent_lsn", Json(effect.intent));
    if (effect.done != 0) one.set("done_lsn", Json(effect.done));
    if (!effect.result.empty()) one.set("answer", Json(effect.result));
    if (!effect.version.empty()) one.set("version", Json(effect.version));
    effects.push(std::move(one));
  }
  for (const auto& [name, time] : durations(story)) times.set(name, Json(time.ns));
  Json run = run_json(story.run, story.actor, story.is_folded);
  const Stops stopped = stops(story);
  run.set("stopped_without_a_word", Json(stopped.without_a_word));
  run.set("stopped_on_request", Json(stopped.on_request));
  return Json::object({{"durations_ns", std::move(times)}, {"effects", std::move(effects)}, {"format", Json(1)}, {"kind", Json("kfm-det wal show run")}, {"log", log.to_json()}, {"run", std::move(run)}, {"timeline", std::move(beats)}});
}

result<int> show_run(Screen& screen, OpenedLog& log, const Runs& runs, const std::string& text, bool all) {
  const auto found = find_run(runs, text);
  if (!found) {
    if (const int code = outcome(screen, log, runs); code != exit_code::done) return code;   // the verdict says why it is not there
    return found.error();
  }
  const wal::RunState& run = *found.value();
  KFM_DET_TRY(const Story story, read_story(log, runs, run));
  if (screen.wishes.json) {
    screen.json(story_json(log, story));
    return outcome(screen, log, runs);
  }
  screen.line({{"run " + run.id.text(), Tone::strong}, " is ", {status_of(run), tone_of(run.status)}});
  log.print_verdict(screen);
  if (run.is_lost) {
    screen.field("listed by", "an accepted loss, " + second_of(run.planned_at) + "; its own records are gone");
  } else {
    screen.field("asked by", "trigger " + run.trigger_key + " (" + run.trigger_kind + "), actor " + story.actor);
    screen.field("updater", run.updater_id + " " + run.version.text() + ", inputs " + run.input_hash.hex());
    std::string when = "planned " + second_of(run.planned_at);
    if (!wal::is_unfinished(run.status)) when += ", ended " + second_of(run.finished_at) + ", " + text_of(run.finished_at - run.planned_at) + " in all";
    screen.field("when", when);
    if (const std::string times = durations_text(story); !times.empty()) screen.field("time", times);
    if (const std::string text_of_stops = stops_text(stops(story), run.attempts_ever); !text_of_stops.empty()) screen.field("stops", {text_of_stops, Tone::warning});
    if (story.is_folded) screen.field("records", {std::string(story.entries.empty() ? "all of them" : "the first of them") + " are in " + log.where_older_are(), Tone::warning});
    if (run.predecessor) screen.field("follows", "run " + run.predecessor->text() + " of the same trigger");
  }
  if (run.failure && run.status != wal::RunStatus::committed && !run.failure->sentence.empty())
    screen.field("why", {run.failure->code + ": " + run.failure->sentence + (run.failure->step_id.empty() ? "" : " (step " + run.failure->step_id + ", " + run.failure->stage + ")"), Tone::bad});
  if (const std::string what = remedy(run); !what.empty()) screen.field("what to do", {what, Tone::strong});
  print_timeline(screen, story, all);
  print_effects(screen, story, all);
  return outcome(screen, log, runs);
}

}  // namespace

void add_wal_show(Tool& tool, CLI::App& wal) {
  struct Arguments { std::string log, run; bool all = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "show", "What a log holds: its verdict, its runs; or one run as a timeline",
    "The verdict is what recovery would say, without a witness. Of a damaged log everything in front of the damage is shown, and the exit code is 6.\n\n"
    "A run's timeline joins neighbouring records of one kind. Where another tenure went on with a run that had not ended, a line says how long nothing happened: "
    "its owner was killed, lost power, or met an error that may pass; or was stopped on request, where the log says so.\n\n"
    "Examples:\n  kfm-det wal show state/wal\n  kfm-det wal show state/wal latest\n  kfm-det wal show state/wal 607ba2cb --all",
    [&tool, given]() -> result<int> {
      KFM_DET_TRY(auto log, OpenedLog::open(tool.screen, given->log));
      const Runs runs = read_runs(log);
      if (given->run.empty()) return show_runs(tool.screen, log, runs);
      return show_run(tool.screen, log, runs, given->run, given->all);
    });
  add_log(command, given->log);
  command.add_option("RUN", given->run, "A run's id, the first 4 characters of it or more, or `latest`")->type_name("");
  command.add_flag("--all", given->all, "Of a run: every record its own line, and every key");
}

}  // namespace kfm_det::tool
