// SPDX-License-Identifier: BSL-1.0
/// \file
/// Audit: what the lines of one log say about each other, in one pass: order, links, groups, segments, proofs, seals, witnesses (VERIFY-1 to VERIFY-4).
///
/// Gets examined lines in the order of the log, segment by segment. Memory: the group at hand, the hashes of the last entries, and what RunAudit keeps.
/// It agrees with wal::Judge: what recovery calls clean has no error here (but for a line that stands there twice), and what it refuses has one; but what lies below a checkpoint
/// and is here is audited like the rest, where recovery would not mind. Behind damage it goes on, so that a second damage
/// is found too, but nothing there counts as verified or sealed. Thread-safety: one thread.
#ifndef KFM_DET_WAL_AUDIT_HPP
#define KFM_DET_WAL_AUDIT_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/wal/audit_ends.hpp"
#include "kfm_det/wal/audit_runs.hpp"
#include "kfm_det/wal/examine.hpp"
#include "kfm_det/wal/recovery.hpp"
#include "kfm_det/wal/verify_policy.hpp"
#include "kfm_det/wal/verify_report.hpp"

namespace kfm_det::wal {

/// What a verification is asked to look at.
struct VerifyOptions {
  std::optional<KeyRing> ring{};                   ///< none: signatures are not verified
  std::vector<Head> witnesses{};
  VerifyPolicy policy{};
  bool records = true;                             ///< false: the chain alone, which is ten times as fast
  unsigned threads = 1;                            ///< that examine lines, the one that calls among them; the report is the same for any number
  std::size_t line_bytes_max = 2 * limits::line_bytes_max;   ///< a longer line is a finding, and is passed over without being kept in memory
  std::size_t findings_max = 1000;                 ///< kept; all are counted
  std::size_t finished_runs_max = std::size_t{1} << 16;   ///< that are remembered, to notice what comes behind their end
};

class Audit {
 public:
  Audit(StreamId stream, const VerifyOptions& options)
      : options_(options), ring_(options_.ring ? &*options_.ring : nullptr), sink_{report_, options.findings_max}, runs_(sink_, ring_, options_.policy, options.finished_runs_max),
        ends_(options_.witnesses, options.records), seen_(options.witnesses.size()) {
    report_.stream = std::move(stream);
    report_.tail.stream = report_.verified.stream = report_.stream;
    report_.records_examined = options.records;
    report_.signatures_examined = ring_ != nullptr;
  }
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  /// The next living segment. `limit`: the first LSN of a later one; entries from there on are dead. `label` stands in findings.
  void begin_segment(const SegmentName& name, Lsn limit, const std::string& label) {
    ++report_.segments;
    if (report_.segments > 1 && name.first > 0) prove(name.first - 1, "the name of " + label);
    sink_.segment = last_segment_ = label;
    limit_ = limit;
    dead_ = 0;
    is_first_frame_ = true;
    forget_garbage();
  }
  void see(Entry&& entry) {
    if (entry.is_too_long) {
      add(FindingCode::line_too_long, entry, "a line of more than " + std::to_string(entry.length) + " bytes");
      return reject(entry);
    }
    if (entry.kind == LineKind::newer_format) {
      add(FindingCode::newer_format, entry, "a line of a newer format");
      return damage();
    }
    if (entry.is_foreign) {
      if (dead_ != 0) return;
      add(FindingCode::foreign_line, entry, "a line of the stream " + printable(entry.detail));
      return reject(entry);
    }
    if (entry.kind == LineKind::mark) return see_mark(entry);
    if (dead_ != 0) {
      ++dead_;
      return;
    }
    if (entry.kind == LineKind::garbage || !entry.is_complete) return reject(entry);
    if (entry.lsn >= limit_) {   // what a paused owner wrote behind its successor's beginning
      drop_group();
      dead_ = 1;
      dead_from_ = {FindingCode::dead_entries, sink_.segment, entry.offset, entry.lsn, {}};
      return;
    }
    durable_upto_ = std::max(durable_upto_, entry.durable_upto);
    see_frame(std::move(entry));
    is_first_frame_ = false;
  }
  /// The segment is at its end. `bytes`: how long it was.
  void end_segment(std::uint64_t bytes) {
    report_.bytes += bytes;
    drop_group();
    if (dead_ != 0) {
      dead_from_.sentence = std::to_string(dead_) + (dead_ == 1 ? " entry counts" : " entries count") + " for nothing: a later segment begins at LSN " + std::to_string(limit_);
      note(report_, options_.findings_max, dead_from_);
    }
    if (limit_ == Judge::no_limit) return;   // finish() judges what ends the log
    if (report_.tail.lsn + 1 != limit_) {
      const std::string missing = range(report_.tail.lsn + 1, limit_ - 1);
      if (garbage_at_ != nowhere)
        put({FindingCode::damaged, sink_.segment, garbage_at_, report_.tail.lsn + 1, std::to_string(garbage_end_ - garbage_at_) + " bytes are no entries where " + missing + " should stand; the next segment begins at LSN " + std::to_string(limit_)});
      else
        put({FindingCode::segment_missing, sink_.segment, bytes, report_.tail.lsn + 1, missing + " should stand here or in a segment that is missing; the next one that is here begins at LSN " + std::to_string(limit_)});
      damage();
    } else {
      settle_garbage();
    }
  }
  /// A segment that cannot be read, whole or from here on.
  void unreadable(FindingCode code, std::uint64_t offset, std::string sentence) {
    put({code, sink_.segment, offset, 0, std::move(sentence)});
    damage();
  }
  /// Segments at the front that nobody reads, up to the one in front of LSN `next`; `label` is the first of them.
  void not_read(const std::string& label, Lsn first, Lsn next, const std::string& sentence) {
    put({FindingCode::archive_not_read, label, 0, first, sentence + "; the log is verified from LSN " + std::to_string(next) + " on"});
  }
  void dead_segment(const std::string& label, Lsn first) {
    ++report_.dead_segments;
    note(report_, options_.findings_max, {FindingCode::dead_entries, label, 0, first, "the whole segment counts for nothing: a later one begins at or below its first LSN"});
  }

