// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_verify: does a verifier of logs keep VERIFY-1 to VERIFY-11 (wal/verify.hpp), against somebody who can edit the files and has no key?
///
///   KFM_DET_CONFORMANCE_VERIFY(AuditorFixture)       // verify_fixture.hpp says what a fixture is: one function
///
/// The kit writes honest logs (signed each group, each sync, not at all; segments, rotated keys, an undo, a checkpoint, an accepted loss) and asks that they are trusted, and
/// sealed exactly as far as signatures reach. Then it forges them. What is changed at or below the last valid seal must be found; what the log itself cannot tell
/// must be found against a witness; and nothing that was not signed may ever be called sealed. Which words a finding has is the verifier's own matter.
/// Thread-safety: one thread; the verifier may have threads of its own.
#ifndef KFM_DET_CONFORMANCE_CHECK_VERIFY_HPP
#define KFM_DET_CONFORMANCE_CHECK_VERIFY_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/verify_parts.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/verify_fixture.hpp"
#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/core/limits.hpp"

namespace kfm_det::conformance {
namespace detail {

class VerifyCheck {
 public:
  using Ask = function_ref<VerifyAnswer(const VerifyInput&)>;
  VerifyCheck(Explorer& explorer, const Options& options, Ask ask) : explorer_(explorer), options_(options), ask_(ask) {}

  void run() {
    const std::uint64_t some = std::min<std::uint64_t>(4000, std::uint64_t{64} * options_.cases), drawn = std::min<std::uint32_t>(options_.cases, 1500);
    explorer_.run("honest", {1000, 0, "each kind of log, with and without a ring, against each of its heads as a witness"}, [&](Play& play) { honest(play); });
    explorer_.run("moved", {some, drawn, "an entry, a group or a segment is left out, doubled, moved or from elsewhere; with and without a witness"}, [&](Play& play) { judge(play, forger_.moved(play)); });
    explorer_.run("changed", {some, 2 * drawn, "a member of an entry changes; hashes and signatures stay, or are made anew"}, [&](Play& play) { judge(play, forger_.changed(play)); });
    explorer_.run("signatures", {some, drawn, "signatures are taken away, exchanged, made by others; keys where they are not valid"}, [&](Play& play) { judge(play, forger_.resigned(play)); });
    explorer_.run("witnesses", {some, drawn, "the tail is cut at each entry, the log is gone, rewritten, another one"}, [&](Play& play) { judge(play, forger_.witnessed(play)); });
    explorer_.run("records", {400, 0, "what records say about each other: one breach at a time"}, [&](Play& play) { records(play); });
    explorer_.run("bytes", {some / 4, 2 * drawn, "a byte of a file flips"}, [&](Play& play) { bytes(play); });
    explorer_.run("pieces", {some / 8, drawn / 2, "one, two and four threads, the bytes cut anywhere, lines that are too long"}, [&](Play& play) { pieces(play); });
  }

 private:
  static std::string listed(const std::vector<std::string>& codes) {
    std::string out;
    for (const std::string& one : codes) out += (out.empty() ? "" : ", ") + one;
    return out.empty() ? "nothing" : out;
  }
  VerifyAnswer ask(Play& play, const VerifyInput& input) {
    VerifyAnswer answer = ask_(input);
    for (const std::string& one : answer.errors) play.reach("found: " + one);
    return answer;
  }
  /// VERIFY-10, of every answer.
  static void whole(Play& play, const VerifyAnswer& answer) {
    play.expect("VERIFY-10", answer.trusted == answer.errors.empty(), [&] { return answer.trusted ? "the log is trusted, and there is " + listed(answer.errors) : std::string("the log is not trusted, and no finding says why"); });
  }

  void honest(Play& play) {
    const WrittenLog& log = forger_.some_log(play);
    VerifyInput input = log.input();
    std::vector<Head> heads = log.folded;   // their entries are gone; the checkpoint lists them
    heads.insert(heads.end(), log.heads.begin(), log.heads.end());
    const std::uint32_t witness = play.pick(static_cast<std::uint32_t>(heads.size() + 1));
    const bool with_ring = play.pick(2) == 0;
    if (witness != 0) input.witnesses = {heads[witness - 1]};
    if (!with_ring) input.ring = nullptr;
    play.tell(std::string("verify it as it was written") + (with_ring || !log.ring ? "" : ", without a ring") + (witness == 0 ? "" : ", against a witness of LSN " + std::to_string(heads[witness - 1].lsn)));
    const VerifyAnswer answer = ask(play, input);
    const Lsn sealed = input.ring ? log.sealed_upto : 0;
    const std::uint64_t valid = input.ring ? log.signatures : 0;
    play.expect(witness != 0 ? "VERIFY-4" : input.ring ? "VERIFY-3" : "VERIFY-2", answer.errors.empty(), [&] { return "an honest log has " + listed(answer.errors); });
    whole(play, answer);
    play.expect("VERIFY-3", answer.sealed_upto == sealed, [&] { return "signatures reach up to LSN " + std::to_string(sealed) + ", and LSN " + std::to_string(answer.sealed_upto) + " is called sealed"; });
    play.expect("VERIFY-3", answer.signatures_valid == valid, [&] { return std::to_string(valid) + " signatures are valid, and " + std::to_string(answer.signatures_valid) + " are counted"; });
  }

