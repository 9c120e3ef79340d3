// SPDX-License-Identifier: BSL-1.0
/// \file
/// The media part of check_store_on_disk: damage at rest. A log of several segments, closed cleanly or left by a kill, is damaged in one place; recovery
/// must never answer with less than was acknowledged, but where nothing can prove the difference: what a cut took along together with all proof behind it.
///
///   flip     every bit of every file                    cut      every length of every file
///   sector   zero, garbage, or another sector's bytes   file     lost; exchanged for that of another history
///   frame    a newer format, correctly sealed; another stream's log under this name
///   served   a byte of a frame changes behind recovery: scan() may not give it
/// Frames are found in the files by their bytes; a store that keeps them otherwise is checked by what it answers alone. Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_MEDIA_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_MEDIA_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/store_on_disk.hpp"
#include "kfm_det/conformance/detail/store_world.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/core/assert.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/wal/envelope_reader.hpp"

namespace kfm_det::conformance::detail {

/// A log to be damaged.
struct MediaLog {
  Disk disk;
  Frames due;
  std::size_t last_group = 0;   // frames appended and synced last: nothing but a closing proof proves them
  bool closed = false;
  std::vector<std::pair<std::string, Bytes>> files;   // those with bytes
  struct Place { std::string path; std::uint64_t offset = 0; };
  std::vector<std::optional<Place>> places;           // of each frame
  std::vector<MediaRegion> regions = {};              // what each byte is, where the fixture says so
  [[nodiscard]] Head witness() const { return StoreOracle::head_of(kit_stream(), due); }
};

/// Groups of one and of three, large frames, a reopening, until the log has spread, and has as many bytes. `text` makes another history of the same shape.
/// `trims`: it was trimmed in between, and begins at a checkpoint.
[[nodiscard]] inline MediaLog make_media_log(const StoreOnDisk& subject, bool closed, const StreamId& stream, const std::string& text, std::size_t bytes_min = 0, bool trims = false) {
  Rehearsal rehearsal;
  MediaLog out{fresh_disk(0), {}, 0, closed, {}, {}};
  StoreWorld world(rehearsal.play(), stream, subject.on(out.disk), subject.claims);
  std::size_t written = 0;
  const auto group = [&](std::uint32_t count, std::size_t size) {
    Chain next = world.owner.chain;
    const Frames frames = make_frames(stream, next, count, size, text + std::to_string(world.owner.chain.last));
    world.append_frames(world.owner, frames, next);
    world.sync(world.owner);
    out.last_group = count;
    for (const Bytes& frame : frames) written += frame.size();
  };
  try {
    if (world.begin())
      for (int round = 0; round < 3 || written < bytes_min; ++round) {
        group(1, 0);
        group(3, 0);
        group(1, 2600);
        group(1, 0);
        if (round == 1 && trims) world.trim();
        if (round == 1 && !world.reopen()) break;
      }
    out.due = world.owner.log;
    if (closed) world.close();
  } catch (...) {   // the other parts tell it
    out.due.clear();
  }
  world.owner.stream.reset();
  out.disk = out.disk.after_kill();
  for (auto& [path, bytes] : out.disk.files())
    if (!bytes.empty()) out.files.emplace_back(path, bytes);
  for (const Bytes& frame : out.due) {
    std::optional<MediaLog::Place> place;
    for (const auto& [path, bytes] : out.files)
      if (const std::size_t at = bytes.rfind(frame); at != Bytes::npos) place = MediaLog::Place{path, at};   // the newest copy counts
    out.places.push_back(std::move(place));
  }
  if (subject.places && !trims) out.regions = subject.places(out.files);
  return out;
}

/// What may be missing behind a damage, when no witness tells.
enum class MayLose : std::uint8_t { nothing, last_group, what_was_cut };

class MediaCheck {
 public:
  MediaCheck(const StoreOnDisk& subject, Explorer& explorer, const Options& options, std::size_t bytes_min = 0) : subject_(subject), explorer_(explorer), options_(options) {
    for (const bool closed : {true, false}) logs_.push_back(make_media_log(subject, closed, kit_stream(), "media", bytes_min));
    if (subject.claims.trims) logs_.push_back(make_media_log(subject, true, kit_stream(), "media", bytes_min, true));
    other_ = make_media_log(subject, true, kit_stream(), "other", bytes_min);
  }