  [[nodiscard]] VerifyReport finish() {
    sink_.segment.clear();
    if (front_missing_) put(*front_missing_);
    judge_end();
    for (std::size_t i = 0; i < options_.witnesses.size(); ++i) judge_witness(options_.witnesses[i], seen_[i], ends_.stated(i));
    if (ring_ != nullptr && report_.entries != 0) {
      if (report_.sealed_upto == 0 && report_.signatures_valid == 0)
        put({FindingCode::unsigned_log, {}, 0, report_.first, "a key ring was given, and no entry carries a valid signature"});
      else if (report_.entries_not_sealed() != 0)
        put({FindingCode::not_sealed, {}, 0, std::max(report_.sealed_upto + 1, report_.first), "no valid signature reaches " + range(std::max(report_.sealed_upto + 1, report_.first), report_.tail.lsn)});
    }
    report_.proven = std::min(std::max(proof_, report_.witnessed_upto), report_.tail.lsn);
    runs_.finish_log(report_);
    report_.carried = runs_.done_heads().highest();
    return std::move(report_);
  }

 private:
  struct Seen {                   // of a witness
    bool has_same_hash = false, has_its_incarnation = false, was_passed = false;
    Lsn newer_from = 0;           // first entry of a later incarnation
  };
  struct Place { Lsn lsn = 0; Digest hash; };
  static constexpr std::uint64_t nowhere = ~std::uint64_t{0};
  static constexpr std::size_t recent_count = 1024;

  static std::string range(Lsn first, Lsn last) { return first == last ? "LSN " + std::to_string(first) : "LSN " + std::to_string(first) + " to " + std::to_string(last); }
  void add(FindingCode code, const Entry& entry, std::string sentence) { sink_.add(code, entry, std::move(sentence)); }
  void put(Finding finding) { note(report_, options_.findings_max, std::move(finding)); }

