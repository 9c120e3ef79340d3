// SPDX-License-Identifier: BSL-1.0
/// \file
/// VerifyReport: what is known of a log after it was verified: findings, each with a code, a place, a sentence and a remedy, and how far everything holds.
///
/// Plain values. The same log gives the same report, byte for byte, whatever the number of threads. Texts of records that stand in a sentence are escaped:
/// nothing in a log can drive a terminal.
#ifndef KFM_DET_WAL_VERIFY_REPORT_HPP
#define KFM_DET_WAL_VERIFY_REPORT_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/error.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det::wal {

/// Stable texts: the enumerator's name stands in reports. Never renamed, never used for something else.
enum class FindingCode : std::uint8_t {
  // bytes and lines
  damaged, line_too_long, newer_format, unreadable, segment_empty, segment_too_large, garbage_in_gap, torn_tail,
  // the order of entries
  front_missing, entries_missing, segment_missing, segments_do_not_follow, chain_broken, repeated, out_of_order, group_broken, incarnation_back, foreign_line, durable_missing, mark_differs,
  begins_at_checkpoint, dead_entries, log_missing, checkpoint_differs,
  // archives
  archive_damaged, archive_not_read,
  // against a witness
  regressed, forked, foreign_witness, witness_not_comparable, sink_regressed,
  // signatures
  signature_invalid, algorithm_refused, key_unknown, key_out_of_range, signature_missing, signature_misplaced, unsigned_log, not_sealed,
  // records
  record_unreadable, operation_unknown, entry_id_wrong, time_back, sequence_back, token_back, actor_refused, writer_foreign, run_without_plan, plan_repeated, plan_unreadable, effect_unplanned,
  done_without_intent, effect_before_intent, result_differs, end_incomplete, record_after_end, reversal_missing, care_missing, plan_differs, identity_wrong, head_differs, reversal_wrong, approval_missing,
};
KFM_DET_DESCRIBE_ENUM(FindingCode, damaged, line_too_long, newer_format, unreadable, segment_empty, segment_too_large, garbage_in_gap, torn_tail, front_missing, entries_missing, segment_missing,
                      segments_do_not_follow, chain_broken, repeated, out_of_order, group_broken, incarnation_back, foreign_line, durable_missing, mark_differs, begins_at_checkpoint, dead_entries,
                      log_missing, checkpoint_differs, archive_damaged, archive_not_read, regressed, forked, foreign_witness, witness_not_comparable, sink_regressed, signature_invalid, algorithm_refused, key_unknown, key_out_of_range, signature_missing,
                      signature_misplaced, unsigned_log, not_sealed, record_unreadable, operation_unknown, entry_id_wrong, time_back, sequence_back, token_back, actor_refused, writer_foreign,
                      run_without_plan, plan_repeated, plan_unreadable, effect_unplanned, done_without_intent, effect_before_intent, result_differs, end_incomplete, record_after_end, reversal_missing,
                      care_missing, plan_differs, identity_wrong, head_differs, reversal_wrong, approval_missing)

/// Whether a finding says that the log cannot be trusted (error), or only how it stands (note).
enum class Severity : std::uint8_t { note, error };
KFM_DET_DESCRIBE_ENUM(Severity, note, error)
[[nodiscard]] constexpr Severity severity(FindingCode code) noexcept {
  switch (code) {
    case FindingCode::garbage_in_gap:
    case FindingCode::torn_tail:
    case FindingCode::begins_at_checkpoint:
    case FindingCode::dead_entries:
    case FindingCode::archive_not_read:
    case FindingCode::witness_not_comparable:
    case FindingCode::not_sealed: return Severity::note;
    default: return Severity::error;
  }
}

