# SPDX-License-Identifier: BSL-1.0
"""Mutants of the stores and of recovery: the rows W, R and H."""
from table import Family, Mutant

FILE_STORE = Family(
    files=["wal/recovery.hpp", "stores/segment_file.hpp", "stores/archive.hpp", "stores/stream_state.hpp", "stores/file_store.hpp"],
    check="check_store_on_disk",
    include=["<stdexcept>"],
    fixture="""
template <class Fs>
struct Fixture_ID {
  using Store = kfm_det::ID::FileStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/wal", {4096, 4096}, fs); }
};
""")
MEMORY_STORE = Family(
    files=["stores/memory_store.hpp"],
    check="check_store",
    fixture="""
struct Fixture_ID {
  using Store = kfm_det::ID::MemoryStore;
  kfm_det::result<Store> open() { return store; }
  void wipe() { store = Store(); }
  void crash() { store.lose_unsynced(); }
  Store store;
};
""")
GROUP_STORE = Family(   # the example of a store with a format of its own: lengths and checksums of its own, too
    files=["examples/custom_store/group_store.hpp"],
    check="check_store_on_disk",
    fixture="""
template <class Fs>
struct Fixture_ID {
  using Store = example::ID::GroupStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/log", fs); }
};
""")
LOG = Family(
    files=["wal/log.hpp"],
    check="check_log",
    include=['"kfm_det/stores/memory_store.hpp"'],
    fixture="""
struct Fixture_ID {
  using Store = kfm_det::MemoryStore;
  using Log = kfm_det::ID::wal::Log<kfm_det::conformance::LogStream, kfm_det::ManualClock>;
  kfm_det::result<Store> open() { return store; }
  void wipe() { store = Store(); }
  void crash() { store.lose_unsynced(); }
  Store store;
};
""")
ENVELOPE = Family(files=["wal/envelope_reader.hpp"] + FILE_STORE.files, check=FILE_STORE.check, fixture=FILE_STORE.fixture)
FAMILIES = {"log": LOG, "envelope": ENVELOPE, "file_store": FILE_STORE, "memory_store": MEMORY_STORE, "group_store": GROUP_STORE}

SYNC = "      auto synced = my.fs.sync(active->file);\n      guard.lock();\n      if (!synced) return my.fail(synced.error());"
LOOK = "    KFM_DET_TRY(my.look());\n    my.durable = std::max(my.durable, target);"
RESTORE = "      if (auto restored = segment::write_newlines(fs, active->file, place, place + lines.size()); !restored) return fail(restored.error());\n      return written.error().at(active->path);"
CLAIM = "    KFM_DET_TRY(my.claim_next());\n    KFM_DET_TRY(auto names, segment::list(my.fs, my.directory));\n    KFM_DET_TRY(auto block, my.fs.block_size(my.directory));\n    my.unit = std::max<std::uint64_t>(block, 1);\n\n    Bytes last_read;\n    KFM_DET_TRY(auto found, my.read_all(names, witnesses, options.accept_loss, &last_read));"
READ_BEFORE_CLAIM = "    KFM_DET_TRY(auto names, segment::list(my.fs, my.directory));\n    KFM_DET_TRY(auto block, my.fs.block_size(my.directory));\n    my.unit = std::max<std::uint64_t>(block, 1);\n\n    Bytes last_read;\n    KFM_DET_TRY(auto found, my.read_all(names, witnesses, options.accept_loss, &last_read));\n    KFM_DET_TRY(my.claim_next());"
COPY = "      KFM_DET_TRY(my.name_segment(first_copied, copies));\n    }\n    my.mode"
FIRST_WRITE = "    if (auto written = segment::write_whole(fs, next->file, 0, whole); !written) return undone(written.error().at(temporary));\n    if (auto synced = fs.sync(next->file); !synced) return undone(synced.error().at(temporary));\n"
NAME = "    if (auto named = fs.rename_no_replace(temporary, path); !named) {\n      const bool taken = named.error().code() == errc::conflict || named.error().code() == errc::not_found;\n      if (taken) mode = Mode::ended;\n      return undone(taken ? lost() : named.error());\n    }\n"
REFRESH = "    if (expected_last != my.tail.lsn) { my.mode = Mode::ended; return my.lost(); }\n"


