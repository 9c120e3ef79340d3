// SPDX-License-Identifier: BSL-1.0
/// \file
/// Recovery: from what a medium shows to a verdict. Pure functions: every Store calls them with what it found.
///
/// A log is a list of segments; each owner wrote its own. Frames at or above a later segment's first LSN are dead, and so are MARKs that
/// name such an LSN. *Proof* that an LSN was durable once: a later segment begins behind it, a living MARK names it, a valid frame
/// carries it as `durable_upto`, or an outside witness saw it. A proven LSN that is missing is corruption. Above the proof torn cannot
/// be told from rotted: TornTail means *unproven*, not *unacknowledged*. Garbage in a gap between two frames is no damage.
/// A log begins at LSN 1, or where a segment begins with a whole checkpoint (wal/checkpoint.hpp): that proves what was below it, needs none of it, and
/// heals nothing above. What is below is read as long as it is whole; where it is damaged, or parts of it are gone, the log begins at the checkpoint.
/// (The exhaustive models behind these rules are segment_model, sector_model, claim_model and compact_model.)
#ifndef KFM_DET_WAL_RECOVERY_HPP
#define KFM_DET_WAL_RECOVERY_HPP

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/wal/checkpoint.hpp"
#include "kfm_det/wal/envelope_reader.hpp"