/// What a person can do.
[[nodiscard]] constexpr std::string_view remedy(FindingCode code) noexcept {
  using enum FindingCode;
  switch (code) {
    case damaged:
    case line_too_long:
    case segment_empty:
    case segment_too_large: return "Keep the folder as it is, and restore the segment from a copy.";
    case newer_format:
    case record_unreadable:
    case operation_unknown: return "Verify with the version that wrote the log, or a newer one.";
    case unreadable: return "Check the disk and the permissions, then verify again.";
    case garbage_in_gap:
    case dead_entries: return "Nothing: it is what an interrupted write or a paused owner leaves.";
    case torn_tail: return "Nothing: no one was promised it. The next tenure cuts it off.";
    case front_missing:
    case entries_missing:
    case segment_missing: return "Look for the missing segments, also in the archive; or restore the folder from a copy.";
    case segments_do_not_follow:
    case chain_broken:
    case repeated:
    case out_of_order:
    case group_broken:
    case incarnation_back:
    case foreign_line:
    case mark_differs: return "Somebody or something changed the file: keep it as evidence, and restore it from a copy.";
    case durable_missing: return "What had been durable is gone: keep the folder, and restore it from a copy.";
    case checkpoint_differs: return "The checkpoint does not say what was written: keep the folder and its archive, and restore them from a copy.";
    case archive_damaged: return "Put a copy of this file back; nobody overwrites one in the archive.";
    case archive_not_read: return "Verify with the codec that packed them, or unpack each beside itself as <ordinal>-<first>.jsonl.";
    case begins_at_checkpoint: return "Nothing: what is older was compacted. Trust in it is trust in the checkpoint.";
    case log_missing:
    case regressed: return "The log was cut or put back from an older copy: put the newer one back.";
    case forked: return "This is another history than the witness saw: find out who rewrote it; put the log and the witness of one history together.";
    case sink_regressed: return "The sink was put back from an older copy: put the newer one back.";
    case foreign_witness: return "Give the head of this log.";
    case witness_not_comparable: return "Give a head that is not older than the checkpoint.";
    case signature_invalid: return "Somebody without the key wrote this: keep it as evidence, and restore the log from a copy.";
    case algorithm_refused: return "Only ed25519 is trusted: treat the entry as forged.";
    case key_unknown: return "If the key is one of yours, add it to the ring; else treat the entry as forged.";
    case key_out_of_range: return "If the key was rotated at another place, mend its range in the ring; else treat the entry as forged.";
    case signature_missing: return "A signature was taken away, or somebody wrote without the key: treat the group as forged.";
    case signature_misplaced: return "Nothing of ours signs there: treat the group as forged.";
    case unsigned_log: return "Verify it against a witness; if it should be signed, treat it as forged.";
    case not_sealed: return "What follows the last signature is as good as the file's permissions: verify again behind the next signed group.";
    case entry_id_wrong:
    case time_back:
    case sequence_back:
    case token_back: return "Nothing of ours writes this: treat what follows as forged, and compare with a copy.";
    case actor_refused:
    case writer_foreign: return "Find out who that is; if it is right, allow it in the policy or in the ring.";
    case run_without_plan:
    case plan_repeated:
    case plan_unreadable:
    case effect_unplanned:
    case done_without_intent:
    case effect_before_intent:
    case end_incomplete:
    case plan_differs:
    case identity_wrong:
    case head_differs:
    case reversal_wrong:
    case record_after_end: return "The writer broke the protocol: look at the run with explain, and run the conformance kit against its updater.";
    case result_differs: return "The step is not a function of its inputs, or the record was changed: replay the run.";
    case reversal_missing: return "Mark the step irreversible, or record how it is undone.";
    case approval_missing: return "Find out who let it through, and record the approval with the trigger next time.";
    case care_missing: return "Declare the labels in plan() with .care(...), and publish again.";
  }
  return "";
}

struct Finding {
  FindingCode code = FindingCode::damaged;
  std::string segment;        ///< file name; empty: of the log as a whole
  std::uint64_t offset = 0;   ///< byte in it
  Lsn lsn = 0;                ///< 0: none
  std::string sentence;
};

/// Text from a log, for people: control characters and what turns text around become \u escapes; cut at `bytes_max`.
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t bytes_max = 160) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  const auto hex = [&](std::string_view mark, std::uint32_t value, int places) {
    out += mark;
    for (int shift = 4 * (places - 1); shift >= 0; shift -= 4) out += digits[value >> shift & 15];
  };
  const bool is_utf8 = utf8_fault(text) == std::string_view::npos;   // else it is from a line that nobody vouches for
  for (std::size_t at = 0; at < text.size();) {
    if (out.size() >= bytes_max) return out + "...";
    const std::size_t length = is_utf8 ? utf8_length(text, at) : 1;
    const std::uint32_t point = code_point_at(text, at, length);
    if (point >= 0x80 && !is_utf8) hex("\\x", point, 2);
    else if (!is_control(point)) out += text.substr(at, length);
    else if (point < 0x10000) hex("\\u", point, 4);
    else hex("\\U", point, 8);
    at += length;
  }
  return out;
}

