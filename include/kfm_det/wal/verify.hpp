// SPDX-License-Identifier: BSL-1.0
/// \file
/// Verifier: streams the bytes of a log, segment by segment, and says what can be trusted of it. Changes no byte.
///
/// Laws, each with its usual bug (the defects are those of the groups "hash chain" and "replay"):
///   VERIFY-1   every byte of an entry counts: one that is changed, in the first and the last entry too, is a finding. Bug: a loop that ends one too early.
///   VERIFY-2   an entry that is missing, repeated, out of order or from another log or history is found, at the front, inside, and between segments; so is what
///              the log itself says had been durable and is gone, and what a checkpoint lists otherwise than it stands below it. Bug: the chain begins where the file
///              begins; it begins again with each file; nobody looks into the archive.
///   VERIFY-3   algorithm, key and where a key is valid are the reader's ring's; what is sealed ends at the last valid signature of an unbroken chain. Bug:
///              "alg":"none"; an old key accepted behind its rotation; entries behind the last seal reported as sealed.
///   VERIFY-4   against a witness a shorter log is regressed, one that is gone too, and another entry at its place is forked; where a checkpoint stands
///              for its place, its list is what the witness is compared with. Bug: no log is an empty log is intact.
///   VERIFY-5   time, tokens and a run's numbers never go back, and entry ids are those that follow. Bug: only the hashes are looked at.
///   VERIFY-6   whoever writes is one who may: updater of this log, actor that policy and ring allow. Bug: who has the file has the right.
///   VERIFY-7   no effect without an intent that was durable before it; none that is not planned; nothing behind a run's end; an end that is whole. Bug: intent
///              and effect in any order.
///   VERIFY-8   what is published is what the step gave (`post_state_expected` against the recorded result). Bug: two hashes that nobody compares.
///   VERIFY-9   an effect that is not irreversible says how it is undone; CARE labels stand where the policy asks for them. Bug: metadata is optional everywhere.
///   VERIFY-10  what this version does not know is a finding, not a crash and not nothing; an error among the findings is an error of the whole. Bug: returns
///              success after it has warned.
///   VERIFY-11  memory is bounded by open runs, time is linear, and the report does not depend on how the bytes were cut or on the number of threads. Bug: the
///              log is read whole; findings in the order in which threads end.
///   VERIFY-12  what an entry repeats of its run's PLAN record (key, tombstone, version, inputs, tier, labels, approval, operation) is what that says; and what is
///              called by a hash (plan, inputs, run, effect, key) is called by the one that follows. Bug: each record is looked at alone.
/// Thread-safety: one thread calls; with it `VerifyOptions::threads` work.
#ifndef KFM_DET_WAL_VERIFY_HPP
#define KFM_DET_WAL_VERIFY_HPP

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/wal/audit.hpp"
#include "kfm_det/wal/examine.hpp"
#include "kfm_det/wal/examine_ahead.hpp"
#include "kfm_det/wal/verify_report.hpp"