  // --- damage -----------------------------------------------------------------------------------------------------------------------

  void damage() {
    is_intact_ = false;
    ends_.lose_history();
    runs_.lose_history();
  }
  void reject(const Entry& entry) {
    drop_group();
    reject(entry.offset, entry.offset + entry.length);
  }
  void reject(std::uint64_t from, std::uint64_t to) {
    garbage_at_ = std::min(garbage_at_, from);
    garbage_end_ = std::max(garbage_end_, to);
  }
  void drop_group() {
    if (!group_.empty()) reject(group_.front().offset, group_.back().offset + group_.back().length);
    group_.clear();
  }
  void forget_garbage() {
    garbage_at_ = nowhere;
    garbage_end_ = 0;
  }
  /// Everything that belongs here is here: what stood between was an interrupted write.
  void settle_garbage() {
    if (garbage_at_ != nowhere) put({FindingCode::garbage_in_gap, sink_.segment, garbage_at_, 0, std::to_string(garbage_end_ - garbage_at_) + " bytes between entries are none"});
    forget_garbage();
  }

  // --- frames -----------------------------------------------------------------------------------------------------------------------

  const Digest& last_hash() const { return group_.empty() ? report_.tail.hash : group_.back().hash; }
  Incarnation last_incarnation() const { return group_.empty() ? report_.tail.incarnation : group_.back().incarnation; }

  void see_frame(Entry&& entry) {
    if (report_.first == 0) begin_log(entry);
    const bool continues = !group_.empty() && entry.group_index == group_.size() && entry.lsn == report_.tail.lsn + 1 + group_.size() && entry.group_count == group_.front().group_count &&
                           entry.link == group_.back().hash && entry.incarnation == group_.front().incarnation;
    if (continues) return take(std::move(entry));
    const bool starts = entry.group_index == 0 && entry.lsn == report_.tail.lsn + 1 && entry.link == report_.tail.hash && entry.incarnation >= report_.tail.incarnation;
    if (starts && !(group_.size() == 1 && group_.front().hash == entry.hash)) {
      drop_group();
      return take(std::move(entry));
    }
    // The rest of a group whose beginning was damaged.
    if (group_.empty() && loose_index_ != 0 && entry.group_index == loose_index_ && entry.lsn == report_.tail.lsn + 1 && entry.link == report_.tail.hash) return stand_at(entry);
    refuse(std::move(entry));
  }
  /// The first entry: LSN 1 behind nothing, or a checkpoint that states what it stands on.
  void begin_log(const Entry& entry) {
    report_.first = entry.lsn;
    if (entry.lsn == 1) return;
    report_.tail.lsn = entry.lsn - 1;
    report_.tail.hash = entry.link;
    report_.tail.incarnation = entry.incarnation;
    ends_.lose_history();
    runs_.lose_history();
    if (begin_at_checkpoint(entry)) return;
    if (garbage_at_ != nowhere) {
      put({FindingCode::damaged, sink_.segment, garbage_at_, 1, std::to_string(garbage_end_ - garbage_at_) + " bytes are no entries where " + range(1, entry.lsn - 1) + " should stand"});
      damage();
      forget_garbage();
    } else {
      front_missing_ = Finding{FindingCode::front_missing, sink_.segment, entry.offset, entry.lsn, range(1, entry.lsn - 1) + " should stand before this entry, and no checkpoint stands for them"};
    }
  }
  bool begin_at_checkpoint(const Entry& entry) {
    if (!entry.is_checkpoint || entry.group_index != 0) return false;
    report_.begins_at_checkpoint = true;
    const bool is_wanted = options_.policy.history == History::whole;
    add(is_wanted ? FindingCode::front_missing : FindingCode::begins_at_checkpoint, entry,
        "the log begins at a checkpoint: " + range(1, report_.first - 1) + (report_.first == 2 ? " is" : " are") + " not among what was read; what was before LSN " + std::to_string(entry.lsn) + ", and the hash that it follows from, are what the checkpoint states");
    return true;
  }