struct VerifyReport {
  StreamId stream;
  std::vector<Finding> findings;       ///< in the order of the log; at most `VerifyOptions::findings_max`
  std::uint64_t errors = 0, notes = 0; ///< all of them, also those that are not kept

  std::uint64_t bytes = 0, segments = 0, dead_segments = 0;
  std::uint64_t entries = 0, groups = 0, marks = 0;   ///< whole groups and what is in them
  std::uint64_t signatures = 0;                       ///< that are there
  std::uint64_t signatures_valid = 0;
  std::uint64_t runs_planned = 0, runs_ended = 0, runs_open = 0;
  std::uint64_t runs_not_followed = 0;                ///< whose beginning is not here: behind a checkpoint, damage, or more finished runs than are remembered
  Lsn first = 0;                                      ///< of the first entry that is here
  Head tail;                                          ///< the last entry of a whole group
  Head verified;                                      ///< from the first entry up to here everything follows from what is before it
  Lsn sealed_upto = 0;                                ///< a valid signature reaches from here back over everything; 0: none
  Lsn proven = 0;                                     ///< was durable, as the log itself or a witness says
  Lsn witnessed_upto = 0;                             ///< a witness agrees up to here
  Head carried;                                       ///< the highest head that a finished effect carried, where records were examined; lsn 0: none
  bool begins_at_checkpoint = false;
  bool records_examined = false, signatures_examined = false;

  /// Nothing was found that speaks against the log. Mind how far it is sealed or witnessed: what neither covers, whoever can write the file can forge.
  [[nodiscard]] bool is_intact() const { return errors == 0; }
  /// Entries that no valid signature reaches.
  [[nodiscard]] std::uint64_t entries_not_sealed() const { return tail.lsn > sealed_upto ? tail.lsn - std::max(sealed_upto, first == 0 ? 0 : first - 1) : 0; }
  /// What a sink has seen, asked behind the verification (a writer may be at work, and a DONE stands behind its effect): less than was carried is sink_regressed.
  void see_sink(const Head& seen);
  /// The first error as one that can be returned. Success when there is none.
  [[nodiscard]] result<void> answer() const;
  /// For a person; ends with a newline.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Json json() const;
};

/// What kind of failure a finding is, for exit codes.
[[nodiscard]] constexpr errc error_code(FindingCode code) noexcept {
  switch (code) {
    case FindingCode::regressed:
    case FindingCode::log_missing: return errc::regressed;
    case FindingCode::sink_regressed: return errc::sink_regressed;
    case FindingCode::forked:
    case FindingCode::segments_do_not_follow: return errc::forked;
    case FindingCode::segment_missing: return errc::hole;
    case FindingCode::foreign_line:
    case FindingCode::foreign_witness: return errc::foreign;
    case FindingCode::newer_format:
    case FindingCode::record_unreadable:
    case FindingCode::operation_unknown: return errc::unsupported_version;
    case FindingCode::unreadable: return errc::io_error;
    default: return errc::corrupt_committed;
  }
}

namespace detail {
[[nodiscard]] inline std::string place_text(const Finding& one) {
  std::string out = one.segment;
  if (!one.segment.empty()) out += " at byte " + std::to_string(one.offset);
  if (one.lsn != 0) out += (out.empty() ? "LSN " : ", LSN ") + std::to_string(one.lsn);
  return out;
}
[[nodiscard]] inline std::string counted(std::uint64_t count, const std::string& noun, const std::string& many) { return std::to_string(count) + " " + (count == 1 ? noun : many); }
}  // namespace detail

inline result<void> VerifyReport::answer() const {
  for (const Finding& one : findings)
    if (severity(one.code) == Severity::error)
      return Error(error_code(one.code), std::string(enum_name(one.code)) + ": " + one.sentence, detail::place_text(one), std::string(remedy(one.code)));
  return success();
}

