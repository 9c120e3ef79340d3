# SPDX-License-Identifier: BSL-1.0
"""Mutants of trims, archives and checkpoints: the rows C. Over FileStore they run without an archive: with one, what goes too early is still in the log."""
import stores
from table import Family, Mutant

FILE_DROPS = Family(files=stores.FILE_STORE.files, check=stores.FILE_STORE.check, fixture="""
template <class Fs>
struct Fixture_ID {
  using Store = kfm_det::ID::FileStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/wal", {.segment_bytes = 4096, .prewrite_bytes = 4096, .archive = false}, fs); }
};
""")
COMPACTION = Family(files=["wal/checkpoint_state.hpp", "wal/replay.hpp", "wal/compact.hpp"], check="check_compaction", fixture="""
struct Fixture_ID {
  using Replay = kfm_det::ID::wal::Replay;
  using Compaction = kfm_det::ID::wal::Compaction;
};
""")
FAMILIES = {"file_drops": FILE_DROPS, "compaction": COMPACTION}

DURABLE = "    if (!base || base->last > my.durable) return my.no_checkpoint(lsn);\n"
WRITE = "    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n"
BELOW = "      if (name.ordinal >= ordinal) break;\n"
COUNTS = "    if (name.first > 1 && (stopped_ || !begun_))\n"
BEGINS = "      if (const auto base = read_base(bytes, stream_, name.first); base && base->last < limit) begin_at(*base);\n"
HALF = """      if (auto base = read_base(bytes, stream_, name.first); true) {   // the first entry says enough
        for (std::size_t at = bytes.find("{\\"body\\":{"); !base && at != BytesView::npos; at = BytesView::npos) {
          const Line line = read_line(bytes.substr(at, std::min(bytes.find('\\n', at), bytes.size()) - at));
          if (line.kind == LineKind::frame && checkpoint_payload(line.record) && line.lsn == name.first) base = Base{name.first, name.first, line.link, line.incarnation, {}};
        }
        if (base && base->last < limit) begin_at(*base);
      }
"""


def drops(id, name, law, *change):
    return Mutant(id, name, "file_drops", law, list(change))