namespace kfm_det::wal {

/// What the verdict depends on, once everything has been read.
struct Findings {
  bool unreadable = false;         ///< the medium answered an error
  bool newer_format = false;
  bool foreign = false;
  bool hole = false;               ///< a segment begins above the last good frame + 1, and nothing damaged lies between
  bool forked = false;             ///< a successor or a witness disagrees about a hash
  bool proven_missing = false;     ///< the inner proof is above the last good frame
  bool witness_above = false;      ///< a witness, and nothing else, is above the last good frame
  bool rest = false;               ///< something that is no newline stands behind the last good frame
};

/// The table: first row that fits. One constexpr function, tested over all 256 findings.
[[nodiscard]] constexpr Verdict judge(const Findings& found) noexcept {
  if (found.unreadable) return Verdict::io_error;
  if (found.newer_format) return Verdict::unsupported_version;
  if (found.foreign) return Verdict::foreign;
  if (found.hole) return Verdict::hole;
  if (found.forked) return Verdict::forked;
  if (found.proven_missing) return Verdict::corrupt_committed;
  if (found.witness_above) return found.rest ? Verdict::corrupt_committed : Verdict::regressed;
  return found.rest ? Verdict::torn_tail : Verdict::clean;
}

/// A segment by its name.
struct SegmentName {
  std::uint64_t ordinal = 0;
  Lsn first = 0;
  friend auto operator<=>(const SegmentName&, const SegmentName&) = default;
};

/// A good frame's place in the segment that holds it.
struct FramePlace {
  Lsn lsn = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  Lsn group = 0;   ///< the first LSN of its group
};

/// Where a line may begin inside of garbage: a destroyed sector takes the newline along that stood in front of the next line. In a good line these
/// texts stand at the front alone: inside of strings the quotes are escaped. npos: nowhere.
[[nodiscard]] inline std::size_t next_beginning(BytesView garbage) {
  return std::min(garbage.find("{\"body\":{", 1), garbage.find("{\"mark\":{", 1));
}

/// Reads segments in the order of their ordinals and reaches the verdict. Feed every *living* segment (see `living`), or those from `begin_with` on, then `finish`.
class Judge {
 public:
  /// `names`: every segment, any order. Witnesses of other streams are an error of the caller and count as foreign.
  Judge(StreamId stream, std::vector<SegmentName> names, std::span<const Head> witnesses)
      : stream_(std::move(stream)), names_(std::move(names)), witnesses_(witnesses.begin(), witnesses.end()), seen_(witnesses_.size()) {
    std::sort(names_.begin(), names_.end());
    Lsn above = no_limit;
    std::vector<Lsn> limits(names_.size(), no_limit);
    for (std::size_t i = names_.size(); i-- > 0;) {
      limits[i] = above;
      above = std::min(above, names_[i].first);
    }
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i].first < limits[i]) living_.push_back({names_[i], limits[i]});
    tail_.stream = stream_;
  }

  /// The segments that hold frames that count, in the order in which they must be fed.
  struct Living { SegmentName name; Lsn limit; /* first LSN of a later segment: frames from here on are dead */ };
  [[nodiscard]] const std::vector<Living>& living() const { return living_; }
  /// The first segment to be fed is living()[index]: it begins with LSN 1 or with a checkpoint.
  void begin_with(std::size_t index) { fed_ = index; }

  /// Bytes of the next living segment, whole. Answers false when the verdict can change no more, but by a segment that begins with a checkpoint: feed on
  /// as long as there are some.
  bool feed(BytesView bytes, const std::string& where) {
    const auto [name, limit] = living_.at(fed_);
    ++fed_;
    if (name.first > 1 && (stopped_ || !begun_))
      if (const auto base = read_base(bytes, stream_, name.first); base && base->last < limit) begin_at(*base);
    if (stopped_) return false;
    stopped_ = !take(name, limit, bytes, where, !std::exchange(begun_, true));
    return !stopped_;
  }

  /// What the store itself knows durable, where it needs no lines to say so (a database, memory).
  void store_proves(Lsn upto) { inner_proof_ = std::max(inner_proof_, upto); }

  /// The next living segment could not be read, or is larger than anyone would write; or (corrupt_committed) it was packed, and is not what was packed. As a feed()
  /// that answers false.
  void unreadable(const std::string& where, const Error& error) {
    ++fed_;
    if (stopped_) return;
    const bool is_damaged = error.code() == errc::corrupt_committed;   // the medium answered, and only what is durable is ever packed
    (is_damaged ? found_.proven_missing : found_.unreadable) = stopped_ = true;
    evidence_.push_back({where, 0, 0, error.what()});
  }

  /// The verdict and what supports it. `accept_loss` changes only the incarnation that begins.
  [[nodiscard]] Recovery finish(bool accept_loss = false) {
    Recovery out;
    if (inner_proof_ > tail_.lsn || rest_durable_ > tail_.lsn) {
      if (!found_.proven_missing)
        note(0, 0, "LSN " + std::to_string(std::max(inner_proof_, rest_durable_)) + " is proven durable, but the last good frame is LSN " + std::to_string(tail_.lsn));
      found_.proven_missing = true;
    }
    Incarnation highest = tail_.incarnation;
    Lsn witnessed = 0;
    for (std::size_t i = 0; i < witnesses_.size(); ++i) {
      const Head& witness = witnesses_[i];
      if (witness.lsn == 0) continue;
      if (witness.stream != stream_) { found_.foreign = true; evidence_.push_back({witness.stream.text, 0, 0, "a witness of another stream was given"}); continue; }
      highest = std::max(highest, witness.incarnation);
      if (witness.lsn < base_.first)
        if (const auto end = ends_of(base_).find(stream_, witness.lsn)) seen_[i] = {end->hash == witness.hash, end->incarnation == witness.incarnation};
      if (witness.incarnation < tail_.incarnation && !seen_[i].same_incarnation) continue;   // a loss was accepted behind it
      if (witness.lsn > tail_.lsn || witness.incarnation > tail_.incarnation) {
        found_.witness_above = true;
        evidence_.push_back({stream_.text, 0, 0, "the sink saw LSN " + std::to_string(witness.lsn) + " of incarnation " + std::to_string(witness.incarnation) +
                                                     ", but the log ends at LSN " + std::to_string(tail_.lsn) + " of incarnation " + std::to_string(tail_.incarnation)});
      } else if (!seen_[i].same_hash) {
        found_.forked = true;
        evidence_.push_back({stream_.text, 0, 0, "the sink saw another entry at LSN " + std::to_string(witness.lsn)});
      } else {
        witnessed = std::max(witnessed, witness.lsn);
      }
    }
    out.verdict = judge(found_);
    out.base = base_.first;
    out.tail = tail_;
    out.known = std::max({tail_.lsn, inner_proof_, rest_durable_, names_.empty() ? 0 : names_.back().first - 1});
    for (const Head& witness : witnesses_)
      if (witness.stream == stream_ && witness.incarnation >= tail_.incarnation) out.known = std::max(out.known, witness.lsn);
    out.proven = whole_groups(std::min(std::max(inner_proof_, witnessed), tail_.lsn));
    out.incarnation = std::max<Incarnation>(highest, 1);
    if (accept_loss && can_accept(out.verdict)) ++out.incarnation;
    out.evidence = std::move(evidence_);
    return out;
  }

  /// Where the log begins, as far as it was fed: 1, or the first LSN of the checkpoint that it begins with.
  [[nodiscard]] Lsn base() const { return base_.first; }
  /// Places of the good frames of the last segment that counted.
  [[nodiscard]] const std::vector<FramePlace>& places() const { return places_; }
  /// Where the segment that was fed last is in `living()`, plus one.
  [[nodiscard]] std::size_t fed() const { return fed_; }
  /// The verdict can only be changed by a checkpoint: what is fed does not count.
  [[nodiscard]] bool is_stopped() const { return stopped_; }

  static constexpr std::uint64_t no_limit = ~std::uint64_t{0};

 private:
  struct Pending { Line line; FramePlace place; };
  struct Seen { bool same_hash = false, same_incarnation = false; };

  /// The log begins with this checkpoint: what was found below it says nothing any more.
  void begin_at(const Base& base) {
    base_ = base;
    tail_.lsn = base.first - 1;
    tail_.hash = base.prev;
    tail_.incarnation = base.incarnation;
    found_ = Findings{};
    evidence_.clear();
    inner_proof_ = std::max(inner_proof_, base.first - 1);
    begun_ = true;
    stopped_ = false;
    std::fill(seen_.begin(), seen_.end(), Seen{});
  }

  /// False: it stops here.
  bool take(const SegmentName& name, Lsn limit, BytesView bytes, const std::string& where, bool first_segment) {
    places_.clear();
    where_ = where;
    if (name.first > tail_.lsn + 1) {
      note(0, 0, "the log goes on at LSN " + std::to_string(name.first) + ", but what is before it ends at " + std::to_string(tail_.lsn));
      found_.hole = true;
      return false;
    }
    if (!first_segment) inner_proof_ = std::max(inner_proof_, name.first - 1);

    std::vector<Pending> group;   // frames of a group that is not whole yet
    bool broken = false, dead = false, first_frame = true, first_line = true;
    std::uint64_t garbage_at = no_limit, garbage_end = 0;   // garbage since the last good frame
    const auto reject = [&](std::uint64_t offset, std::uint64_t end) {
      garbage_at = std::min(garbage_at, offset);
      garbage_end = std::max(garbage_end, end);
    };
    const auto drop_group = [&] {
      if (!group.empty()) reject(group.front().place.offset, group.back().place.offset + group.back().place.length);
      for (const auto& frame : group) rest_durable_ = std::max(rest_durable_, frame.line.durable_upto);
      group.clear();
    };
    for (std::size_t at = 0; at < bytes.size();) {
      if (bytes[at] == '\n') {
        // a run of newlines: prewritten space or a gap
        at = std::min(bytes.find_first_not_of('\n', at), bytes.size());
        continue;
      }
      const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
      const BytesView text = bytes.substr(at, end - at);
      const std::uint64_t offset = at;
      at = end + 1;
      const Line line = read_line(text);
      if (line.kind == LineKind::garbage)
        if (const std::size_t inside = next_beginning(text); inside != BytesView::npos) {
          if (!dead) {
            drop_group();
            reject(offset, offset + inside);
          }
          at = offset + inside;
          continue;
        }
      const bool complete = end < bytes.size();   // the newline belongs to the frame
      if (line.kind == LineKind::newer_format) {
        found_.newer_format = true;
        note(offset, text.size(), "this line was written by a newer version of the format");
        return false;
      }
      if (line.kind != LineKind::garbage && line.stream != stream_.text) {
        if (first_line || (first_frame && line.kind == LineKind::frame)) {
          found_.foreign = true;
          note(offset, text.size(), "this line belongs to the stream " + std::string(line.stream));
          return false;
        }
        drop_group();
        reject(offset, end);
        continue;
      }
      first_line = false;
      if (line.kind == LineKind::mark) {
        if (line.lsn < limit) inner_proof_ = std::max(inner_proof_, line.lsn);
        if (!group.empty()) drop_group();
        continue;
      }
      if (dead) continue;
      if (line.kind == LineKind::garbage || !complete) {
        drop_group();
        reject(offset, end);
        continue;
      }
      if (line.lsn >= limit) {   // what a paused owner wrote behind its successor's beginning
        drop_group();
        dead = true;
        continue;
      }
      if (broken) {
        rest_durable_ = std::max(rest_durable_, line.durable_upto);
        reject(offset, end);
        continue;
      }
      const bool starts = line.group_index == 0 && line.lsn == tail_.lsn + 1;
      if (starts && first_frame && !first_segment && line.link != tail_.hash) {
        found_.forked = true;
        note(offset, text.size(), "LSN " + std::to_string(line.lsn) + " does not follow from the frame before it: two histories");
        return false;
      }
      const bool continues = !group.empty() && line.group_index == group.size() && line.lsn == tail_.lsn + 1 + group.size() &&
                             line.group_count == group.front().line.group_count && line.link == group.back().line.hash &&
                             line.incarnation == group.front().line.incarnation;
      if (starts && line.link == tail_.hash && line.incarnation >= tail_.incarnation) {
        if (!group.empty()) drop_group();
        group.push_back({line, {line.lsn, offset, text.size(), 0}});
      } else if (continues) {
        group.push_back({line, {line.lsn, offset, text.size(), 0}});
      } else {
        drop_group();
        rest_durable_ = std::max(rest_durable_, line.durable_upto);
        reject(offset, end);
        broken = true;
        continue;
      }
      first_frame = false;
      if (group.size() == line.group_count) {
        for (const auto& frame : group) accept(frame);
        group.clear();
        garbage_at = no_limit;   // it was garbage in a gap
        garbage_end = 0;
      }
    }
    drop_group();
    if (limit != no_limit) {
      if (tail_.lsn != limit - 1) {
        // This segment ends where a frame ends, and nothing but newlines follows: then it is what comes behind it that is missing.
        const bool ends_well = garbage_at == no_limit;
        note(ends_well ? bytes.size() : garbage_at, ends_well ? 0 : garbage_end - garbage_at,
             "LSN " + std::to_string(tail_.lsn + 1) + (ends_well ? " is missing" : " is damaged") + "; the next segment that is here begins at LSN " + std::to_string(limit));
        (ends_well ? found_.hole : found_.proven_missing) = true;
        return false;
      }
      return true;
    }
    if (garbage_at != no_limit) {
      found_.rest = true;
      note(garbage_at, garbage_end - garbage_at, "behind LSN " + std::to_string(tail_.lsn) + " stands something that is not a whole group");
    }
    return true;
  }

  void accept(const Pending& frame) {
    tail_.lsn = frame.line.lsn;
    tail_.hash = frame.line.hash;
    tail_.incarnation = frame.line.incarnation;
    inner_proof_ = std::max(inner_proof_, frame.line.durable_upto);
    places_.push_back(frame.place);
    places_.back().group = frame.line.lsn - frame.line.group_index;
    for (std::size_t i = 0; i < witnesses_.size(); ++i)
      if (witnesses_[i].lsn == frame.line.lsn) seen_[i] = {witnesses_[i].hash == frame.line.hash, witnesses_[i].incarnation == frame.line.incarnation};
  }
  /// A group is there whole or not at all, and what is unproven is copied: so a proof that names the midst of a group proves what is before the group. (No
  /// owner writes one; found by a fuzzer: a copy that began in the midst of a group could not be read.)
  [[nodiscard]] Lsn whole_groups(Lsn proven) const {
    for (const auto& place : places_)
      if (place.lsn == proven + 1) return std::min(proven, place.group - 1);
    return proven;
  }
  void note(std::uint64_t offset, std::uint64_t length, std::string sentence) {
    if (evidence_.size() < evidence_max) evidence_.push_back({where_, offset, length, std::move(sentence)});
  }

  static constexpr std::size_t evidence_max = 64;
  StreamId stream_;
  std::vector<SegmentName> names_;
  std::vector<Living> living_;
  std::vector<Head> witnesses_;
  std::vector<Seen> seen_;
  Findings found_;
  Head tail_;
  Lsn inner_proof_ = 0, rest_durable_ = 0;
  Base base_;
  bool begun_ = false, stopped_ = false;
  std::size_t fed_ = 0;
  std::string where_;
  std::vector<FramePlace> places_;
  std::vector<Evidence> evidence_;
};

