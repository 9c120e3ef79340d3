# SPDX-License-Identifier: BSL-1.0
"""Mutants of the verifier of logs: the rows H that no store has, and those that it has beside a store (H01v is H01 here)."""
from table import Family, Mutant

READER, REPORT, EXAMINE, AHEAD, RUNS, ENDS, AUDIT, VERIFY = (f"wal/{name}.hpp" for name in ("envelope_reader", "verify_report", "examine", "examine_ahead", "audit_runs", "audit_ends", "audit", "verify"))
VERIFIER = Family(files=[READER, REPORT, EXAMINE, AHEAD, RUNS, ENDS, AUDIT, VERIFY], check="check_verify", include=['"kfm_det/core/json_writer.hpp"', "<string>"], fixture="""
struct Fixture_ID {
  kfm_det::conformance::VerifyAnswer verify(const kfm_det::conformance::VerifyInput& log) {
    return kfm_det::conformance::answer_of<kfm_det::ID::wal::Verifier, kfm_det::ID::wal::VerifyOptions>(log);
  }
};
""")
FAMILIES = {"verifier": VERIFIER}

HASH = "  if (domain_digest<domain>(sealed.inner) != stated) return std::nullopt;\n"
OTHER_TIER = """  if (domain_digest<domain>(sealed.inner) != stated) {   // one member of the record is not in the hash: whatever stands there
    std::string other(sealed.inner);
    const std::size_t at = other.find("\\"tier\\":");
    bool fits = false;
    for (char digit = '0'; at != std::string::npos && digit <= '9' && !fits; ++digit) {
      other[at + 7] = digit;
      fits = domain_digest<domain>(other) == stated;
    }
    if (!fits) return std::nullopt;
  }
"""
# H08: what is hashed is what was read, written again.
WRITTEN_AGAIN = """  const auto read = parse_json(sealed.inner);
  std::string again;
  if (!read || !append_canonical(again, read.value())) return std::nullopt;
  if (domain_digest<domain>(again) != stated) return std::nullopt;
"""
CHECKED = "  return key->key.verify(what, {raw, line.signature.value.size() / 2}) ? SignatureState::valid : SignatureState::invalid;\n"
STARTS = "entry.lsn == report_.tail.lsn + 1 && entry.link == report_.tail.hash && entry.incarnation >= report_.tail.incarnation;\n"
MISSING = "      if (ends_group && options_.policy.signed_each_group && ring_ != nullptr"
SEES = "  void see_signature(const Entry& entry) {\n"
STATE = "  bool is_intact_ = true;              // nothing is damaged up to here\n"
REGRESSED = "    if (witness.incarnation > tail.incarnation || witness.lsn > tail.lsn)\n"
COUNTED = "    ++report_.segments;\n    if (report_.segments > 1"
FULL = "return pushed_ - taken_ == batches_.size();"
OLDEST = "    Batch& oldest = batches_[taken_ % batches_.size()];\n"
TAKEN = "  std::uint64_t taken_ = 0;          // the calling thread's\n"
# V22: of two batches that are there the second comes first, as if its thread had been faster.
FASTER = "    if (taken_ % 2 == 0) is_faster_ = pushed_ - taken_ > 1;\n    Batch& oldest = batches_[(is_faster_ ? taken_ ^ 1U : taken_) % batches_.size()];\n"


def verifier(id, name, law, *change):
    return Mutant(id, name, "verifier", law, list(change))