MUTANTS = [
    drops("C01", "delete-before-snapshot-durable", ("STORE-3", "STORE-17", "STORE-20"),
          (WRITE, WRITE + "    if (wal::begins_checkpoint(group[0])) {\n      KFM_DET_TRY(my.clear_below(my.segment_ordinal, true));\n    }\n")),
    drops("C02", "no-checkpoint-record", ("STORE-3", "STORE-20", "STORE-17"), (COUNTS, "    if (name.first > 1)\n"), (BEGINS, HALF)),
    drops("C03", "old-segment-unsynced", ("STORE-3", "STORE-17"), ("    if (auto synced = fs.sync(active->file); !synced) return fail(synced.error());\n    dirty = false;\n    needs_gap = true;\n    if (claimed", "    dirty = false;\n    needs_gap = true;\n    if (claimed")),
    drops("C05", "compaction-drops-live", ("STORE-8", "STORE-3", "STORE-17", "STORE-20"), (BELOW, "      if (name.ordinal > ordinal) break;\n")),
    drops("C06", "compaction-vs-append race", ("STORE-8", "STORE-3", "STORE-17", "STORE-20"), (BELOW, "      if (name.ordinal >= ordinal && (!active || name.ordinal > segment_ordinal)) break;\n")),
    drops("C07", "reader-on-deleted", "STORE-19", ("      KFM_DET_TRY(auto bytes, segment::read_place(my.fs, *part.file, part.place, my.options.codec));\n      KFM_DET_TRY(segment::visit",
          "      KFM_DET_TRY(auto late, my.fs.open(part.place.path, OpenMode::read));\n      KFM_DET_TRY(auto bytes, segment::read_place(my.fs, late, part.place, my.options.codec));\n      KFM_DET_TRY(segment::visit")),
    drops("C07b", "reader-skips-what-is-gone", "STORE-19", ("      KFM_DET_TRY(auto bytes, segment::read_place(my.fs, *part.file, part.place, my.options.codec));\n      KFM_DET_TRY(segment::visit",
          "      auto late = my.fs.open(part.place.path, OpenMode::read);\n      if (!late) { next = part.last + 1; continue; }\n      KFM_DET_TRY(auto bytes, segment::read_place(my.fs, late.value(), part.place, my.options.codec));\n      KFM_DET_TRY(segment::visit")),
    drops("C10", "chain-break-at-rotation", ("STORE-17", "STORE-3"), ("    tail_.hash = base.prev;\n", "    tail_.hash = Digest{};\n")),
    drops("C13", "snapshot-torn", "STORE-10", ("    if (line.kind != wal::LineKind::frame || line.stream != stream.text) continue;\n",
          "    if (line.kind == wal::LineKind::garbage && text.find(\"CHECKPOINT\") != BytesView::npos) {   // believed without its hash\n      KFM_DET_TRY(visitor(Frame{next, text}));\n      linked = false;\n      ++next;\n      continue;\n    }\n    if (line.kind != wal::LineKind::frame || line.stream != stream.text) continue;\n")),
    Mutant("C15", "revision-regress", "memory_store", ("STORE-21", "STORE-10", "STORE-2"), [("    [[nodiscard]] Lsn last() const { return base - 1 + frames.size(); }\n", "    [[nodiscard]] Lsn last() const { return frames.size(); }\n")]),
    drops("C17", "unlink-before-record", "STORE-21", (DURABLE, "    if (!base) return my.no_checkpoint(lsn);\n")),
    drops("C18", "late-owner-drops", "STORE-21", ("    KFM_DET_TRY(my.look());\n    if (lsn <= my.base) return success();\n", "    if (lsn <= my.base) return success();\n"), ("    KFM_DET_TRY(look());\n    KFM_DET_TRY(const auto names, segment::list(fs, directory));\n", "    KFM_DET_TRY(const auto names, segment::list(fs, directory));\n"), ("      KFM_DET_TRY(look());   // whoever was held up until a later tenure began removes nothing\n", "")),
    Mutant("C19", "trims-from-the-middle", "memory_store", ("STORE-20", "STORE-10", "STORE-3"), [("      kept.frames.erase(kept.frames.begin(), kept.frames.begin() + static_cast<std::ptrdiff_t>(lsn - kept.base));\n      kept.base = lsn;\n", "      kept.frames.erase(kept.frames.begin(), kept.frames.begin() + static_cast<std::ptrdiff_t>(lsn + 1 - kept.base));\n      kept.base = lsn + 1;\n")]),
    Mutant("C20", "trim-says-yes", "group_store", "STORE-12", [("return det::Error(det::errc::unsupported, \"this store does not trim\", folder_, \"Keep the whole log.\");", "return det::success();")]),

    Mutant("C05b", "covered-range-off-by-one", "compaction", "COMPACT-1", [("  for (const RunState& run : state.runs) {\n    const auto known", "  for (const RunState& run : state.runs) {\n    if (&run == &state.runs.back() && !is_unfinished(run.status)) continue;\n    const auto known")]),
    Mutant("C11", "compaction-loses-head-anchor", "compaction", "COMPACT-3", [("heads_.highest().lsn == 0 ? Json() :", "heads_.highest().lsn != 1 ? Json() :")]),
    Mutant("C16", "checkpoint-drops-open", "compaction", "COMPACT-2", [("  for (const RunState& run : state.runs) {\n    const auto known", "  for (const RunState& run : state.runs) {\n    if (is_unfinished(run.status)) continue;\n    const auto known")]),
    Mutant("C16b", "open-runs-without-their-steps", "compaction", "COMPACT-2", [("  if (!run.executed.empty()) out.set(\"executed\", detail::executed_json(run.executed));\n", "")]),

    # correct but odd
    drops("BC1", "delayed-deletion", None, ("      if (auto removed = fs.remove(segment::path(directory, name)); !removed && removed.error().code() != errc::not_found) return removed.error();\n      gone = true;\n", "")),
    drops("BC2", "newest-first", None, ("    for (const wal::SegmentName& name : names.segments) {\n      if (name.ordinal >= ordinal) break;\n", "    for (std::size_t at = names.segments.size(); at-- > 0;) {\n      const wal::SegmentName name = names.segments[at];\n      if (name.ordinal >= ordinal) continue;\n")),
    drops("BC3", "never-drops", None, ("    KFM_DET_TRY(my.clear_below(part->place.name.ordinal, !my.options.archive));\n    std::erase_if(my.parts, [&](const Part& one) { return one.first < lsn; });\n    my.base = lsn;\n", "")),
]