  /// Nothing but flips and cuts: each of them in a log that was closed, fewer in one that was left by a kill.
  void run_flips_and_cuts() {
    for (const MediaLog& log : logs_)
      if (log.due.size() < 4 || log.files.empty()) return;
    const std::uint64_t many = options_.cases < 1000 ? std::uint64_t{100} * options_.cases : 1'000'000;   // all of it, or a sample that is spread over all of it
    const auto part = [&](std::string_view name, std::string named, Trial trial) { explorer_.run(name, {many, 0, std::move(named), false}, trial); };
    const std::string shape = std::to_string(logs_[0].files.size()) + " files with " + std::to_string(logs_[0].due.size()) + " frames" + (subject_.places ? "" : "; verdicts by what is lost alone, the fixture does not say what a byte is");
    const auto flips = [&](const MediaLog& log, std::uint64_t bits) {
      return [this, &log, bits](Play& play) {
        const auto [path, bit] = pick_byte(play, log, bits);
        const std::uint64_t at = bit / bits;
        looks_ = log.closed || at % 2 == 0 ? only_recover : with_witness;
        if (looks_ == only_recover && !is_in_a_frame(log, path, at)) looks_ = accept_loss;   // costs nothing where it is usable
        flip(play, log, path, bits == 8 ? bit : at * 8 + at % 8);
      };
    };
    const auto cuts = [&](const MediaLog& log) {
      return [this, &log](Play& play) {
        const std::uint32_t look = log.closed ? play.pick(2) : 2;
        const auto [path, at] = pick_byte(play, log, 1);
        looks_ = log.closed && look == 0 && at % 4 == 0 ? accept_loss : log.closed ? look : static_cast<std::uint32_t>(at % 3);
        cut(play, log, path, at);
      };
    };
    part("every bit", "each bit of " + shape, flips(logs_[0], 8));
    part("every length", "each length of each of " + shape + "; without a witness (one in 4 with an accepted loss), and with one", cuts(logs_[0]));
    part("every byte behind a kill", "one bit of each byte of the same log left by a kill; every other one with a witness", flips(logs_[1], 1));
    part("every length behind a kill", "each length of each of its files, by turns looked at first, with a witness and with an accepted loss", cuts(logs_[1]));
  }

  void run() {
    for (const MediaLog& log : logs_)
      if (log.due.size() < 4 || log.files.empty()) return;   // nothing to damage; the other parts tell why
    const std::uint64_t many = std::min<std::uint64_t>(std::uint64_t{600} * options_.cases, 300'000);   // of three logs of 37 KiB, spread over all of them; check_store_media takes every bit
    const auto part = [&](std::string_view name, std::string named, Trial trial) { explorer_.run(name, {many, 0, std::move(named)}, trial); };   // what is small is whole
    part("media-flip", "each bit of a closed log and of one that was left by a kill", [&](Play& play) {
      const MediaLog& log = pick_log(play);
      const auto place = pick_byte(play, log, 8);
      flip(play, log, place.first, place.second);
    });
    part("media-cut", "each length of each file", [&](Play& play) {
      const MediaLog& log = pick_log(play);
      const auto place = pick_byte(play, log, 1);
      cut(play, log, place.first, place.second);
    });
    part("media-sector", "each sector: zero, garbage, another sector's bytes", [&](Play& play) {
      const MediaLog& log = pick_log(play);
      const std::uint32_t kind = play.pick(3);
      const auto place = pick_byte(play, log, 1);
      const std::string& path = place.first;
      const std::uint64_t where = place.second;
      const std::size_t at = where / simulate::sector_bytes * simulate::sector_bytes;
      if (at != where) return;
      damage(play, log, "the sector at byte " + std::to_string(at) + " of " + path + (kind == 0 ? " is zero" : kind == 1 ? " is garbage" : " holds the sector before it"), log.closed ? MayLose::nothing : MayLose::last_group, path,
             [&](Bytes& bytes) {
               const std::size_t end = std::min(at + simulate::sector_bytes, bytes.size());
               Random random(at + 1);
               const Bytes before = bytes;
               for (std::size_t i = at; i < end; ++i) bytes[i] = kind == 0 ? '\0' : kind == 1 ? static_cast<char>(random.next()) : before[i >= simulate::sector_bytes ? i - simulate::sector_bytes : i];
             });
    });
    part("media-file", "each file lost, or that of another history", [&](Play& play) {
      const MediaLog& log = pick_log(play);
      const std::string path = log.files[play.pick(static_cast<std::uint32_t>(log.files.size()))].first;
      const bool is_lost = play.pick(2) == 0;
      looks_ = play.pick(3);
      cut_ = 0;
      if (is_lost) return damage(play, log, path + " is lost", MayLose::what_was_cut, path, {});
      const auto& files = other_.files;
      const auto found = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.first == path; });
      if (found == files.end()) return;
      damage(play, log, path + " is that of another history", MayLose::what_was_cut, path, [&](Bytes& bytes) { bytes = found->second; });
    });
    part("media-frame", "a frame as a newer format would write it; another stream's log", [&](Play& play) { crafted(play); });
    part("media-served", "each 7th byte of each frame, behind recovery", [&](Play& play) { served(play); });
  }

