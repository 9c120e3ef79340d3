// SPDX-License-Identifier: BSL-1.0
/// \file
/// SinkWorld: one trial's sink beside the model: sends requests to both, compares what is answered and what is shown, and tells the script.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_WORLD_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_WORLD_HPP

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/sink_look.hpp"
#include "kfm_det/core/checksum.hpp"
#include "kfm_det/simulate/ambiguous.hpp"

namespace kfm_det::conformance {

/// Judges a refusal. Gives the law that it breaks, and what was observed; none: it is right.
template <class Request>
[[nodiscard]] std::optional<SinkDifference> judge_refusal(const SinkModel& before, const SinkModel::Verdict& verdict, std::span<const Request> batch, const Error& error) {
  if (verdict.may_be_refused_with(error.code())) return std::nullopt;
  if (verdict.must_be_refused())
    return SinkDifference{verdict.refusals.front().law, "it must be refused with " + std::string(name(verdict.refusals.front().code)) + ", and the answer is " + error.message()};
  std::string law = "SINK-1";
  bool repeats = false, after_withdrawal = false, names_stored = false;
  for (const Request& one : batch) {
    const auto seen = before.effects.find(one.effect);
    repeats = repeats || (seen != before.effects.end() && seen->second.published);
    after_withdrawal = after_withdrawal || (seen != before.effects.end() && seen->second.withdrawn_first);
    if constexpr (requires { one.content; }) names_stored = names_stored || std::holds_alternative<StoredKey>(one.content);
    else after_withdrawal = true;
  }
  switch (error.code()) {
    case errc::stale_token: law = "SINK-6"; break;
    case errc::forked: law = "SINK-7"; break;
    case errc::wrong_scope: law = "SINK-9"; break;
    case errc::not_found: law = "SINK-14"; break;
    default: law = repeats ? "SINK-2" : after_withdrawal ? "SINK-4" : names_stored ? "SINK-14" : error.code() == errc::hash_mismatch ? "SINK-8" : "SINK-1";
  }
  return SinkDifference{law, "it must be accepted, and the answer is " + error.message()};
}

[[nodiscard]] inline std::optional<SinkDifference> judge_results(const SinkModel& before, const SinkModel::Verdict& verdict, std::span<const Upsert> batch, const std::vector<UpsertResult>& results) {
  if (verdict.must_be_refused()) return SinkDifference{verdict.refusals.front().law, "it must be refused with " + std::string(name(verdict.refusals.front().code)) + ", and was accepted"};
  if (results.size() != batch.size()) return SinkDifference{"SINK-2", std::to_string(results.size()) + " results for " + std::to_string(batch.size()) + " upserts"};
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& allowed = verdict.results[i];
    if (std::find(allowed.begin(), allowed.end(), results[i]) != allowed.end()) continue;
    std::string law = "SINK-1";
    const auto seen = before.effects.find(batch[i].effect);
    if (allowed.front() == UpsertResult::unchanged) law = "SINK-2";
    else if (allowed.front() == UpsertResult::withdrawn) law = seen != before.effects.end() && seen->second.published ? "SINK-2" : "SINK-4";
    else if (results[i] == UpsertResult::unchanged) law = "SINK-5";
    return SinkDifference{law, "upsert of " + sink_words::name_of(batch[i].effect) + " answers " + std::string(name(results[i])) + " and not " + std::string(name(allowed.front()))};
  }
  return std::nullopt;
}

class SinkWorld {
 public:
  SinkWorld(Play& play, SinkBench& bench, std::string subject = {}) : play_(play), bench_(bench), subject_(std::move(subject)) {
    bench_.wipe();
    open();
  }

  SinkModel model;
  SinkProbes probes{{sink_words::effect("none")}, {sink_words::key_of("never stored")}};
  /// Says how an answer was lost, where answers may be (errc::timed_out).
  std::function<simulate::Wire::Loss()> lost;
  /// What was lost as `late` has arrived.
  void something_arrived() {
    for (const auto& one : std::exchange(under_way_, {})) one();
    refused_last_ = false;
  }

