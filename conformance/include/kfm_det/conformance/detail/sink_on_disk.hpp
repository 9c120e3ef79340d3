// SPDX-License-Identifier: BSL-1.0
/// \file
/// SinkOnDisk: the trials of check_sink_on_disk. A workload on a simulated disk, a crash or a failing call in its last step, and what must hold behind it.
///
/// The disk is copied before every call of the last step that changes something; each copy loses power in its own ways, and is judged while the
/// workload's own disk goes on. Runs are kept by their workload, so that a workload is played once for all of its crashes. Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_ON_DISK_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_ON_DISK_HPP

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/disk_faults.hpp"
#include "kfm_det/conformance/detail/sink_world.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance {

/// A fixture over the simulated disk without its type.
class SinkDiskBench {
 public:
  SinkDiskBench() = default;
  SinkDiskBench(const SinkDiskBench&) = delete;
  SinkDiskBench& operator=(const SinkDiskBench&) = delete;
  virtual ~SinkDiskBench() = default;
  SinkClaims claims;
  virtual result<std::unique_ptr<AnySink>> open(simulate::Disk& disk) = 0;
};

class SinkOnDisk {
 public:
  explicit SinkOnDisk(SinkDiskBench& bench) : bench_(bench) {}

  /// A crash before each changing call of the last step, or behind its answer; then perhaps a second one while the sink opens.
  void crashes(Play& play, int steps) {
    const Run& run = workload(play, steps);
    const auto count = static_cast<std::uint32_t>(run.snapshots.size());
    const std::uint32_t at = play.pick(count + 1);   // 0: behind the answer
    play.note(at == 0 ? "power loss behind the answer" : "power loss before " + run.snapshots[at - 1].call);
    simulate::Disk disk = at == 0 ? run.end : run.snapshots[at - 1].disk;
    const simulate::Profile profile = profile_of(play);
    const std::uint32_t fate = lose_power(play, disk, profile, steps == 1 ? 16 : 8);
    // what a kill leaves looks alike, and can be durable to another extent
    const std::uint64_t identity[4] = {disk.hash(), run.hash, at == 0, profile == simulate::Profile::kill ? at + 1 : 0};
    std::uint64_t state = xxh3(BytesView(reinterpret_cast<const char*>(identity), sizeof identity));
    if (fate < 2) {
      const std::vector<Snapshot> opening = snapshots_of_opening(disk.after_kill());
      const std::uint32_t second = play.pick(static_cast<std::uint32_t>(opening.size()) + 1);
      if (second != 0) {
        play.note("a second power loss while the sink opens, before " + opening[second - 1].call);
        disk = opening[second - 1].disk;
        (void)lose_power(play, disk, profile, 3);
        const std::uint64_t again[3] = {disk.hash(), state, 2};
        state = xxh3(BytesView(reinterpret_cast<const char*>(again), sizeof again));
      }
    }
    if (!play.is_new_crash(state, 1)) return;
    judge(play, disk, at == 0 ? std::vector{run.full} : candidates(run), run);
  }

