// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a FileStore's stream knows and does under its mutex: who it is, which segments count, where the next byte goes. FileStore::Stream is the public face.
///
/// An internal of the room. Thread-safety: the caller holds `mutex`, but for what says otherwise.
#ifndef KFM_DET_STORES_STREAM_STATE_HPP
#define KFM_DET_STORES_STREAM_STATE_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/stores/archive.hpp"
#include "kfm_det/stores/segment_file.hpp"
#include "kfm_det/wal/recovery.hpp"

namespace kfm_det {

struct FileStoreOptions {
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;   ///< a segment that would grow beyond is followed by a new one
  std::uint64_t prewrite_bytes = std::uint64_t{256} << 10; ///< newlines written and synced ahead of the first appends; more as a segment grows
  bool archive = true;                 ///< what a trim takes from the folder goes to archive/; false: it is removed, but for segments that hold evidence
  const ArchiveCodec* codec = nullptr; ///< packs what is archived, and reads what was packed; must outlive the store. Null: archives are as the segments were
};

namespace segment {

template <class Fs>
struct StreamState {
  enum class Mode : std::uint8_t { fresh, looking, writing, ended, failed, closed };
  /// A segment, open for reading, and which of its frames count.
  struct Part { Place place; std::shared_ptr<typename Fs::File> file; Lsn first = 0, last = 0; };
  struct Active { typename Fs::File file; std::string path; };
  struct Read { Recovery recovery; std::vector<wal::FramePlace> places; };

  StreamState(Fs file_system, FileStoreOptions opts, std::string store_root, StreamId stream)
      : fs(std::move(file_system)), options(opts), root(std::move(store_root)), directory(root + "/" + stream.text), id(std::move(stream)) {}

  Fs fs;
  FileStoreOptions options;
  std::string root, directory;
  StreamId id;
  std::mutex mutex;
  Mode mode = Mode::fresh;
  std::uint64_t claimed = 0;          // the ordinal that is ours: take() sets it
  std::string own_claim, next_claim;  // paths: of ours, and of the one that would end this tenure
  std::uint64_t segment_ordinal = 0;  // of `active`
  std::uint64_t unit = 4096;          // rewrite unit
  Incarnation incarnation = 1;
  Head tail;
  bool tail_hashed = true;            // else its hash is to be taken from `last_group`
  Lsn durable = 0, base = 1;
  std::shared_ptr<Active> active;
  bool begins_segment = false;        // the next append does
  std::uint64_t at = 0;               // where the next byte goes
  std::uint64_t prewritten = 0;       // newlines are durable up to here
  bool needs_gap = false, dirty = false, mark_is_last = false;
  std::vector<Part> parts;            // in order; the last one is `active` when there is one
  Lsn last_group_before = ~Lsn{0};
  Bytes last_group, buffer;

  void forget() {
    active.reset();
    parts.clear();
    tail = Head{id, 0, 0, {}};
    tail_hashed = true;
    durable = 0;
    base = 1;
    at = prewritten = 0;
    claimed = segment_ordinal = 0;
    needs_gap = dirty = mark_is_last = false;
    last_group_before = ~Lsn{0};
    last_group.clear();
  }

  Error lost() const { return {errc::conflict, "another owner has taken this log over", directory, "Take the lease again and recover; never append again with a fresh expected_last."}; }
  Error no_checkpoint(Lsn lsn) const {
    return {errc::invalid_argument, "no durable checkpoint begins at LSN " + std::to_string(lsn), directory, "Nothing was dropped. Write a checkpoint, and wait until it is durable (Updater::compact does)."};
  }
  Error closed() const { return {errc::invalid_argument, "the stream is closed", directory, "Open it again."}; }
  Error fail(const Error& cause) {
    mode = Mode::failed;
    return {errc::log_failed, "the log could not be made durable: " + cause.what(), cause.where(), "Nothing more is acknowledged. Mend the disk, then start again: recovery reads what the medium holds"};
  }
  result<void> may_write() const {
    switch (mode) {
      case Mode::writing: return success();
      case Mode::failed: return Error(errc::log_failed, "an earlier sync of this log failed", directory, "Open the store again and recover.");
      case Mode::ended: return lost();
      case Mode::closed: return closed();
      case Mode::fresh:
      case Mode::looking: break;
    }
    return Error(errc::invalid_argument, "the first call of a tenure is recover()", directory, "Call recover() before append, sync or prove.");
  }