 private:
  static constexpr std::uint32_t with_witness = 1, accept_loss = 2, only_recover = 3;   // 0: inspects, then recovers without a witness

  /// The bytes that a flip or a cut took; of other damage none.
  struct Damaged {
    bool is_flip;
    std::uint64_t from, to;
  };

  const MediaLog& pick_log(Play& play) { return logs_[play.pick(static_cast<std::uint32_t>(logs_.size()))]; }
  /// Any unit of any file, in an order that is spread over all of them, so that the first ones are a sample.
  std::pair<std::string, std::uint64_t> pick_byte(Play& play, const MediaLog& log, std::uint64_t units) {
    std::uint64_t all = 0;
    for (const auto& [path, bytes] : log.files) all += bytes.size() * units;
    const std::uint64_t drawn = play.pick(static_cast<std::uint32_t>(all));
    looks_ = static_cast<std::uint32_t>(drawn % 3);
    std::uint64_t at = drawn * 7919u % all;
    if (all % 7919 == 0) at = drawn;
    for (const auto& [path, bytes] : log.files) {
      if (at < bytes.size() * units) return {path, at};
      at -= bytes.size() * units;
    }
    return {log.files.front().first, 0};
  }

  void flip(Play& play, const MediaLog& log, const std::string& path, std::uint64_t at) {
    damage(play, log, "bit " + std::to_string(at % 8) + " of byte " + std::to_string(at / 8) + " of " + path + " flips", log.closed ? MayLose::nothing : MayLose::last_group, path,
           [at](Bytes& bytes) { bytes[at / 8] = static_cast<char>(bytes[at / 8] ^ (1 << at % 8)); }, Damaged{true, at / 8, at / 8 + 1});
  }
  void cut(Play& play, const MediaLog& log, const std::string& path, std::uint64_t at) {
    cut_ = at;
    damage(play, log, path + " is cut to " + std::to_string(at) + " bytes", MayLose::what_was_cut, path, [at](Bytes& bytes) { bytes.resize(at); }, Damaged{false, at, ~std::uint64_t{0}});
  }
  /// `how` empty: the file is lost.
  void damage(Play& play, const MediaLog& log, std::string what, MayLose may_lose, const std::string& path, const std::function<void(Bytes&)>& how, const Damaged& damaged = Damaged{false, 0, 0}) {
    const std::uint32_t look = looks_;   // without a witness (and looking first), with one, with accept_loss: one after the other
    const Disk disk = log.disk.after_kill();
    play.note(std::string(log.closed ? "a log that was closed" : "a log that a kill left") + ", " + std::to_string(log.due.size()) + " frames, all acknowledged");
    play.tell(what);
    if (how) disk.damage(path, how);
    else disk.lose(path);
    // STORE-16: nobody asks for more than there is because some bytes say so
    std::uint64_t longest = 0;
    const std::uint64_t bounded = 16 * disk.bytes_used() + (std::uint64_t{1} << 20);
    disk.on_call([&longest](const Call& call) { if (call.verb == simulate::Verb::read) longest = std::max(longest, call.length); });
    (void)play.is_new(disk.hash() ^ (look + 1));
    const auto before = disk.files();
    if (look == 0) {   // looking first
      auto looking = subject_.on(disk)(kit_stream());
      if (looking) {
        const std::uint64_t hash = disk.hash();
        auto found = looking.value()->inspect({});
        play.expect("STORE-9", disk.hash() == hash, "inspect() changed the disk");
        if (found) {
          auto content = is_usable(found.value().verdict) ? frames_of(play, log, *looking.value()) : result<Frames>(Error(errc::cancelled, "", ""));
          if (content) judge(play, log, may_lose, path, content.value(), "inspect()", false);
        }
      }
    }
    auto stream = subject_.on(disk)(kit_stream());
    if (!stream) { play.reach("damage: open answers an error"); return; }
    const Head witness = log.witness();
    play.tell(look == 1 ? "recover, with the sink's witness" : look == 2 ? "recover, and accept the loss" : "recover");
    auto found = stream.value()->recover(look == 1 ? std::span<const Head>(&witness, 1) : std::span<const Head>(), RecoverOptions{look == 2});
    play.expect("STORE-16", longest <= bounded, [&] { return "recovery asks for " + std::to_string(longest) + " bytes in one read, of a disk that holds " + std::to_string(disk.bytes_used()); });
    keeps_evidence(play, disk, before);
    if (!found) { play.reach("damage: recover answers " + std::string(kfm_det::name(found.error().code()))); return; }
    const Recovery& recovery = found.value();
    play.reach("damage: " + std::string(name(recovery.verdict)));
    play.note("recover(): " + std::string(name(recovery.verdict)) + ", tail LSN " + std::to_string(recovery.tail.lsn));
    fits(play, log, path, damaged, look == with_witness, recovery.verdict);
    if (recovery.verdict != Verdict::clean) play.expect("STORE-8", !recovery.evidence.empty(), [&] { return "recover() answers " + std::string(name(recovery.verdict)) + " and no evidence: nobody can tell where"; });
    if (!may_begin(recovery.verdict, RecoverOptions{look == 2})) {
      auto refused = stream.value()->append(recovery.tail.lsn, std::vector<BytesView>{BytesView(log.due[0])});
      play.expect("STORE-8", !refused, "append() is accepted behind a verdict that is not usable");
      return;
    }
    auto content = frames_of(play, log, *stream.value());
    if (!content) { play.broke("STORE-10", "scan() behind a usable verdict answers " + content.error().message()); }
    if (look == accept_loss && !is_usable(recovery.verdict)) {
      if (damaged.is_flip)   // the store itself has every frame: it asked for an operator's word about nothing
        play.expect("STORE-17", content.value() != log.due, [&] { return "recover() answers " + std::string(name(recovery.verdict)) + ", and behind the accepted loss every frame is there: nothing that was promised was lost"; });
      for (std::size_t i = 0; i < content.value().size(); ++i)
        play.expect("STORE-11", (i < log.due.size() && content.value()[i] == log.due[i]) || (i < other_.due.size() && content.value()[i] == other_.due[i]), "behind an accepted loss a frame is given that is not the one that was appended there");
      play.expect("STORE-8", recovery.incarnation == 2, "an accepted loss does not begin the next incarnation");
      Chain chain{recovery.incarnation, recovery.tail.lsn, recovery.tail.lsn, recovery.tail.hash};
      const Lsn last = chain.last;
      const Frames more = make_frames(kit_stream(), chain, 1, 0, "more");
      auto appended = stream.value()->append(last, std::vector<BytesView>{BytesView(more[0])});
      auto synced = appended ? stream.value()->sync() : appended;
      play.expect("STORE-8", synced && synced.value() == last + 1, "behind an accepted loss the log does not go on");
      keeps_evidence(play, disk, before);
      return;
    }
    judge(play, log, may_lose, path, content.value(), "recover()", look == with_witness);
  }

