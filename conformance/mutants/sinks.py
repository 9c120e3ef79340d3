# SPDX-License-Identifier: BSL-1.0
"""Sinks that are broken on purpose: MemorySink, each with one change."""
from table import Family, Mutant

MEMORY_FIXTURE = """
struct Fixture_ID {
  using Sink = kfm_det::ID::MemorySink;
  static constexpr kfm_det::SinkClaims claims = Sink::claims;
  kfm_det::result<Sink> open() { return storage; }
  void wipe() { storage = {}; }
  void damage(const kfm_det::IdempotencyKey& key) {
    kfm_det::Bytes bytes;
    (void)storage.read(key, [&](kfm_det::BytesView piece) -> kfm_det::result<void> { bytes += piece; return kfm_det::success(); });
    if (!bytes.empty()) bytes[bytes.size() / 2] ^= 1;
    storage.replace_bytes(key, bytes);
  }
  Sink storage;
};
"""

FAMILIES = {
    "memory_sink": Family(files=["contracts/sink_rules.hpp", "sinks/publication_tables.hpp", "sinks/memory_sink.hpp"], fixture=MEMORY_FIXTURE, check="check_sink"),
}

RULES, TABLES, MEMORY = "contracts/sink_rules.hpp", "sinks/publication_tables.hpp", "sinks/memory_sink.hpp"

PUBLISHED = "    if (seen && seen->published) return seen->withdrawn ? UpsertResult::withdrawn : UpsertResult::unchanged;\n"
SAME_EFFECT_OF_UPSERT = """    if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }
    if (const auto* fresh"""
BEST = """      for (auto rank = ranks->second.rbegin(); rank != ranks->second.rend() && (!best || *best < *rank); ++rank)
        if (!row(rank->effect)->withdrawn) best = *rank;
"""
ROW_END = "  std::optional<IdempotencyKey> version;  ///< none when it was not published, and for a tombstone\n"
NEW_ROW = "Row{request.run, request.order, request.business_key, true, withdrawn, key}"
PUBLISH_CALL = "layer.publish(tenure, one, take)"
ONE_BY_ONE = "      results.push_back(result);\n"


def with_key(expression):
    """The sink sees other keys than it is given: `key` is the text."""
    return [(MEMORY, PUBLISH_CALL, "layer.publish(tenure, [&] { Upsert other = one; std::string& key = other.business_key.text; " + expression + " return other; }(), take)")]