  void take(Entry&& entry) {
    loose_index_ = 0;
    if (group_.empty() && entry.group_count == 1) {
      accept(entry);
      return end_group();
    }
    group_.push_back(std::move(entry));
    if (group_.size() != group_.back().group_count) return;
    for (const Entry& each : group_) accept(each);
    group_.clear();
    end_group();
  }
  void end_group() {
    ++report_.groups;
    ends_.see_end(report_.tail);
    settle_garbage();
  }
  void accept(const Entry& entry) {
    if (front_missing_ && begin_at_checkpoint(entry)) front_missing_.reset();   // what lies below a checkpoint may be gone
    stand_at(entry);
    loose_index_ = 0;
    ++report_.entries;
    if (is_intact_) {
      report_.verified.lsn = entry.lsn;
      report_.verified.hash = entry.hash;
      report_.verified.incarnation = entry.incarnation;
    }
    see_signature(entry);
    if (entry.is_checkpoint) see_checkpoint(entry);
    if (options_.records)
      runs_.see(entry, [this](Lsn lsn) -> const Digest* {
        const Place& recent = recent_[lsn % recent_count];
        return recent.lsn == lsn ? &recent.hash : nullptr;
      });
  }
  void see_checkpoint(const Entry& entry) {
    const auto [fault, sentence] = ends_.see(entry);
    if (fault == EndsAudit::Fault::differs) add(FindingCode::checkpoint_differs, entry, sentence);
    if (fault == EndsAudit::Fault::unreadable && options_.records) add(FindingCode::record_unreadable, entry, "the checkpoint cannot be read: " + printable(sentence));
  }
  /// The log's end moves to this entry.
  void stand_at(const Entry& entry) {
    report_.tail.lsn = entry.lsn;
    report_.tail.hash = entry.hash;
    report_.tail.incarnation = entry.incarnation;
    recent_[entry.lsn % recent_count] = {entry.lsn, entry.hash};
    loose_index_ = entry.group_index + 1 == entry.group_count ? 0 : entry.group_index + 1;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const Head& witness = options_.witnesses[i];
      if (witness.lsn == entry.lsn) seen_[i].has_same_hash = witness.hash == entry.hash, seen_[i].has_its_incarnation = witness.incarnation == entry.incarnation, seen_[i].was_passed = true;
      if (entry.incarnation > witness.incarnation && seen_[i].newer_from == 0) seen_[i].newer_from = entry.lsn;
    }
  }

  /// An entry that does not follow: says why, and goes on from it.
  void refuse(Entry&& entry) {
    const Lsn expected = report_.tail.lsn + group_.size() + 1;
    const Place& recent = recent_[entry.lsn % recent_count];
    const bool in_group = entry.lsn > report_.tail.lsn && entry.lsn < expected;
    const Digest* const there = in_group ? &group_[entry.lsn - report_.tail.lsn - 1].hash : recent.lsn == entry.lsn && entry.lsn <= report_.tail.lsn ? &recent.hash : nullptr;
    if (there != nullptr && *there == entry.hash) {   // the one that counts has been seen
      add(FindingCode::repeated, entry, "LSN " + std::to_string(entry.lsn) + " stands here a second time");
      return damage();
    }
    if (entry.lsn < expected) {
      add(FindingCode::out_of_order, entry, "LSN " + std::to_string(entry.lsn) + " stands behind LSN " + std::to_string(expected - 1) + (there != nullptr ? ", and says something else than the one before" : ""));
      return damage();
    }
    if (entry.lsn > expected) {
      const std::string missing = range(expected, entry.lsn - 1);
      if (garbage_at_ != nowhere) put({FindingCode::damaged, sink_.segment, garbage_at_, expected, std::to_string(garbage_end_ - garbage_at_) + " bytes are no entries where " + missing + " should stand"});
      else add(FindingCode::entries_missing, entry, missing + " should stand before this entry");
    } else if (entry.incarnation < last_incarnation()) {
      add(FindingCode::incarnation_back, entry, "incarnation " + std::to_string(entry.incarnation) + " comes behind incarnation " + std::to_string(last_incarnation()));
    } else if (entry.link != last_hash()) {
      const bool at_segment = is_first_frame_ && report_.segments > 1;
      if (expected == 1) add(FindingCode::chain_broken, entry, "the first entry names an entry before it");
      else add(at_segment ? FindingCode::segments_do_not_follow : FindingCode::chain_broken, entry,
               "LSN " + std::to_string(entry.lsn) + " does not follow from " + (at_segment ? "the end of the segment before" : "the entry before it") + ": one of the two was changed, or comes from another log");
    } else {
      add(FindingCode::group_broken, entry, "the entry is number " + std::to_string(entry.group_index + 1) + " of a group of " + std::to_string(entry.group_count) + ", and does not continue the group before it");
    }
    damage();
    group_.clear();
    forget_garbage();
    if (entry.group_index != 0) return stand_at(entry);
    report_.tail.lsn = entry.lsn - 1;
    report_.tail.hash = entry.link;
    report_.tail.incarnation = entry.incarnation;
    take(std::move(entry));
  }