inline std::string VerifyReport::text() const {
  using detail::counted;
  std::string out = stream.text + ": " + (is_intact() ? "intact" : counted(errors, "error", "errors")) + ". " + counted(entries, "entry", "entries") + " in " + counted(groups, "group", "groups") + ", " +
                    counted(segments, "segment", "segments") + ", " + counted(bytes, "byte", "bytes") + ".\n";
  out += "  chain       " + (verified.lsn == 0 ? "nothing is verified" : "whole from LSN " + std::to_string(first) + " to " + std::to_string(verified.lsn)) +
         (tail.lsn > verified.lsn ? "; what follows, up to LSN " + std::to_string(tail.lsn) + ", stands behind damage" : "") + "\n";
  if (verified.lsn != 0) out += "  head        LSN " + std::to_string(verified.lsn) + " of incarnation " + std::to_string(verified.incarnation) + ", " + verified.hash.hex() + "\n";
  out += "  signatures  ";
  if (!signatures_examined) out += counted(signatures, "signature", "signatures") + ", not verified: no key ring was given\n";
  else if (sealed_upto == 0) out += "no entry is sealed\n";
  else out += "sealed up to LSN " + std::to_string(sealed_upto) + " by " + counted(signatures_valid, "valid signature", "valid signatures") + (entries_not_sealed() != 0 ? "; " + counted(entries_not_sealed(), "entry", "entries") + " behind it not sealed" : "") + "\n";
  out += "  witness     " + (witnessed_upto == 0 ? std::string("none agrees: only a witness shows that a tail was cut or an unsigned log rewritten") : "agrees up to LSN " + std::to_string(witnessed_upto) + (witnessed_upto < first ? ", as the checkpoint states" : "")) + "\n";
  if (records_examined) out += "  runs        " + counted(runs_planned, "planned", "planned") + ", " + std::to_string(runs_ended) + " ended, " + std::to_string(runs_open) + " open" + (runs_not_followed != 0 ? ", " + std::to_string(runs_not_followed) + " whose beginning is not here" : "") + "\n";
  for (const Finding& one : findings) {
    const std::string place = detail::place_text(one);
    out += std::string(enum_name(severity(one.code))) + " " + std::string(enum_name(one.code)) + (place.empty() ? "" : " (" + place + ")") + ": " + one.sentence + ". " + std::string(remedy(one.code)) + "\n";
  }
  if (errors + notes > findings.size()) out += "... and " + std::to_string(errors + notes - findings.size()) + " more\n";
  return out;
}

inline Json VerifyReport::json() const {
  Json list = Json::array();
  for (const Finding& one : findings)
    list.push(Json::object({{"code", Json(enum_name(one.code))}, {"lsn", Json(one.lsn)}, {"offset", Json(one.offset)}, {"remedy", Json(remedy(one.code))}, {"segment", Json(one.segment)},
                            {"sentence", Json(one.sentence)}, {"severity", Json(enum_name(severity(one.code)))}}));
  const auto head = [](const Head& at) { return Json::object({{"hash", Json(at.hash.hex())}, {"incarnation", Json(at.incarnation)}, {"lsn", Json(at.lsn)}}); };
  return Json::object({{"begins_at_checkpoint", Json(begins_at_checkpoint)}, {"bytes", Json(bytes)}, {"dead_segments", Json(dead_segments)}, {"entries", Json(entries)}, {"errors", Json(errors)},
                       {"findings", std::move(list)}, {"first", Json(first)}, {"groups", Json(groups)}, {"intact", Json(is_intact())}, {"marks", Json(marks)}, {"not_sealed", Json(entries_not_sealed())},
                       {"notes", Json(notes)}, {"proven", Json(proven)}, {"records_examined", Json(records_examined)},
                       {"runs", Json::object({{"ended", Json(runs_ended)}, {"not_followed", Json(runs_not_followed)}, {"open", Json(runs_open)}, {"planned", Json(runs_planned)}})},
                       {"sealed_upto", Json(sealed_upto)}, {"segments", Json(segments)},
                       {"signatures", Json::object({{"examined", Json(signatures_examined)}, {"there", Json(signatures)}, {"valid", Json(signatures_valid)}})},
                       {"stream", Json(stream.text)}, {"tail", head(tail)}, {"verified", head(verified)}, {"witnessed_upto", Json(witnessed_upto)}});
}

/// Adds a finding: the first `max` are kept, all are counted.
inline void note(VerifyReport& report, std::size_t max, Finding finding) {
  ++(severity(finding.code) == Severity::error ? report.errors : report.notes);
  if (report.findings.size() < max) report.findings.push_back(std::move(finding));
}

inline void VerifyReport::see_sink(const Head& seen) {
  if (std::pair(seen.incarnation, seen.lsn) >= std::pair(carried.incarnation, carried.lsn)) return;
  note(*this, findings.size() + 1, {FindingCode::sink_regressed, {}, 0, seen.lsn, "a finished effect carried LSN " + std::to_string(carried.lsn) + ", and the sink has seen only LSN " + std::to_string(seen.lsn)});
}

}  // namespace kfm_det::wal

#endif