MUTANTS = [
    Mutant("S01", "insert-not-upsert", "memory_sink", "SINK-2", [(TABLES, PUBLISHED, "")]),
    Mutant("S02", "non-idempotent-delta", "memory_sink", ("SINK-8", "SINK-2"),
           [(MEMORY, "if (!is_stored) contents[fresh.key] =", "if (is_stored) { if (const auto old = state_->contents.find(fresh.key); old != state_->contents.end()) old->second = std::make_shared<const Bytes>(*old->second + bytes); }\n      else contents[fresh.key] =")]),
    Mutant("S03", "last-write-by-arrival", "memory_sink", "SINK-1",
           [(RULES, ROW_END, ROW_END + "  std::uint64_t arrival = [] { static std::uint64_t last = 0; return ++last; }();\n"),
            (TABLES, BEST, "      for (const Rank& rank : ranks->second)\n        if (!row(rank.effect)->withdrawn && (!best || row(best->effect)->arrival < row(rank.effect)->arrival)) best = rank;\n"),
            (RULES, "*before < mine ? UpsertResult::moved : UpsertResult::superseded", "before != mine ? UpsertResult::moved : UpsertResult::superseded")]),
    Mutant("S21", "undo-to-remembered-target", "memory_sink", "SINK-1",
           [(RULES, ROW_END, ROW_END + "  std::optional<Rank> remembered;   // what was current when it came\n"),
            (TABLES, NEW_ROW + ");", "[&] { Row mine" + NEW_ROW[3:] + "; mine.remembered = before; return mine; }());"),
            (TABLES, BEST, BEST.replace("        if (!row(rank->effect)->withdrawn) best = *rank;\n", "{\n        const Row& one = *row(rank->effect);\n        if (!one.withdrawn) best = *rank;\n        else if (one.published && one.remembered && !row(one.remembered->effect)->withdrawn) best = *one.remembered;\n        if (best) break;\n      }\n"))]),
    Mutant("H07", "concat-ambiguity", "memory_sink", "SINK-6", [(MEMORY, "floors[tenure.scope]", 'floors[Scope{tenure.scope.updater_id + tenure.scope.partition, ""}]')]),   # ab + c is a + bc
    Mutant("L04", "token-unchecked", "memory_sink", "SINK-6", [(RULES, "  if (tenure.token < floor.token || (tenure.token == floor.token && tenure.owner != floor.owner))\n", "  if (false)\n")]),
    Mutant("S05", "ignore-conflict", "memory_sink", "SINK-3", [(TABLES, SAME_EFFECT_OF_UPSERT, "    if (const auto* fresh")]),
    Mutant("S07", "checkpoint-before-sink", "memory_sink", "SINK-13", [(MEMORY, "    Contents contents;\n    PosixFileSystem fs;", "    state_->tables.add(layer.changes());\n    Contents contents;\n    PosixFileSystem fs;")]),
    Mutant("S11", "key-normalisation", "memory_sink", "SINK-10", with_key("for (char& c : key) if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);")),
    Mutant("S11_spaces", "keys-trimmed", "memory_sink", "SINK-10", with_key("while (!key.empty() && key.back() == ' ') key.pop_back();")),
    Mutant("S11_numbers", "keys-as-numbers", "memory_sink", "SINK-10", with_key("while (key.size() > 1 && key[0] == '0') key.erase(0, 1);")),
    Mutant("S11_nul", "keys-end-at-nul", "memory_sink", "SINK-10", with_key("key = key.c_str();")),
    Mutant("S11_long", "keys-cut", "memory_sink", "SINK-10", with_key("if (key.size() > 255) key.resize(255);")),
    Mutant("S11_accents", "keys-composed", "memory_sink", "SINK-10", with_key('if (const auto at = key.find("e\\xcc\\x81"); at != std::string::npos) key.replace(at, 3, "\\xc3\\xa9");')),
    Mutant("S16", "truncating-type", "memory_sink", ("SINK-5", "SINK-1"), [(TABLES, NEW_ROW, "Row{request.run, Order{request.order.incarnation, request.order.lsn & 0xFFFFFFFFu}, request.business_key, true, withdrawn, key}")]),
    Mutant("S16_double", "orders-as-doubles", "memory_sink", ("SINK-5", "SINK-1"),
           [(TABLES, NEW_ROW, "Row{request.run, Order{request.order.incarnation, static_cast<Lsn>(static_cast<double>(request.order.lsn))}, request.business_key, true, withdrawn, key}")]),
    Mutant("S16_text", "bytes-end-at-nul", "memory_sink", "SINK-8", [(MEMORY, "std::make_shared<const Bytes>(std::move(bytes));\n      return size;", "std::make_shared<const Bytes>(bytes.c_str());\n      return size;")]),
    Mutant("S16_metadata", "metadata-loses-nesting", "memory_sink", "SINK-8",
           [(TABLES, "Version{{fresh.key, fresh.bytes_hash, size, fresh.metadata}", "Version{{fresh.key, fresh.bytes_hash, size, [&] { Json flat = Json::object(); for (const auto& member : fresh.metadata.members()) if (!member.value.is_object()) flat.set(member.key, member.value); return flat; }()}")]),
    Mutant("S17", "read-back-stale", "memory_sink", "SINK-8", [(MEMORY, "    if (sha256(*bytes) != bytes_hash) return sink_rules::damaged(key);\n", "")]),
    Mutant("S18", "find-by-content", "memory_sink", "SINK-5", [(TABLES, PUBLISHED, "    if (!seen && key && below_.versions.contains(*key)) return UpsertResult::unchanged;\n" + PUBLISHED)]),
    Mutant("S19", "order-by-token", "memory_sink", "SINK-1",
           [(RULES, ROW_END, ROW_END + "  std::uint64_t token = 0;\n"), (TABLES, NEW_ROW, NEW_ROW[:-1] + ", tenure.token.value}"),
            (TABLES, BEST, "      for (const Rank& rank : ranks->second)\n        if (!row(rank.effect)->withdrawn && (!best || std::pair(row(best->effect)->token, *best) < std::pair(row(rank.effect)->token, rank))) best = rank;\n")]),
    Mutant("S20", "withdraw-only-seen", "memory_sink", "SINK-4", [(TABLES, "    Row taken_back = seen", "    if (!seen) return success();\n    Row taken_back = seen")]),
    Mutant("S23", "forget-late", "memory_sink", "SINK-12", [(TABLES, "    above_.put(request.effect, Row{request.run", "    if (!withdrawn && before && Rank{request.order, request.effect} < *before) return UpsertResult::superseded;\n    above_.put(request.effect, Row{request.run")]),

    # laws that no row names
    Mutant("SK01", "ties-by-arrival", "memory_sink", "SINK-1", [(RULES, "  friend auto operator<=>(const Rank&, const Rank&) = default;", "  friend auto operator<=>(const Rank& a, const Rank& b) { return a.order <=> b.order; }\n  friend bool operator==(const Rank& a, const Rank& b) { return a.order == b.order; }")]),
    Mutant("SK02", "incarnation-ignored", "memory_sink", "SINK-1", [(RULES, "  friend auto operator<=>(const Rank&, const Rank&) = default;", "  friend auto operator<=>(const Rank& a, const Rank& b) { return std::pair(a.order.lsn, a.effect) <=> std::pair(b.order.lsn, b.effect); }\n  friend bool operator==(const Rank& a, const Rank& b) { return a.effect == b.effect; }")]),
    Mutant("SK03", "withdrawn-again-unchanged", "memory_sink", "SINK-2", [(TABLES, "return seen->withdrawn ? UpsertResult::withdrawn : UpsertResult::unchanged;", "return UpsertResult::unchanged;")]),
    Mutant("SK04", "late-request-revives", "memory_sink", "SINK-4", [(TABLES, "const bool withdrawn = seen && seen->withdrawn;", "const bool withdrawn = false;")]),
    Mutant("SK05", "late-request-not-kept", "memory_sink", ("SINK-4", "SINK-14"), [(TABLES, "    const auto before = current(request.business_key.text);\n", "    if (withdrawn) return UpsertResult::withdrawn;\n    const auto before = current(request.business_key.text);\n")]),
    Mutant("SK06", "equal-token-accepted", "memory_sink", "SINK-6", [(RULES, " || (tenure.token == floor.token && tenure.owner != floor.owner)", "")]),
    Mutant("SK07", "one-floor-for-all", "memory_sink", "SINK-6", [(MEMORY, "state_->tables.floors[tenure.scope]", "state_->tables.floors[Scope{}]")]),
    Mutant("SK08", "floor-per-updater", "memory_sink", "SINK-6", [(MEMORY, "state_->tables.floors[tenure.scope]", "state_->tables.floors[Scope{tenure.scope.updater_id, {}}]")]),
    Mutant("SK09", "floor-raised-by-begin-only", "memory_sink", "SINK-6",
           [(MEMORY, "std::span<const Upsert> batch) {\n    const std::scoped_lock guard(state_->mutex);\n    KFM_DET_TRY(raise_floor(tenure));", "std::span<const Upsert> batch) {\n    const std::scoped_lock guard(state_->mutex);\n    KFM_DET_TRY(sink_rules::raises_floor(state_->tables.floors[tenure.scope], tenure));")]),
    Mutant("SK10", "withdraw-unfenced", "memory_sink", "SINK-6",
           [(MEMORY, "std::span<const Withdrawal> batch) {\n    const std::scoped_lock guard(state_->mutex);\n    KFM_DET_TRY(raise_floor(tenure));", "std::span<const Withdrawal> batch) {\n    const std::scoped_lock guard(state_->mutex);")]),
    Mutant("SK11", "fork-unnoticed", "memory_sink", "SINK-7", [(RULES, "given == kept && head.hash != witness.hash", "false")]),
    Mutant("SK12", "witness-goes-back", "memory_sink", "SINK-7", [(RULES, "  return given > kept;", "  return given != kept;")]),
    Mutant("SK13", "witness-by-lsn", "memory_sink", "SINK-7", [(RULES, "  return given > kept;", "  return given.lsn > kept.lsn;")]),
    Mutant("SK14", "bytes-believed", "memory_sink", "SINK-8", [(RULES, "  if (hash.finish() != version.bytes_hash) return", "  if (false) return")]),
    Mutant("SK15", "key-met-with-other-bytes", "memory_sink", "SINK-8", [(RULES, "  if (version.bytes_hash == stored_hash && metadata == stored_metadata) return success();", "  if (version.bytes_hash == stored_hash || metadata == stored_metadata || true) return success();")]),
    Mutant("SK16", "scopes-share-keys", "memory_sink", "SINK-9", [(RULES, "  if (owner == tenure.scope) return success();", "  if (owner == tenure.scope || true) return success();")]),
    Mutant("SK17", "scope-is-updater", "memory_sink", "SINK-9", [(RULES, "  if (owner == tenure.scope) return success();", "  if (owner.updater_id == tenure.scope.updater_id) return success();")]),
    Mutant("SK18", "half-applied", "memory_sink", "SINK-13", [(MEMORY, ONE_BY_ONE, ONE_BY_ONE + "      state_->tables.add(layer.changes());\n      state_->contents.insert(contents.begin(), contents.end());\n")]),
    Mutant("SK19", "dangling-pointer", "memory_sink", "SINK-14", [(TABLES, "    if (key && !version(*key)) return sink_rules::unknown_version(*key);\n", "")]),
    Mutant("SK20", "history-without-withdrawn", "memory_sink", "SINK-12", [(TABLES, "      if (auto one = publication(rank.effect)) out", "      if (auto one = publication(rank.effect); one && one->state != PublicationState::withdrawn) out")]),
    Mutant("SK21", "current-in-spite-of-withdrawal", "memory_sink", "SINK-1", [(TABLES, "        if (!row(rank->effect)->withdrawn) best = *rank;", "        best = *rank;")]),
    Mutant("SK22", "tombstone-forgotten", "memory_sink", "SINK-1", [(TABLES, "row.published && !row.version, std::nullopt}", "false, std::nullopt}")]),
    Mutant("SK23", "key-claimed-by-refused", "memory_sink", "SINK-13", [(MEMORY, "    PublicationLayer layer(state_->tables);\n    KFM_DET_TRY(layer.raise_witness(head));\n    Contents", "    PublicationLayer layer(state_->tables);\n    KFM_DET_TRY(layer.raise_witness(head));\n    for (const Upsert& one : batch) state_->tables.scopes.emplace(one.business_key.text, tenure.scope);\n    Contents")]),
    Mutant("SK24", "history-of-a-page", "memory_sink", "SINK-12", [(TABLES, "  return out;\n}\n\n}  // namespace kfm_det", "  if (out.size() > 64) out.resize(64);\n  return out;\n}\n\n}  // namespace kfm_det")]),
    Mutant("SK25", "visitor-unheard", "memory_sink", "SINK-12", [(MEMORY, "    for (const Publication& one : all) { KFM_DET_TRY(visitor(one)); }", "    for (const Publication& one : all) (void)visitor(one);")]),
    Mutant("SK26", "staged-size-believed", "memory_sink", "SINK-8", [(RULES, "    if (size != staged.size)\n", "    if (false)\n")]),
    Mutant("SK27", "begin-answers-nothing", "memory_sink", "SINK-7", [(MEMORY, "    KFM_DET_TRY(raise_floor(tenure));\n    return state_->tables.witness(stream);", "    KFM_DET_TRY(raise_floor(tenure));\n    return PublicationTables().witness(stream);")]),
    Mutant("SK28", "withdrawal-binds-nothing", "memory_sink", "SINK-3", [(TABLES, "    if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }\n    Row taken_back", "    Row taken_back")]),

    # odd, and right
    Mutant("SB01", "moved-where-all-was-taken-back", "memory_sink", None, [(TABLES, "return withdrawn ? UpsertResult::withdrawn : sink_rules::outcome(before,", "if (!withdrawn && !before && below_.ranks.contains(request.business_key.text)) return UpsertResult::moved;\n    return withdrawn ? UpsertResult::withdrawn : sink_rules::outcome(before,")]),
    Mutant("SB02", "at-least-once-with-dedup", "memory_sink", None, [(TABLES, "    KFM_DET_TRY(const auto size, take(fresh, there != nullptr));\n", "    if (there) return success();\n    KFM_DET_TRY(const auto size, take(fresh, false));\n")]),
    Mutant("SB03", "refuses-keys-that-no-plan-has", "memory_sink", None, [(TABLES, "  result<void> claim(const Tenure& tenure, const BusinessKey& key) {\n", "  result<void> claim(const Tenure& tenure, const BusinessKey& key) {\n    KFM_DET_TRY(valid_business_key(key));\n")]),
    Mutant("SB04", "reads-in-small-pieces", "memory_sink", None, [(MEMORY, "at += sink_rules::piece_bytes) { KFM_DET_TRY(visitor(BytesView(*bytes).substr(at, sink_rules::piece_bytes)));", "at += 4093) { KFM_DET_TRY(visitor(BytesView(*bytes).substr(at, 4093)));")]),
    Mutant("SB05", "read-cache", "memory_sink", None, [(MEMORY, "    std::shared_ptr<const Bytes> bytes;\n", "    static std::pair<const void*, std::pair<IdempotencyKey, std::shared_ptr<const Bytes>>> last;\n    std::shared_ptr<const Bytes> bytes;\n"), (MEMORY, "      bytes_hash = found->second.about.bytes_hash;\n", "      bytes_hash = found->second.about.bytes_hash;\n      if (last.first == state_.get() && last.second.first == key && last.second.second == bytes) bytes = last.second.second;\n      last = {state_.get(), {key, bytes}};\n")]),
]