namespace kfm_det::wal {

class Verifier {
 public:
  Verifier(StreamId stream, VerifyOptions options) : options_(std::move(options)), audit_(stream, options_) {
    how_.stream = std::move(stream);
    how_.ring = options_.ring ? &*options_.ring : nullptr;
    how_.records = options_.records;
    how_.line_bytes_max = options_.line_bytes_max;
  }
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  /// The next living segment (Judge::living), in order. `label` stands in findings: its file's name.
  void begin_segment(const SegmentName& name, Lsn limit, std::string label) {
    if (!has_begun_) how_.checkpoints = name.first != 1;   // only then may the log begin at one
    has_begun_ = true;
    at_ = 0;
    carry_.clear();
    skips_line_ = false;
    in_turn([this, name, limit, label = std::move(label)] { audit_.begin_segment(name, limit, label); });
  }
  /// Some bytes of it, cut anywhere.
  void feed(BytesView bytes) {
    if (skips_line_) {
      const std::size_t end = bytes.find('\n');
      const std::size_t skipped = end == BytesView::npos ? bytes.size() : end + 1;
      at_ += skipped;
      bytes.remove_prefix(skipped);
      skips_line_ = end == BytesView::npos;
    }
    if (!carry_.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::size_t more = end == BytesView::npos ? bytes.size() : end + 1;
      if (carry_.size() + (end == BytesView::npos ? more : more - 1) > options_.line_bytes_max) {
        in_turn([this, entry = at_]() mutable { audit_.see(too_long(how_, entry)); });
        at_ += carry_.size();
        carry_.clear();
        skips_line_ = true;
        return feed(bytes);
      }
      carry_ += bytes.substr(0, more);
      bytes.remove_prefix(more);
      if (end == BytesView::npos) return;
      examine_now(carry_);
      carry_.clear();
    }
    const std::size_t lines = bytes.rfind('\n') + 1;   // behind npos is nothing
    for (std::size_t at = 0; at < lines;) {
      const std::size_t wanted = std::min(at + batch_bytes, lines);
      const std::size_t end = wanted == lines ? lines : std::min(bytes.find('\n', wanted), lines - 1) + 1;
      examine_now(bytes.substr(at, end - at));
      at = end;
    }
    bytes.remove_prefix(lines);
    if (bytes.size() > options_.line_bytes_max) {
      in_turn([this, entry = at_] { audit_.see(too_long(how_, entry)); });
      at_ += bytes.size();
      skips_line_ = true;
    } else {
      carry_ = bytes;
    }
  }
  void end_segment() {
    if (!carry_.empty()) examine_now(carry_);
    carry_.clear();
    in_turn([this, bytes = at_] { audit_.end_segment(bytes); });
  }
  /// The segment, whole or from where feed() is now, cannot be read. Then end_segment().
  void unreadable(FindingCode code, std::string sentence) {
    in_turn([this, code, at = at_ + carry_.size(), sentence = std::move(sentence)] { audit_.unreadable(code, at, sentence); });
  }
  /// Segments at the front that nobody reads; the first is `label`, from LSN `first` on; the log is read from LSN `next` on.
  void not_read(std::string label, Lsn first, Lsn next, std::string sentence) {
    in_turn([this, first, next, label = std::move(label), sentence = std::move(sentence)] { audit_.not_read(label, first, next, sentence); });
  }
  /// A segment of which nothing counts.
  void dead_segment(std::string label, Lsn first) {
    in_turn([this, label = std::move(label), first] { audit_.dead_segment(label, first); });
  }

  [[nodiscard]] VerifyReport finish() {
    while (!turns_.empty()) take_turn();
    return audit_.finish();
  }

  static constexpr std::size_t batch_bytes = std::size_t{256} << 10;   ///< that one thread examines at once

 private:
  using Control = std::function<void()>;   // an empty one: the oldest batch
  void in_turn(Control control) {
    if (turns_.empty()) return control();
    turns_.push_back(std::move(control));
  }
  void take_turn() {
    const Control turn = std::move(turns_.front());
    turns_.pop_front();
    if (turn) return turn();
    ahead_.take([this](Entry&& entry) { audit_.see(std::move(entry)); });
  }
  /// Whole lines, the last of a segment perhaps without its newline, which begin at `at_`.
  void examine_now(BytesView lines) {
    const std::uint64_t offset = at_;
    at_ += lines.size();
    if (options_.threads <= 1) return examine(how_, lines, offset, [this](Entry&& entry) { audit_.see(std::move(entry)); });
    while (ahead_.is_full()) take_turn();
    ahead_.push(lines, offset);
    turns_.emplace_back();
  }

  VerifyOptions options_;
  Examination how_;
  Audit audit_;
  bool has_begun_ = false;
  bool skips_line_ = false;          // the rest of a line that is too long
  std::uint64_t at_ = 0;             // in the segment: where the carry, or what is fed next, begins
  Bytes carry_;                      // the beginning of a line whose end has not come
  std::deque<Control> turns_;        // what the audit gets, in order
  detail::ExamineAhead ahead_{how_, options_.threads};
};

}  // namespace kfm_det::wal

#endif