  void judge(Play& play, std::optional<Forgery> forged) {
    if (!forged) return;
    const bool witnessed = forged->witnesses.empty() && play.pick(2) == 1;
    if (witnessed) {
      play.note("the head of the log as it was written is the witness");
      forged->witnesses = {forged->log->heads.back()};
    }
    const VerifyAnswer answer = ask(play, forged->input());
    if (forged->expected == Seen::error)
      play.expect(forged->law, !answer.errors.empty(), [&] { return "nothing is found that speaks against it; " + listed(answer.notes) + " is noted, and LSN " + std::to_string(answer.sealed_upto) + " is called sealed"; });
    if (forged->expected == Seen::note)
      play.expect(forged->law, !answer.errors.empty() || answer.notes != notes_of(*forged->log), [&] { return "nothing is found; " + listed(answer.notes) + " is noted, as of the log that nobody changed"; });
    const Lsn same = same_upto(*forged->log, forged->lines);
    const Lsn sealed = seal_below(*forged->log, same);
    if (!forged->other_history)
      play.expect("VERIFY-3", answer.sealed_upto <= sealed, [&] { return "LSN " + std::to_string(answer.sealed_upto) + " is called sealed; the entries that were signed reach up to LSN " + std::to_string(sealed); });
    if (witnessed && same < forged->log->last())
      play.expect("VERIFY-4", !answer.errors.empty(), [&] { return "the witness saw LSN " + std::to_string(forged->log->last()) + ", the log is that of the witness up to LSN " + std::to_string(same) + ", and nothing is found"; });
    whole(play, answer);
  }
  /// What is noted of a log that nobody changed.
  const std::vector<std::string>& notes_of(const WrittenLog& log) {
    const auto [found, is_new] = notes_.try_emplace(log.kind);
    if (is_new) found->second = ask_(log.input()).notes;
    return found->second;
  }

  void bytes(Play& play) {
    const WrittenLog& log = forger_.some_log(play);
    VerifyInput input = log.input();
    Bytes& text = input.segments[play.pick(static_cast<std::uint32_t>(input.segments.size()))].bytes;
    const std::uint32_t kind = play.pick(4);
    const std::size_t at = play.pick(static_cast<std::uint32_t>(text.size()));
    const char old = text[at];
    text[at] = kind == 0 ? static_cast<char>(old ^ 1) : kind == 1 ? static_cast<char>(old ^ 0x20) : kind == 2 ? '\0' : '\n';
    if (text[at] == old) return;
    play.tell("byte " + std::to_string(at) + " of the segment changes from " + std::to_string(static_cast<unsigned char>(old)) + " to " + std::to_string(static_cast<unsigned char>(text[at])));
    const VerifyAnswer answer = ask(play, input);
    play.expect("VERIFY-1", !answer.errors.empty() || answer.notes != notes_of(log), [&] { return "nothing is found; " + listed(answer.notes) + " is noted, as of the log that nobody changed"; });
    whole(play, answer);
  }