  [[nodiscard]] static std::size_t last_of_group(const MediaLog& log, std::size_t i) {
    const wal::Line line = wal::read_line(log.due[i]);
    return std::min<std::size_t>(i + line.group_count - 1 - line.group_index, log.due.size() - 1);
  }
  [[nodiscard]] static bool is_in_a_frame(const MediaLog& log, const std::string& path, std::uint64_t at) {
    for (std::size_t i = 0; i < log.due.size(); ++i)
      if (const auto& place = log.places[i]; place && place->path == path && place->offset <= at && at < place->offset + log.due[i].size()) return true;
    return false;
  }
  /// STORE-8, 17, 18. Is this a verdict of this damage? Of any format: what the medium answered was read, nobody has seen more, and a frame whose seal is broken is
  /// neither another stream's nor a newer one. Where the fixture says what the bytes were: the one that it has to be.
  void fits(Play& play, const MediaLog& log, const std::string& path, const Damaged& damaged, bool with_a_witness, Verdict verdict) const {
    const auto wrong = [&](std::string_view why) { return [&, why] { return "recover() answers " + std::string(name(verdict)) + ": " + std::string(why); }; };
    play.expect("STORE-8", verdict != Verdict::io_error && verdict != Verdict::sink_regressed, wrong("but each read was answered, and no sink was asked"));
    play.expect("STORE-8", verdict != Verdict::regressed || with_a_witness, wrong("but no witness was given that has seen more"));
    if (damaged.to == 0) return;
    if (damaged.is_flip && is_in_a_frame(log, path, damaged.from))
      play.expect("STORE-18", verdict != Verdict::foreign && verdict != Verdict::unsupported_version && verdict != Verdict::forked, wrong("but the one bit that changed is inside of a frame, whose seal is broken by that: it says nothing any more"));
    if (log.regions.empty()) return;
    bool any[4] = {};
    for (const MediaRegion& region : log.regions)
      if (region.path == path && region.from < damaged.to && damaged.from < region.to) any[static_cast<std::size_t>(region.place)] = true;
    const bool loses_proven = any[static_cast<std::size_t>(MediaPlace::proven)], loses_unproven = any[static_cast<std::size_t>(MediaPlace::unproven)], behind = any[static_cast<std::size_t>(MediaPlace::behind)];
    const bool takes_the_proof = !damaged.is_flip && path == log.files.back().first;   // a cut of the last file takes along all that would prove what it takes
    if ((loses_proven && takes_the_proof) || loses_unproven) {
      if (with_a_witness) play.expect("STORE-8", verdict == Verdict::corrupt_committed || verdict == Verdict::regressed, wrong("but a witness saw what was taken: it is CorruptCommitted or Regressed"));
      else play.expect("STORE-8", verdict == Verdict::torn_tail || (!damaged.is_flip && verdict == Verdict::clean), wrong("but nothing proves what was taken: it is TornTail"));
    } else if (loses_proven) {
      play.expect("STORE-8", verdict == Verdict::corrupt_committed || verdict == Verdict::hole, wrong("but a frame that is proven is damaged: it is CorruptCommitted or Hole"));
    } else {
      play.expect("STORE-17", verdict == Verdict::clean || (behind && verdict == Verdict::torn_tail), wrong(behind ? "but every frame is there: it is Clean or TornTail" : "but this holds nothing, and every frame is there: it is Clean"));
    }
  }
  /// A usable verdict gave this content.
  void judge(Play& play, const MediaLog& log, MayLose may_lose, const std::string& path, const Frames& content, std::string_view verb, bool is_witnessed) {
    if (content == other_.due) return;   // the whole of another history: nobody can tell without a witness
    for (std::size_t i = 0; i < content.size(); ++i)
      play.expect("STORE-11", i < log.due.size() && content[i] == log.due[i], [&] { return std::string(verb) + " finds the log usable, and LSN " + std::to_string(i + 1) + " is not the frame that was appended"; });
    if (content.size() == log.due.size()) { play.asked("STORE-8"); return; }
    const auto lost = [&] { return std::string(verb) + " finds the log usable, and it ends at LSN " + std::to_string(content.size()) + " where LSN " + std::to_string(log.due.size()) + " was acknowledged"; };
    play.expect("STORE-8", !is_witnessed, lost);
    play.expect("STORE-8", may_lose != MayLose::nothing, lost);
    if (may_lose == MayLose::last_group) play.expect("STORE-8", content.size() + log.last_group >= log.due.size(), lost);
    if (may_lose == MayLose::what_was_cut)   // all that is missing was behind the cut
      for (std::size_t i = content.size(); i < log.due.size(); ++i)
        if (const auto& place = log.places[last_of_group(log, i)])   // a group is whole or not there
          play.expect("STORE-8", place->path == path && place->offset + log.due[last_of_group(log, i)].size() >= cut_, [&] { return lost() + ", although LSN " + std::to_string(i + 1) + " was not in what was cut"; });
  }

