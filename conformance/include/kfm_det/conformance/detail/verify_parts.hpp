// SPDX-License-Identifier: BSL-1.0
/// \file
/// The forgeries of check_verify, and what the laws say of each. Every one knows whether it must be found by what the log itself holds; what nobody but a
/// witness can see is asked for with a witness.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_VERIFY_PARTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_VERIFY_PARTS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/verify_forging.hpp"
#include "kfm_det/conformance/explore.hpp"

namespace kfm_det::conformance::detail {

enum class Seen : std::uint8_t { nothing, note, error };   ///< what there must be at least

struct Forgery {
  explicit Forgery(const WrittenLog& from) : log(&from), lines(from.lines), names(from.names), ring(from.ring), policy(from.policy) {}
  const WrittenLog* log;
  std::vector<LogLine> lines;
  std::vector<wal::SegmentName> names;
  std::optional<wal::KeyRing> ring;
  wal::VerifyPolicy policy;
  std::vector<Head> witnesses{};
  std::string law{};
  Seen expected = Seen::nothing;
  bool other_history = false;   ///< all of it was signed, but elsewhere

  void must(std::string_view by, Seen what = Seen::error) { law = by, expected = what; }
  [[nodiscard]] VerifyInput input() const {
    VerifyInput out{log->stream, {}, ring ? &*ring : nullptr, witnesses, policy};
    for (std::size_t i = 0; i < names.size(); ++i) {
      Bytes bytes;
      for (const LogLine& line : lines)
        if (line.segment == i) bytes += line.text + "\n";
      if (!bytes.empty()) out.segments.push_back({names[i], std::move(bytes)});
    }
    return out;
  }
};

class VerifyForger {
 public:
  [[nodiscard]] const std::vector<WrittenLog>& logs() const { return logs_; }

  const WrittenLog& some_log(Play& play) const {
    const WrittenLog& log = logs_[play.pick(static_cast<std::uint32_t>(logs_.size()))];
    play.note("a log: " + log.kind);
    play.reach(log.kind);
    return log;
  }
  /// An entry: its place among the lines. `from`: not before that entry.
  static std::size_t some_entry(Play& play, const WrittenLog& log, std::size_t from = 0) {
    return log.entries[from + play.pick(static_cast<std::uint32_t>(log.entries.size() - from))];
  }

  /// One member of one entry says something else.
  std::optional<Forgery> changed(Play& play) const {
    const WrittenLog& log = some_log(play);
    const std::uint32_t mode = play.pick(10);
    const std::size_t at = some_entry(play, log);
    Forgery out(log);
    std::string& line = out.lines[at].text;
    const auto places = scalar_places(line);
    const std::uint32_t number = play.pick(static_cast<std::uint32_t>(places.size()));
    const std::size_t place = places[number];
    const bool in_body = place < seal_of(line);
    const std::string what = "`" + member_at(line, place) + "` of LSN " + std::to_string(lsn_of(log, at));
    if (mode == 8) {
      if (number + 1 >= places.size() || !move_border(line, place, places[number + 1])) return std::nullopt;
      play.tell("the end of " + what + " moves into the next member");
      out.must("VERIFY-1", Seen::note);
      return out;
    }
    if (mode == 9) {
      line.insert(line[place - 1] == '"' ? place - 1 : place, " ");
      play.tell("a blank before " + what + ", which means the same as JSON");
      out.must("VERIFY-1", Seen::note);
      return out;
    }
    const std::string member = member_at(line, place);
    const bool is_torn = (member == "count" || member == "index") && !log.is_marked() && place_in_last_group(log, at);   // half a group at the end is what an interrupted write leaves
    const Seen least = is_torn ? Seen::note : Seen::error;
    change_scalar(line, place);
    if (mode == 0) {
      play.tell(what + " changes");
      out.must("VERIFY-1", Seen::note);
      return out;
    }
    if (!in_body) return std::nullopt;
    if (mode == 1) {
      play.tell(what + " changes, and the hash of the entry with it");
      const std::string body = body_of(line), tail = tail_of(line);
      line = sealed_line(body, tail);
      if (at != log.entries.back() || tail != "}") out.must("VERIFY-1", least);
      return out;
    }
    const auto how = static_cast<Resealed>(mode - 2);
    if (!log.ring && how != Resealed::old_signatures) return std::nullopt;
    play.tell(what + " changes, and every hash behind it; " + std::string(resealed_words[mode - 2]));
    renew(out.lines, at, how);
    if (must_show(log, out.lines, at, how)) out.must("VERIFY-3", least);
    return out;
  }