  void begin(const Tenure& tenure, const StreamId& stream) {
    const SinkModel before = model;
    const SinkModel::Verdict verdict = model.begin(tenure);
    play_.tell("begin by " + sink_words::shown(tenure));
    const auto answer = sink_->begin(tenure, stream);
    if (is_lost(answer)) {
      unanswered(before, verdict, [this, tenure] { return model.begin(tenure); });
      return;
    }
    if (verdict.must_be_refused()) {
      expect("SINK-6", !answer, "a tenure that is over may begin");
      expect("SINK-6", verdict.may_be_refused_with(answer.error().code()), "begin must answer stale_token, and answers " + answer.error().message());
      names_highest(tenure, answer.error());
      return;
    }
    expect("SINK-6", answer.has_value(), answer ? "" : "begin is refused: " + answer.error().message());
    expect("SINK-7", answer.value() == model.witness(stream), "begin answers " + sink_words::shown(answer.value()) + ", and the witness is " + sink_words::shown(model.witness(stream)));
  }
  /// Whether it was accepted.
  bool upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    const SinkModel before = model;
    const SinkModel::Verdict verdict = model.upsert(tenure, head, batch, staged_);
    tell("upsert " + sink_words::shown(batch), tenure, head);
    const auto answer = sink_->upsert(tenure, head, batch);
    if (is_lost(answer)) return unanswered(before, verdict, [this, tenure, head, all = std::vector<Upsert>(batch.begin(), batch.end())] { return model.upsert(tenure, head, all, staged_); });
    if (!answer) return refused(before, verdict, batch, tenure, answer.error());
    std::string results;
    for (const UpsertResult one : answer.value()) (results += results.empty() ? "-> " : ", ") += name(one);
    play_.note(results);
    settle(judge_results(before, verdict, batch, answer.value()), "SINK-2");
    for (const UpsertResult one : answer.value()) play_.reach(name(one));
    model.accept();
    return true;
  }
  bool withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    const SinkModel before = model;
    const SinkModel::Verdict verdict = model.withdraw(tenure, head, batch);
    tell("withdraw " + sink_words::shown(batch), tenure, head);
    const auto answer = sink_->withdraw(tenure, head, batch);
    if (is_lost(answer)) return unanswered(before, verdict, [this, tenure, head, all = std::vector<Withdrawal>(batch.begin(), batch.end())] { return model.withdraw(tenure, head, all); });
    if (!answer) return refused(before, verdict, batch, tenure, answer.error());
    if (verdict.must_be_refused()) broke(verdict.refusals.front().law, "it must be refused with " + std::string(name(verdict.refusals.front().code)) + ", and was accepted");
    model.accept();
    return true;
  }
  bool send(const Tenure& tenure, const Head& head, const sink_words::Request& request) {
    if (const auto* upserts = std::get_if<std::vector<Upsert>>(&request.batch)) return upsert(tenure, head, *upserts);
    return withdraw(tenure, head, std::get<std::vector<Withdrawal>>(request.batch));
  }
  bool upsert(const Tenure& tenure, const Head& head, const Upsert& one) { return upsert(tenure, head, std::span(&one, 1)); }
  bool withdraw(const Tenure& tenure, const Head& head, const Withdrawal& one) { return withdraw(tenure, head, std::span(&one, 1)); }

  void reopen() {
    play_.tell("open the sink again");
    sink_.reset();
    open();
    asked_again_ = true;
  }
  /// A power loss, for fixtures that have one.
  void crash() {
    play_.tell("the power goes; open the sink again");
    sink_.reset();
    bench_.crash();
    open();
    asked_again_ = true;
  }
  void damage(const IdempotencyKey& key) {
    play_.tell("one stored byte changes");
    sink_.reset();
    bench_.damage(key);
    open();
  }

  /// Everything that the sink shows is what the model has.
  void compare() {
    if (asked_again_) play_.asked("SINK-11");
    (void)play_.is_new(state_hash());
    auto found = SinkLook(*sink_, model, probes).first_difference(play_);
    if (!found) return;
    if (refused_last_) broke("SINK-13", "after a request that was refused: " + found->sentence);
    if (asked_again_) {
      const bool own = found->law == "SINK-7" || found->law == "SINK-8" || found->law == "SINK-10" || found->law == "SINK-14";
      broke(own ? found->law : "SINK-11", "what was accepted is not there any more when the sink is opened again: " + found->sentence);
    }
    broke(found->law, found->sentence);
  }
  /// SINK-6: the floor is where it must be. Raises nothing.
  void probe_floors() {
    const auto floors = model.floors;
    for (const auto& [scope, floor] : floors) {
      const StreamId stream = StreamId::of(scope);
      if (floor.token.value > 1) begin(Tenure{scope, {floor.token.value - 1}, floor.owner}, stream);
      begin(Tenure{scope, floor.token, {floor.owner.text + "'s twin"}}, stream);
      begin(floor, stream);
    }
  }

  /// Writes a staged file and gives it as content.
  [[nodiscard]] StagedFile stage(const Bytes& bytes) {
    auto path = bench_.can_stage ? bench_.stage(bytes) : scratch(bytes);
    if (!path) play_.broke("fixture", "a staged file cannot be written: " + path.error().message());
    staged_[path.value()] = bytes;
    return {path.value(), bytes.size()};
  }

  [[nodiscard]] AnySink& sink() { return *sink_; }
  /// Goes on with another sink on the same storage.
  void swap(std::unique_ptr<AnySink>& other) { sink_.swap(other); }
  [[nodiscard]] Play& play() noexcept { return play_; }
  template <class Sentence>
  void expect(std::string_view law, bool holds, Sentence&& sentence) { play_.expect(subject_.empty() ? law : std::string_view(subject_), holds, std::forward<Sentence>(sentence)); }
  [[noreturn]] void broke(std::string_view law, std::string sentence) {
    play_.asked(law);
    play_.broke(subject_.empty() ? law : std::string_view(subject_), std::move(sentence));
  }

 private:
  /// Of what is visible, so that the report can say how many states were judged.
  [[nodiscard]] std::uint64_t state_hash() const {
    std::uint64_t hash = 0;
    const auto take = [&](BytesView bytes) { hash = xxh3(bytes, hash); };
    for (const auto& [id, one] : model.effects) {
      take(id.digest.view());
      take(one.business_key.text);
      const std::uint64_t parts[3] = {one.published, one.withdrawn, one.order.lsn};
      take(BytesView(reinterpret_cast<const char*>(parts), sizeof parts));
    }
    for (const auto& [stream, at] : model.witnesses) take(at.hash.view()), take(std::to_string(at.lsn) + "/" + std::to_string(at.incarnation));
    for (const auto& [of, floor] : model.floors) take(of.partition), take(floor.owner.text), take(std::to_string(floor.token.value));
    for (const auto& [key, version] : model.versions) take(key.digest.view());
    return hash;
  }
  void open() {
    auto opened = bench_.open();
    if (!opened) play_.broke(asked_again_ || play_.operations() != 0 ? "SINK-11" : "fixture", "the sink cannot be opened: " + opened.error().message());
    sink_ = std::move(opened).value();
  }
  void tell(std::string what, const Tenure& tenure, const Head& head) {
    refused_last_ = asked_again_ = false;
    what += ", by " + sink_words::shown(tenure) + ", " + sink_words::shown(head);
    play_.tell(std::move(what));
  }
  template <class T>
  [[nodiscard]] bool is_lost(const result<T>& answer) const { return lost && !answer && answer.error().code() == errc::timed_out; }
  /// The answer did not come: what the model knows depends on what has become of the request. `request` judges it once more, when it arrives.
  bool unanswered(const SinkModel& before, const SinkModel::Verdict& verdict, std::function<SinkModel::Verdict()> request) {
    constexpr std::string_view words[] = {"", "its answer is lost", "it never arrives", "it arrives later"};
    const simulate::Wire::Loss loss = lost();
    play_.note(std::string(words[static_cast<std::size_t>(loss)]));
    if (loss == simulate::Wire::Loss::answer) {
      if (!verdict.must_be_refused()) model.accept();
      return false;
    }
    model = before;
    if (loss == simulate::Wire::Loss::late) under_way_.push_back([this, request = std::move(request)] { if (!request().must_be_refused()) model.accept(); });
    return false;
  }
  template <class Request>
  bool refused(const SinkModel& before, const SinkModel::Verdict& verdict, std::span<const Request> batch, const Tenure& tenure, const Error& error) {
    play_.note("-> " + std::string(name(error.code())));
    for (const SinkModel::Refusal& one : verdict.refusals) play_.asked(one.law);
    settle(judge_refusal(before, verdict, batch, error), "SINK-13");
    play_.reach(name(error.code()));
    if (error.code() == errc::stale_token) names_highest(tenure, error);
    refused_last_ = true;
    return false;
  }
  void names_highest(const Tenure& tenure, const Error& error) {
    if (error.code() != errc::stale_token) return;
    const auto floor = model.floors.find(tenure.scope);
    expect("SINK-6", floor == model.floors.end() || error.message().find(std::to_string(floor->second.token.value)) != std::string::npos,
           "the error does not name the highest token: " + error.message());
  }
  void settle(std::optional<SinkDifference> found, std::string_view asked) {
    play_.asked(asked);
    if (found) broke(found->law, std::move(found->sentence));
  }
  result<std::string> scratch(BytesView bytes) {
    std::error_code failure;
    if (scratch_.empty()) {
      const auto folder = std::filesystem::temp_directory_path(failure);
      if (failure) return Error(errc::io_error, "no folder for temporary files", failure.message());
      for (std::uint64_t number = reinterpret_cast<std::uintptr_t>(this);; ++number) {
        scratch_ = (folder / ("kfm_det-kit-" + std::to_string(number))).string();
        if (std::filesystem::create_directory(scratch_, failure)) break;
        if (failure) return Error(errc::io_error, "no folder for staged files", failure.message());
      }
      remover_ = std::shared_ptr<void>(nullptr, [path = scratch_](void*) { std::error_code ignored; std::filesystem::remove_all(path, ignored); });
    }
    std::string path = scratch_ + "/staged-" + std::to_string(staged_.size());
    std::ofstream file(path, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) return Error(errc::io_error, "a staged file cannot be written", path);
    return path;
  }

  Play& play_;
  SinkBench& bench_;
  std::string subject_;   // the law of a part that is about one; else empty
  std::unique_ptr<AnySink> sink_;
  std::map<std::string, Bytes> staged_;
  std::string scratch_;
  std::shared_ptr<void> remover_;
  std::vector<std::function<void()>> under_way_;
  bool refused_last_ = false, asked_again_ = false;
};

}  // namespace kfm_det::conformance

#endif