  /// STORE-13: whatever was answered, the bytes that were there are there.
  static void keeps_evidence(Play& play, const Disk& disk, const std::map<std::string, Bytes>& before) {
    const auto after = disk.files();
    play.asked("STORE-13");
    for (const auto& [path, bytes] : before) {
      if (bytes.find_first_not_of('\n') == Bytes::npos) continue;
      const auto same = after.find(path);
      if (same != after.end() && same->second.starts_with(bytes)) continue;
      const bool is_kept = std::any_of(after.begin(), after.end(), [&kept = bytes](const auto& file) { return file.second.find(kept) != Bytes::npos; });
      if (!is_kept) play.broke("STORE-13", "recovery changed or removed " + path + ", and its bytes are nowhere any more");
    }
  }

  /// What was trimmed is taken from what was appended.
  static result<Frames> frames_of(Play& play, const MediaLog& log, StreamSubject& stream) {
    const Lsn base = stream.tail().base;
    play.expect("STORE-20", base >= 1 && base - 1 <= log.due.size(), [&] { return "the log begins at LSN " + std::to_string(base) + ", above its end"; });
    Frames out(log.due.begin(), log.due.begin() + static_cast<std::ptrdiff_t>(base - 1));
    auto last = stream.scan(1, [&](const Frame& frame) -> result<void> {
      if (out.size() > 1'000'000) return Error(errc::limit_exceeded, "scan() does not end", "");
      out.emplace_back(frame.bytes);
      return success();
    });
    if (!last) return last.error();
    return out;
  }