  void pieces(Play& play) {
    const std::uint32_t threads = 1 + play.pick(3), size = play.pick(4), forgery = play.pick(4);
    std::optional<Forgery> forged = forgery == 0 ? forger_.moved(play) : forgery == 1 ? forger_.changed(play) : forgery == 2 ? forger_.resigned(play) : too_long(play);
    if (!forged) return;
    VerifyInput input = forged->input();
    const VerifyAnswer first = ask(play, input);
    if (forged->expected != Seen::nothing && forgery == 3) play.expect("VERIFY-11", !first.errors.empty() || first.notes != notes_of(*forged->log), "a line that is longer than any is no finding");
    constexpr std::size_t sizes[] = {1, 97, 4096, ~std::size_t{0}};
    if (forgery == 3 && size == 0) return;   // for seconds
    input.threads = threads == 3 ? 4 : threads;
    input.piece_bytes = sizes[size];
    play.tell("verify it with " + std::to_string(input.threads) + " threads, in pieces of " + (size == 3 ? std::string("any size") : std::to_string(input.piece_bytes) + " bytes"));
    const VerifyAnswer again = ask(play, input);
    play.expect("VERIFY-11", first.report == again.report && first.errors == again.errors && first.notes == again.notes && first.sealed_upto == again.sealed_upto && first.signatures_valid == again.signatures_valid,
                [&] { return "another report than with one thread and all bytes at once: " + listed(again.errors) + " instead of " + listed(first.errors) + ", sealed up to LSN " + std::to_string(again.sealed_upto) + " instead of " + std::to_string(first.sealed_upto); });
    whole(play, again);
  }
  std::optional<Forgery> too_long(Play& play) {
    const WrittenLog& log = forger_.some_log(play);
    Forgery out(log);
    const std::size_t at = VerifyForger::some_entry(play, log);
    play.tell("a line of 3 MiB is put before entry number " + std::to_string(at + 1));
    out.lines.insert(out.lines.begin() + static_cast<std::ptrdiff_t>(at), {std::string(3 * limits::line_bytes_max, 'x'), log.lines[at].segment});
    out.must("VERIFY-11", Seen::note);
    return out;
  }

  // --- records ----------------------------------------------------------------------------------------------------------------------