  void see_signature(const Entry& entry) {
    const bool ends_group = entry.group_index + 1 == entry.group_count;
    if (entry.signature == SignatureState::none) {
      if (ends_group && options_.policy.signed_each_group && ring_ != nullptr && ring_->valid_at({entry.incarnation, entry.lsn}) != nullptr)
        add(FindingCode::signature_missing, entry, "the group ends without a signature, and a key is valid here");
      return;
    }
    ++report_.signatures;
    if (!ends_group) add(FindingCode::signature_misplaced, entry, "a signature in the middle of a group");
    const std::string& by = entry.detail;
    switch (entry.signature) {
      case SignatureState::none:
      case SignatureState::not_verified: return;
      case SignatureState::valid:
        ++report_.signatures_valid;
        if (is_intact_) report_.sealed_upto = entry.lsn;
        return;
      case SignatureState::invalid: return add(FindingCode::signature_invalid, entry, "the signature does not belong to this entry at this place (" + printable(by) + ")");
      case SignatureState::algorithm_refused: return add(FindingCode::algorithm_refused, entry, "the signature names an algorithm that nobody trusts (" + printable(by) + ")");
      case SignatureState::key_unknown: return add(FindingCode::key_unknown, entry, "the signature names a key that is not in the ring (" + printable(by) + ")");
      case SignatureState::key_out_of_range: return add(FindingCode::key_out_of_range, entry, "the signature names a key that is not valid at this place (" + printable(by) + ")");
    }
  }

  // --- proofs and witnesses ----------------------------------------------------------------------------------------------------------

