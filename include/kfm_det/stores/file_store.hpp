// SPDX-License-Identifier: BSL-1.0
/// \file
/// FileStore: streams as JSON Lines segments in folders of a file system. The store of one machine.
///
/// root/<stream>/<ordinal>.claim            an empty file: that ordinal is taken, by exclusive creation
/// root/<stream>/<ordinal>-<first>.jsonl    a segment: what one tenure (or one rotation of it) wrote
/// root/<stream>/tmp-<ordinal>              a segment that is not named yet; harmless
/// root/<stream>/evidence/                  what verdicts rested on, copied (stores/evidence.hpp); nothing to the store
///
/// Durability: what sync() acknowledged survives power loss on a disk that keeps its word about flushes. Every segment is prewritten with
/// newlines, so an append changes no metadata; bytes written before a sync is *issued* share no rewrite unit with bytes written after it, so a
/// torn write harms only what nobody was promised. Old segments are never written again. After a failed sync the stream is failed, for good.
/// Tenures: recover() claims the next ordinal before it reads, and looks for a later one behind its read and at every sync: a paused owner
/// can neither lose nor fork anything. Names are never reused.
/// Thread-safety: append and sync may be called at the same time, each by one thread at a time; the other verbs alone.
/// Limits: works between processes of one machine, and over a network file system only as far as that keeps exclusive creation and sync.
#ifndef KFM_DET_STORES_FILE_STORE_HPP
#define KFM_DET_STORES_FILE_STORE_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/stores/segment_file.hpp"
#include "kfm_det/wal/recovery.hpp"

namespace kfm_det {

struct FileStoreOptions {
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;   ///< a segment that would grow beyond is followed by a new one
  std::uint64_t prewrite_bytes = std::uint64_t{256} << 10; ///< newlines written and synced ahead of the first appends; more as a segment grows
};

template <class Fs = PosixFileSystem>
class FileStore {
  static_assert(diagnose_file_system<Fs>());

 public:
  static constexpr StoreClaims claims{.survives_power_loss = true, .many_processes = true, .detects_corruption = true, .trims = false};
  class Stream;

  /// Touches nothing: folders appear with the first recover(). errc::invalid_argument for an empty root or options that cannot work.
  [[nodiscard]] static result<FileStore> open(std::string root, FileStoreOptions options = {}, Fs file_system = {}) {
    while (root.size() > 1 && root.back() == '/') root.pop_back();
    if (root.empty()) return Error(errc::invalid_argument, "the root of a file store is empty", "FileStore::open", "Give a folder, such as state/wal.");
    if (options.prewrite_bytes < 4096 || options.segment_bytes < options.prewrite_bytes)
      return Error(errc::invalid_argument, "segment_bytes must be at least prewrite_bytes, and that at least 4096", root, "Use the defaults.");
    return FileStore(std::move(root), options, std::move(file_system));
  }
  [[nodiscard]] result<Stream> open_stream(const StreamId& id) {
    if (id.text.empty() || id.text.find('/') != std::string::npos) return Error(errc::invalid_argument, "not a stream id", id.text, "Use StreamId::of(scope).");
    return Stream(file_system_, options_, root_, id);
  }
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] Fs file_system() const { return file_system_; }

 private:
  FileStore(std::string root, FileStoreOptions options, Fs file_system) : root_(std::move(root)), options_(options), file_system_(std::move(file_system)) {}
  std::string root_;
  FileStoreOptions options_;
  Fs file_system_;
};

template <class Fs>
class FileStore<Fs>::Stream {
 public:
  /// STORE-5..8. Begins a tenure. A verdict that is not usable is a value, not an error; then nothing but the claim was written.
  /// Errors: conflict (a later tenure began meanwhile), io_error, no_space, permission_denied.
  [[nodiscard]] result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    my.forget();
    my.mode = Mode::ended;
    KFM_DET_TRY(ensure_directory(my.fs, my.directory));
    KFM_DET_TRY(my.fs.sync_directory(segment::parent_of(my.root)));
    KFM_DET_TRY(my.fs.sync_directory(my.root));
    KFM_DET_TRY(my.fs.sync_directory(my.directory));
    KFM_DET_TRY(my.claim_next());
    KFM_DET_TRY(auto names, segment::list(my.fs, my.directory));
    KFM_DET_TRY(auto block, my.fs.block_size(my.directory));
    my.unit = std::max<std::uint64_t>(block, 1);

    Bytes last_read;
    KFM_DET_TRY(auto found, my.read_all(names, witnesses, options.accept_loss, &last_read));