  /// One call of the last step fails, or all from there on; then the sink is opened again, loses power, or goes on.
  void faults(Play& play, int steps) {
    const Run& run = workload(play, steps);
    if (run.calls.empty()) return;
    const std::uint32_t at = play.pick(static_cast<std::uint32_t>(run.calls.size()));
    const std::uint32_t kind = play.pick(2 * detail::disk_faults_of(run.calls[at])), then = play.pick(4);
    const auto fault = static_cast<detail::DiskFault>(kind / 2);
    const bool persists = kind % 2 == 1;
    simulate::Disk disk;
    std::string failing;
    SinkModel acked, full;
    std::unique_ptr<AnySink> sink = start(play, disk, run.steps, acked, [&](simulate::Disk& on) {
      on.on_fault([&, first = on.calls()](const simulate::Call& call) -> simulate::Fault {
        const std::uint64_t number = call.number - first;
        if (number == at) failing = std::string(name(call.verb)) + " " + std::string(call.path);
        return number == at || (persists && number > at) ? detail::fault_of(fault, call) : simulate::Fault{};
      });
    }, full);
    disk.on_fault({});
    if (failing.empty()) return;
    play.note("call " + std::to_string(at) + " of the last step, " + failing + ", " + detail::text_of(fault, persists));
    play.note(last_accepted_ ? "the step is answered all the same" : "the step is answered with an error");
    play.reach(last_accepted_ ? "answered in spite of a failing call" : "a failing call is answered with an error");
    std::vector<SinkModel> may{last_accepted_ ? full : acked};
    if (!last_accepted_ && !run.steps.empty()) may = candidates(run);   // as behind a crash
    if (then == 2 && sink) {   // whoever was answered an error may go on; what is acknowledged from here on counts
      const Upsert next = sink_words::upsert("next", {1, 90}, "n", sink_words::fresh("next"));
      play.tell("upsert next on the same sink");
      const auto answer = sink->upsert(sink_words::tenure(50, "ann"), sink_words::head(1, 90), std::span(&next, 1));
      play.note(answer ? "-> accepted" : "-> " + std::string(name(answer.error().code())));
      std::vector<SinkModel> with_next;
      for (SinkModel one : may) {
        (void)one.upsert(sink_words::tenure(50, "ann"), sink_words::head(1, 90), std::span(&next, 1));
        one.accept();
        with_next.push_back(std::move(one));
      }
      if (answer) may = std::move(with_next);
      else may.insert(may.end(), with_next.begin(), with_next.end());
    }
    if (then == 3 && sink && !run.steps.empty() && !last_accepted_) {   // the same again, as its owner would
      play.tell("the last step again, on the same sink");
      const errc answer = send_again(disk, *sink, run.steps.back());
      play.note("-> " + (answer == errc{} ? std::string("accepted") : std::string(name(answer))));
      if (answer == errc{} || answer == errc::not_found) may = {full};
    }
    sink.reset();
    const bool killed = then == 0 || !bench_.claims.survives_power_loss;
    const simulate::Profile profile = killed ? simulate::Profile::kill : play.flip() ? simulate::Profile::paranoid : simulate::Profile::standard;
    play.note(killed ? "the process ends" : "the power goes");
    (void)lose_power(play, disk, profile, 6);
    judge(play, disk, may, run);
  }

 private:
  struct Step {
    enum class Kind : std::uint8_t { begin, request, reopen } kind = Kind::request;
    Tenure tenure;
    Head head;
    std::optional<sink_words::Request> request;
    std::string text;
    std::vector<std::pair<std::string, Bytes>> staged;
  };
  struct Snapshot {
    std::string call;
    simulate::Disk disk;
  };
  struct Run {
    std::vector<Step> steps;
    std::vector<Snapshot> snapshots;   // before each changing call of the last step (of the first opening, when there is no step)
    simulate::Disk end;
    SinkModel acked, full;             // before the last step, and behind it
    std::vector<simulate::Verb> calls;   // of the last step
    std::uint64_t hash = 0;
  };
  /// Index 0: the newest of everything; 1: the oldest; else counted through when there are few, and drawn when there are many.
  class IndexedFates final : public simulate::Fates {
   public:
    IndexedFates(std::uint64_t index, bool counted) : index_(index), counted_(counted), random_(index) {}
    std::uint32_t decide(std::uint32_t options) override {
      product = product > 4096 ? product : product * options;
      if (counted_) {
        const auto out = static_cast<std::uint32_t>(index_ % options);
        index_ /= options;
        return out;
      }
      if (index_ == 0) return 0;
      return index_ == 1 ? std::min<std::uint32_t>(1, options - 1) : random_.below(options);
    }
    std::uint64_t product = 1;

   private:
    std::uint64_t index_;
    bool counted_;
    Random random_;
  };