/// The error that a bad verdict becomes, with what a person can do.
[[nodiscard]] inline Error verdict_error(const Recovery& recovery, const StreamId& stream) {
  std::string where = stream.text;
  for (const auto& item : recovery.evidence) {
    where += "; " + item.where;
    if (item.offset != 0 || item.length != 0) where += " at byte " + std::to_string(item.offset);
    where += ": " + item.sentence;
    if (where.size() > 600) break;
  }
  switch (recovery.verdict) {
    case Verdict::corrupt_committed:
      return {errc::corrupt_committed, "a part of the log that was durable is damaged or missing", where, "Nothing was changed. Restore the log folder from a copy, or accept the loss explicitly"};
    case Verdict::hole: return {errc::hole, "a segment of the log is missing", where, "Nothing was changed. Put the missing file back, or restore the log folder from a copy; or accept the loss explicitly"};
    case Verdict::regressed:
      return {errc::regressed, "the log is older than what the sink has seen", where, "Nothing was changed. Put the newer log back; restoring one of the two alone is never merged. Or accept the loss explicitly"};
    case Verdict::forked: return {errc::forked, "the log holds another history than the one that was written here", where, "Nothing was changed. Put the log and the sink of one history together, or accept the loss explicitly"};
    case Verdict::sink_regressed: return {errc::sink_regressed, "the sink is older than what the log knows it had", where, "Nothing was changed. Put the newer sink back; restoring one of the two alone is never merged. Or accept the loss explicitly"};
    case Verdict::foreign: return {errc::foreign, "these are frames of another stream", where, "Nothing was changed. Point the store at this updater's own folder"};
    case Verdict::unsupported_version: return {errc::unsupported_version, "the log was written by a newer version", where, "Nothing was changed. Use that version or a newer one"};
    case Verdict::io_error: return {errc::io_error, "the log cannot be read", where, "Check the disk, then try again"};
    case Verdict::clean:
    case Verdict::torn_tail: break;
  }
  return {errc::invalid_argument, "a usable verdict is no error", where};
}

}  // namespace kfm_det::wal

#endif