    // behind the read, before anything is named or returned: is there a later owner?
    KFM_DET_TRY(my.fs.sync_directory(my.directory));
    KFM_DET_TRY(auto again, segment::list(my.fs, my.directory));
    if (again.highest() > my.claimed) return my.lost();
    if (!may_begin(found.recovery.verdict, options)) return found.recovery;

    my.clean_up(again);
    my.tail = found.recovery.tail;
    my.incarnation = found.recovery.incarnation;
    my.durable = my.tail.lsn;
    Bytes copies;
    Lsn first_copied = 0;
    for (const auto& place : found.places) {
      if (place.lsn <= found.recovery.proven) continue;
      if (first_copied == 0) first_copied = place.lsn;
      copies.append(last_read, place.offset, place.length);
      copies += '\n';
    }
    if (first_copied != 0) {
      KFM_DET_TRY(my.name_segment(first_copied, copies));
    }
    my.mode = Mode::writing;
    return found.recovery;
  }

  /// STORE-9. Lists, syncs the directory, and reads only what it listed. Answers that must not be taken back rest on `proven`.
  [[nodiscard]] result<Recovery> inspect(std::span<const Head> witnesses) {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    my.forget();
    my.mode = Mode::looking;
    auto names = segment::list(my.fs, my.directory);
    if (!names && names.error().code() == errc::not_found) names = segment::Listing{};
    else if (names) {
      KFM_DET_TRY(my.fs.sync_directory(my.directory));
      KFM_DET_TRY(my.fs.sync_directory(my.root));
    }
    if (!names) return names.error();
    KFM_DET_TRY(auto found, my.read_all(names.value(), witnesses, false, nullptr));
    my.tail = found.recovery.tail;
    my.durable = my.tail.lsn;
    return found.recovery;
  }

  /// STORE-1, STORE-2. Errors: conflict (also: this tenure is over), log_failed, no_space and io_error (nothing was appended),
  /// invalid_argument (an empty group or frame, a newline inside a frame).
  [[nodiscard]] result<Lsn> append(Lsn expected_last, std::span<const BytesView> group) {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    KFM_DET_TRY(my.may_write());
    if (group.empty()) return Error(errc::invalid_argument, "an empty group", my.directory, "Append at least one frame.");
    std::uint64_t size = 0;
    for (const BytesView frame : group) {
      if (frame.empty() || frame.find('\n') != BytesView::npos)
        return Error(errc::invalid_argument, "a frame is one line, not empty and without a newline", my.directory, "Seal records with wal::seal_frame.");
      size += frame.size() + 1;
    }
    my.buffer.clear();
    my.buffer.reserve(size);
    for (const BytesView frame : group) { my.buffer += frame; my.buffer += '\n'; }
    if (my.last_group_before == expected_last && my.tail.lsn == expected_last + group.size() && my.buffer == my.last_group) return my.tail.lsn;
    if (expected_last != my.tail.lsn) { my.mode = Mode::ended; return my.lost(); }
    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1));
    my.tail.lsn += group.size();
    my.tail_hashed = false;
    my.last_group_before = expected_last;
    my.last_group.swap(my.buffer);
    my.mark_is_last = false;
    return my.tail.lsn;
  }

  /// STORE-3..5. One fdatasync and one look for a later tenure. Errors: conflict, log_failed (this sync or an earlier one failed: sticky).
  [[nodiscard]] result<Lsn> sync() {
    State& my = *state_;
    std::unique_lock guard(my.mutex);
    KFM_DET_TRY(my.may_write());
    const Lsn target = my.tail.lsn;
    if (my.active && (my.dirty || my.durable < target)) {
      const auto active = my.active;   // rotation may replace it meanwhile
      my.needs_gap = true;             // from the moment the sync is issued
      my.dirty = false;
      guard.unlock();
      auto synced = my.fs.sync(active->file);
      guard.lock();
      if (!synced) return my.fail(synced.error());
      KFM_DET_TRY(my.may_write());
    }
    KFM_DET_TRY(my.look());
    my.durable = std::max(my.durable, target);
    return my.durable;
  }

  /// STORE-10. Every line is verified again, and its link to the one before. Errors: corrupt_committed, io_error, and what the visitor answers.
  [[nodiscard]] result<Lsn> scan(Lsn from, FrameVisitor visitor) {
    State& my = *state_;
    if (my.mode == Mode::closed) return my.closed();
    std::vector<Part> parts;
    Lsn last = 0;
    {
      const std::scoped_lock guard(my.mutex);
      parts = my.parts;
      last = my.tail.lsn;
      if (my.active) parts.back().last = last;
    }
    Lsn next = from == 0 ? 1 : from;
    for (const Part& part : parts) {
      if (part.last < next) continue;
      KFM_DET_TRY(auto bytes, segment::read_whole(my.fs, part.path));
      KFM_DET_TRY(segment::visit(bytes, part.path, my.id, next, std::min(part.last, last), visitor));
      next = part.last + 1;
    }
    if (next <= last) return Error(errc::corrupt_committed, "frames that were there are gone", my.directory + " lsn " + std::to_string(next), "Recover the stream to see what is left.");
    return last;
  }

  [[nodiscard]] Tail tail() const { const std::scoped_lock guard(state_->mutex); return {state_->tail.lsn, state_->durable}; }

  /// Leaves a synced MARK behind the tail, unless one is there. Errors: as append and sync.
  [[nodiscard]] result<void> prove() {
    KFM_DET_TRY(sync());
    State& my = *state_;
    {
      const std::scoped_lock guard(my.mutex);
      KFM_DET_TRY(my.may_write());
      if (!my.active || my.mark_is_last || my.durable != my.tail.lsn) return success();
      my.buffer.clear();
      my.append_mark(my.buffer);
      KFM_DET_TRY(my.write_line(my.buffer, 0));
      my.mark_is_last = true;
    }
    KFM_DET_TRY(sync());
    return success();
  }

  /// prove(), then lets go of the file. Idempotent. The files are closed whatever the answer.
  [[nodiscard]] result<void> close() {
    State& my = *state_;
    if (my.mode == Mode::closed) return success();
    result<void> proven = my.mode == Mode::writing ? prove() : result<void>(success());
    const std::scoped_lock guard(my.mutex);
    my.active.reset();
    my.mode = Mode::closed;
    return proven;
  }

  [[nodiscard]] result<void> drop_before(Lsn) { return Error(errc::unsupported, "this store does not trim", state_->directory, "Keep the whole log."); }

 private:
  friend class FileStore;
  enum class Mode : std::uint8_t { fresh, looking, writing, ended, failed, closed };
  struct Part { std::string path; Lsn first = 0, last = 0; };   // a segment, and which of its frames count
  struct Active { typename Fs::File file; std::string path; };
  struct Read { Recovery recovery; std::vector<wal::FramePlace> places; };

  struct State {
    State(Fs file_system, FileStoreOptions opts, std::string store_root, StreamId stream)
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
    Lsn durable = 0;
    std::shared_ptr<Active> active;
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
      at = prewritten = 0;
      claimed = segment_ordinal = 0;
      needs_gap = dirty = mark_is_last = false;
      last_group_before = ~Lsn{0};
      last_group.clear();
    }

    Error lost() const { return {errc::conflict, "another owner has taken this log over", directory, "Take the lease again and recover; never append again with a fresh expected_last."}; }
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

    result<Read> read_all(const segment::Listing& names, std::span<const Head> witnesses, bool accept_loss, Bytes* last_read) {
      Read out;
      wal::Judge judge(id, names.segments, witnesses);
      for (const auto& [name, limit] : std::vector<wal::Judge::Living>(judge.living())) {
        const std::string path = segment::path(directory, name);
        auto bytes = segment::read_whole(fs, path);
        if (!bytes) { judge.unreadable(path, bytes.error()); break; }
        const bool go_on = judge.feed(bytes.value(), path);
        if (!judge.places().empty()) parts.push_back({path, judge.places().front().lsn, judge.places().back().lsn});
        if (last_read) *last_read = std::move(bytes).value();
        if (!go_on) break;
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
      parts.push_back({path, first, tail.lsn});
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

    /// Puts whole lines behind what is there; `first` is the LSN of the first, 0 for a MARK (which never starts a segment).
    result<void> write_line(const Bytes& lines, Lsn first) {
      if (!active) {
        KFM_DET_TRY(name_segment(first, {}));
      }
      std::uint64_t place = needs_gap ? segment::align_up(at, unit) : at;
      if (first != 0 && place + lines.size() > options.segment_bytes && parts.back().first < first) {
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
  };

  Stream(Fs file_system, FileStoreOptions options, std::string root, StreamId id)
      : state_(std::make_unique<State>(std::move(file_system), options, std::move(root), std::move(id))) { state_->forget(); }

  static result<void> ensure_directory(Fs& fs, const std::string& path) { return segment::ensure_directory(fs, path); }

  std::unique_ptr<State> state_;
};

}  // namespace kfm_det

#endif