  struct Breach {
    const char* law;
    const char* what;
    std::size_t line;
    void (*edit)(wal::WalRecord&, const WrittenLog&);
  };
  static constexpr std::size_t second_run = 100;   ///< every entry of it
  /// Of the log that is not signed: 0 PLAN, 1 2 EXECUTE, 3 4 intents, 5 6 DONEs, 7 COMMIT; 8 PLAN, 9 EXECUTE, 10 intent, 11 DONE, 12 COMMIT.
  static const std::vector<Breach>& breaches() {
    using R = wal::WalRecord;
    using L = WrittenLog;
    using wal::Phase;
    static const auto first = [](const L& log) { return wal::read_record(wal::read_line(log.lines[log.entries[0]].text)).value(); };
    static const auto head = [](R& r, const L& log, Lsn lsn, std::optional<Digest> hash = std::nullopt) { r.payload.set("head", wal::head_json(Head{{}, 1, lsn, hash ? *hash : log.heads[lsn - 1].hash})); };
    static const auto of_first_effect = [](R& r, const char* member, Json value) {
      Json effects = Json::array();
      for (const Json& one : r.payload.find("effects")->items()) {
        effects.push(one);
        if (effects.items().size() != 1) continue;
        Json other = one;
        other.set(member, std::move(value));
        effects = Json::array({std::move(other)});
      }
      r.payload.set("effects", std::move(effects));
    };
    static const auto label = [](R& r, const Json& care) {   // the plan asks for it, and whoever follows it repeats it
      if (r.phase == Phase::PLAN) {
        Json steps = Json::array(), plan = *r.payload.find("plan");
        for (Json step : plan.find("steps")->items()) {
          step.set("care", care);
          steps.push(std::move(step));
        }
        plan.set("steps", std::move(steps));
        r.payload.set("plan_hash", Json(plan_hash(canonical(plan).value()).hex()));
        r.payload.set("plan", std::move(plan));
      } else if (!r.step_id.empty()) {
        r.governance.reset();
        if (!care.items().empty()) r.governance = Json::object({{"care", care}});
      }
    };
    static const std::vector<Breach> all{
        {"VERIFY-5", "the time goes back", 9, [](R& r, const L&) { r.ts = Instant{1}; }},
        {"VERIFY-5", "a number of a run comes twice", 4, [](R& r, const L&) { r.seq = 4; }},
        {"VERIFY-5", "the token goes back", 4, [](R& r, const L&) { r.token = 0; }},
        {"VERIFY-5", "an entry id is another than the one that follows", 4, [](R& r, const L&) { r.entry_id = {}; }},
        {"VERIFY-6", "another updater writes", 9, [](R& r, const L&) { r.updater_id = "mallory"; }},
        {"VERIFY-6", "an actor writes whom the policy does not name", 9, [](R& r, const L&) { r.actor = "mallory"; }},
        {"VERIFY-7", "a run has no PLAN", 8, [](R& r, const L&) { r.phase = Phase::LINEAGE; }},
        {"VERIFY-7", "a run has two PLANs", 8, [](R& r, const L& log) { const Instant ts = r.ts; const EntryId id = r.entry_id; r = first(log); r.seq = 99; r.ts = ts; r.entry_id = id; }},
        {"VERIFY-7", "a PLAN cannot be read", 8, [](R& r, const L&) { r.payload = Json::object(); }},
        {"VERIFY-7", "an effect is not planned", 3, [](R& r, const L&) { r.step_id = "z"; }},
        {"VERIFY-7", "an effect has another id than its PLAN says", 3, [](R& r, const L&) { r.payload.set("effect", Json(sha256("other").hex())); r.reversal->set("effect", Json(sha256("other").hex())); }},
        {"VERIFY-7", "an effect has no intent", 3, [](R& r, const L&) { r.phase = Phase::LINEAGE; }},
        {"VERIFY-7", "an effect carried a head before its intent", 5, [](R& r, const L& log) { head(r, log, 3); }},
        {"VERIFY-7", "an effect carried a head behind itself", 5, [](R& r, const L& log) { head(r, log, 6); }},
        {"VERIFY-7", "an effect carried a head that this log never had", 5, [](R& r, const L& log) { head(r, log, 5, sha256("other")); }},
        {"VERIFY-7", "a run is committed without one of its effects", 6, [](R& r, const L&) { r.phase = Phase::LINEAGE; }},
        {"VERIFY-7", "an entry of a run that has ended", 9, [](R& r, const L& log) { r.wal_id = first(log).wal_id; r.seq = 99; r.step_id = "a"; }},
        {"VERIFY-7", "a run is settled that nobody takes back", 7, [](R& r, const L&) { r.phase = Phase::CONTROL; r.operation = wal::operation::settled; r.payload = Json::object({{"outcome", Json("undone")}}); }},
        {"VERIFY-8", "another state is expected than the step gave", 3, [](R& r, const L&) { r.post_state_expected = sha256("other"); }},
        {"VERIFY-8", "another key is published than the step gave", 3, [](R& r, const L&) { r.payload.set("key", Json("other")); }},
        {"VERIFY-8", "a step is published that did not run", 1, [](R& r, const L&) { r.phase = Phase::LINEAGE; }},
        {"VERIFY-9", "an effect does not say how it is undone", 3, [](R& r, const L&) { r.reversal.reset(); }},
        {"VERIFY-9", "an effect is undone by what takes another one back", 3, [](R& r, const L&) { r.reversal->set("effect", Json(sha256("other").hex())); }},
        {"VERIFY-9", "how an effect is undone says nothing", 4, [](R& r, const L&) { r.reversal = Json::object(); }},
        {"VERIFY-9", "CARE labels are missing", second_run, [](R& r, const L&) { label(r, Json::array()); }},
        {"VERIFY-9", "a CARE label is empty", second_run, [](R& r, const L&) { label(r, Json::array({Json("")})); }},
        {"VERIFY-10", "an operation that nobody knows", 12, [](R& r, const L&) { r.phase = Phase::CONTROL; r.operation = "TELEPORT"; }},
        {"VERIFY-10", "a member of a payload that nobody knows", 5, [](R& r, const L&) { r.payload.set("more", Json(1)); }},
        {"VERIFY-10", "an answer that no sink gives", 5, [](R& r, const L&) { r.payload.set("result", Json("nonsense")); }},
        {"VERIFY-10", "a commit that is in progress", 12, [](R& r, const L&) { r.status = wal::Status::IN_PROGRESS; }},
        {"VERIFY-12", "an intent names another key than the plan", 3, [](R& r, const L&) { r.payload.set("business_key", Json("key/b")); }},
        {"VERIFY-12", "an intent retires what the plan publishes", 3, [](R& r, const L&) { r.payload.set("tombstone", Json(true)); }},
        {"VERIFY-12", "an entry is of another version than its run", 5, [](R& r, const L&) { r.updater_version = {1, 0, 1}; }},
        {"VERIFY-12", "an entry has other inputs than its run", 7, [](R& r, const L&) { r.input_hash = InputHash{sha256("other")}; }},
        {"VERIFY-12", "an entry has another tier than its step", 10, [](R& r, const L&) { r.tier = 3; }},
        {"VERIFY-12", "what is published has other labels than its step", 10, [](R& r, const L&) { r.governance = Json::object({{"care", Json::array({Json("open")})}}); }},
        {"VERIFY-12", "a commit has an approval that its trigger did not have", 12, [](R& r, const L&) { r.governance = Json::object({{"approval", Json("forged")}}); }},
        {"VERIFY-12", "another operation ran than the plan says", 1, [](R& r, const L&) { r.operation = "other"; }},
        {"VERIFY-12", "a commit counts other effects than the plan has", 7, [](R& r, const L&) { r.payload.set("effects", Json(1)); }},
        {"VERIFY-12", "the plan's hash is that of another plan", 8, [](R& r, const L&) { r.payload.set("plan_hash", Json(sha256("other").hex())); }},
        {"VERIFY-12", "the inputs are not those of their hash", 8, [](R& r, const L&) { r.payload.set("inputs", Json::array()); }},
        {"VERIFY-12", "the run's id is that of another trigger", 8, [](R& r, const L&) { r.payload.set("trigger", Json::object({{"key", Json("other")}, {"kind", Json("manual")}})); }},
        {"VERIFY-12", "the effects that a PLAN lists, and what follows from them, have another key than its steps", second_run, [](R& r, const L&) {
           const auto key = [](const ContentHash& content) { return Json(idempotency_key("kit", {1, 0, 0}, BusinessKey{"key/z"}, content).value().hex()); };
           if (r.phase == Phase::PLAN) of_first_effect(r, "business_key", Json("key/z"));
           if (r.phase == Phase::EXECUTE) r.payload.set("key", key(ContentHash::from_hex(*r.payload.find("content")->string()).value()));
           if (r.post_state_expected) {
             r.payload.set("business_key", Json("key/z"));
             r.payload.set("key", key(ContentHash{*r.post_state_expected}));
           }
         }},
        {"VERIFY-12", "the effects that a PLAN lists have other ids than their steps give", 8, [](R& r, const L&) { of_first_effect(r, "effect", Json(sha256("other").hex())); }},
        {"VERIFY-12", "the key of what a step gave does not follow from it", second_run, [](R& r, const L&) { if (r.payload.find("key") != nullptr) r.payload.set("key", Json(sha256("other").hex())); }},
    };
    return all;
  }
  void records(Play& play) {
    const WrittenLog& log = forger_.logs()[1];
    const auto& all = breaches();
    const std::uint32_t number = play.pick(static_cast<std::uint32_t>(all.size() + 3));
    Forgery out(log);
    play.note("a log: " + log.kind);
    if (number < all.size()) {
      const Breach& one = all[number];
      play.tell(one.what);
      out.must(one.law);
      const std::size_t from = one.line == second_run ? 8 : one.line, to = one.line == second_run ? log.entries.size() : one.line + 1;
      for (std::size_t i = from; i < to; ++i)
        if (!rewrite(out.lines, log.entries[i], [&](wal::WalRecord& record) { one.edit(record, log); }, Resealed::nothing)) return;
    } else if (number < all.size() + 2) {
      const bool format = number == all.size();
      play.tell(format ? "an entry of a newer format" : "an entry of a phase that nobody knows");
      const std::string from = format ? "\"format\":1" : "\"phase\":\"COMMIT\"", to = format ? "\"format\":2" : "\"phase\":\"TELEPORT\"";
      std::string& line = out.lines[log.entries.back()].text;
      std::string body = body_of(line);
      if (body.find(from) == std::string::npos) return;
      line = sealed_line(body.replace(body.find(from), from.size(), to), "}");
      out.must("VERIFY-10");
    } else {
      out = Forgery(forger_.logs()[0]);
      play.tell("the ring says who may write under the key, and it is somebody else");
      wal::KeyRing ring;
      wal::RingKey key = ring_key("key-a");
      key.actors = {{"somebody"}};
      (void)ring.add(std::move(key)).has_value();
      out.ring = std::move(ring);
      out.must("VERIFY-6");
    }
    const VerifyAnswer answer = ask(play, out.input());
    play.expect(out.law, !answer.errors.empty(), [&] { return "nothing is found that speaks against it; " + listed(answer.notes) + " is noted"; });
    whole(play, answer);
  }

  Explorer& explorer_;
  const Options& options_;
  Ask ask_;
  VerifyForger forger_;
  std::map<std::string, std::vector<std::string>> notes_;
};

}  // namespace detail

template <class Fixture>
[[nodiscard]] Report check_verify(const Options& options = {}) {
  Report report;
  report.check = "check_verify";
  if constexpr (diagnose_verify_fixture<Fixture>()) {
    Fixture fixture;
    const auto ask = [&fixture](const VerifyInput& log) { return fixture.verify(log); };
    Explorer explorer(report, options);
    detail::VerifyCheck(explorer, options, ask).run();
    report.bounds.push_back("not asked: how much memory and time a log takes (VERIFY-11)");
  }
  return report;
}

}  // namespace kfm_det::conformance

#endif