  /// Entries are missing, repeated, moved, or from elsewhere.
  std::optional<Forgery> moved(Play& play) const {
    const WrittenLog& log = some_log(play);
    const std::uint32_t op = play.pick(16);
    Forgery out(log);
    const std::size_t count = log.entries.size(), number = play.pick(static_cast<std::uint32_t>(count)), at = log.entries[number];
    const auto offset = static_cast<std::ptrdiff_t>(at);
    const std::string lsn = "LSN " + std::to_string(log.heads[number].lsn);
    const wal::Line line = wal::read_line(log.lines[at].text);
    const std::size_t group = number - line.group_index;
    const bool is_last_group = group + line.group_count == count, is_last = number + 1 == count;
    const WrittenLog& twin = twins_[static_cast<std::size_t>(&log - logs_.data())];
    const bool can_be_shown = !is_last_group || log.is_marked();
    switch (op) {
      case 0:
        play.tell(lsn + " is left out");
        out.lines.erase(out.lines.begin() + offset);
        if (can_be_shown) out.must("VERIFY-2");
        break;
      case 1:
        play.tell("the group of " + lsn + " is left out");
        out.lines.erase(out.lines.begin() + static_cast<std::ptrdiff_t>(log.entries[group]), out.lines.begin() + static_cast<std::ptrdiff_t>(log.entries[group] + line.group_count));
        if (can_be_shown) out.must("VERIFY-2");
        break;
      case 2:
        play.tell(lsn + " stands there twice");
        out.lines.insert(out.lines.begin() + offset, log.lines[at]);
        out.must("VERIFY-2");
        break;
      case 3:
        play.tell(lsn + " stands there again at the end");
        out.lines.push_back({log.lines[at].text, out.lines.back().segment});
        out.must("VERIFY-2");
        break;
      case 4:
        if (is_last) return std::nullopt;
        play.tell(lsn + " and the next entry change places");
        std::swap(out.lines[at].text, out.lines[at + 1].text);
        out.must("VERIFY-2");
        break;
      case 5:
        if (number == 0) return std::nullopt;
        play.tell(lsn + " moves to the front");
        out.lines.erase(out.lines.begin() + offset);
        out.lines.insert(out.lines.begin(), {log.lines[at].text, out.lines.front().segment});
        out.must("VERIFY-2");
        break;
      case 6:
        play.tell(lsn + " is taken from another history of this log");
        out.lines[at].text = twin.lines[at].text;
        out.other_history = number == 0;   // a checkpoint that is signed is one
        out.must("VERIFY-2");
        break;
      case 7:
        play.tell("an entry of another log of this owner is put before " + lsn);
        out.lines.insert(out.lines.begin() + offset, {foreign_.lines[number % foreign_.lines.size()].text, log.lines[at].segment});
        out.must("VERIFY-2");
        break;
      case 8:
        if (number == 0) return std::nullopt;
        play.tell("from " + lsn + " on it is another history of this log");
        for (std::size_t i = at; i < out.lines.size(); ++i) out.lines[i].text = twin.lines[i].text;
        out.must("VERIFY-2");
        break;
      case 9:
      case 10: {
        if (number == 0 || wal::begins_checkpoint(log.lines[at].text)) return std::nullopt;
        play.tell("what is before " + lsn + " is cut off" + (op == 10 ? ", and the segment is named after what it begins with" : ""));
        out.lines.erase(out.lines.begin(), out.lines.begin() + offset);
        if (op == 10) out.names[out.lines.front().segment].first = log.heads[number].lsn;
        out.must("VERIFY-2");
        break;
      }
      case 11: {
        play.tell(lsn + " has a second child of its parent beside it");
        std::string other = log.lines[at].text;
        const auto places = scalar_places(other);
        std::size_t actor = 0;
        for (const std::size_t place : places)
          if (member_at(other, place) == "actor") actor = place;
        change_scalar(other, actor);
        out.lines.insert(out.lines.begin() + offset + 1, {sealed_line(body_of(other), "}"), log.lines[at].segment});
        out.must("VERIFY-2");
        break;
      }
      case 12: {
        const std::size_t segment = log.lines[at].segment;
        if (segment + 1 == log.names.size()) return std::nullopt;
        const bool rename = play.flip();
        play.tell("the segment of " + lsn + " is gone" + (rename ? ", and the next one has its first LSN" : ""));
        std::erase_if(out.lines, [&](const LogLine& one) { return one.segment == segment; });
        if (rename) out.names[segment + 1].first = out.names[segment].first;
        out.must("VERIFY-2");
        break;
      }
      case 13: {
        const std::size_t segment = log.lines[at].segment;
        if (segment == 0) return std::nullopt;
        const bool up = play.flip();
        play.tell(std::string("the name of the segment of ") + lsn + " says one LSN " + (up ? "more" : "less"));
        out.names[segment].first += up ? 1U : ~std::uint64_t{0};
        out.must("VERIFY-2");
        break;
      }
      case 14: {
        const std::size_t segment = log.lines[at].segment;
        if (segment == 0) return std::nullopt;
        play.tell("the segments before and of " + lsn + " change places under their names");
        for (LogLine& one : out.lines)
          if (one.segment == segment) one.segment = segment - 1;
          else if (one.segment == segment - 1) one.segment = segment;
        out.must("VERIFY-2");
        break;
      }
      default:
        if (number != 0) return std::nullopt;
        play.tell("it is another log of this owner under this one's name");
        out.lines = foreign_.lines;
        out.names = foreign_.names;
        out.must("VERIFY-2");
    }
    return out;
  }

