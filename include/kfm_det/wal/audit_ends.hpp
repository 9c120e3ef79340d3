// SPDX-License-Identifier: BSL-1.0
/// \file
/// EndsAudit: what checkpoints list of the ends of groups below them, against the log that is here and against witnesses.
///
/// A checkpoint's list stands for entries that may be gone: a witness of one of them is compared with it. Where the entries are here (in an archive), the list has
/// to be theirs. Memory: an item of a list, one digest of all ends. Thread-safety: one thread.
#ifndef KFM_DET_WAL_AUDIT_ENDS_HPP
#define KFM_DET_WAL_AUDIT_ENDS_HPP

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/core/digest.hpp"
#include "kfm_det/wal/checkpoint.hpp"
#include "kfm_det/wal/examine.hpp"

namespace kfm_det::wal {

class EndsAudit {
 public:
  /// What a checkpoint says of a witness.
  struct Stated {
    Lsn by = 0;                      ///< LSN of the checkpoint's end; 0: no checkpoint says anything of it
    bool is_end = false;             ///< a group ended there
    bool has_same_hash = false;
    Incarnation incarnation = 0;     ///< of the group that holds its LSN
    Lsn newer_from = 0;              ///< first listed entry of a later incarnation; 0: none
  };
  /// `compares`: a list is compared with the log. The witnesses must outlive this.
  EndsAudit(std::span<const Head> witnesses, bool compares) : witnesses_(witnesses), compares_(compares), stated_(witnesses.size()), reading_(witnesses.size()) {}

  /// The log begins above LSN 1, or something of it is damaged: no list can be compared until a checkpoint has said what is below it.
  void lose_history() { knows_all_ = false; }
  /// The end of a whole group.
  void see_end(const Head& end) {
    if (compares_ && knows_all_) log_.add(end.incarnation, end.lsn, end.hash);
  }
  enum class Fault : std::uint8_t { none, unreadable, differs };
  /// The next entry of a whole checkpoint. Answers what is wrong with it, if anything is, behind its last entry.
  [[nodiscard]] std::pair<Fault, std::string> see(const Entry& entry) {
    if (entry.group_index == 0) {
      text_ = {};
      list_ = {};
      fault_.clear();
      reading_.assign(witnesses_.size(), {});
    }
    if (!entry.record) return {Fault::none, {}};   // that it cannot be read is a finding of its own
    if (fault_.empty())
      if (const auto read = text_.see(entry.group_index, entry.record->payload, [this](const Json& item) { return see_item(item); }); !read) fault_ = read.error().what();
    if (entry.group_index + 1 != entry.group_count) return {Fault::none, {}};
    if (fault_.empty() && !text_.is_whole()) fault_ = "its text ends in the middle of an item";
    if (!fault_.empty()) {
      knows_all_ = false;
      return {Fault::unreadable, fault_};
    }
    for (std::size_t i = 0; i < reading_.size(); ++i)
      if (stated_[i].by == 0 && reading_[i].incarnation != 0) {   // the first one that says something: a seal that reaches a later one reaches it too
        stated_[i] = reading_[i];
        stated_[i].by = entry.lsn;
      }
    if (!compares_) return {Fault::none, {}};
    if (!std::exchange(knows_all_, true)) log_ = list_;
    if (log_ == list_) return {Fault::none, {}};
    const std::string sentence = "the checkpoint lists " + list_.text() + ", and the log below it has " + log_.text() + (log_.count == list_.count && log_.last == list_.last ? ", which are others" : "");
    log_ = list_;
    return {Fault::differs, sentence};
  }
  [[nodiscard]] const Stated& stated(std::size_t witness) const { return stated_[witness]; }

 private:
  /// All ends up to one: how many, and one digest of them.
  struct Ends {
    std::uint64_t count = 0;
    Lsn last = 0;
    Digest digest;
    void add(Incarnation incarnation, Lsn lsn, const Digest& hash) {
      digest = sha256({digest.view(), std::to_string(incarnation), " ", std::to_string(lsn), " ", hash.view()});
      last = lsn;
      ++count;
    }
    [[nodiscard]] std::string text() const { return count == 0 ? "no ends of groups" : std::to_string(count) + (count == 1 ? " end" : " ends") + " of groups up to LSN " + std::to_string(last); }
    friend bool operator==(const Ends&, const Ends&) = default;
  };

  result<void> see_item(const Json& item) {
    const Json* const json = item.find("ends");
    if (json == nullptr) return success();
    GroupEnds some;
    KFM_DET_TRY(some.read(*json));
    bool follows = true;
    some.visit([&](Incarnation incarnation, Lsn first, Lsn last, const Digest& hash) {
      follows = follows && first > list_.last && last >= first;
      if (compares_) list_.add(incarnation, last, hash);
      else list_.last = last;
      for (std::size_t i = 0; i < witnesses_.size(); ++i) {
        const Head& witness = witnesses_[i];
        Stated& now = reading_[i];
        if (incarnation > witness.incarnation && now.newer_from == 0) now.newer_from = first;
        if (witness.lsn < first || witness.lsn > last) continue;
        now.incarnation = incarnation;
        now.is_end = witness.lsn == last;
        now.has_same_hash = now.is_end && witness.hash == hash;
      }
    });
    return follows ? result<void>(success()) : Error(errc::invalid_json, "its list of group ends goes back");
  }

  std::span<const Head> witnesses_;
  bool compares_;
  bool knows_all_ = true;      // log_ has every end below
  Ends log_, list_;            // of the log up to here; of the checkpoint at hand
  CheckpointText text_;
  std::string fault_;          // in the checkpoint at hand
  std::vector<Stated> stated_, reading_;
};

}  // namespace kfm_det::wal

#endif