  void crafted(Play& play) {
    const bool is_foreign = play.pick(2) == 1;
    if (is_foreign) {
      const MediaLog& log = pick_log(play);
      const StreamId other = StreamId::of(Scope{"kit", "b"});
      const MediaLog theirs = make_media_log(subject_, log.closed, other, "theirs");
      Disk moved = fresh_disk(0);
      bool is_named = false;
      for (const auto& [path, bytes] : theirs.disk.files()) {
        std::string here = path;
        if (const auto at = here.find(other.text); at != std::string::npos) { here.replace(at, other.text.size(), kit_stream().text); is_named = true; }
        moved.plant(here, bytes);
      }
      if (!is_named) return;   // no file is named for its stream
      play.tell("the files of another stream are put in the place of this one's");
      expect_verdict(play, moved, Verdict::foreign);
      return;
    }
    // written through the store itself: whatever it keeps around a frame is right
    const std::size_t good = play.pick(4);
    const bool closes = play.pick(2) == 0;
    const Disk written = fresh_disk(0);
    StoreWorld world(play, kit_stream(), subject_.on(written), subject_.claims);
    if (!world.begin()) return;
    for (std::size_t i = 0; i < good; ++i) world.append(world.owner, 1, 0);
    Chain chain = world.owner.chain;
    Frames frames = make_frames(kit_stream(), chain, 1, 0, "newer");
    Bytes& line = frames[0];
    const std::string_view now = "\"format\":1,";
    const auto at = line.find(now);
    const auto body_end = line.rfind(",\"hash\":\"");
    KFM_DET_ASSERT(at != Bytes::npos && body_end != Bytes::npos);
    line.replace(at, now.size(), "\"format\":2,");
    const std::size_t body = std::string_view("{\"body\":").size();
    line.replace(body_end, line.size() - body_end, ",\"hash\":\"" + domain_digest(wal::frame_domain, BytesView(line).substr(body, body_end - body)).hex() + "\"}");
    play.tell("a newer version appends a frame of its format as LSN " + std::to_string(good + 1) + ", and syncs");
    auto appended = world.owner.stream->append(world.owner.chain.last, std::vector<BytesView>{BytesView(line)});
    if (!appended || !world.owner.stream->sync()) return;   // a store that looks into its frames may refuse it
    if (closes) (void)world.owner.stream->close();
    world.owner.stream.reset();
    expect_verdict(play, written, Verdict::unsupported_version);
  }
  void expect_verdict(Play& play, const Disk& disk, Verdict wanted) {
    const auto before = disk.files();
    auto stream = subject_.on(disk)(kit_stream());
    if (!stream) return;
    auto found = stream.value()->recover({}, RecoverOptions{play.pick(2) == 1});
    if (!found) { play.expect("STORE-18", found.error().code() == errc::foreign || found.error().code() == errc::unsupported_version, [&] { return "recover() answers " + found.error().message(); }); return; }
    play.reach("damage: " + std::string(name(found.value().verdict)));
    play.expect("STORE-18", found.value().verdict == wanted, [&] { return "recover() answers " + std::string(name(found.value().verdict)) + " and not " + std::string(name(wanted)); });
    keeps_evidence(play, disk, before);
  }