  /// Signatures are taken away, exchanged, made anew; keys at places that are not theirs.
  std::optional<Forgery> resigned(Play& play) const {
    const WrittenLog& log = some_log(play);
    const std::uint32_t op = play.pick(14);
    if (!log.ring) return std::nullopt;
    Forgery out(log);
    const std::size_t at = some_entry(play, log);
    const std::string lsn = "LSN " + std::to_string(lsn_of(log, at));
    std::string& line = out.lines[at].text;
    const std::string tail = tail_of(line), body = body_of(line);
    const bool is_last = at == log.entries.back();
    if (op < 6) {
      const auto how = static_cast<Resealed>(op);
      play.tell("from " + lsn + " on every hash is computed again: " + std::string(resealed_words[op]));
      if (how == Resealed::old_signatures) {   // of the entries behind it, one on
        std::string last = "}";
        bool any = false;
        for (std::size_t i = at; i < out.lines.size(); ++i)
          if (is_signed(out.lines[i].text)) {
            std::string& one = out.lines[i].text;
            const std::string its = tail_of(one);
            if (last != "}") { one = sealed_line(body_of(one), last); any = true; }
            last = its;
          }
        if (!any) return std::nullopt;
        renew(out.lines, at, how);
        out.must("VERIFY-3");
        return out;
      }
      renew(out.lines, at, how);
      if (must_show(log, out.lines, at, how)) out.must("VERIFY-3");
      return out;
    }
    switch (op) {
      case 6:
        if (tail == "}") return std::nullopt;
        play.tell("the signature of " + lsn + " is taken away");
        line = sealed_line(body, "}");
        if (!is_last || log.policy.signed_each_group) out.must("VERIFY-3");
        break;
      case 7: {
        std::size_t other = at;
        for (const std::size_t entry : log.entries)
          if (entry < at && is_signed(log.lines[entry].text)) other = entry;
        if (tail == "}" || other == at) return std::nullopt;
        play.tell(lsn + " and the signed entry before it exchange their signatures");
        line = sealed_line(body, tail_of(log.lines[other].text));
        out.lines[other].text = sealed_line(body_of(out.lines[other].text), tail);
        out.must("VERIFY-3");
        break;
      }
      case 8:
        if (tail != "}") return std::nullopt;
        play.tell(lsn + ", which was not signed, gets a signature of another entry");
        for (const std::size_t entry : log.entries)
          if (is_signed(log.lines[entry].text)) line = sealed_line(body, tail_of(log.lines[entry].text));
        out.must("VERIFY-3");
        break;
      case 9:
      case 10: {
        if (tail == "}") return std::nullopt;
        const wal::Line read = wal::read_line(log.lines[at].text);
        play.tell(op == 9 ? "the ring says that the key of " + lsn + " ended before it" : "the ring says that the key of " + lsn + " begins behind it");
        wal::KeyRing ring;
        for (wal::RingKey key : log.ring->keys()) {
          if (key.id == read.signature.key) {
            if (op == 9 && (read.lsn == 1 || key.from.lsn > read.lsn - 1)) return std::nullopt;
            if (op == 9) key.to = Order{read.incarnation, read.lsn - 1};
            else key.from = Order{read.incarnation, read.lsn + 1};
            if (key.to && *key.to < key.from) return std::nullopt;
          }
          (void)ring.add(std::move(key)).has_value();
        }
        out.ring = std::move(ring);
        out.must("VERIFY-3");
        break;
      }
      case 11: {
        if (at != log.entries.front()) return std::nullopt;
        play.tell("the ring has other keys");
        wal::KeyRing ring;
        (void)ring.add(ring_key("key-z")).has_value();
        out.ring = std::move(ring);
        out.must("VERIFY-3");
        break;
      }
      case 12: {   // every key that was stolen behind its end
        const wal::RingKey& old = log.ring->keys().front();
        if (!old.to || at != log.entries.front()) return std::nullopt;
        play.tell("who has stolen " + old.id + " signs a new entry, where another key is valid");
        const auto key = kit_key(old.id);
        append_entry(out.lines, log.stream, scribe_.plan("stolen", {}), 0, &key);
        out.must("VERIFY-3");
        break;
      }
      default: {
        if (at != log.entries.front()) return std::nullopt;
        const std::uint32_t more = 1 + play.pick(3);
        play.tell(std::to_string(more) + " new entries without a signature are put behind the last");
        for (std::uint32_t i = 0; i < more; ++i) append_entry(out.lines, log.stream, scribe_.plan("forged " + std::to_string(i), {}));
        if (log.policy.signed_each_group) out.must("VERIFY-3");
      }
    }
    return out;
  }

