// SPDX-License-Identifier: BSL-1.0
/// \file
/// FileStore: streams as JSON Lines segments in folders of a file system. The store of one machine.
///
/// root/<stream>/<ordinal>.claim            an empty file: that ordinal is taken, by exclusive creation
/// root/<stream>/<ordinal>-<first>.jsonl    a segment: what one tenure (or one rotation of it) wrote
/// root/<stream>/tmp-<ordinal>              a segment that is not named yet; harmless
/// root/<stream>/archive/                   segments that were moved away (stores/archive.hpp)
/// root/<stream>/evidence/                  what verdicts rested on, copied (stores/evidence.hpp); nothing to the store
///
/// Durability: what sync() acknowledged survives power loss on a disk that keeps its word about flushes. Every segment is prewritten with
/// newlines, so an append changes no metadata; bytes written before a sync is *issued* share no rewrite unit with bytes written after it, so a
/// torn write harms only what nobody was promised. Old segments are never written again. After a failed sync the stream is failed, for good.
/// Tenures: recover() claims the next ordinal before it reads, and looks for a later one behind its read and at every sync: a paused owner
/// can neither lose nor fork anything. Names are never reused. A group that begins a checkpoint starts a segment, so that a log can be trimmed to it.
/// A reader opens the files of what it recovered or inspected, and keeps them open: what an owner moves or removes meanwhile stays readable to it. That
/// costs a file descriptor a segment.
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
#include "kfm_det/stores/archive.hpp"
#include "kfm_det/stores/segment_file.hpp"
#include "kfm_det/stores/stream_state.hpp"
#include "kfm_det/wal/recovery.hpp"

namespace kfm_det {

template <class Fs = PosixFileSystem>
class FileStore {
  static_assert(diagnose_file_system<Fs>());

 public:
  static constexpr StoreClaims claims{.survives_power_loss = true, .many_processes = true, .detects_corruption = true, .trims = true};
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
    my.base = found.recovery.base;
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
    my.base = found.recovery.base;
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
    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));
    my.begins_segment = false;
    my.tail.lsn += group.size();
    my.tail_hashed = false;
    my.last_group_before = expected_last;
    my.last_group.swap(my.buffer);
    my.mark_is_last = false;
    return my.tail.lsn;
  }

  /// The next append begins a segment, unless nothing was appended to this one: what is before it is finished, and can be archived. Errors: as append.
  [[nodiscard]] result<void> begin_segment() {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    KFM_DET_TRY(my.may_write());
    my.begins_segment = true;
    return success();
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
    Lsn last = 0, base = 1;
    {
      const std::scoped_lock guard(my.mutex);
      parts = my.parts;
      base = my.base;
      last = my.tail.lsn;
      if (my.active) parts.back().last = last;
    }
    Lsn next = std::max(from, base);
    for (const Part& part : parts) {
      if (part.last < next) continue;
      KFM_DET_TRY(auto bytes, segment::read_place(my.fs, *part.file, part.place, my.options.codec));
      KFM_DET_TRY(segment::visit(bytes, part.place.path, my.id, next, std::min(part.last, last), visitor));
      next = part.last + 1;
    }
    if (next <= last) return Error(errc::corrupt_committed, "frames that were there are gone", my.directory + " lsn " + std::to_string(next), "Recover the stream to see what is left.");
    return last;
  }

  [[nodiscard]] Tail tail() const { const std::scoped_lock guard(state_->mutex); return {state_->tail.lsn, state_->durable, state_->base}; }

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
    my.parts.clear();
    my.mode = Mode::closed;
    return proven;
  }

  /// STORE-20, 21. What is below the checkpoint at `lsn` goes to the archive (FileStoreOptions::archive), whole segments, oldest first. Killed anywhere, the
  /// log begins at `lsn` or where it began; call it again. Errors: invalid_argument, conflict (a later tenure; or the archive holds another segment under a
  /// name: nothing of that one was removed), log_failed, no_space, io_error.
  [[nodiscard]] result<void> drop_before(Lsn lsn) {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    KFM_DET_TRY(my.may_write());
    KFM_DET_TRY(my.look());
    if (lsn <= my.base) return success();
    const auto part = std::find_if(my.parts.begin(), my.parts.end(), [&](const Part& one) { return one.first == lsn; });
    if (part == my.parts.end()) return my.no_checkpoint(lsn);
    KFM_DET_TRY(const Bytes bytes, segment::read_place(my.fs, *part->file, part->place, my.options.codec));
    const auto base = wal::read_base(bytes, my.id, lsn);
    if (!base || base->last > my.durable) return my.no_checkpoint(lsn);
    KFM_DET_TRY(my.clear_below(part->place.name.ordinal, !my.options.archive));
    std::erase_if(my.parts, [&](const Part& one) { return one.first < lsn; });
    my.base = lsn;
    return success();
  }

  /// Moves every finished segment to the archive, where it stays a part of the log. Errors: as drop_before.
  [[nodiscard]] result<void> archive_finished() {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    KFM_DET_TRY(my.may_write());
    return my.clear_below(my.active ? my.segment_ordinal : my.claimed, false);
  }

 private:
  friend class FileStore;
  using State = segment::StreamState<Fs>;
  using Mode = typename State::Mode;
  using Part = typename State::Part;

  Stream(Fs file_system, FileStoreOptions options, std::string root, StreamId id)
      : state_(std::make_unique<State>(std::move(file_system), options, std::move(root), std::move(id))) { state_->forget(); }

  static result<void> ensure_directory(Fs& fs, const std::string& path) { return segment::ensure_directory(fs, path); }

  std::unique_ptr<State> state_;
};

}  // namespace kfm_det

#endif
