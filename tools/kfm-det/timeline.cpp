// SPDX-License-Identifier: BSL-1.0
#include "timeline.hpp"

#include <map>

namespace kfm_det::tool {

namespace {

using wal::Phase;
using wal::Status;

[[nodiscard]] bool is_attempt(const StoryEntry& entry, Status status) { return entry.phase == Phase::CONTROL && entry.operation == wal::operation::attempt && entry.status == status; }
[[nodiscard]] bool ends_run(const StoryEntry& entry) { return entry.phase == Phase::COMMIT || (entry.phase == Phase::CONTROL && entry.operation == wal::operation::settled); }
[[nodiscard]] bool is_back(const StoryEntry& entry) { return entry.phase == Phase::UPSERT && entry.operation == wal::operation::withdraw; }

/// What lies between two neighbouring records; Kind::records for nothing.
[[nodiscard]] Beat::Kind between(const StoryEntry& before, const StoryEntry& after, bool ended) {
  if (before.token == after.token && !is_attempt(after, Status::IN_PROGRESS)) return Beat::Kind::records;
  if (ended) return Beat::Kind::later;
  return is_attempt(before, Status::DONE) ? Beat::Kind::stopped_on_request : Beat::Kind::stopped;
}

/// Calls for each pair of neighbours with what lies between them.
template <class Visit>
void walk(const Story& story, Visit visit) {
  bool ended = false;
  for (std::size_t i = 0; i < story.entries.size(); ++i) {
    const StoryEntry* const before = i == 0 ? nullptr : &story.entries[i - 1];
    if (before != nullptr) ended = ends_run(*before) || (ended && !(before->phase == Phase::CONTROL && before->operation == wal::operation::undo));
    visit(before, story.entries[i], before == nullptr ? Beat::Kind::records : between(*before, story.entries[i], ended));
  }
}

[[nodiscard]] bool same_kind(const StoryEntry& a, const StoryEntry& b) {
  return a.phase == b.phase && a.status == b.status && a.status != Status::FAILED && a.phase != Phase::CONTROL && a.phase != Phase::PLAN && (a.phase == Phase::EXECUTE || a.operation == b.operation);
}

[[nodiscard]] std::string counted(const std::map<std::string, std::size_t>& counts, bool number_first) {
  std::string out;
  for (const auto& [name, count] : counts) out += (out.empty() ? "" : ", ") + (number_first ? std::to_string(count) + " " + name : name + " " + std::to_string(count));
  return out;
}

[[nodiscard]] std::string sentence_of(const wal::Failure& failure) { return failure.code + (failure.sentence.empty() ? "" : ": " + failure.sentence); }

class Beats {
 public:
  explicit Beats(const Story& story) : story_(story) {
    for (const auto& effect : story.effects) keys_[effect.state.step_id] = &effect;
  }

  [[nodiscard]] Beat of(std::size_t first, std::size_t last) const {
    const StoryEntry& entry = story_.entries[first];
    Beat beat;
    beat.first = entry.lsn;
    beat.last = story_.entries[last].lsn;
    beat.from = entry.at;
    beat.to = story_.entries[last].at;
    const bool control = entry.phase == Phase::CONTROL;
    beat.label = control ? entry.operation : std::string(enum_name(entry.phase));
    beat.what = control ? control_text(entry, beat) : text(first, last, beat);
    return beat;
  }

 private:
  [[nodiscard]] const StoryEffect* effect_of(const std::string& step) const {
    const auto found = keys_.find(step);
    return found == keys_.end() ? nullptr : found->second;
  }
  [[nodiscard]] std::string key_of(const StoryEntry& entry) const {
    const StoryEffect* const effect = effect_of(entry.step);
    return effect == nullptr ? "step " + entry.step : effect->state.business_key.text;
  }

  [[nodiscard]] static std::string control_text(const StoryEntry& entry, Beat& beat) {
    const std::string why = entry.failure ? "; " + sentence_of(*entry.failure) : "";
    if (entry.operation == wal::operation::attempt) {
      if (entry.status != Status::IN_PROGRESS) return "stopped on request: this attempt does not count";
      beat.tone = Tone::warning;
      return "taken up again, by " + entry.actor + " with token " + std::to_string(entry.token);
    }
    if (entry.operation == wal::operation::undo) {
      beat.tone = Tone::warning;
      return "taken back from here, to end " + entry.outcome + ", by " + entry.actor + " with token " + std::to_string(entry.token) + why;
    }
    if (entry.operation == wal::operation::settled) {
      beat.tone = entry.outcome == "undone" || entry.outcome == "abandoned" ? Tone::strong : Tone::bad;
      return "ended " + entry.outcome + why;
    }
    return entry.operation;
  }