  /// Against witnesses.
  std::optional<Forgery> witnessed(Play& play) const {
    const WrittenLog& log = some_log(play);
    const std::uint32_t op = play.pick(11);
    Forgery out(log);
    const std::size_t count = log.entries.size(), number = play.pick(static_cast<std::uint32_t>(count)), at = log.entries[number];
    const WrittenLog& twin = twins_[static_cast<std::size_t>(&log - logs_.data())];
    const Head& head = log.heads[number];
    const std::string lsn = "LSN " + std::to_string(head.lsn);
    out.witnesses = {log.heads.back()};
    out.must("VERIFY-4");
    const auto one_only = [&] { return number == 0; };
    switch (op) {
      case 0:
        play.tell(lsn + " and what is behind it is cut off");
        out.lines.resize(at);
        break;
      case 1:
        if (!one_only()) return std::nullopt;
        play.tell("the whole log is gone");
        out.lines.clear();
        break;
      case 2:
        play.tell(lsn + " says something else, and every hash behind it follows");
        if (!rewrite(out.lines, at, [](wal::WalRecord& record) { record.actor = "mallory"; }, Resealed::nothing)) return std::nullopt;
        out.policy.actors.reset();
        break;
      case 3:
        play.tell("the witness is of another log");
        out.witnesses = {foreign_.heads[number % foreign_.heads.size()]};
        break;
      case 4:
        play.tell("the witness saw another history at " + lsn);
        out.witnesses = {twin.heads[number]};
        break;
      case 5:
        play.tell("the witness saw a later incarnation at " + lsn);
        out.witnesses = {Head{log.stream, log.heads.back().incarnation + 1, head.lsn, head.hash}};
        break;
      case 6:
        play.tell("two witnesses, one of another history at " + lsn);
        out.witnesses = {head, twin.heads[number]};
        break;
      case 7:
        if (!one_only()) return std::nullopt;
        play.tell("it is another history of this log");
        out.lines = twin.lines;
        out.other_history = true;
        break;
      case 8:
        if (number == 0) return std::nullopt;
        play.tell(lsn + " and what is behind it is cut off; an entry of a later incarnation says that the loss was accepted");
        out.lines.resize(at);
        append_entry(out.lines, log.stream, scribe_.loss(), log.heads.back().incarnation + 1);
        break;
      case 9:
        if (number >= log.folded.size()) return std::nullopt;
        play.tell("the witness saw another history at LSN " + std::to_string(log.folded[number].lsn) + ", which was compacted");
        out.witnesses = {twin.folded[number]};
        break;
      default:
        if (number == 0 || !log.ring) return std::nullopt;
        play.tell(lsn + " and what is behind it is cut off, and what follows is not signed");
        out.lines.resize(at);
        append_entry(out.lines, log.stream, scribe_.plan("forged", {}));
        append_entry(out.lines, log.stream, scribe_.plan("forged too", {}));
    }
    return out;
  }

 private:
  static bool place_in_last_group(const WrittenLog& log, std::size_t at) {
    const wal::Line last = wal::read_line(log.lines[log.entries.back()].text);
    return lsn_of(log, at) + last.group_count > last.lsn;
  }
  static Lsn lsn_of(const WrittenLog& log, std::size_t at) { return wal::read_line(log.lines[at].text).lsn; }
  /// Whether what stands there from `at` on cannot pass without a witness: a signature that does not fit, or one that should stand there and does not.
  static bool must_show(const WrittenLog& log, const std::vector<LogLine>& lines, std::size_t at, Resealed how) {
    const auto any_signed = [&](std::size_t from, std::size_t to) { return std::any_of(lines.begin() + static_cast<std::ptrdiff_t>(from), lines.begin() + static_cast<std::ptrdiff_t>(to), [](const LogLine& one) { return is_signed(one.text); }); };
    if (how != Resealed::nothing) return any_signed(at, lines.size());
    return log.ring && (log.policy.signed_each_group || !any_signed(0, at));
  }

  std::vector<WrittenLog> logs_ = written_logs(), twins_ = written_logs("'");
  mutable Scribe scribe_{"verify", "!"};   // it remembers the names of runs
  WrittenLog foreign_ = [] {
    Scribe scribe("other");
    auto log = scribe.open("key-a", wal::Signing::each_group);
    scribe.run(log, "one", {"a"});
    return scribe.written("another log", 1, {}, false);
  }();
};

}  // namespace kfm_det::conformance::detail

#endif