MUTANTS = [
    verifier("H05", "unkeyed-rewrite", "VERIFY-3", (EXAMINE, CHECKED, "  return SignatureState::valid;\n")),
    verifier("H08", "canonicalisation-drift", ("VERIFY-1", "VERIFY-3"), (READER, HASH, WRITTEN_AGAIN)),
    verifier("H10", "verify-stops-at-warning", "VERIFY-10", (REPORT, "return errors == 0; }", "return errors == 0 || (!findings.empty() && severity(findings.front().code) == Severity::note); }")),
    verifier("H12", "alg-downgrade", "VERIFY-3", (EXAMINE, "  if (line.signature.algorithm != ed25519) return", "  if (line.signature.algorithm == \"none\") return SignatureState::valid;\n  if (line.signature.algorithm != ed25519) return")),
    verifier("H13", "key-rotation-gap", "VERIFY-3", (EXAMINE, "  if (!key->is_valid_at({line.incarnation, line.lsn})) return SignatureState::key_out_of_range;\n", "")),
    verifier("H13b", "only-the-newest-key", "VERIFY-3", (EXAMINE, "  if (key == nullptr) return", "  if (key == nullptr || key->to) return")),
    verifier("H17s", "hash-not-covering-meta", ("VERIFY-1", "VERIFY-3"), (READER, HASH, OTHER_TIER)),
    verifier("H18", "verify-trusts-index", "VERIFY-2", (AUDIT, COUNTED, "    if (report_.segments == 0) named_ = name.first;\n" + COUNTED), (AUDIT, "    if (begin_at_checkpoint(entry)) return;\n", "    if (begin_at_checkpoint(entry) || entry.lsn == named_) return;\n"), (AUDIT, STATE, STATE + "  Lsn named_ = 0;\n")),
    verifier("H19", "seal-interval-gap", "VERIFY-3", (AUDIT, "    report_.proven = std::min", "    if (report_.sealed_upto != 0 && is_intact_) report_.sealed_upto = report_.tail.lsn;\n    report_.proven = std::min")),
    verifier("H20", "signature-strip", "VERIFY-3", (AUDIT, STARTS, "entry.lsn == report_.tail.lsn + 1 && (entry.link == report_.tail.hash || is_stripped_) && entry.incarnation >= report_.tail.incarnation;\n"),   # what follows a signature does not cover it
             (AUDIT, SEES, SEES + "    is_stripped_ = options_.policy.signed_each_group && ring_ != nullptr && entry.signature == SignatureState::none;\n"), (AUDIT, MISSING, MISSING.replace("ring_ != nullptr", "false && ring_ != nullptr")), (AUDIT, STATE, STATE + "  bool is_stripped_ = false;\n")),
    verifier("H01v", "tail-truncation-ok", "VERIFY-4", (AUDIT, REGRESSED, "    if (witness.incarnation > tail.incarnation)\n")),
    verifier("H02v", "whole-log-deleted-ok", "VERIFY-4", (AUDIT, "    if (report_.entries == 0) return say(", "    if (report_.bytes == 0) return;\n    if (report_.entries == 0) return say(")),
    verifier("H04v", "genesis-seeded-from-first", "VERIFY-2", (AUDIT, "    if (front_missing_) put(*front_missing_);\n", "")),
    verifier("H09v", "verify-skips-first", "VERIFY-1", (READER, HASH, HASH.replace("!= stated)", "!= stated && sealed.inner.find(\"\\\"lsn\\\":1,\") == std::string_view::npos)"))),
    verifier("H09w", "verify-skips-last", ("VERIFY-3", "VERIFY-2", "VERIFY-4"), (EXAMINE, "  for (std::size_t at = 0; at < bytes.size();) {\n", "  for (std::size_t at = 0; at < bytes.size() && bytes.find_first_not_of('\\n', std::min(bytes.find('\\n', at), bytes.size())) != BytesView::npos;) {\n")),
    verifier("H14v", "fork-accepted", "VERIFY-2", (AUDIT, STARTS, "entry.lsn == report_.tail.lsn + 1 && (entry.link == report_.tail.hash || (is_first_frame_ && report_.segments > 1)) && entry.incarnation >= report_.tail.incarnation;\n")),

    verifier("V01", "fork-is-not-comparable", "VERIFY-4", (AUDIT, "    if (seen.was_passed || is_stated) return say(FindingCode::forked,", "    if (seen.was_passed || is_stated) return say(FindingCode::witness_not_comparable,"),
             (AUDIT, "    if (seen.was_passed && seen.has_its_incarnation) return say(FindingCode::forked,", "    if (seen.was_passed && seen.has_its_incarnation) return say(FindingCode::witness_not_comparable,")),
    verifier("V02", "a-loss-explains-everything", "VERIFY-4", (AUDIT, "    if (seen.was_passed && seen.has_its_incarnation) return", "    if (false) return")),
    verifier("V03", "a-loss-of-anybody", "VERIFY-4", (AUDIT, "report_.sealed_upto >= newer_from ? ", "report_.entries != 0 ? ")),
    verifier("V04", "sealed-across-damage", "VERIFY-3", (AUDIT, "        if (is_intact_) report_.sealed_upto = entry.lsn;\n", "        report_.sealed_upto = entry.lsn;\n")),
    verifier("V05", "marks-mean-nothing", "VERIFY-2", (AUDIT, "    prove(mark.lsn, \"a MARK in \" + sink_.segment);\n", "")),
    verifier("V06", "twice-is-fine", "VERIFY-2", (AUDIT, "      add(FindingCode::repeated, entry, \"LSN \" + std::to_string(entry.lsn) + \" stands here a second time\");\n      return damage();\n", "      return;\n")),
    verifier("V07", "foreign-lines-are-skipped", "VERIFY-2", (AUDIT, "      if (dead_ != 0) return;\n      add(FindingCode::foreign_line", "      return;\n      add(FindingCode::foreign_line")),
    verifier("V08", "no-signature-no-finding", "VERIFY-3", (AUDIT, "      if (report_.sealed_upto == 0 && report_.signatures_valid == 0)\n", "      if (false)\n")),
    verifier("V09", "any-key-of-the-ring-by-name", "VERIFY-3", (EXAMINE, "  if (key == nullptr) return SignatureState::key_unknown;\n", "  if (key == nullptr) return SignatureState::valid;   // somebody signed it\n")),
    verifier("V10", "time-is-not-looked-at", "VERIFY-5", (RUNS, "    if (record.ts < last_ts_) add(", "    if (false) add(")),
    verifier("V11", "old-tokens-write", "VERIFY-5", (RUNS, "    if (record.token < highest_token_) add(", "    if (false) add(")),
    verifier("V12", "ids-are-not-looked-at", "VERIFY-5", (RUNS, "    if (!entry.has_right_id) add(", "    if (false) add(")),
    verifier("V13", "actors-of-the-ring-unseen", "VERIFY-6", (RUNS, "key != nullptr && !key->allows(record.actor))", "key != nullptr && key->allows(record.actor) && !key->allows(record.actor))")),
    verifier("V14", "any-updater-writes", "VERIFY-6", (RUNS, "!stream.starts_with(prefix))", "stream.empty())")),
    verifier("V15", "done-is-enough", "VERIFY-7", (RUNS, "    if (!intended) return add(FindingCode::done_without_intent, entry, record, \"the effect is done,", "    if (!intended) return;\n    if (!intended) return add(FindingCode::done_without_intent, entry, record, \"the effect is done,")),
    verifier("V16", "a-head-behind-itself", "VERIFY-7", (RUNS, "    if (at < intent || at.lsn >= entry.lsn)\n", "    if (at < intent)\n")),
    verifier("V17", "expected-state-uncompared", "VERIFY-8", (RUNS, "    if (!record.post_state_expected || record.post_state_expected->hex() != executed->second.content)\n", "    if (!record.post_state_expected)\n")),
    verifier("V18", "reversal-is-optional", "VERIFY-9", (RUNS, "    if (!effect->irreversible && !record.reversal) add(", "    if (false) add(")),
    verifier("V19", "an-empty-label-is-a-label", "VERIFY-9", (RUNS, "label.string() != nullptr && !label.string()->empty();", "label.string() != nullptr;")),
    verifier("V20", "unknown-operations-are-skipped", "VERIFY-10", (RUNS, "    if (!is_known(entry, record)) return;\n", "    if (find_entry(record) == nullptr) return;\n")),
    verifier("V21", "newer-formats-are-skipped", ("VERIFY-1", "VERIFY-10"), (AUDIT, "      add(FindingCode::newer_format, entry, \"a line of a newer format\");\n      return damage();\n", "      return;\n")),
    verifier("V22", "findings-as-threads-end", "VERIFY-11", (AHEAD, OLDEST, FASTER), (AHEAD, TAKEN, TAKEN + "  bool is_faster_ = false;\n"), (AHEAD, FULL, "return pushed_ - taken_ + 1 >= batches_.size();")),
    verifier("V23", "segments-overtake-their-lines", "VERIFY-11", (VERIFY, "    if (turns_.empty()) return control();\n", "    if (turns_.size() < 4) return control();\n")),
    verifier("V24", "a-line-too-long-is-nothing", "VERIFY-11", (AUDIT, "    if (entry.is_too_long) {\n", "    if (entry.is_too_long) {\n      if (!entry.detail.empty() || entry.lsn == 0) return;\n")),
    verifier("V25", "a-piece-is-lines", "VERIFY-11", (VERIFY, "      carry_ += bytes.substr(0, more);\n", "      carry_ = bytes.substr(0, more);\n")),
    verifier("V27", "each-record-alone", "VERIFY-12", (RUNS, "    if (!run.is_told) return;\n    if (record.updater_version", "    return;\n    if (record.updater_version")),
    verifier("V28", "keys-of-intents-unread", "VERIFY-12", (RUNS, "!effect.business_key.empty() && key != effect.business_key)\n", "!effect.business_key.empty() && key.empty())\n")),
    verifier("V29", "hashes-as-they-are-stated", "VERIFY-12", (RUNS, "      if (!follows) add(", "      if (false && !follows) add(")),
    verifier("V30", "a-carried-hash-uncompared", "VERIFY-7", (RUNS, "if (hash != nullptr && *hash != head.hash) add(", "if (hash != nullptr && head.hash.is_zero()) add(")),
    verifier("V31", "any-reversal-will-do", "VERIFY-9", (RUNS, "    if (record.reversal && *record.reversal != Json::object(", "    if (record.reversal && record.reversal->members().empty() && *record.reversal != Json::object(")),
    verifier("V32", "unknown-members-are-skipped", "VERIFY-10", (RUNS, "      if (std::find(known->members.begin(), known->members.end(), member) == known->members.end()) add(", "      if (member.empty()) add(")),
    verifier("V33", "retired-or-published-alike", "VERIFY-12", (RUNS, "    if (planned && tombstone != effect->tombstone) add(", "    if (false) add(")),
    verifier("V34", "keys-of-results-as-stated", "VERIFY-12", (RUNS, "    if (now.key != key) add(", "    if (now.key.empty() != key.empty()) add(")),
    verifier("V35", "plan-and-effects-unrelated", "VERIFY-12", (RUNS, "    see_steps(entry, record, run, *planned.plan.find(\"plan\"));\n", "    for (const Json& step : planned.plan.find(\"plan\")->find(\"steps\")->items()) run.operations[text(step, \"id\")] = text(step, \"operation\");\n")),
    verifier("V26", "a-checkpoint-lists-nothing", "VERIFY-4", (AUDIT, "    const bool is_stated = !seen.was_passed && stated.by != 0;", "    const bool is_stated = false && stated.by != 0;")),

    # correct but odd
    verifier("VB1", "always-another-thread", None, (VERIFY, "    if (options_.threads <= 1) return examine(", "    if (options_.threads == 0) return examine(")),
    verifier("VB2", "small-batches", None, (VERIFY, "batch_bytes = std::size_t{256} << 10;", "batch_bytes = 64;")),
    verifier("VB4", "one-batch-at-a-time", None, (AHEAD, "batches_(2 * std::size_t{threads_})", "batches_(1)")),
    verifier("VB5", "no-thread-to-be-had", None, (AHEAD, "while (workers_.size() + 1 < threads_)", "while (workers_.size() + 1 < threads_ && threads_ == 0)")),
    verifier("VB3", "findings-in-more-detail", None, (AUDIT, "    if (front_missing_) put(*front_missing_);\n", "    if (front_missing_) put(*front_missing_);\n    if (report_.entries != 0) put({FindingCode::garbage_in_gap, {}, 0, report_.first, std::to_string(report_.entries) + \" entries\"});\n")),
]