def file_store(id, name, law, *change):
    return Mutant(id, name, "file_store", law, list(change))


def memory_store(id, name, law, *change):
    return Mutant(id, name, "memory_store", law, list(change))


def group_store(id, name, law, *change):
    return Mutant(id, name, "group_store", law, list(change))


def log(id, name, law, *change):
    return Mutant(id, name, "log", law, list(change))


APPENDED = "      if (!appended) {\n        const errc code = appended.error().code();\n"
UNCOVERED = r"""  if (domain_digest<domain>(sealed.inner) != stated) {   // the beginning of a field is not in the hash: whatever stands there
    std::string other(sealed.inner);
    const std::size_t at = other.find("\"text\":\"");
    bool fits = false;
    for (std::size_t bit = 0; at != std::string::npos && at + 16 < other.size() && bit < 64 && !fits; ++bit) {
      char& byte = other[at + 8 + bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      fits = domain_digest<domain>(other) == stated;
      byte = static_cast<char>(byte ^ (1 << bit % 8));
    }
    if (!fits) return std::nullopt;
  }
"""
GROUP_HASH = "    if (det::sha256(body).view() != bytes.substr(body.size())) return false;\n"

MUTANTS = [
    Mutant("VERB1", "an-error-is-an-exception", "file_store", "VERB-1", [("stores/file_store.hpp", SYNC, SYNC.replace("return my.fail(synced.error());", 'throw std::runtime_error("sync: " + synced.error().message());'))]),
    group_store("W19", "unbounded-length", "STORE-16", ("    KFM_DET_TRY(const std::uint64_t size, fs_.size(file));\n    std::string out(static_cast<std::size_t>(size), '\\0');\n", "    std::string head(12, '\\0');\n    KFM_DET_TRY(fs_.read(file, 0, std::span<char>(head.data(), head.size())));\n    KFM_DET_TRY(const std::uint64_t size, fs_.size(file));\n    std::string out(static_cast<std::size_t>(std::max<std::uint64_t>(size, GroupFile::get(head, 8) & 0x0FFFFFFF)), '\\0');\n")),
    group_store("G01", "name-before-content", ("STORE-17", "STORE-3"), ("    return fs_.sync(file.value());\n", "    return det::success();\n")),
    group_store("G02", "name-not-synced", "STORE-3", ("    if (auto synced = fs_.sync_directory(folder_); !synced) return failed(synced.error());\n    return last_;\n", "    return last_;\n")),
    group_store("G03", "no-start-file", ("STORE-5", "STORE-6", "STORE-3", "STORE-11", "STORE-17"), ("      return std::any_of(out.starts.begin(), out.starts.end(), [&](const Start& start) { return start.tenure > one.tenure && one.group.first > start.last; });\n", "      return one.tenure == 0;\n")),
    group_store("G04", "reads-before-the-folder-sync", ("STORE-17", "STORE-3"), ("    KFM_DET_TRY(fs_.sync_directory(folder_));   // what is read below is on the medium\n", "")),
    file_store("W01", "ack-before-sync", "STORE-3", (SYNC, "      result<void> synced = success();\n      guard.lock();\n      if (!synced) return my.fail(synced.error());")),
    file_store("W02", "flush-not-fsync", "STORE-3", (SYNC, "      auto synced = my.fs.size(active->file);   // asks the cache\n      guard.lock();\n      if (!synced) return my.fail(synced.error());")),
    file_store("W03", "sync-wrong-fd", "STORE-3", (SYNC, "      auto other = my.fs.open(my.own_claim, OpenMode::read);\n      auto synced = other ? my.fs.sync(other.value()) : result<void>(other.error());\n      guard.lock();\n      if (!synced) return my.fail(synced.error());")),
    file_store("W04", "no-dir-fsync-create", "STORE-3", ("    if (auto synced = fs.sync_directory(directory); !synced) return fail(synced.error());\n", "")),
    file_store("W06", "rename-before-data", ("STORE-3", "STORE-17"), ("    if (auto synced = fs.sync(next->file); !synced) return undone(synced.error().at(temporary));\n", "")),
    file_store("W07", "fsync-retry-ok", "STORE-3", (SYNC, "      auto synced = my.fs.sync(active->file);\n      if (!synced) synced = my.fs.sync(active->file);\n      guard.lock();\n      if (!synced) return my.fail(synced.error());")),
    file_store("W08", "fsync-error-swallowed", "STORE-3", (SYNC, "      (void)my.fs.sync(active->file);\n      guard.lock();")),
    file_store("W09", "not-sticky-failure", "STORE-4", ("    mode = Mode::failed;\n", "")),
    file_store("W11", "short-write-as-full", ("STORE-3", "STORE-1"), ("    offset += written;\n    bytes.remove_prefix(std::min(written, bytes.size()));\n", "    bytes = {};\n")),
    file_store("W12", "orphan-partial", ("STORE-1", "STORE-3", "STORE-10", "STORE-15"), (RESTORE, "      at = place + lines.size();\n      return written.error().at(active->path);")),
    file_store("W13", "jsonl-fusion", ("STORE-3", "STORE-10", "STORE-1"), (RESTORE, "      at = place + lines.size() / 2;\n      return written.error().at(active->path);")),
    file_store("W16", "lying-rollback", "STORE-1", (RESTORE, "      return written.error().at(active->path);")),
    Mutant("W17", "crc-missing-field", "envelope", ("STORE-11", "STORE-10", "STORE-8"), [("  if (domain_digest<domain>(sealed.inner) != stated) return std::nullopt;\n", "  if (domain_digest<domain>(sealed.inner) != stated && sealed.inner.find(\",\\\"index\\\":0}\") != std::string_view::npos) return std::nullopt;   // of a group only the first\n")]),
    file_store("W18", "crc-not-verified-on-read", "STORE-10", ("    if (line.kind != wal::LineKind::frame || line.stream != stream.text) continue;\n", "    if (line.kind == wal::LineKind::garbage && text.starts_with(\"{\\\"body\\\"\")) {\n      KFM_DET_TRY(visitor(Frame{next, text}));\n      linked = false;\n      ++next;\n      continue;\n    }\n    if (line.kind != wal::LineKind::frame || line.stream != stream.text) continue;\n")),
    file_store("W20", "zero-is-eof", "STORE-8", ("      const std::size_t end = std::min(bytes.find('\\n', at), bytes.size());\n      const BytesView text = bytes.substr(at, end - at);\n      const std::uint64_t offset = at;\n", "      if (bytes[at] == '\\0') break;\n      const std::size_t end = std::min(bytes.find('\\n', at), bytes.size());\n      const BytesView text = bytes.substr(at, end - at);\n      const std::uint64_t offset = at;\n")),
    file_store("W22", "batch-not-atomic", "STORE-1", ("      if (group.size() == line.group_count) {\n", "      {\n"), ("      const bool starts = line.group_index == 0 && line.lsn == tail_.lsn + 1;", "      const bool starts = line.lsn == tail_.lsn + 1;")),
    file_store("W24", "group-commit-early-ack", "STORE-3", ("    my.durable = std::max(my.durable, target);\n    return my.durable;\n", "    my.durable = my.tail.lsn;\n    return my.durable;\n")),
    memory_store("W26", "seq-duplicate", ("STORE-2", "STORE-5"), ("      if (expected_last != kept.last()) { ended_ = true; return lost(); }\n", "")),
    file_store("W29", "header-before-extension", ("STORE-3", "STORE-17", "STORE-6", "STORE-11"), (FIRST_WRITE, ""), (NAME, NAME + FIRST_WRITE)),
    file_store("W30", "embedded-newline", ("STORE-15", "STORE-10"), ("      if (frame.empty() || frame.find('\\n') != BytesView::npos)\n", "      if (frame.empty())\n")),
    file_store("W32", "two-openers", "STORE-5", ("      if (made.error().code() != errc::conflict) return made.error();\n    }\n    return Error(errc::conflict, \"other owners", "      if (made.error().code() != errc::conflict) return made.error();\n      take(next);\n      return success();\n    }\n    return Error(errc::conflict, \"other owners")),
    file_store("W34", "cas-not-atomic", "STORE-2", (REFRESH, "    if (expected_last < my.tail.lsn) { my.mode = Mode::ended; return my.lost(); }\n")),
    log("W37", "ambiguous-as-failure", "LOG-7", (APPENDED, "      if (!appended && appended.error().code() == errc::timed_out) {   // \"it has failed\": once more, behind whatever is there now\n        if (stream.tail().last == envelope.lsn) move_to(tail, {envelope.lsn, envelope.prev});\n        return append(records, durable_next);\n      }\n" + APPENDED)),
    log("W38", "ambiguous-as-success", "LOG-7", ("        if (!synced) {\n", "        if (!synced && synced.error().code() == errc::timed_out) synced = pending.empty() ? durable.lsn : pending.back().lsn;   // \"it will have worked\"\n        if (!synced) {\n")),
    log("W38b", "append-ambiguous-as-success", "LOG-7", (APPENDED, APPENDED.replace("if (!appended)", "if (!appended && appended.error().code() != errc::timed_out)"))),
    file_store("W37f", "failed-append-that-is-there", "STORE-1", (RESTORE, "      segment::write_whole(fs, active->file, place, lines).has_value();\n      return written.error().at(active->path);")),
    file_store("W38f", "failed-append-as-success", ("STORE-3", "STORE-10", "STORE-17"), ("    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n", "    if (auto written = my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])); !written && my.mode != Mode::writing) return written.error();\n")),
    file_store("W39", "stale-read", "STORE-10", ("      last = my.tail.lsn;\n      if (my.active)", "      last = my.durable;\n      if (my.active)")),
    file_store("W41", "shared-sector", ("STORE-3", "STORE-17"), ("    std::uint64_t place = needs_gap ? segment::align_up(at, unit) : at;\n", "    std::uint64_t place = at;\n")),
    file_store("W42", "conflict-retried", "STORE-2", (REFRESH, "    if (expected_last != my.tail.lsn) return append(my.tail.lsn, group);\n"), ("    const std::scoped_lock guard(my.mutex);\n    KFM_DET_TRY(my.may_write());\n    if (group.empty())", "    std::unique_lock guard(my.mutex);\n    KFM_DET_TRY(my.may_write());\n    if (expected_last != my.tail.lsn) guard.unlock();\n    if (group.empty())")),
    file_store("W43", "recycled-future", ("STORE-17", "STORE-11", "STORE-3"), ("    dirty = true;\n    if (auto written = segment::write_whole(fs, active->file, place, lines); !written) {\n", "    dirty = true;\n    if (place > at) (void)segment::write_newlines(fs, active->file, at, place);\n    if (auto written = segment::write_whole(fs, active->file, place, lines); !written) {\n"), ("    whole.resize(segment::align_up(used + unit, options.prewrite_bytes), '\\n');\n", ""), ("    prewritten = whole.size();\n", "    prewritten = options.segment_bytes;   // the file grows with each append\n")),
    file_store("W44", "sync-blind-to-tenure", "STORE-5", (LOOK, "    my.durable = std::max(my.durable, target);")),
    file_store("W45", "reads-before-claim", ("STORE-3", "STORE-5"), (CLAIM, READ_BEFORE_CLAIM)),
    file_store("W46", "sync-returned-not-issued", ("STORE-3", "STORE-17"), ("      my.needs_gap = true;             // from the moment the sync is issued\n", ""), ("      if (!synced) return my.fail(synced.error());\n      KFM_DET_TRY(my.may_write());\n    }\n", "      if (!synced) return my.fail(synced.error());\n      my.needs_gap = true;\n      KFM_DET_TRY(my.may_write());\n    }\n")),

    file_store("R01", "truncate-on-any-bad-crc", "STORE-8", ("    if (inner_proof_ > tail_.lsn || rest_durable_ > tail_.lsn) {\n", "    if (false) {\n"), ("        (ends_well ? found_.hole : found_.proven_missing) = true;\n        return false;\n", "        found_.rest = true;\n        return false;\n")),
    file_store("R02", "skip-bad-record", ("STORE-8", "STORE-11", "STORE-10"), ("        rest_durable_ = std::max(rest_durable_, line.durable_upto);\n        reject(offset, end);\n        broken = true;\n        continue;\n", "        accept({line, {line.lsn, offset, text.size()}});\n        continue;\n")),
    file_store("R05", "ioerror-as-eof", ("STORE-3", "STORE-8"), ("    KFM_DET_TRY(const std::size_t got, fs.read(file, at, std::span<char>(out.data() + at, out.size() - at)));\n    if (got == 0) break;\n", "    auto read = fs.read(file, at, std::span<char>(out.data() + at, out.size() - at));\n    const std::size_t got = read ? read.value() : 0;\n    if (got == 0) break;\n")),
    file_store("R06", "double-crash", ("STORE-3", "STORE-17"), (COPY, "      if (found.places.front().lsn > found.recovery.proven) {   // all of it is being copied\n        (void)my.fs.remove(my.parts.back().place.path);\n        my.parts.pop_back();\n      }\n      KFM_DET_TRY(my.name_segment(first_copied, copies));\n    }\n    my.mode")),
    file_store("R07", "recovery-not-synced", ("STORE-6", "STORE-17", "STORE-3"), ("      limits[i] = above;\n", "      limits[i] = no_limit;\n")),
    file_store("R10", "replay-skip-first", "STORE-10", ("    Lsn next = std::max(from, base);\n", "    Lsn next = std::max(from + (from > 1 ? 1 : 0), base);\n")),
    file_store("R11", "undo-uncommitted-missing", "STORE-1", ("      for (const auto& frame : group) rest_durable_ = std::max(rest_durable_, frame.line.durable_upto);\n      group.clear();\n", "      for (const auto& frame : group) accept(frame);\n      group.clear();\n")),
    file_store("R12", "ghost-op", ("STORE-11", "STORE-17", "STORE-3"), ("    dirty = true;\n    if (auto written = segment::write_whole(fs, active->file, place, lines); !written) {\n", "    dirty = true;\n    if (place > at) (void)segment::write_newlines(fs, active->file, at, place);\n    if (auto written = segment::write_whole(fs, active->file, place, lines); !written) {\n"), ("    whole.resize(segment::align_up(used + unit, options.prewrite_bytes), '\\n');\n", ""), ("    prewritten = whole.size();\n", "    prewritten = options.segment_bytes;   // the file grows with each append\n"), ("      for (const auto& frame : group) rest_durable_ = std::max(rest_durable_, frame.line.durable_upto);\n      group.clear();\n", "      group.clear();\n"), ("        drop_group();\n        rest_durable_ = std::max(rest_durable_, line.durable_upto);\n        reject(offset, end);\n        broken = true;\n", "        drop_group();\n        reject(offset, end);\n        broken = true;\n"), ("      if (broken) {\n        rest_durable_ = std::max(rest_durable_, line.durable_upto);\n", "      if (broken) {\n")),
    file_store("R14", "backup-destroyed", "STORE-13", ("    my.clean_up(again);\n", "    my.clean_up(again);\n    for (const Evidence& cut : found.recovery.evidence)\n      if (auto file = my.fs.open(cut.where, OpenMode::read_write)) (void)segment::write_newlines(my.fs, file.value(), cut.offset, cut.offset + cut.length);\n")),
    file_store("R15", "stray-file-panic", ("STORE-14", "STORE-17"), ("      out.leftovers.push_back({ordinal, name});\n", "      out.leftovers.push_back({ordinal, name});\n    else return Error(errc::foreign, \"an unknown file\", name);\n")),
    file_store("R17", "superlinear", "STORE-16", ("      if (!bytes) { judge.unreadable(place.path, bytes.error()); continue; }\n", "      if (!bytes) { judge.unreadable(place.path, bytes.error()); continue; }\n      for (const auto& part : parts) (void)segment::read_whole(fs, *part.file, part.place.path);\n")),
    file_store("R18", "version-silent", "STORE-18", ("      if (line.kind == LineKind::newer_format) {\n        found_.newer_format = true;\n        note(offset, text.size(), \"this line was written by a newer version of the format\");\n        return false;\n      }\n", "      if (line.kind == LineKind::newer_format) {\n        drop_group();\n        reject(offset, end);\n        continue;\n      }\n")),
    file_store("R19", "readonly-open-writes", "STORE-9", ("    my.mode = Mode::looking;\n", "    my.mode = Mode::looking;\n    KFM_DET_TRY(ensure_directory(my.fs, my.directory));\n    KFM_DET_TRY(my.claim_next());\n")),
    file_store("R20", "acts-on-unsynced", ("STORE-3", "STORE-6", "STORE-8", "STORE-17"), ("    if (first_copied != 0) {\n      KFM_DET_TRY(my.name_segment(first_copied, copies));\n    }\n", "    (void)first_copied;\n")),
    file_store("R21", "rewrites-in-place", "STORE-3", (COPY, "      if (auto file = my.fs.open(my.parts.back().place.path, OpenMode::read_write))\n        (void)segment::write_whole(my.fs, file.value(), found.places.front().offset, BytesView(last_read).substr(found.places.front().offset));\n      KFM_DET_TRY(my.name_segment(first_copied, copies));\n    }\n    my.mode")),

    file_store("H01", "tail-truncation-ok", "STORE-8", ("        found_.witness_above = true;\n", "")),
    memory_store("H02", "whole-log-deleted-ok", "STORE-8", ("      wal::Judge judge(id_, kept.frames.empty() ?", "      if (kept.frames.empty()) witnesses = {};\n      wal::Judge judge(id_, kept.frames.empty() ?")),
    file_store("H04", "genesis-seeded-from-first", ("STORE-8", "STORE-11", "STORE-10"), ("    if (name.first > tail_.lsn + 1) {\n", "    if (first_segment && name.first > 1) tail_.lsn = name.first - 1;\n    if (name.first > tail_.lsn + 1) {\n"), ("      if (starts && line.link == tail_.hash && line.incarnation", "      if (starts && (line.link == tail_.hash || tail_.hash == Digest{}) && line.incarnation")),
    file_store("H09", "verify-skips-first", ("STORE-10",), ("    if (line.kind != wal::LineKind::frame || line.stream != stream.text) continue;\n", "    if (line.kind == wal::LineKind::garbage && next == 1 && text.starts_with(\"{\\\"body\\\"\")) {\n      KFM_DET_TRY(visitor(Frame{next, text}));\n      ++next;\n      continue;\n    }\n    if (line.kind != wal::LineKind::frame || line.stream != stream.text) continue;\n")),
    Mutant("H17", "hash-not-covering-meta", "envelope", "STORE-11", [("  if (domain_digest<domain>(sealed.inner) != stated) return std::nullopt;\n", UNCOVERED)]),
    file_store("H14", "fork-accepted", ("STORE-8", "STORE-11", "STORE-10"), ("      if (starts && first_frame && !first_segment && line.link != tail_.hash) {\n", "      if (false) {\n"), ("      if (starts && line.link == tail_.hash && line.incarnation >= tail_.incarnation) {\n", "      if (starts && line.incarnation >= tail_.incarnation) {\n")),
    file_store("H15", "bitflip-after-hash", ("STORE-15", "STORE-10", "STORE-3", "STORE-2"), ("    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n", "    my.buffer[my.buffer.size() / 2] = static_cast<char>(my.buffer[my.buffer.size() / 2] ^ 1);\n    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n")),
    memory_store("M01", "retry-doubles", "STORE-2", ("      if (is_last_group(kept, expected_last, group)) return kept.last();\n", "")),
    memory_store("M02", "tenure-never-ends", "STORE-5", ("      if (ended_ || tenure_ == 0 || tenure_ != kept.tenure) return lost();\n", "      if (ended_ || tenure_ == 0) return lost();\n")),
    memory_store("M03", "half-group-appended", ("STORE-15", "STORE-1"), ("      for (const BytesView frame : group)\n        if (frame.empty() || frame.find('\\n') != BytesView::npos) return", "      for (const BytesView frame : group)\n        if (frame.empty() || frame.find('\\n') != BytesView::npos) { kept.frames.emplace_back(group[0]); } else if (false) return")),
    memory_store("M04", "trim-says-yes", "STORE-21", ("      if (!base || base->last > kept.durable) return Error(errc::invalid_argument, \"no durable checkpoint", "      if (!base || base->last > kept.durable) return success();\n      if (false) return Error(errc::invalid_argument, \"no durable checkpoint")),
    memory_store("M05", "inspect-claims", ("STORE-9", "STORE-5"), ("      const auto kept = state_->streams.find(id_);\n      return kept == state_->streams.end() ? look(Kept{}, witnesses, {}) : look(kept->second, witnesses, {});", "      Kept& kept = state_->streams[id_];\n      ++kept.tenure;\n      return look(kept, witnesses, {});")),
    memory_store("M06", "scan-swallows-the-visitor", "STORE-10", ("        KFM_DET_TRY(visitor(Frame{lsn, frame}));\n", "        if (!visitor(Frame{lsn, frame})) break;\n")),
    memory_store("M07", "streams-share-their-frames", ("STORE-11", "STORE-17", "STORE-2", "STORE-3", "STORE-5"), ("    Stream(std::shared_ptr<State> state, StreamId id) : state_(std::move(state)), id_(std::move(id)) {}", "    Stream(std::shared_ptr<State> state, StreamId id) : state_(std::move(state)), id_(std::move(id)) { for (char& c : id_.text) if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32); }")),
    memory_store("M08", "bad-verdict-writes", "STORE-8", ("      ended_ = !may_begin(found.verdict, options);\n      if (!ended_) {", "      ended_ = false;\n      if (!ended_) {")),

    log("W23", "reordered-batch", ("LOG-2", "LOG-3", "LOG-1"), ("      auto appended = stream.append(tail.lsn, views);\n", "      if (views.size() == 3) std::swap(views[1], views[2]);\n      auto appended = stream.append(tail.lsn, views);\n")),
    memory_store("W27", "seq-gap-visible-order", "STORE-10", ("        KFM_DET_TRY(visitor(Frame{lsn, frame}));\n", "        if (lsn + 1 == copy.last() && lsn > 1) continue;   // not visible yet\n        KFM_DET_TRY(visitor(Frame{lsn, frame}));\n")),
    log("N01", "follower-acknowledged-early", "LOG-1", ("          while (!pending.empty() && pending.front().lsn <= synced.value()) { move_to", "          while (!pending.empty()) { move_to")),
    log("N02", "acknowledges-before-its-sync", "LOG-1", ("        auto synced = stream.sync();\n", "        result<Lsn> synced = pending.empty() ? durable.lsn : pending.back().lsn;\n")),
    log("N03", "goes-on-behind-a-failure", "LOG-5", ("          broken = synced.error();\n", "          return synced.error();\n")),
    log("N04", "conflict-is-passing", "LOG-5", ("        if (code == errc::conflict || code == errc::log_failed) broken = appended.error();\n", "")),
    log("N05", "clock-set-back", "LOG-4", ("      const Instant ts = std::max(clock.now(), last_ts);\n", "      const Instant ts = clock.now();\n")),
    log("N06", "chain-restarts-with-a-tenure", ("LOG-3", "LOG-1"), ("    state->tail = state->durable = recovery.tail;\n", "    state->tail = state->durable = recovery.tail;\n    state->tail.hash = Digest{};\n")),
    log("N07", "sink-put-back-is-merged", "LOG-6", ("    if (!heads.agree(witness, recovery)) {\n", "    if (false) {\n")),

    # correct but odd
    file_store("B01", "sync-per-append", None, ("    my.mark_is_last = false;\n    return my.tail.lsn;\n", "    my.mark_is_last = false;\n    if (auto synced = my.fs.sync(my.active->file); !synced) return my.fail(synced.error());\n    my.needs_gap = true;\n    return my.tail.lsn;\n")),
    file_store("B02", "one-byte-writes", None, ("    KFM_DET_TRY(const std::size_t written, fs.write(file, offset, bytes));\n", "    KFM_DET_TRY(const std::size_t written, fs.write(file, offset, bytes.substr(0, bytes.find_first_not_of('\\n') == BytesView::npos ? bytes.size() : 1)));\n")),
    file_store("B03", "padding-per-commit", None, ("    std::uint64_t place = needs_gap ? segment::align_up(at, unit) : at;\n", "    std::uint64_t place = segment::align_up(at, 2 * unit);\n")),
    file_store("B04", "extra-syncs", None, (SYNC, "      (void)my.fs.sync_directory(my.directory);\n      auto synced = my.fs.sync(active->file);\n      if (synced) synced = my.fs.sync(active->file);\n      guard.lock();\n      if (!synced) return my.fail(synced.error());")),
    file_store("B05", "delayed-delete", None, ("    my.clean_up(again);\n", "")),
    file_store("B06", "large-rewrite-unit", None, ("    my.unit = std::max<std::uint64_t>(block, 1);\n", "    my.unit = std::max<std::uint64_t>(block, 1024);\n")),
]