  void prove(Lsn lsn, const std::string& by) {
    if (lsn > proof_) proof_ = lsn, proof_by_ = by;
  }
  void see_mark(const Entry& mark) {
    drop_group();
    if (mark.lsn >= limit_) return;   // dead, like the entry that it names
    ++report_.marks;
    prove(mark.lsn, "a MARK in " + sink_.segment);
    const Place& recent = recent_[mark.lsn % recent_count];
    if (mark.lsn != 0 && recent.lsn == mark.lsn && recent.hash != mark.link) {
      add(FindingCode::mark_differs, mark, "the MARK saw another entry at LSN " + std::to_string(mark.lsn) + " than stands here");
      damage();
    }
  }
  void judge_end() {
    prove(durable_upto_, "an entry");
    if (proof_ > report_.tail.lsn) {
      put({FindingCode::durable_missing, {}, 0, report_.tail.lsn + 1, "LSN " + std::to_string(proof_) + " had been durable, says " + proof_by_ + ", but the last whole group ends at LSN " + std::to_string(report_.tail.lsn)});
    } else if (garbage_at_ != nowhere) {
      put({FindingCode::torn_tail, last_segment_, garbage_at_, 0, "behind LSN " + std::to_string(report_.tail.lsn) + " stand " + std::to_string(garbage_end_ - garbage_at_) + " bytes that are no whole group"});
    }
  }
  void judge_witness(const Head& witness, const Seen& seen, const EndsAudit::Stated& stated) {
    if (witness.lsn == 0) return;
    const Head& tail = report_.tail;
    const std::string saw = "the witness saw LSN " + std::to_string(witness.lsn) + " of incarnation " + std::to_string(witness.incarnation);
    const auto say = [&](FindingCode code, std::string sentence) { put({code, {}, 0, witness.lsn, std::move(sentence)}); };
    if (witness.stream != report_.stream) return say(FindingCode::foreign_witness, "the witness is of the stream " + printable(witness.stream.text));
    if (seen.has_same_hash && seen.has_its_incarnation) {
      report_.witnessed_upto = std::max(report_.witnessed_upto, witness.lsn);
      return;
    }
    if (report_.entries == 0) return say(FindingCode::log_missing, saw + ", and there is no log");
    const bool is_stated = !seen.was_passed && stated.by != 0;   // its place is not here, and a checkpoint stands for it
    if (is_stated && stated.has_same_hash && stated.incarnation == witness.incarnation) {
      if (ring_ != nullptr && report_.sealed_upto < stated.by) return say(FindingCode::witness_not_comparable, saw + "; the checkpoint says the same, but no signature vouches for it");
      report_.witnessed_upto = std::max(report_.witnessed_upto, witness.lsn);
      return;
    }
    if (is_stated && stated.incarnation == witness.incarnation)
      return say(FindingCode::forked, saw + ", and the checkpoint says that " + (stated.is_end ? "another entry stood there" : "no group ended there"));
    if (seen.was_passed && seen.has_its_incarnation) return say(FindingCode::forked, saw + ", and another entry of that incarnation stands there");   // no loss explains that
    if (const Lsn newer_from = is_stated ? stated.newer_from : seen.newer_from; newer_from != 0) {   // a loss was accepted, says the log: who can write the file can say so, but not seal it
      const std::string loss = saw + "; the log says that a loss was accepted, and goes on in a later incarnation at LSN " + std::to_string(newer_from);
      return say(report_.sealed_upto >= newer_from ? FindingCode::witness_not_comparable : FindingCode::regressed, loss);
    }
    if (witness.incarnation > tail.incarnation || witness.lsn > tail.lsn)
      return say(FindingCode::regressed, saw + ", but the log ends at LSN " + std::to_string(tail.lsn) + " of incarnation " + std::to_string(tail.incarnation));
    if (seen.was_passed || is_stated) return say(FindingCode::forked, saw + ", and another entry " + (is_stated ? "stood there, says the checkpoint" : "stands there"));
    if (witness.lsn < report_.first) return say(FindingCode::witness_not_comparable, saw + ", which is before the first entry that is here");
    say(FindingCode::witness_not_comparable, saw + ", which is in a damaged part");
  }

  VerifyOptions options_;
  const KeyRing* ring_;
  VerifyReport report_;
  FindingSink sink_;
  RunAudit runs_;
  EndsAudit ends_;
  std::vector<Seen> seen_;
  std::optional<Finding> front_missing_;
  bool is_intact_ = true;              // nothing is damaged up to here
  bool is_first_frame_ = true;         // of its segment
  Lsn limit_ = Judge::no_limit;
  std::uint64_t dead_ = 0;             // dead entries of the segment
  Finding dead_from_;
  std::vector<Entry> group_;           // that is not whole yet
  std::uint32_t loose_index_ = 0;      // what follows in a group whose beginning was damaged
  std::uint64_t garbage_at_ = nowhere, garbage_end_ = 0;   // since the last good entry of the segment
  Lsn proof_ = 0, durable_upto_ = 0;
  std::string proof_by_, last_segment_;
  std::array<Place, recent_count> recent_{};
};

}  // namespace kfm_det::wal

#endif