  void take(std::uint64_t ordinal) {
    claimed = ordinal;
    own_claim = segment::claim_path(directory, ordinal);
    next_claim = segment::claim_path(directory, ordinal + 1);
  }
  result<void> claim_next() {
    for (int tries = 0; tries < 64; ++tries) {
      KFM_DET_TRY(auto names, segment::list(fs, directory));
      const std::uint64_t next = names.highest() + 1;
      auto made = fs.create_exclusive(segment::claim_path(directory, next));
      if (made) { take(next); return success(); }
      if (made.error().code() != errc::conflict) return made.error();
    }
    return Error(errc::conflict, "other owners keep taking this log over", directory, "Look who else runs this updater.");
  }

  /// Is somebody behind us? A name lookup, no directory sync. Our own claim vanishes only when a later tenure cleans up.
  result<void> look() {
    auto later = fs.exists(next_claim);
    auto mine = fs.exists(own_claim);
    if (!later) return fail(later.error());
    if (!mine) return fail(mine.error());
    if (later.value() || !mine.value()) { mode = Mode::ended; return lost(); }
    return success();
  }

  /// Reads what counts of the segments that were listed. What another owner moves or drops meanwhile is looked for again.
  result<Read> read_all(const segment::Listing& listed, std::span<const Head> witnesses, bool accept_loss, Bytes* last_read) {
    for (int tries = 0;; ++tries) {
      segment::Listing names = listed;
      if (tries != 0) { KFM_DET_TRY(names, segment::list(fs, directory)); }
      parts.clear();
      auto out = read_once(names, witnesses, accept_loss, last_read);
      if (out || out.error().code() != errc::not_found || tries == 64) return out;
    }
  }
  /// not_found: a segment that was listed is gone, and not to the archive.
  result<Read> read_once(const segment::Listing& names, std::span<const Head> witnesses, bool accept_loss, Bytes* last_read) {
    Read out;
    KFM_DET_TRY(auto places, places_of(fs, directory, names));
    std::vector<wal::SegmentName> all;
    for (const Place& place : places) all.push_back(place.name);
    wal::Judge judge(id, std::move(all), witnesses);
    const auto living = judge.living();
    const auto place_of = [&](std::size_t i) -> Place& { return *std::find_if(places.begin(), places.end(), [&](const Place& place) { return place.name == living[i].name; }); };

    // The log begins in the folder, unless what it begins with has gone to the archive: then where a checkpoint or LSN 1 is found, going back.
    std::size_t begin = 0;
    while (begin < living.size() && place_of(begin).archived) ++begin;
    for (begin = std::min(begin, living.empty() ? 0 : living.size() - 1); begin > 0 && living[begin].name.first != 1; --begin) {
      auto file = open_place(fs, directory, place_of(begin));
      if (!file && file.error().code() == errc::not_found) return file.error();
      auto bytes = file ? read_place(fs, *file.value(), place_of(begin), options.codec) : result<Bytes>(file.error());
      if (bytes && wal::read_base(bytes.value(), id, living[begin].name.first)) break;
    }
    judge.begin_with(begin);

    for (std::size_t i = begin; i < living.size(); ++i) {
      Place& place = place_of(i);
      auto file = open_place(fs, directory, place);
      if (!file && file.error().code() == errc::not_found) return file.error();
      auto bytes = file ? read_place(fs, *file.value(), place, options.codec) : result<Bytes>(file.error());
      if (!bytes) { judge.unreadable(place.path, bytes.error()); continue; }
      const bool was_stopped = judge.is_stopped();
      const Lsn base_before = judge.base();
      (void)judge.feed(bytes.value(), place.path);
      if (judge.base() != base_before) parts.clear();   // the log begins here
      else if (was_stopped) continue;
      if (!judge.places().empty()) parts.push_back({place, std::move(file).value(), judge.places().front().lsn, judge.places().back().lsn});
      if (last_read) *last_read = std::move(bytes).value();
    }
    out.recovery = judge.finish(accept_loss);
    out.places = judge.places();
    return out;
  }