  simulate::Profile profile_of(Play& play) const {
    const auto out = static_cast<simulate::Profile>(bench_.claims.survives_power_loss ? play.pick(4) : 0);
    play.note("profile " + std::string(name(out)));
    return out;
  }
  static std::uint32_t lose_power(Play& play, simulate::Disk& disk, simulate::Profile profile, std::uint32_t most) {
    IndexedFates probe(0, false);
    (void)disk.after_power_loss(profile, probe);
    const bool counted = probe.product <= most;
    if (!counted) play.reach("fates drawn");
    const std::uint32_t index = play.pick(counted ? static_cast<std::uint32_t>(probe.product) : most);
    IndexedFates fates(index, counted);
    disk = disk.after_power_loss(profile, fates);
    return index;
  }
  std::vector<Snapshot> snapshots_of_opening(simulate::Disk disk) {
    std::vector<Snapshot> out;
    disk.on_call([&](const simulate::Call& call) { take(out, disk, call); });
    (void)bench_.open(disk);
    disk.on_call({});
    return out;
  }
  static void take(std::vector<Snapshot>& out, const simulate::Disk& disk, const simulate::Call& call) {
    if (simulate::changes(call.verb)) out.push_back({std::string(name(call.verb)) + " " + std::string(call.path), disk.after_kill()});
  }
  /// What may be there after a crash inside the last step.
  [[nodiscard]] std::vector<SinkModel> candidates(const Run& run) const {
    std::vector<SinkModel> out{run.acked, run.full};
    if (bench_.claims.atomic_batch || run.steps.empty() || !run.steps.back().request) return out;
    // without the claim: any part of the request, each effect whole
    const Step& last = run.steps.back();
    const auto parts = [&](const auto& batch, auto&& apply) {
      for (std::uint32_t some = 1; some + 1 < (1u << std::min<std::size_t>(batch.size(), 6)); ++some) {
        auto part = batch;
        part.clear();
        for (std::size_t i = 0; i < batch.size(); ++i)
          if (some & (1u << i)) part.push_back(batch[i]);
        SinkModel one = run.acked;
        if (apply(one, part)) out.push_back(std::move(one));
      }
    };
    const auto& batch = last.request->batch;
    if (const auto* upserts = std::get_if<std::vector<Upsert>>(&batch))
      parts(*upserts, [&](SinkModel& model, const std::vector<Upsert>& part) { const bool bad = model.upsert(last.tenure, last.head, part, staged_of(last)).must_be_refused(); model.accept(); return !bad; });
    else
      parts(std::get<std::vector<Withdrawal>>(batch), [&](SinkModel& model, const std::vector<Withdrawal>& part) { const bool bad = model.withdraw(last.tenure, last.head, part).must_be_refused(); model.accept(); return !bad; });
    SinkModel head_only = run.acked;   // floor and head become durable before the first effect
    (void)head_only.upsert(last.tenure, last.head, std::span<const Upsert>());
    head_only.accept();
    out.push_back(std::move(head_only));
    return out;
  }
  static std::map<std::string, Bytes> staged_of(const Step& step) { return {step.staged.begin(), step.staged.end()}; }