# --- on the simulated disk --------------------------------------------------------------------------------------------------------------------------

DISK_FIXTURE = """
template <class Fs>
struct Fixture_ID {
  using Sink = kfm_det::ID::FileSink<Fs>;
  static constexpr kfm_det::SinkClaims claims = Sink::claims;
  kfm_det::result<Sink> open(Fs& fs) { return Sink::open("/sink", {}, fs); }
};
"""
FAMILIES["file_sink"] = Family(files=["contracts/sink_rules.hpp", "sinks/publication_tables.hpp", "sinks/commit_record.hpp", "sinks/file_sink.hpp"], fixture=DISK_FIXTURE, check="check_sink_on_disk")

FILE, RECORD = "sinks/file_sink.hpp", "sinks/commit_record.hpp"
COMMIT = "      KFM_DET_TRY(write_new(commits, commit_path(last + 1), [&](typename Fs::File& file) { return write_all(fs, file, 0, text); }));\n"
SYNC_COMMITS = "      if (auto synced = fs.sync_directory(commits); !synced) return fail(synced.error());\n"
SYNC_VERSIONS = "      if (auto synced = fs.sync_directory(versions); !synced) return fail(synced.error());\n"
PUT_AND_COMMIT = "        KFM_DET_TRY(put(contents));\n        KFM_DET_TRY(commit(std::move(changes)));\n"
SYNC_FILE = "        return fs.sync(file.value());\n"
LOST = ("SINK-11", "SINK-7", "SINK-14", "SINK-8", "SINK-6")   # what was answered is gone: floor, head, publication or bytes, whichever is met first