  [[nodiscard]] std::string text(std::size_t first, std::size_t last, Beat& beat) const {
    const StoryEntry& entry = story_.entries[first];
    const std::size_t count = last - first + 1;
    if (entry.status == Status::FAILED) {
      beat.tone = Tone::bad;
      return (entry.step.empty() ? "failed" : "step " + entry.step + " failed") + (entry.failure ? ": " + sentence_of(*entry.failure) : "");
    }
    switch (entry.phase) {
      case Phase::PLAN: {
        const Json* const plan = story_.plan.find("plan");
        const Json* const steps = plan == nullptr ? nullptr : plan->find("steps");
        const Json* const inputs = story_.plan.find("inputs");
        return count_of(steps == nullptr ? 0 : steps->items().size(), "step") + " and " + count_of(story_.effects.size(), "effect") + " planned from " + count_of(inputs == nullptr ? 0 : inputs->items().size(), "input") + ", by " + entry.actor + " with token " + std::to_string(entry.token);
      }
      case Phase::EXECUTE: {
        if (count == 1) return "step " + entry.step + " ran (" + entry.operation + "): " + count_of(entry.size, "byte");
        std::map<std::string, std::size_t> operations;
        for (std::size_t i = first; i <= last; ++i) ++operations[story_.entries[i].operation];
        return count_of(count, "step") + " ran (" + counted(operations, false) + ")";
      }
      case Phase::UPSERT: {
        const bool done = entry.status == Status::DONE, back = is_back(entry);
        std::map<std::string, std::size_t> results;
        std::size_t retired = 0;
        for (std::size_t i = first; i <= last; ++i) {
          if (!story_.entries[i].result.empty()) ++results[story_.entries[i].result];
          const StoryEffect* const effect = effect_of(story_.entries[i].step);
          retired += effect != nullptr && effect->state.tombstone ? 1 : 0;
        }
        const bool tombstones = retired == count;
        const std::string noun = count == 1 ? key_of(entry) : count_of(count, "key");
        std::string out;
        if (!done) out = std::string("intent to ") + (back ? "withdraw " : tombstones ? "retire " : "publish ") + noun;
        else out = noun + (back ? " withdrawn" : tombstones ? " retired" : " published");
        if (retired != 0 && !tombstones) out += ", " + std::to_string(retired) + " of them retired";
        if (!results.empty()) out += count == 1 ? " (" + results.begin()->first + ")" : " (" + counted(results, true) + ")";
        return out;
      }
      case Phase::LINEAGE: return entry.status == Status::DONE ? "lineage sent" : "lineage is being sent";
      case Phase::COMMIT: beat.tone = Tone::good; return "committed";
      case Phase::CONTROL: break;
    }
    return entry.operation;
  }

  const Story& story_;
  std::map<std::string, const StoryEffect*> keys_;
};

[[nodiscard]] Beat pause(const StoryEntry& before, const StoryEntry& after, Beat::Kind kind) {
  Beat beat;
  beat.kind = kind;
  beat.from = before.at;
  beat.to = after.at;
  const std::string time = text_of(after.at - before.at);
  if (kind == Beat::Kind::stopped) {
    beat.tone = Tone::bad;
    beat.what = "nothing for " + time + ": stopped without a word (killed, no power, or an error that may pass)";
  } else if (kind == Beat::Kind::stopped_on_request) {
    beat.what = "nothing for " + time + ": stopped on request";
  } else {
    beat.what = "it had ended; " + time + " later:";
  }
  return beat;
}

}  // namespace

std::vector<Beat> timeline(const Story& story, bool each) {
  std::vector<Beat> out;
  const Beats beats(story);
  std::size_t first = 0, at = 0;
  const auto flush = [&] {
    if (first < at) out.push_back(beats.of(first, at - 1));
    first = at;
  };
  walk(story, [&](const StoryEntry* before, const StoryEntry& entry, Beat::Kind kind) {
    if (before != nullptr) {
      if (each || kind != Beat::Kind::records || entry.incarnation != before->incarnation || !same_kind(*before, entry)) flush();
      if (kind != Beat::Kind::records) out.push_back(pause(*before, entry, kind));
      for (auto loss = story.losses.upper_bound(before->incarnation); loss != story.losses.end() && loss->first <= entry.incarnation; ++loss) {
        Beat beat;
        beat.kind = Beat::Kind::loss;
        beat.from = beat.to = loss->second;
        beat.what = "a loss of the log was accepted: incarnation " + std::to_string(loss->first) + " begins";
        beat.tone = Tone::bad;
        out.push_back(std::move(beat));
      }
    }
    ++at;
  });
  flush();
  return out;
}

std::vector<std::pair<std::string, Duration>> durations(const Story& story) {
  std::vector<std::pair<std::string, Duration>> out;
  const auto add = [&](std::string_view name, Duration time) {
    for (auto& [known, sum] : out)
      if (known == name) { sum = sum + time; return; }
    out.emplace_back(name, time);
  };
  walk(story, [&](const StoryEntry* before, const StoryEntry& entry, Beat::Kind kind) {
    if (before == nullptr || kind == Beat::Kind::later) return;
    const Duration time = entry.at - before->at;
    if (kind != Beat::Kind::records) add("stopped", time);
    else if (entry.phase == Phase::EXECUTE) add("steps", time);
    else if (is_back(entry) || entry.phase == Phase::CONTROL) add(entry.operation == wal::operation::attempt ? "stopping" : "taking back", time);
    else if (entry.phase == Phase::LINEAGE) add("lineage", time);
    else add("publishing", time);
  });
  return out;
}

Stops stops(const Story& story) {
  Stops out;
  walk(story, [&](const StoryEntry*, const StoryEntry&, Beat::Kind kind) {
    out.without_a_word += kind == Beat::Kind::stopped ? 1 : 0;
    out.on_request += kind == Beat::Kind::stopped_on_request ? 1 : 0;
  });
  return out;
}

}  // namespace kfm_det::tool