  /// Picks a workload and tells it; plays it unless it was the last one played.
  const Run& workload(Play& play, int most) {
    using namespace sink_words;
    std::vector<Step> steps;
    std::string key;
    std::uint64_t token = 1;
    const std::size_t from = play.choices().made().size();
    for (int i = 0; i < most; ++i) {
      const std::uint32_t letter = play.pick(11);
      if (letter == 0) break;
      Step step;
      const auto lsn = static_cast<Lsn>(i + 1);
      switch (letter) {
        case 1: step.request = Request(upsert("a", {1, 1}, "k", fresh("A"))); break;
        case 2: step.request = Request(std::vector{upsert("b", {1, 2}, "k", fresh("B")), upsert("c", {1, 2}, "l", fresh("C")), upsert("t", {1, 2}, "m", Tombstone{})}); break;
        case 3: step.request = Request(withdrawal("a", {1, 1}, "k")); break;
        case 4: step.kind = Step::Kind::begin; ++token; break;
        case 5: {
          NewVersion version = fresh("staged bytes");
          version.bytes = StagedFile{"/staged/" + std::to_string(i), 12};
          step.staged = {{"/staged/" + std::to_string(i), "staged bytes"}};
          step.request = Request(upsert("s", {1, 3}, "m", version));
          break;
        }
        case 6: step.request = Request(upsert("r", {1, 4}, "l", StoredKey{key_of("A")})); break;
        case 7: ++token; step.request = Request(std::vector{upsert("g", {1, 5}, "o", fresh("G")), upsert("x", {1, 5}, "k", StoredKey{key_of("unknown")})}); break;
        case 8: step.kind = Step::Kind::reopen; break;
        case 9: step.request = Request(upsert("d", {2, 1}, "k", fresh(Bytes(3000, 'd')))); break;
        default: ++token; step.request = Request(std::vector{withdrawal("b", {1, 2}, "k"), withdrawal("z", {1, 9}, "l")}); break;
      }
      step.tenure = tenure(token, token % 2 == 1 ? "ann" : "bob");
      step.head = head(1, lsn);
      if (step.kind == Step::Kind::begin) step.text = "begin by " + shown(step.tenure);
      else if (step.kind == Step::Kind::reopen) step.text = "open the sink again";
      else
        step.text = (std::holds_alternative<std::vector<Upsert>>(step.request->batch) ? "upsert " + shown(std::span<const Upsert>(std::get<0>(step.request->batch))) : "withdraw " + shown(std::span<const Withdrawal>(std::get<1>(step.request->batch)))) +
                    ", by " + shown(step.tenure) + ", " + shown(step.head);
      steps.push_back(std::move(step));
    }
    for (const Step& step : steps) play.tell(step.text);
    for (std::size_t i = from; i < play.choices().made().size(); ++i) key += std::to_string(play.choices().made()[i]) + ".";
    if (run_ && key == run_key_) return *run_;
    auto run = std::make_unique<Run>();
    run->steps = std::move(steps);
    run->hash = xxh3(key);
    simulate::Disk disk;
    std::unique_ptr<AnySink> sink = start(play, disk, run->steps, run->acked, [&](simulate::Disk& on) {
      on.on_call([&, first = on.calls()](const simulate::Call& call) {
        take(run->snapshots, on, call);
        run->calls.resize(static_cast<std::size_t>(call.number - first) + 1, call.verb);
      });
    }, run->full);
    disk.on_call({});
    run->end = disk.after_kill();
    if (!last_accepted_ && run->steps.empty()) play.broke("SINK-11", "an empty disk, and the sink cannot be opened: " + last_error_);
    sink.reset();
    run_ = std::move(run);
    run_key_ = key;
    return *run_;
  }
  /// Plays the steps; `last` is told before the last one (before the opening, when there is none). What is answered without a fault must be right.
  template <class Last>
  std::unique_ptr<AnySink> start(Play& play, simulate::Disk& disk, const std::vector<Step>& steps, SinkModel& model, Last last, SinkModel& full) {
    if (steps.empty()) last(disk);
    last_accepted_ = true;
    last_error_.clear();
    auto opened = bench_.open(disk);
    if (!opened) {
      last_accepted_ = false;
      last_error_ = opened.error().message();
      if (!steps.empty()) play.broke("SINK-11", "an empty disk, and the sink cannot be opened: " + last_error_);
      full = model;
      return nullptr;
    }
    std::unique_ptr<AnySink> sink = std::move(opened).value();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool is_last = i + 1 == steps.size();
      for (const auto& [path, bytes] : steps[i].staged) disk.plant(path, bytes);
      SinkModel next = model;
      if (is_last) last(disk);
      last_accepted_ = perform(play, disk, sink, steps[i], next, is_last);
      if (is_last) full = next;
      else model = std::move(next);
    }
    if (steps.empty()) full = model;
    return sink;
  }
  /// One step, on the sink and on the model. In a last step an error of the world is a possible answer: false.
  bool perform(Play& play, simulate::Disk& disk, std::unique_ptr<AnySink>& sink, const Step& step, SinkModel& model, bool may_fail) {
    const auto of_the_world = [&](const Error& error) {
      last_error_ = error.message();
      return may_fail && error.code() != errc::stale_token && error.code() != errc::forked && error.code() != errc::wrong_scope && error.code() != errc::hash_mismatch && (error.code() != errc::not_found || step.text.find("stored") == std::string::npos);
    };
    const auto settle = [&](std::optional<SinkDifference> found) { if (found) play.broke(found->law, step.text + ": " + found->sentence); };
    if (step.kind == Step::Kind::reopen) {
      sink.reset();
      auto opened = bench_.open(disk);
      if (!opened && of_the_world(opened.error())) return false;
      if (!opened) play.broke("SINK-11", "the sink cannot be opened again: " + opened.error().message());
      sink = std::move(opened).value();
      return true;
    }
    const SinkModel before = model;
    if (step.kind == Step::Kind::begin) {
      const auto verdict = model.begin(step.tenure);
      const auto answer = sink->begin(step.tenure, StreamId::of(step.tenure.scope));
      if (!answer && of_the_world(answer.error())) return false;
      play.expect("SINK-6", answer.has_value() != verdict.must_be_refused(), "begin is not answered as it must be");
      if (answer) play.expect("SINK-7", answer.value() == model.witness(StreamId::of(step.tenure.scope)), "begin does not answer the witness");
      return true;
    }
    if (const auto* upserts = std::get_if<std::vector<Upsert>>(&step.request->batch)) {
      const auto verdict = model.upsert(step.tenure, step.head, *upserts, staged_of(step));
      const auto answer = sink->upsert(step.tenure, step.head, *upserts);
      if (!verdict.must_be_refused()) model.accept();
      if (!answer && of_the_world(answer.error())) return false;
      settle(answer ? judge_results(before, verdict, std::span<const Upsert>(*upserts), answer.value()) : judge_refusal(before, verdict, std::span<const Upsert>(*upserts), answer.error()));
      return true;
    }
    const auto& withdrawals = std::get<std::vector<Withdrawal>>(step.request->batch);
    const auto verdict = model.withdraw(step.tenure, step.head, withdrawals);
    const auto answer = sink->withdraw(step.tenure, step.head, withdrawals);
    if (!verdict.must_be_refused()) model.accept();
    if (!answer && of_the_world(answer.error())) return false;
    if (!answer) settle(judge_refusal(before, verdict, std::span<const Withdrawal>(withdrawals), answer.error()));
    return true;
  }

  /// Gives the error's code, or none.
  static errc send_again(const simulate::Disk& disk, AnySink& sink, const Step& step) {
    for (const auto& [path, bytes] : step.staged) disk.plant(path, bytes);
    const auto code = [](const auto& answer) { return answer ? errc{} : answer.error().code(); };
    if (step.kind == Step::Kind::reopen) return errc::unsupported;
    if (step.kind == Step::Kind::begin) return code(sink.begin(step.tenure, StreamId::of(step.tenure.scope)));
    if (const auto* upserts = std::get_if<std::vector<Upsert>>(&step.request->batch)) return code(sink.upsert(step.tenure, step.head, *upserts));
    return code(sink.withdraw(step.tenure, step.head, std::get<std::vector<Withdrawal>>(step.request->batch)));
  }

  /// Opens the sink on what is left: it shows one of `may`, keeps its floor, takes the last step again, and survives another power loss.
  void judge(Play& play, simulate::Disk& disk, const std::vector<SinkModel>& may, const Run& run) {
    play.asked("SINK-11");
    auto opened = bench_.open(disk);
    if (!opened) play.broke("SINK-11", "the sink cannot be opened any more: " + opened.error().message());
    std::unique_ptr<AnySink> sink = std::move(opened).value();
    SinkModel model = shown_by(play, *sink, may, run);
    if (bench_.claims.survives_power_loss) {   // what it shows now is durable: whoever asks acts on the answer
      IndexedFates oldest(1, false);
      simulate::Disk left = disk.after_power_loss(simulate::Profile::paranoid, oldest);
      look_again(play, left, model, "what the sink showed when it was opened is not there any more behind a power loss: ");
    }
    for (const auto& [scope, floor] : model.floors) {
      play.asked("SINK-6");
      if (floor.token.value > 1) {
        const auto paused = sink->begin(Tenure{scope, {floor.token.value - 1}, {"a paused owner"}}, StreamId::of(scope));
        if (paused || paused.error().code() != errc::stale_token) play.broke("SINK-6", "behind the crash a tenure may begin that was over: the floor was " + std::to_string(floor.token.value));
      }
      const auto twin = sink->begin(Tenure{scope, floor.token, {"a twin"}}, StreamId::of(scope));
      if (twin || twin.error().code() != errc::stale_token) play.broke("SINK-6", "behind the crash an equal token of another owner may begin: the floor was " + std::to_string(floor.token.value));
    }
    if (!run.steps.empty()) {
      play.note("the last step is sent again");
      for (const auto& [path, bytes] : run.steps.back().staged) disk.plant(path, bytes);
      Step again = run.steps.back();
      if (const auto floor = model.floors.find(again.tenure.scope); floor != model.floors.end() && floor->second.token > again.tenure.token) again.tenure = floor->second;
      (void)perform(play, disk, sink, again, model, false);
    }
    const Step after{Step::Kind::request, sink_words::tenure(60, "zoe"), sink_words::head(1, 99), sink_words::Request(sink_words::upsert("last", {3, 1}, "k", sink_words::fresh("last"))), "upsert last", {}};
    play.tell("upsert last");
    (void)perform(play, disk, sink, after, model, false);
    look(play, *sink, model, "behind the crash, with the last step sent again: ");
    if (!bench_.claims.survives_power_loss) return;
    sink.reset();
    IndexedFates oldest(1, false);
    simulate::Disk left = disk.after_power_loss(simulate::Profile::paranoid, oldest);
    look_again(play, left, model, "behind another power loss: ");
  }
  void look_again(Play& play, simulate::Disk& left, const SinkModel& model, const std::string& when) {
    auto reopened = bench_.open(left);
    if (!reopened) play.broke("SINK-11", when + "it cannot be opened: " + reopened.error().message());
    look(play, *reopened.value(), model, when);
  }
  static bool is_own(std::string_view law) { return law == "SINK-7" || law == "SINK-8" || law == "SINK-14"; }
  void look(Play& play, AnySink& sink, const SinkModel& model, const std::string& when) {
    const SinkProbes probes{{sink_words::effect("x"), sink_words::effect("z1")}, {sink_words::key_of("unknown")}};
    if (auto found = SinkLook(sink, model, probes).first_difference(play)) play.broke(is_own(found->law) ? found->law : "SINK-11", when + found->sentence);
  }
  /// Which of the models the sink shows.
  SinkModel shown_by(Play& play, AnySink& sink, const std::vector<SinkModel>& may, const Run& run) {
    SinkProbes probes{{sink_words::effect("next")}, {sink_words::key_of("next")}};
    for (const char* one : {"a", "b", "c", "t", "s", "r", "g", "x", "d", "z"}) probes.effects.push_back(sink_words::effect(one));
    for (const char* one : {"A", "B", "C", "G", "staged bytes", "unknown"}) probes.versions.push_back(sink_words::key_of(one));
    std::vector<SinkDifference> differences;
    for (const SinkModel& one : may) {
      auto found = SinkLook(sink, one, one.versions.empty() || bench_.claims.atomic_batch ? probes : SinkProbes{probes.effects, {}}).first_difference(play);
      if (!found) return one;
      differences.push_back(std::move(*found));
    }
    const SinkDifference& nearest = differences.size() > 1 ? differences[1] : differences[0];
    if (differences.size() == 1) play.broke(is_own(nearest.law) ? nearest.law : "SINK-11", "what was answered is not there any more: " + nearest.sentence);
    play.broke(is_own(nearest.law) ? nearest.law : "SINK-11", std::string(run.steps.empty() ? "" : "the last step is there in part: ") + nearest.sentence + "; and without it: " + differences[0].sentence);
  }

  SinkDiskBench& bench_;
  std::unique_ptr<Run> run_;
  std::string run_key_;
  bool last_accepted_ = true;
  std::string last_error_;
};

}  // namespace kfm_det::conformance

#endif