def in_two(first, second):
    """The request becomes two commits."""
    return [(FILE, PUT_AND_COMMIT, "        KFM_DET_TRY(put(contents));\n        PublicationTables early;\n        " + first + "\n        KFM_DET_TRY(commit(std::move(early)));\n        " + second + "\n        KFM_DET_TRY(commit(std::move(changes)));\n")]


MUTANTS += [
    Mutant("S08", "checkpoint-not-atomic", "file_sink", "SINK-11", in_two("early.rows = changes.rows; early.ranks = changes.ranks; early.scopes = changes.scopes; early.versions = changes.versions; early.witnesses = changes.witnesses; early.floors = changes.floors; if (early.rows.size() > 1) early.rows.erase(std::prev(early.rows.end()));", "")),
    Mutant("S13", "cleanup-on-unknown", "file_sink", ("SINK-14", "SINK-8", "SINK-11"),
           [(FILE, "        KFM_DET_TRY(commit(std::move(changes)));\n", "        if (auto done = commit(std::move(changes)); !done) {\n          for (const auto& [hash, fresh] : contents) (void)fs.remove(version_path(hash));\n          return done.error();\n        }\n")]),
    Mutant("S14", "flush-on-destroy-only", "file_sink", "SINK-11", [(FILE, COMMIT + SYNC_COMMITS, "      pending.emplace_back(last + 1, text);\n"), (FILE, "    std::optional<Error> failed; ", "    std::vector<std::pair<std::uint64_t, std::string>> pending;\n    ~State() {\n      for (const auto& [number, text] : pending) {\n        (void)write_new(commits, commit_path(number), [&](typename Fs::File& file) { return write_all(fs, file, 0, text); });\n        (void)fs.sync_directory(commits);\n      }\n    }\n    std::optional<Error> failed; ")]),
    Mutant("S24", "floor-after-effect", "file_sink", ("SINK-6", "SINK-7"), in_two("early = changes; early.floors.clear(); early.witnesses.clear();", "")),
    Mutant("S24_head", "head-after-effect", "file_sink", "SINK-7", in_two("early = changes; early.witnesses.clear();", "")),
    Mutant("SD01", "ack-before-sync", "file_sink", "SINK-11", [(FILE, SYNC_FILE, "        return success();\n")]),
    Mutant("SD02", "no-dir-sync-of-commits", "file_sink", "SINK-11", [(FILE, SYNC_COMMITS, "")]),
    Mutant("SD03", "no-dir-sync-of-versions", "file_sink", "SINK-8", [(FILE, SYNC_VERSIONS, "")]),
    Mutant("SD04", "rename-before-data", "file_sink", "SINK-11", [(FILE, "        KFM_DET_TRY(fill(file.value()));\n" + SYNC_FILE, "        KFM_DET_TRY(fs.rename(temporary, path));\n        KFM_DET_TRY(fill(file.value()));\n" + SYNC_FILE), (FILE, "      if (made) made = fs.rename(temporary, path);\n", "")]),
    Mutant("SD05", "commit-before-bytes", "file_sink", "SINK-8", [(FILE, PUT_AND_COMMIT, "        KFM_DET_TRY(commit(std::move(changes)));\n        KFM_DET_TRY(put(contents));\n")]),
    Mutant("SD06", "sync-error-swallowed", "file_sink", LOST, [(FILE, SYNC_FILE, "        (void)fs.sync(file.value());\n        return success();\n")]),
    Mutant("SD07", "sync-retried", "file_sink", LOST, [(FILE, SYNC_FILE, "        if (auto synced = fs.sync(file.value()); synced) return synced;\n        return fs.sync(file.value());\n")]),
    Mutant("SD08", "short-write-as-full", "file_sink", "SINK-11", [(FILE, "{ return write_all(fs, file, 0, text); }", "-> result<void> { KFM_DET_TRY(fs.write(file, 0, text)); return success(); }")]),
    Mutant("SD08b", "all-but-one-byte-as-all", "file_sink", "SINK-11", [(FILE, "{ return write_all(fs, file, 0, text); }", "-> result<void> {\n        KFM_DET_TRY(const std::size_t taken, fs.write(file, 0, text));\n        return taken + 1 >= text.size() ? success() : write_all(fs, file, taken, BytesView(text).substr(taken));\n      }")]),
    Mutant("SD09", "names-believed-unsynced", "file_sink", "SINK-11", [(FILE, "      KFM_DET_TRY(fs.sync_directory(commits));   // what is believed from here on is on the medium\n", "")]),
    Mutant("SD10", "floor-in-memory", "file_sink", "SINK-6", [(FILE, "    if (rose) { KFM_DET_TRY(my.commit(std::move(changes))); }", "    if (rose) my.accept(std::move(changes));")]),
    Mutant("SD11", "floor-of-a-refused-request-lost", "file_sink", "SINK-6", [(FILE, "          KFM_DET_TRY(commit(std::move(floor)));\n", "          accept(std::move(floor));\n")]),
    Mutant("SD12", "torn-record-believed", "file_sink", "SINK-11", [(FILE, SYNC_FILE, "        return success();\n"), (RECORD, "  if (sha256(body).hex() != text.substr(0, hash_size)) return", "  if (false) return")]),
    Mutant("SD13", "staged-file-not-there-again", "file_sink", "SINK-8", [(FILE, "          if (fs.rename(staged->path, version_path(hash))) continue;", "          contents_lost = true;\n          if (fs.remove(staged->path)) continue;"), (FILE, "    std::optional<Error> failed; ", "    bool contents_lost = false;\n    std::optional<Error> failed; ")]),
    Mutant("SD14", "stored-before-it-is", "file_sink", "SINK-8", [(FILE, "        const Digest& hash = content.first;\n", "        const Digest& hash = content.first;\n        stored.insert(hash);\n")]),
    Mutant("SD15", "bad-commit-skipped", "file_sink", "SINK-11", [(FILE, SYNC_FILE, "        return success();\n"), (FILE, "        KFM_DET_TRY(auto changes, commit_record::read(number, text, commits + \"/\" + name));\n        accept(std::move(changes));", "        auto changes = commit_record::read(number, text, commits + \"/\" + name);\n        if (changes) accept(std::move(changes).value());")]),
    Mutant("SD16", "wave-in-parts", "file_sink", "SINK-11", [(FILE, PUT_AND_COMMIT, "        KFM_DET_TRY(put(contents));\n        PublicationTables rest = changes;\n        for (const auto& [effect, row] : rest.rows) {\n          changes.rows = {{effect, row}};\n          KFM_DET_TRY(commit(changes));\n        }\n        if (rest.rows.empty()) { KFM_DET_TRY(commit(std::move(changes))); }\n")]),

    Mutant("SB06", "one-byte-writes", "file_sink", None, [(FILE, "{ return write_all(fs, file, 0, text); }", "-> result<void> {\n        for (std::size_t i = 0; i < text.size(); i += 97) { KFM_DET_TRY(write_all(fs, file, i, BytesView(text).substr(i, 97))); }\n        return success();\n      }")]),
    Mutant("SB07", "extra-syncs", "file_sink", None, [(FILE, SYNC_COMMITS, SYNC_COMMITS + SYNC_COMMITS)]),
    Mutant("SB08", "staged-files-copied", "file_sink", None, [(FILE, "          if (fs.rename(staged->path, version_path(hash))) continue;", "")]),
    Mutant("SB09", "not-atomic-and-not-claimed", "file_sink", None,
           [(FILE, ".atomic_batch = true", ".atomic_batch = false"),
            (FILE, PUT_AND_COMMIT, "        KFM_DET_TRY(put(contents));\n        PublicationTables rest = changes;\n        for (const auto& [effect, row] : rest.rows) {\n          PublicationTables one;\n          one.floors = rest.floors;\n          one.witnesses = rest.witnesses;\n          one.put(effect, row);\n          if (const auto key = rest.scopes.find(row.business_key.text); key != rest.scopes.end()) one.scopes.insert(*key);\n          if (row.version && rest.versions.contains(*row.version)) one.versions.insert(*rest.versions.find(*row.version));\n          KFM_DET_TRY(commit(std::move(one)));\n        }\n        if (rest.rows.empty()) { KFM_DET_TRY(commit(std::move(changes))); }\n")]),
]