  /// STORE-10: frames are verified again while they are read.
  void served(Play& play) {
    const MediaLog& log = pick_log(play);
    const std::size_t i = play.pick(static_cast<std::uint32_t>(log.due.size()));
    const std::size_t at = play.pick(static_cast<std::uint32_t>(log.due[i].size() / 7)) * 7;
    const Disk disk = log.disk.after_kill();
    auto stream = subject_.on(disk)(kit_stream());
    if (!stream) return;
    auto found = stream.value()->recover({}, {});
    if (!found || !is_usable(found.value().verdict)) return;
    std::optional<MediaLog::Place> place;
    for (const auto& [path, bytes] : disk.files())
      if (const std::size_t where = bytes.find(log.due[i]); where != Bytes::npos) {
        place = MediaLog::Place{path, where};
        disk.damage(path, [&, where](Bytes& damaged) { damaged[where + at] = static_cast<char>(damaged[where + at] ^ 0x04); });
      }
    if (!place) return;
    play.tell("recover; then byte " + std::to_string(at) + " of LSN " + std::to_string(i + 1) + " changes on the medium; scan");
    const Frames& due = log.due;
    std::size_t next = stream.value()->tail().base - 1;
    std::string wrong;
    auto last = stream.value()->scan(1, [&](const Frame& frame) -> result<void> {
      if (next >= due.size() || frame.bytes != due[next]) wrong = "scan() gives LSN " + std::to_string(frame.lsn) + " with bytes that changed on the medium";
      ++next;
      return success();
    });
    play.expect("STORE-10", wrong.empty(), wrong);
    play.expect("STORE-10", !last || next == due.size(), "scan() ends early, and does not say that something is wrong");
  }

  const StoreOnDisk& subject_;
  Explorer& explorer_;
  const Options& options_;
  std::vector<MediaLog> logs_;
  MediaLog other_{Disk(), {}, 0, false, {}, {}};
  std::uint64_t cut_ = 0;
  std::uint32_t looks_ = 0;
};

inline void check_media(Explorer& explorer, const Options& options, const StoreOnDisk& subject) { MediaCheck(subject, explorer, options).run(); }

}  // namespace kfm_det::conformance::detail

#endif