  /// Lower claims and unnamed segments of earlier owners go, lowest first: whoever misses a later claim misses its own too.
  void clean_up(const segment::Listing& names) {
    for (const auto& leftover : names.leftovers)
      if (leftover.ordinal < claimed) (void)fs.remove(directory + "/" + leftover.name);
    for (const std::uint64_t ordinal : names.claims)
      if (ordinal < claimed) {
        if (!fs.remove(segment::claim_path(directory, ordinal))) break;
      }
  }

  /// Names the tail. Its hash is wanted here alone, so no append pays for it; a frame that is no envelope names nothing.
  void append_mark(Bytes& out) {
    if (!tail_hashed) {
      const BytesView lines = BytesView(last_group).substr(0, last_group.size() - 1);
      tail.hash = wal::read_line(lines.substr(lines.rfind('\n') + 1)).hash;   // behind npos is the beginning
      tail_hashed = true;
    }
    wal::seal_mark(out, {id, std::max<Incarnation>(incarnation, 1), segment_ordinal, tail.lsn, tail.hash});
    out += '\n';
  }

  /// Writes the segment of ordinal `claimed` under a temporary name, whole and synced, then names it.
  result<void> name_segment(Lsn first, const Bytes& copies) {
    const std::string temporary = segment::temporary_path(directory, claimed), path = segment::path(directory, {claimed, first});
    auto made = fs.create_exclusive(temporary);
    if (!made && made.error().code() == errc::conflict) {   // left by us, by an attempt that failed
      KFM_DET_TRY(fs.remove(temporary));
      made = fs.create_exclusive(temporary);
    }
    if (!made) return made.error();
    auto next = std::make_shared<Active>(Active{std::move(made).value(), path});
    const std::uint64_t before = std::exchange(segment_ordinal, claimed);
    Bytes whole = copies;
    append_mark(whole);
    const std::uint64_t used = whole.size();
    whole.resize(segment::align_up(used + unit, options.prewrite_bytes), '\n');
    const auto undone = [&](Error error) -> Error { segment_ordinal = before; next.reset(); (void)fs.remove(temporary); return error; };
    if (auto written = segment::write_whole(fs, next->file, 0, whole); !written) return undone(written.error().at(temporary));
    if (auto synced = fs.sync(next->file); !synced) return undone(synced.error().at(temporary));
    if (auto named = fs.rename_no_replace(temporary, path); !named) {
      const bool taken = named.error().code() == errc::conflict || named.error().code() == errc::not_found;
      if (taken) mode = Mode::ended;
      return undone(taken ? lost() : named.error());
    }
    if (auto synced = fs.sync_directory(directory); !synced) return fail(synced.error());
    if (active) parts.back().last = first - 1;
    std::erase_if(parts, [&](const Part& part) { return part.first >= first; });
    if (!parts.empty() && parts.back().last >= first) parts.back().last = first - 1;
    active = std::move(next);
    parts.push_back({{{claimed, first}, path, std::nullopt, false}, std::shared_ptr<typename Fs::File>(active, &active->file), first, tail.lsn});
    at = used;
    prewritten = whole.size();
    needs_gap = true;
    dirty = false;
    mark_is_last = true;
    return success();
  }

  /// The next segment of this tenure: its ordinal is ours + 1, and nobody else's.
  result<void> rotate() {
    if (auto synced = fs.sync(active->file); !synced) return fail(synced.error());
    dirty = false;
    needs_gap = true;
    if (claimed == segment_ordinal) {   // else an earlier attempt has claimed it already
      KFM_DET_TRY(look());
      auto made = fs.create_exclusive(next_claim);
      if (!made) {
        if (made.error().code() != errc::conflict) return made.error();
        mode = Mode::ended;
        return lost();
      }
      take(claimed + 1);
    }
    durable = tail.lsn;
    return name_segment(tail.lsn + 1, {});
  }

