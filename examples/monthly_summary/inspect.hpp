// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the program tells about a state folder: show, status, explain, verify, previews. All of it only looks: no lease is taken, and no byte changes.
///
/// Every function gives the whole text or an error. Thread-safety: one thread.
#ifndef KFM_DET_EXAMPLES_MONTHLY_SUMMARY_INSPECT_HPP
#define KFM_DET_EXAMPLES_MONTHLY_SUMMARY_INSPECT_HPP

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kfm_det/adapters/sqlite.hpp>
#include <kfm_det/kfm_det.hpp>
#include <kfm_det/sinks/export.hpp>
#include <kfm_det/updater/loss_preview.hpp>
#include <kfm_det/updater/undo_preview.hpp>

#include "monthly_summary.hpp"

namespace weather {

/// A state folder, opened to be looked at.
struct State {
  det::FileStore<> store;
  det::SqliteSink sink;
  det::StreamId stream;

  [[nodiscard]] static det::result<State> open(const std::string& folder) {
    if (std::error_code ignored; !std::filesystem::is_directory(folder, ignored) || !std::filesystem::exists(folder + "/summaries.db", ignored))
      return det::Error(det::errc::not_found, "nothing was ever run here", folder, "Name the folder that was given to `monthly-summary run --state`");
    KFM_DET_TRY(auto store, det::FileStore<>::open(folder + "/wal"));
    KFM_DET_TRY(auto sink, det::SqliteSink::open(folder + "/summaries.db", {.read_only = true}));
    return State{std::move(store), std::move(sink), det::StreamId::of({std::string(MonthlySummary::id.text), ""})};
  }
  [[nodiscard]] det::result<std::vector<det::BusinessKey>> keys() {
    std::vector<det::BusinessKey> out;
    KFM_DET_TRY(sink.keys([&](const det::BusinessKey& key) -> det::result<void> { out.push_back(key); return det::success(); }));
    return out;
  }
  [[nodiscard]] det::result<std::vector<det::Publication>> history(const det::BusinessKey& key) {
    std::vector<det::Publication> out;
    KFM_DET_TRY(sink.history(key, [&](const det::Publication& one) -> det::result<void> { out.push_back(one); return det::success(); }));
    return out;
  }
  [[nodiscard]] det::result<det::Bytes> bytes(const det::IdempotencyKey& version) {
    det::Bytes out;
    KFM_DET_TRY(sink.read(version, [&](det::BytesView piece) -> det::result<void> { out += piece; return det::success(); }));
    return out;
  }
};

/// A table: a line for each key.
[[nodiscard]] det::result<std::string> show(State& state);
/// The canonical export: the same bytes for the same published state.
[[nodiscard]] det::result<std::string> show_json(State& state);
/// Which run, version and inputs made what is current of a key, when, and what it replaced.
[[nodiscard]] det::result<std::string> explain(State& state, const std::string& key);
/// The runs that ask for a look, or all of them: what each came to, why, and what to do.
[[nodiscard]] det::result<std::string> status(State& state, bool all);
/// What an undo would change, key by key.
[[nodiscard]] det::result<std::string> undo_preview(State& state, const det::RunId& run);
/// What accepting a loss would lose.
[[nodiscard]] det::result<std::string> loss_preview(State& state);
/// What accepting a loss came to: which publications have lost their runs, and which evidence was kept.
[[nodiscard]] std::string loss(const det::LossReport& report);
/// Reads every record and every stored version. Errors: the log's verdict; corrupt_committed, where log and sink do not agree.
[[nodiscard]] det::result<std::string> verify(State& state);

// --- how -------------------------------------------------------------------------------------------------------------------

namespace detail {

template <int PerOne>
[[nodiscard]] std::string decimal(Decimal<PerOne> value) {
  const std::uint64_t units = static_cast<std::uint64_t>(value.units < 0 ? -value.units : value.units);
  return (value.units < 0 ? "-" : "") + std::to_string(units / PerOne) + "." + padded(units % PerOne, PerOne == 10 ? 1 : 2);
}
[[nodiscard]] inline std::string count_of(std::uint64_t count, std::string_view noun) { return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s"); }
[[nodiscard]] inline std::string second_of(det::Instant at) { return at.to_rfc3339().substr(0, 19) + "Z"; }
[[nodiscard]] inline std::size_t versions_in(const std::vector<det::Publication>& history) {
  std::set<det::IdempotencyKey> versions;
  for (const auto& one : history)
    if (one.version) versions.insert(one.version->key);
  return versions.size();
}

/// Right-aligned columns but the first and the last, two spaces between; no space at the end of a line.
[[nodiscard]] inline std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (i == 0 || i + 1 == widths.size() ? row[i] + space : space + row[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

[[nodiscard]] inline det::Error disagree(std::string what, std::string where) {
  return {det::errc::corrupt_committed, std::move(what), std::move(where), "Keep the folder as it is and restore log and sink together from one copy"};
}

}  // namespace detail

inline det::result<std::string> show(State& state) {
  KFM_DET_TRY(const auto keys, state.keys());
  std::vector<std::vector<std::string>> rows{{"", "", "warmest", "coldest", "day", "night", "rain", "rainiest", "wind", "", ""},
                                             {"key", "days", "C", "C", "mean C", "mean C", "mm", "day mm", "mean m/s", "versions", "state"}};
  for (const auto& key : keys) {
    KFM_DET_TRY(const auto current, state.sink.current(key));
    KFM_DET_TRY(const auto history, state.history(key));
    std::vector<std::string> row{key.text};
    if (current && current->version) {
      KFM_DET_TRY(const auto bytes, state.bytes(current->version->key));
      KFM_DET_TRY(const auto summary, det::read_canonical<Summary>(bytes));
      row.insert(row.end(), {std::to_string(summary.days), detail::decimal(summary.temp_max.maximum), detail::decimal(summary.temp_min.minimum), detail::decimal(summary.temp_max.mean),
                             detail::decimal(summary.temp_min.mean), detail::decimal(summary.precipitation.total.value_or(Tenths{})), detail::decimal(summary.precipitation.maximum),
                             detail::decimal(summary.wind.mean)});
    } else {
      row.resize(rows.front().size() - 2, "-");
    }
    row.push_back(std::to_string(detail::versions_in(history)));
    row.push_back(!current ? "withdrawn" : current->tombstone ? "retired" : "current");
    rows.push_back(std::move(row));
  }
  return detail::table(rows);
}

inline det::result<std::string> show_json(State& state) {
  KFM_DET_TRY(auto out, det::export_canonical(state.sink));
  return out + "\n";
}

inline det::result<std::string> explain(State& state, const std::string& key) {
  KFM_DET_TRY(const det::Explanation explanation, det::explain_key(state.store, state.sink, state.stream, key));
  std::string out;
  const auto line = [&](std::string_view name, const std::string& text) { out += "  " + std::string(name) + std::string(12 - name.size(), ' ') + text + "\n"; };
  const det::ExplainedPublication* now = nullptr;   // what is current, be it a tombstone
  const det::ExplainedPublication* before = nullptr;
  for (const auto& one : explanation.history) {
    if (one.publication.state == det::PublicationState::withdrawn) continue;
    before = std::exchange(now, &one);
  }
  const auto pending = [&] {
    for (const auto& one : explanation.pending) line("pending", "run " + one.run.text() + " is " + std::string(det::wal::name(one.status)) + ": " + (one.reason.empty() ? "" : one.reason + " ") + one.remedy);
  };
  if (now == nullptr) {
    out = key + (explanation.history.empty() ? " was never published\n" : " is withdrawn: every run that published it was taken back\n");
    pending();
    return out;
  }

  const auto version_of = [](const det::ExplainedPublication& one) { return one.publication.version ? "version " + one.publication.version->key.hex() : std::string("its retirement"); };
  out += key + " is " + (now->publication.tombstone ? "retired" : "current") + "\n";
  if (now->publication.version) line("version", now->publication.version->key.hex() + " (" + std::to_string(now->publication.version->size) + " bytes, sha256 " + now->publication.version->bytes_hash.hex() + ")");
  line("run", now->publication.run.text() + " (" + (now->run_known ? std::string(det::wal::name(now->status)) : "not in the log") + ")");
  const bool lost = now->status == det::wal::RunStatus::lost || !now->run_known;   // then nothing more is known of it
  if (!lost) line("updater", now->updater_id + " " + now->version.text() + ", step " + now->step_id);
  if (!lost) line("asked by", "trigger " + now->trigger_key + " (" + now->trigger_kind + "), actor " + now->actor);
  if (!lost) line("when", "planned " + detail::second_of(now->planned_at) + ", finished " + detail::second_of(now->finished_at));
  if (!now->reason.empty()) line("why", now->reason);
  if (!now->remedy.empty()) line("what to do", now->remedy);
  const std::string period = key.substr(key.find('/') + 1);
  std::size_t used = 0;
  for (const auto& input : now->inputs) {
    const auto month = input.partition.find("month");
    if (now->publication.tombstone || month == input.partition.end() || !month->second.starts_with(period)) continue;
    line(used++ == 0 ? "inputs" : "", input.uri + "  sha256 " + input.content_hash.hex());
  }
  if (!lost) line(used == 0 ? "inputs" : "", (used == 0 ? "none of the run's " : "(of the run's ") + detail::count_of(now->inputs.size(), "input") + (used == 0 ? "" : ")"));
  if (before == nullptr) line("replaced", "nothing: it is the first");
  else line("replaced", (version_of(*before) == version_of(*now) ? std::string("the same version") : version_of(*before)) + ", published by run " + before->publication.run.text() + ", finished " + detail::second_of(before->finished_at));
  std::vector<det::Publication> all;
  for (const auto& one : explanation.history) all.push_back(one.publication);
  pending();
  line("history", detail::count_of(all.size(), "publication") + ", " + detail::count_of(detail::versions_in(all), "version"));
  return out;
}

inline det::result<std::string> status(State& state, bool all) {
  det::wal::Replay replay;
  std::map<det::RunId, std::string> actors;
  KFM_DET_TRY(const auto recovery, det::wal::inspect_log(state.store, state.sink, state.stream, [&](const det::wal::Line& line, const det::wal::WalRecord& record) -> det::result<void> {
    if (record.phase == det::wal::Phase::PLAN) actors[record.wal_id] = record.actor;
    return replay.apply(line, record);
  }));
  std::map<std::string_view, std::size_t> counts;
  for (const auto& run : replay.state().runs) ++counts[det::wal::name(run.status)];
  std::string out = "runs  " + detail::count_of(replay.state().runs.size(), "run");
  for (const auto& [name, count] : counts) out += (name == counts.begin()->first ? ": " : ", ") + std::to_string(count) + " " + std::string(name);
  out += "; the log is " + std::string(det::name(recovery.verdict)) + "\n";
  for (const auto& run : replay.state().runs) {
    if (!all && run.status == det::wal::RunStatus::committed) continue;
    const auto line = [&](std::string_view name, const std::string& text) { out += "  " + std::string(name) + std::string(12 - name.size(), ' ') + text + "\n"; };
    out += "\n" + run.id.text() + " is " + (run.status == det::wal::RunStatus::undoing ? "being taken back, to end " + std::string(det::wal::name(run.ends_as)) : std::string(det::wal::name(run.status))) + "\n";
    if (run.is_lost) line("listed by", "an accepted loss, " + detail::second_of(run.planned_at) + "; " + detail::count_of(run.effects.size(), "publication"));
    else line("asked by", "trigger " + run.trigger_key + " (" + run.trigger_kind + "), actor " + actors[run.id] + ", version " + run.version.text());
    if (!run.is_lost) line("when", "planned " + detail::second_of(run.planned_at) + (det::wal::is_unfinished(run.status) ? "" : ", ended " + detail::second_of(run.finished_at)) + ", " + detail::count_of(run.planned_effects, "planned effect"));
    if (run.attempts_ever != 0) line("attempts", detail::count_of(run.attempts_ever, "resumption"));
    if (run.failure && run.status != det::wal::RunStatus::committed && !run.failure->sentence.empty()) line("why", run.failure->sentence);
    if (const std::string what = det::remedy(run); !what.empty()) line("what to do", what);
  }
  return out;
}

inline det::result<std::string> undo_preview(State& state, const det::RunId& run) {
  KFM_DET_TRY(const det::UndoPreview preview, det::preview_undo(state.store, state.sink, state.stream, run));
  const auto said = [](const std::optional<det::Publication>& one) {
    return !one ? std::string("nothing") : (one->tombstone ? "its retirement" : "version " + one->version->key.hex().substr(0, 12)) + " of run " + one->run.text();
  };
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : preview.keys) {
    const bool changes = one.change == det::UndoneKey::Change::restored || one.change == det::UndoneKey::Change::emptied;
    rows.push_back({"  " + one.business_key.text, std::string(det::name(one.change)), (changes ? said(one.now) + " -> " : "") + said(one.then)});
  }
  return preview.sentence() + "\n" + detail::table(rows);
}

inline det::result<std::string> loss_preview(State& state) {
  KFM_DET_TRY(const det::LossPreview preview, det::preview_loss(state.store, state.sink, {std::string(MonthlySummary::id.text), ""}));
  std::string out = preview.sentence() + "\n";
  for (const auto& region : preview.recovery.evidence) out += "  " + region.sentence + "\n";
  return out + loss(preview.loss);
}

inline std::string loss(const det::LossReport& report) {
  std::string out;
  for (const auto& one : report.evidence) out += "  evidence " + one.hex() + "\n";
  for (const auto& run : report.lost) {
    std::string keys;
    for (const auto& effect : run.effects)
      if (effect.progress != det::wal::EffectState::Progress::withdrawn) keys += "  " + effect.business_key.text + (effect.tombstone ? "  (its retirement)" : "") + "\n";
    out += "\n" + run.id.text() + " is lost" + (keys.empty() ? ", and had been taken back\n" : "; the sink still has of it:\n" + keys);
  }
  for (const auto& id : report.unpublished) out += "\n" + id.text() + " is committed, but this sink lacks publications of it\n";
  if (report.accepted && !report.lost.empty()) out += "\nKeep them by doing nothing, or `monthly-summary undo RUN`.\n";
  return out;
}

inline det::result<std::string> verify(State& state) {
  std::string out;
  const auto line = [&](std::string_view name, const std::string& text) { out += std::string(name) + std::string(10 - name.size(), ' ') + text + "\n"; };

  // Somebody may be at work meanwhile: what is published is read before the log that must know it, and what the sink has seen of the log behind it.
  KFM_DET_TRY(const auto keys, state.keys());
  std::vector<std::pair<det::BusinessKey, std::vector<det::Publication>>> published;
  for (const auto& key : keys) {
    KFM_DET_TRY(auto history, state.history(key));
    published.emplace_back(key, std::move(history));
  }

  // The log: the verdict, then every record by its own hash and the hash before it.
  KFM_DET_TRY(const det::Head witness, state.sink.witness(state.stream));
  KFM_DET_TRY(auto stream, state.store.open_stream(state.stream));
  KFM_DET_TRY(const det::Recovery recovery, stream.inspect(std::span<const det::Head>(&witness, 1)));
  if (!det::is_usable(recovery.verdict)) return det::wal::verdict_error(recovery, state.stream);
  det::wal::Replay replay;
  det::Digest link;
  det::Lsn records = 0;
  det::Head carried;   // the highest place in the log that a finished effect told the sink
  KFM_DET_TRY(det::wal::read_records(stream, 1, [&](const det::wal::Line& record_line, const det::wal::WalRecord& record) -> det::result<void> {
    if (record_line.lsn != ++records || record_line.link != link) return detail::disagree("the chain is broken", "LSN " + std::to_string(record_line.lsn));
    link = record_line.hash;
    KFM_DET_TRY(const auto head, det::wal::head_of(record, state.stream));
    if (head && std::pair(head->incarnation, head->lsn) > std::pair(carried.incarnation, carried.lsn)) carried = *head;
    return replay.apply(record_line, record);
  }));
  if (records != recovery.tail.lsn || link != recovery.tail.hash) return detail::disagree("the log reads otherwise than it was judged", "LSN " + std::to_string(records));
  KFM_DET_TRY(const det::Head seen, state.sink.witness(state.stream));
  if (std::pair(carried.incarnation, carried.lsn) > std::pair(seen.incarnation, seen.lsn))
    return detail::disagree("the sink is older than the log: it has seen LSN " + std::to_string(seen.lsn) + ", and effects were finished up to LSN " + std::to_string(carried.lsn), "summaries.db");
  line("log", std::string(det::name(recovery.verdict)) + ": " + detail::count_of(records, "record") + ", every hash and the chain from the first record verified; proven up to LSN " + std::to_string(recovery.proven));

  std::map<std::string, std::uint64_t> runs;
  std::set<det::RunId> committed;
  std::set<std::string> owed;   // keys that a committed run published: each has exactly one current version
  for (const auto& run : replay.state().runs) {
    ++runs[std::string(det::wal::name(run.status))];
    if (run.status == det::wal::RunStatus::committed) committed.insert(run.id);
  }
  std::string by_status;
  for (const auto& [status, count] : runs) by_status += (by_status.empty() ? "" : ", ") + std::to_string(count) + " " + status;
  line("runs", detail::count_of(replay.state().runs.size(), "run") + (by_status.empty() ? "" : ": " + by_status));

  // The sink: one current publication for each key, and bytes that are what their hash says.
  std::set<det::IdempotencyKey> versions;
  std::uint64_t bytes = 0, current = 0, retired = 0;
  for (const auto& [key, history] : published) {
    std::size_t now = 0;
    bool due = false;
    for (const auto& one : history) {
      if (!replay.state().find(one.run)) return detail::disagree("a publication whose run the log does not know", key.text + ", run " + one.run.text());
      if (one.state == det::PublicationState::current) ++now, ++(one.tombstone ? retired : current);
      due = due || committed.contains(one.run);
      if (!one.version || !versions.insert(one.version->key).second) continue;
      KFM_DET_TRY(const auto stored, state.bytes(one.version->key));   // the sink checks them against their hash
      bytes += stored.size();
    }
    if (now > 1 || (due && now != 1)) return detail::disagree("the key has " + std::to_string(now) + " current versions", key.text);
  }
  const std::size_t withdrawn = keys.size() - current - retired;
  line("keys", detail::count_of(keys.size(), "key") + ": " + std::to_string(current) + " current, " + std::to_string(retired) + " retired" + (withdrawn == 0 ? "; each has" : ", " + std::to_string(withdrawn) + " withdrawn; each of the others has") + " exactly one current version");
  line("versions", detail::count_of(versions.size(), "version") + ", " + detail::count_of(bytes, "byte") + ", all verified against their hashes");
  return out;
}

}  // namespace weather

#endif