  /// How far to prewrite when `needed` is not reached. As much again as there is, up to 16 chunks: each prewriting costs a sync that changes metadata,
  /// so a long tenure has few of them, and a short one a small file. Never beyond a full segment, but for what is needed.
  [[nodiscard]] std::uint64_t prewrite_end(std::uint64_t needed) const {
    const std::uint64_t grown = prewritten + std::min(prewritten, 16 * options.prewrite_bytes);
    return segment::align_up(std::max(needed, std::min(grown, options.segment_bytes)), options.prewrite_bytes);
  }

  /// Puts whole lines behind what is there; `first` is the LSN of the first, 0 for a MARK (which never starts a segment). `fresh`: at the start of a segment.
  result<void> write_line(const Bytes& lines, Lsn first, bool fresh = false) {
    if (!active) {
      KFM_DET_TRY(name_segment(first, {}));
    }
    std::uint64_t place = needs_gap ? segment::align_up(at, unit) : at;
    if (first != 0 && (fresh || place + lines.size() > options.segment_bytes) && parts.back().first < first) {
      KFM_DET_TRY(rotate());
      place = segment::align_up(at, unit);
    }
    if (place + lines.size() > prewritten) {
      place = segment::align_up(at, unit);   // a sync is issued: what is before it shares no unit with what comes
      const std::uint64_t end = prewrite_end(place + lines.size());
      if (auto written = segment::write_newlines(fs, active->file, prewritten, end); !written) return written.error().at(active->path);
      if (auto synced = fs.sync(active->file); !synced) return fail(synced.error());
      prewritten = end;
      needs_gap = true;
    }
    dirty = true;
    if (auto written = segment::write_whole(fs, active->file, place, lines); !written) {
      if (auto restored = segment::write_newlines(fs, active->file, place, place + lines.size()); !restored) return fail(restored.error());
      return written.error().at(active->path);
    }
    at = place + lines.size();
    needs_gap = false;
    return success();
  }

  /// Takes the segments below an ordinal out of the folder, oldest first, living or dead: into the archive, or away where `drops` and nothing but frames that
  /// count is in them. What counts of them stays open for this stream.
  result<void> clear_below(std::uint64_t ordinal, bool drops) {
    KFM_DET_TRY(look());
    KFM_DET_TRY(const auto names, segment::list(fs, directory));
    Archiver<Fs> archiver(fs, directory, id, claimed, options.codec);
    bool begun = false, gone = false;
    for (const wal::SegmentName& name : names.segments) {
      if (name.ordinal >= ordinal) break;
      Place place{name, segment::path(directory, name), std::nullopt, false};
      auto file = open_place(fs, directory, place);
      if (!file && file.error().code() == errc::not_found) continue;   // an earlier owner, held up in here, was before us
      if (!file) return file.error();
      KFM_DET_TRY(const Bytes bytes, read_place(fs, *file.value(), place, options.codec));
      const auto part = std::find_if(parts.begin(), parts.end(), [&](const Part& one) { return one.place.name == name; });
      const Counted counted = part == parts.end() ? Counted{} : Counted{part->first, part->last};
      if (!drops || part == parts.end() || !holds_no_evidence(bytes, id, counted)) {
        if (!begun) { KFM_DET_TRY(archiver.begin()); }
        begun = true;
        KFM_DET_TRY(archiver.keep(name, place.path, bytes, counted));
      }
      KFM_DET_TRY(look());   // whoever was held up until a later tenure began removes nothing
      if (auto removed = fs.remove(segment::path(directory, name)); !removed && removed.error().code() != errc::not_found) return removed.error();
      gone = true;
    }
    return gone ? fs.sync_directory(directory) : result<void>(success());
  }
};

}  // namespace segment
}  // namespace kfm_det

#endif
