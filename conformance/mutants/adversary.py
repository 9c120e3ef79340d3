# SPDX-License-Identifier: BSL-1.0
"""Backends as authors of real adapters break them: what no row of the other tables does. A01 to A39 stores, A40 to A59 locks, A60 to A84 sinks, A85 and on logs and
updaters, AB odd and right."""
from table import Family, Mutant
import locks
import sinks
import stores
import updater

FAMILIES = {}

RULES, TABLES, MEMORY_SINK = sinks.RULES, sinks.TABLES, sinks.MEMORY


def store(id, name, law, *change):
    return Mutant(id, name, "memory_store", law, list(change))


def on_disk(id, name, law, *change):
    return Mutant(id, name, "file_store", law, list(change))


def lock(id, name, law, *change):
    return Mutant(id, name, "memory_lock", law, list(change))


def sink(id, name, law, *change):
    return Mutant(id, name, "memory_sink", law, list(change))


PUSH = "      for (const BytesView frame : group) kept.frames.emplace_back(frame);\n      kept.last_group = group.size();\n"
EMPTY = "      if (group.empty()) return Error(errc::invalid_argument, \"an empty group\", id_.text, \"Append at least one frame.\");\n      for (const BytesView frame : group)\n        if (frame.empty()"
VISIT = "        KFM_DET_TRY(visitor(Frame{lsn, frame}));\n"
SYNC = "      return kept.durable = kept.last();\n"
LAST_GROUP = "      if (kept.last_group != group.size() || kept.last() != expected_last + group.size()) return false;\n      for (std::size_t i = 0; i < group.size(); ++i)\n        if (kept.frames[kept.frames.size() - group.size() + i] != group[i]) return false;\n      return true;\n"
BEFORE_RETRY = "      if (is_last_group(kept, expected_last, group)) return kept.last();\n"
TAIL = "Tail{kept->second.last(), kept->second.durable, kept->second.base};"
PROVES = "      judge.store_proves(kept.durable);\n      return judge.finish(options.accept_loss);"
TENURE = "      tenure_ = ++kept.tenure;\n"
CLOSE = "      if (ended_) return success();\n      auto proven = prove();\n      ended_ = true;\n      return proven;"
MINE = "      if (ended_ || tenure_ == 0 || tenure_ != kept.tenure) return lost();\n"
STREAM = "    Stream(std::shared_ptr<State> state, StreamId id) : state_(std::move(state)), id_(std::move(id)) {}"
RECOVERED = "      Recovery found = look(kept, witnesses, options);\n"
INSPECTED = "      return kept == state_->streams.end() ? look(Kept{}, witnesses, {}) : look(kept->second, witnesses, {});"
REFUSED = 'return Error(errc::limit_exceeded, "too much for one request", id_.text, "");'

FREE, GRANT, RELEASE, RENEW, IS_MINE, STATE = locks.FREE, locks.GRANT, locks.RELEASE, locks.RENEW, locks.MINE, locks.STATE
DEADLINE = "    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n"
KEPT = "    entry.lease = Lease{scope, entry.last, owner_, deadline};\n    return entry.lease;\n"
RENEWED = "    entry.lease->deadline = deadline;\n    return *entry.lease;\n"
ENTRY = "    std::optional<Lease> lease;  ///< the last one; over when it is gone, or its deadline has passed\n"
SCOPES = "  std::map<LockScope, Entry> scopes;\n"
ACQUIRED = "    Board::Entry& entry = board_->scopes[scope];\n"

UPSERT = "    const std::scoped_lock guard(state_->mutex);\n    KFM_DET_TRY(raise_floor(tenure));\n    PublicationLayer layer(state_->tables);\n    KFM_DET_TRY(layer.raise_witness(head));\n    Contents contents;\n"
CLAIM = "    if (owner != below_.scopes.end()) return sink_rules::same_scope(owner->second, tenure, key);\n"
RANK = "  friend auto operator<=>(const Rank&, const Rank&) = default;\n"
WITHDRAW_CLAIM = "    KFM_DET_TRY(claim(tenure, request.business_key));\n    const Row* seen = row(request.effect);\n    if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }\n    Row taken_back"
TOO_MUCH = 'return Error(errc::limit_exceeded, "too much for one request", "", "");'

MUTANTS = [
    # --- stores -------------------------------------------------------------------------------------------------------------------------------------
    store("A01", "one-mebibyte-at-most", ("STORE-15", "STORE-2"), (PUSH, "      std::size_t size = 0;\n      for (const BytesView frame : group) size += frame.size();\n      if (size > 1048570) " + REFUSED + "\n" + PUSH)),
    store("A02", "25-items-in-a-batch", ("STORE-1", "STORE-2"), (PUSH, "      if (group.size() > 25) " + REFUSED + "\n" + PUSH)),
    store("A03", "a-batch-in-two-transactions", ("STORE-1", "STORE-2", "STORE-3"), (PUSH, "      for (const BytesView frame : group.subspan(0, std::min<std::size_t>(group.size(), 25))) kept.frames.emplace_back(frame);\n      kept.last_group = std::min<std::size_t>(group.size(), 25);\n")),
    store("A04", "list-capped-at-1000", ("STORE-3", "STORE-10", "STORE-2", "STORE-8"), (PUSH, PUSH + "      if (kept.frames.size() > 1000) kept.frames.erase(kept.frames.begin());\n")),
    store("A05", "scan-of-one-page", "STORE-10", (VISIT, "        if (lsn >= (from == 0 ? 1 : from) + 1000) break;   // LIMIT 1000\n" + VISIT)),
    store("A06", "lsn-of-8-bits", ("STORE-10", "STORE-2"), (VISIT, VISIT.replace("Frame{lsn,", "Frame{lsn & 0xFF,"))),
    store("A07", "lsn-of-16-bits", ("STORE-10", "STORE-2"), (VISIT, VISIT.replace("Frame{lsn,", "Frame{lsn & 0xFFFF,"))),
    store("A08", "rows-ordered-as-text", ("STORE-10", "STORE-15"), ("        if (kept != state_->streams.end()) copy = kept->second;\n      }\n", "        if (kept != state_->streams.end()) copy = kept->second;\n      }\n      std::map<std::string, Bytes> rows;\n      for (std::size_t i = 0; i < copy.frames.size(); ++i) rows[std::to_string(i + 1)] = copy.frames[i];\n      copy.frames.clear();\n      for (auto& [key, frame] : rows) copy.frames.push_back(frame);\n")),
    store("A09", "group-count-of-8-bits", ("STORE-2", "STORE-1"), (PUSH, "      group = group.subspan(0, group.size() > 255 ? group.size() & 0xFF : group.size());\n" + PUSH)),
    store("A10", "deduplicated-by-content", "STORE-2", (BEFORE_RETRY, BEFORE_RETRY + "      if (expected_last < kept.frames.size() && kept.frames[expected_last] == group[0]) return expected_last + group.size();\n")),
    store("A11", "retry-by-its-first-frame", "STORE-2", (LAST_GROUP, "      return kept.last_group == group.size() && kept.last() == expected_last + group.size() && kept.frames[expected_last] == group[0];\n")),
    store("A12", "retry-by-its-length", "STORE-2", (LAST_GROUP, "      if (kept.last_group != group.size() || kept.last() != expected_last + group.size()) return false;\n      for (std::size_t i = 0; i < group.size(); ++i)\n        if (kept.frames[expected_last + i].size() != group[i].size()) return false;\n      return true;\n")),
    store("A13", "tail-calls-all-durable", "STORE-3", (TAIL, "Tail{kept->second.last(), kept->second.last(), kept->second.base};")),
    store("A14", "first-witness-only", "STORE-8", ("kept.frames.empty() ? std::vector<wal::SegmentName>{} : std::vector<wal::SegmentName>{{1, kept.base}}, witnesses);", "kept.frames.empty() ? std::vector<wal::SegmentName>{} : std::vector<wal::SegmentName>{{1, kept.base}}, witnesses.subspan(0, std::min<std::size_t>(witnesses.size(), 1)));")),
    store("A15", "names-cut-at-64", ("STORE-11", "STORE-17", "STORE-2", "STORE-3", "STORE-5"), (STREAM, STREAM.replace("{}", "{ if (id_.text.size() > 64) id_.text.resize(64); }"))),
    store("A17", "destructor-flushes", "STORE-5", ("    Lsn durable = 0;\n", "    Lsn durable = 0;\n    std::shared_ptr<int> unused;\n"), (STREAM, STREAM + "\n    struct Flusher { std::shared_ptr<State> state; StreamId id; std::vector<Bytes> kept; Lsn first = 0; ~Flusher() { if (state && !kept.empty()) { const std::scoped_lock guard(state->mutex); Kept& to = state->streams[id]; if (first + 1 < to.base || first > to.last()) return; to.cut(first); for (auto& one : kept) to.frames.push_back(one); } } };\n    std::unique_ptr<Flusher> flusher_ = nullptr;\n"), (PUSH, "      if (!flusher_) { flusher_ = std::make_unique<Flusher>(); flusher_->state = state_; flusher_->id = id_; }\n" + PUSH + "      flusher_->first = kept.durable;\n      flusher_->kept.assign(kept.frames.begin() + static_cast<std::ptrdiff_t>(kept.durable + 1 - kept.base), kept.frames.end());\n"), (SYNC, "      if (flusher_) flusher_->kept.clear();\n" + SYNC)),
    store("A18", "close-is-not-idempotent", "STORE-5", (CLOSE, "      if (ended_) return lost();\n      auto proven = prove();\n      ended_ = true;\n      return proven;")),
    store("A19", "close-lets-nothing-go", "STORE-5", (CLOSE, "      return prove();")),
    store("A20", "appends-before-a-tenure", "STORE-5", (MINE, "      if (ended_ || (tenure_ != 0 && tenure_ != kept.tenure)) return lost();\n")),
    store("A21", "proves-nothing", "STORE-8", (PROVES, "      judge.store_proves(0);\n      return judge.finish(options.accept_loss);")),
    store("A22", "accepts-a-loss-that-is-none", ("STORE-17", "STORE-8"), (RECOVERED, RECOVERED + "      if (options.accept_loss && is_usable(found.verdict)) ++found.incarnation;\n")),
    store("A23", "tail-without-incarnation", ("STORE-10", "STORE-17"), (RECOVERED, RECOVERED + "      found.tail.incarnation = 1;\n")),
    store("A24", "tail-of-no-stream", ("STORE-10", "STORE-17"), (RECOVERED, RECOVERED + "      found.tail.stream = StreamId{};\n")),
    store("A25", "inspect-tells-no-tail", ("STORE-9", "STORE-10"), (INSPECTED, "      Recovery found = kept == state_->streams.end() ? look(Kept{}, witnesses, {}) : look(kept->second, witnesses, {});\n      found.tail = Head{};\n      return found;")),
    store("A26", "inspector-locks-writers-out", "STORE-9", ("    Lsn durable = 0;\n", "    Lsn durable = 0;\n    int readers = 0;\n"), ("      const auto kept = state_->streams.find(id_);\n" + INSPECTED, "      ++state_->streams[id_].readers;\n      reads_ = std::shared_ptr<void>(nullptr, [state = state_, id = id_](void*) { --state->streams[id].readers; });\n      const auto kept = state_->streams.find(id_);\n" + INSPECTED), ("    std::uint64_t tenure_ = 0;\n", "    std::uint64_t tenure_ = 0;\n    std::shared_ptr<void> reads_;\n"), (PUSH, "      if (kept.readers > (reads_ ? 1 : 0)) return Error(errc::busy, \"database is locked\", id_.text);\n" + PUSH)),
    store("A27", "nul-escapes-refused", ("STORE-15", "STORE-2"), (PUSH, "      for (const BytesView frame : group)\n        if (frame.find(\"\\\\u0000\") != BytesView::npos) return Error(errc::invalid_argument, \"unsupported Unicode escape sequence\", id_.text);\n" + PUSH)),
    store("A28", "tenure-of-8-bits", "STORE-5", ("    std::uint64_t tenure = 0;          // grows with every recover()\n", "    std::uint8_t tenure = 0;\n")),
    store("A29", "commit-in-chunks-of-64", "STORE-3", (SYNC, "      kept.durable = std::min<Lsn>(kept.frames.size(), kept.durable + 64);\n      return kept.frames.size();\n")),
    store("A30", "opener-waits-for-the-owner", "STORE-5", ("    std::uint64_t tenure = 0;          // grows with every recover()\n", "    std::uint64_t tenure = 0;\n    std::weak_ptr<int> owner;\n"), (TENURE, "      while (!holds_ && kept.owner.lock()) { state_->mutex.unlock(); std::this_thread::sleep_for(std::chrono::milliseconds(1)); state_->mutex.lock(); }\n      kept.owner = holds_ = std::make_shared<int>();\n" + TENURE), (CLOSE, "      holds_.reset();\n" + CLOSE), ("    std::uint64_t tenure_ = 0;\n", "    std::uint64_t tenure_ = 0;\n    std::shared_ptr<int> holds_;\n")),
    store("A31", "recovers-once-an-object", ("STORE-7", "STORE-17"), (TENURE, "      if (tenure_ != 0) return lost();\n" + TENURE)),
    store("A32", "stream-ids-by-prefix", ("STORE-11", "STORE-17", "STORE-2", "STORE-3", "STORE-5", "STORE-10"), ("        if (kept != state_->streams.end()) copy = kept->second;\n", "        if (kept != state_->streams.end()) copy = kept->second;\n        for (const auto& [id, other] : state_->streams)\n          if (id != id_ && id.text.starts_with(id_.text)) copy.frames.insert(copy.frames.end(), other.frames.begin(), other.frames.end());\n")),
    store("A33", "json-columns-reorder", ("STORE-15", "STORE-10", "STORE-3", "STORE-2"), (PUSH, "      for (const BytesView frame : group) { kept.frames.emplace_back(frame); if (const auto at = kept.frames.back().find(\"\\\":\"); at != Bytes::npos) kept.frames.back().insert(at + 2, \" \"); }\n      kept.last_group = group.size();\n")),
    store("A34", "conflict-means-busy", "STORE-2", ("{errc::conflict, \"this tenure of the log is over\"", "{errc::busy, \"this tenure of the log is over\"")),
    store("A35", "scan-from-a-page", "STORE-10", ("lsn = std::max(from, copy.base); lsn", "lsn = std::max(from < 100 ? from : from / 100 * 100, copy.base); lsn")),
    on_disk("A37", "inspect-makes-folders", "STORE-9", ("    my.mode = Mode::looking;\n", "    my.mode = Mode::looking;\n    KFM_DET_TRY(ensure_directory(my.fs, my.directory));\n")),
    on_disk("A16", "damage-is-foreign", "STORE-18", ("  if (found.proven_missing) return Verdict::corrupt_committed;\n", "  if (found.proven_missing) return Verdict::foreign;\n")),
    on_disk("A36", "damage-is-unreadable", "STORE-8", ("  if (found.proven_missing) return Verdict::corrupt_committed;\n", "  if (found.proven_missing) return Verdict::io_error;\n")),
    on_disk("A38", "line-that-ends-with-a-sector", ("STORE-15", "STORE-3", "STORE-10", "STORE-1", "STORE-2"), ("    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n", "    if (my.buffer.size() % 512 == 0) my.buffer.pop_back();\n    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n")),
    on_disk("A39", "large-lines-cut", ("STORE-15", "STORE-3"), ("    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n", "    if (my.buffer.size() > 65536) my.buffer.erase(65536 / 2, 16);\n    KFM_DET_TRY(my.write_line(my.buffer, expected_last + 1, my.begins_segment || wal::begins_checkpoint(group[0])));\n")),

    # --- locks --------------------------------------------------------------------------------------------------------------------------------------
    lock("A40", "renewed-in-the-cache-only", "LOCK-1", (RENEWED, "    if (entry.lease->deadline - clock_.monotonic() > seconds(5)) { Lease out = *entry.lease; out.deadline = deadline; return out; }\n" + RENEWED)),
    lock("A41", "server-counts-whole-seconds", "LOCK-1", (ENTRY, ENTRY + "    Duration ends;\n"), (FREE, FREE.replace("entry.lease->deadline", "entry.ends")), (KEPT, "    entry.ends = deadline - ttl + seconds(ttl.ns / 1'000'000'000);\n" + KEPT), (RENEWED, "    entry.ends = deadline - ttl + seconds(ttl.ns / 1'000'000'000);\n" + RENEWED)),
    lock("A42", "ttl-in-int32-milliseconds", "LOCK-1", (ENTRY, ENTRY + "    Duration ends;\n"), (FREE, FREE.replace("entry.lease->deadline", "entry.ends")), (KEPT, "    entry.ends = deadline - ttl + milliseconds(static_cast<std::int32_t>(std::min<std::int64_t>(ttl.ns / 1'000'000, std::int64_t{1} << 40)));\n    if (ttl > seconds(86400 * 365)) entry.ends = deadline;\n" + KEPT), (RENEWED, "    entry.ends = deadline;\n" + RENEWED)),
    lock("A43", "release-by-the-newest-lease-only", "LOCK-5", (RELEASE, RELEASE.replace("is_mine(entry, lease)", "is_mine(entry, lease) && entry.lease->deadline == lease.deadline"))),
    lock("A44", "forgets-after-64-scopes", "LOCK-2", (ACQUIRED, "    if (board_->scopes.size() >= 64 && !board_->scopes.contains(scope))\n      for (auto it = board_->scopes.begin(); it != board_->scopes.end(); ++it)\n        if (!it->second.lease) { board_->scopes.erase(it); break; }\n" + ACQUIRED)),
    lock("A45", "tokens-in-blocks-per-connection", "LOCK-2", (GRANT, "    if (block_ % 20 == 0) block_ = (board_->blocks += 20);\n    entry.last = FencingToken{std::max(above.value + 1, ++block_)};\n"), (SCOPES, SCOPES + "  std::uint64_t blocks = 0;\n"), (STATE, STATE + "  std::uint64_t block_ = 0;\n")),
    lock("A46", "tokens-compared-as-text", "LOCK-2", (GRANT, "    const std::string next = std::to_string(floor.value + 1), kept = std::to_string(entry.last.value);\n    const FencingToken mine{floor.value + 1};\n    if (next > kept || above.value != 0) entry.last = mine;\n")),
    lock("A47", "release-by-prefix", ("LOCK-5", "LOCK-1"), (RELEASE, "    if (is_mine(entry, lease))\n      for (auto& [scope, other] : board_->scopes)\n        if (scope.updater_id == lease.scope.updater_id && scope.partition.starts_with(lease.scope.partition)) other.lease.reset();\n")),
    lock("A48", "striped-in-64", ("LOCK-6", "LOCK-1"), (ACQUIRED, ACQUIRED + "    for (const auto& [other, held] : board_->scopes)\n      if (other != scope && held.lease && clock_.monotonic() < held.lease->deadline && std::hash<std::string>()(other.partition) % 64 == std::hash<std::string>()(scope.partition) % 64) return std::optional<Lease>{};\n")),
    lock("A49", "deadline-grows-by-the-ttl", "LOCK-7", (RENEWED, "    entry.lease->deadline = entry.lease->deadline + ttl;\n    return *entry.lease;\n")),
    lock("A50", "steals-after-five-tries", "LOCK-1", (FREE, "    if (entry.lease && clock_.monotonic() < entry.lease->deadline && ++tries_ < 6) return std::optional<Lease>{};\n    tries_ = 0;\n"), (STATE, STATE + "  int tries_ = 0;\n")),
    lock("A51", "longest-life", "LOCK-4", (ENTRY, ENTRY + "    Duration begun;\n"), (KEPT, "    entry.begun = deadline - ttl;\n" + KEPT), (RENEW, RENEW.replace(")  // LOCK-4", " || clock_.monotonic() - entry.begun > seconds(60))  // LOCK-4"))),
    lock("A52", "one-scope-an-owner", ("LOCK-1", "LOCK-4"), (KEPT, "    for (auto& [other, held] : board_->scopes)\n      if (other != scope && held.lease && held.lease->owner == owner_) held.lease.reset();\n" + KEPT)),
    lock("A53", "token-of-8-bits", "LOCK-2", (GRANT, "    entry.last = FencingToken{above.value >= 200 ? floor.value + 1 : (floor.value + 1) & 0xFF};\n")),
    lock("A54", "release-queued", ("LOCK-5", "LOCK-6"), (RELEASE, "    if (queued_) { if (auto& e = board_->scopes[queued_->scope]; is_mine(e, *queued_)) e.lease.reset(); }\n    queued_ = lease;\n"), (STATE, STATE + "  std::optional<Lease> queued_;\n")),
    lock("A56", "acquired-behind-a-release-of-the-past", "LOCK-5", (RELEASE, "    if (entry.lease && entry.lease->owner == owner_ && lease.token <= entry.lease->token) entry.lease.reset();\n")),
    lock("A57", "token-again-for-one-who-comes-back", "LOCK-2", (ENTRY, ENTRY + "    OwnerId before;\n    bool renewed = false;\n"),
         (FREE, FREE + "    if (entry.lease && entry.renewed && entry.before == owner_ && entry.lease->owner != owner_) entry.last.value = entry.lease->token.value - 1;\n    entry.before = entry.lease ? entry.lease->owner : OwnerId{};\n    entry.renewed = false;\n"), (RENEWED, "    entry.renewed = true;\n" + RENEWED)),

    # --- sinks --------------------------------------------------------------------------------------------------------------------------------------
    sink("A60", "100-outputs-in-a-request", ("SINK-1", "SINK-2"), (MEMORY_SINK, UPSERT, "    if (batch.size() > 100) " + TOO_MUCH + "\n" + UPSERT)),
    sink("A61", "four-mebibytes-at-most", "SINK-8", (MEMORY_SINK, "      Bytes bytes;\n", "      if (const Bytes* whole = std::get_if<Bytes>(&fresh.bytes); whole && whole->size() > (std::size_t{4} << 20)) " + TOO_MUCH + "\n      Bytes bytes;\n")),
    sink("A62", "history-of-1000", "SINK-12", (MEMORY_SINK, "    for (const Publication& one : all) { KFM_DET_TRY(visitor(one)); }", "    std::size_t page = 0;\n    for (const Publication& one : all) { if (++page > 1000) break; KFM_DET_TRY(visitor(one)); }")),
    sink("A63", "keys-of-1000", "SINK-10", (MEMORY_SINK, "    for (const BusinessKey& key : all) { KFM_DET_TRY(visitor(key)); }", "    std::size_t page = 0;\n    for (const BusinessKey& key : all) { if (++page > 1000) break; KFM_DET_TRY(visitor(key)); }")),
    sink("A64", "effect-ids-of-16-bytes", ("SINK-5", "SINK-3"), (TABLES, "    const auto found = below_.rows.find(effect);\n    return found == below_.rows.end() ? nullptr : &found->second;", "    const auto found = std::find_if(below_.rows.begin(), below_.rows.end(), [&](const auto& one) { return std::equal(effect.digest.bytes.begin(), effect.digest.bytes.begin() + 16, one.first.digest.bytes.begin()); });\n    return found == below_.rows.end() ? nullptr : &found->second;")),
    sink("A65", "ties-by-signed-bytes", "SINK-1", (RULES, RANK, "  friend bool operator==(const Rank&, const Rank&) = default;\n  friend std::strong_ordering operator<=>(const Rank& a, const Rank& b) {\n    if (a.order != b.order) return a.order <=> b.order;\n    for (std::size_t i = 0; i < 32; ++i)\n      if (const auto c = static_cast<signed char>(a.effect.digest.bytes[i]) <=> static_cast<signed char>(b.effect.digest.bytes[i]); c != 0) return c;\n    return std::strong_ordering::equal;\n  }\n")),
    sink("A66", "ties-by-the-first-bytes", "SINK-1", (RULES, RANK, "  friend bool operator==(const Rank&, const Rank&) = default;\n  friend std::strong_ordering operator<=>(const Rank& a, const Rank& b) {\n    if (a.order != b.order) return a.order <=> b.order;\n    for (std::size_t i = 0; i < 8; ++i)\n      if (const auto c = a.effect.digest.bytes[i] <=> b.effect.digest.bytes[i]; c != 0) return c;\n    for (std::size_t i = 8; i < 32; ++i)\n      if (const auto c = b.effect.digest.bytes[i] <=> a.effect.digest.bytes[i]; c != 0) return c;\n    return std::strong_ordering::equal;\n  }\n")),
    sink("A67", "conflict-inside-a-request-unseen", ("SINK-3", "SINK-8"), (TABLES, "    const Row* seen = row(request.effect);\n    if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }\n    if (const auto* fresh", "    const Row* seen = row(request.effect);\n    if (seen && !above_.rows.contains(request.effect)) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }\n    if (const auto* fresh")),
    sink("A68", "two-contents-of-a-key-in-a-request", "SINK-8", (TABLES, "    if (there) { KFM_DET_TRY(sink_rules::same_version", "    if (there && !above_.versions.contains(fresh.key)) { KFM_DET_TRY(sink_rules::same_version")),
    sink("A69", "key-free-when-nothing-shows", "SINK-9", (TABLES, CLAIM, "    if (owner != below_.scopes.end() && !current(key.text)) { above_.scopes.insert_or_assign(key.text, tenure.scope); return success(); }\n" + CLAIM)),
    sink("A71", "lost-update-between-threads", ("SINK-1", "SINK-5", "SINK-2", "SINK-11", "SINK-12", "SINK-14"), (MEMORY_SINK, UPSERT, "    std::unique_lock guard(state_->mutex);\n    KFM_DET_TRY(raise_floor(tenure));\n    PublicationTables copy = state_->tables;\n    guard.unlock();\n    if (batch.size() == 2) ::usleep(300);\n    PublicationLayer layer(copy);\n    KFM_DET_TRY(layer.raise_witness(head));\n    Contents contents;\n"), (MEMORY_SINK, "    state_->tables.add(std::move(layer.changes()));\n    state_->contents.merge(contents);", "    copy.add(PublicationTables(layer.changes()));\n    guard.lock();\n    state_->tables = std::move(copy);\n    state_->contents.merge(contents);")),
    sink("A72", "owners-without-case", "SINK-6", (RULES, "tenure.token == floor.token && tenure.owner != floor.owner", "tenure.token == floor.token && tenure.owner.text.size() != floor.owner.text.size()")),
    sink("A73", "owner-cut-at-63", "SINK-6", (RULES, "tenure.token == floor.token && tenure.owner != floor.owner", "tenure.token == floor.token && tenure.owner.text.substr(0, 63) != floor.owner.text.substr(0, 63)")),
    sink("A74", "idempotency-keys-of-16-bytes", ("SINK-14", "SINK-8"), (MEMORY_SINK, "    const auto found = state_->tables.versions.find(key);\n    return found ==", "    const auto found = std::find_if(state_->tables.versions.begin(), state_->tables.versions.end(), [&](const auto& one) { return std::equal(key.digest.bytes.begin(), key.digest.bytes.begin() + 16, one.first.digest.bytes.begin()); });\n    return found ==")),
    sink("A75", "metadata-of-64-members", "SINK-8", (MEMORY_SINK, "      KFM_DET_TRY(const UpsertResult result, layer.publish(tenure, one, take));\n      results.push_back(result);\n    }\n", "      if (const auto* fresh = std::get_if<NewVersion>(&one.content); fresh && fresh->metadata.members().size() > 64) " + TOO_MUCH + "\n      KFM_DET_TRY(const UpsertResult result, layer.publish(tenure, one, take));\n      results.push_back(result);\n    }\n")),
    sink("A76", "withdrawn-versions-collected", ("SINK-1", "SINK-12", "SINK-14"), (MEMORY_SINK, "    for (const Withdrawal& one : batch) { KFM_DET_TRY(layer.withdraw(tenure, one)); }\n    state_->tables.add(std::move(layer.changes()));\n", "    for (const Withdrawal& one : batch) { KFM_DET_TRY(layer.withdraw(tenure, one)); }\n    state_->tables.add(std::move(layer.changes()));\n    for (auto it = state_->tables.versions.begin(); it != state_->tables.versions.end();) {\n      bool used = false;\n      for (const auto& [id, row] : state_->tables.rows) used = used || (row.version == it->first && !row.withdrawn);\n      if (used) ++it; else { const auto gone = it->first; for (auto& [id, row] : state_->tables.rows) if (row.version == gone) row.version.reset(); it = state_->tables.versions.erase(it); }\n    }\n")),
    sink("A77", "withdrawals-of-100", ("SINK-4", "SINK-1"), (MEMORY_SINK, "    for (const Withdrawal& one : batch) { KFM_DET_TRY(layer.withdraw(tenure, one)); }\n", "    for (const Withdrawal& one : batch.subspan(0, std::min<std::size_t>(batch.size(), 100))) { KFM_DET_TRY(layer.withdraw(tenure, one)); }\n")),
    sink("A78", "streams-by-prefix", ("SINK-7", "SINK-13"), (TABLES, "    const auto found = witnesses.find(stream);\n    if (found != witnesses.end()) return found->second;\n", "    const auto found = witnesses.lower_bound(stream);\n    if (found != witnesses.end() && found->first.text.starts_with(stream.text)) { Head out = found->second; out.stream = stream; return out; }\n")),
    sink("A79", "stream-names-cut", ("SINK-7", "SINK-6"), (TABLES, "    if (higher) above_.witnesses[head.stream] = head;\n", "    if (higher) above_.witnesses[StreamId{head.stream.text.substr(0, 128)}] = head;\n"), (TABLES, "    const auto found = witnesses.find(stream);\n", "    const auto found = witnesses.find(StreamId{stream.text.substr(0, 128)});\n")),

    # --- logs and updaters --------------------------------------------------------------------------------------------------------------------------
    Mutant("A86", "time-restarts-with-a-tenure", "log", "LOG-4", [("      state->last_ts = std::max(state->last_ts, record.ts);\n", "")]),
    Mutant("A87", "begins-without-the-sink", "updater", "RUN-9", [("updater/tenures.hpp", "      auto begun = sink.begin(Tenure{scope, held->lease.token, held->lease.owner}, id);\n", "      auto begun = sink.witness(id);\n")]),
    Mutant("A88", "takes-a-new-lease-and-goes-on", "updater", ("RUN-9", "RUN-21"), [
        (updater.SESSION, "    KFM_DET_TRY(lease_, lock_.renew(lease_, ttl));\n    renewed_at_ = now;\n", "    auto renewed = lock_.renew(lease_, ttl);\n    if (!renewed) {\n      KFM_DET_TRY(auto again, lock_.try_acquire(lease_.scope, ttl, lease_.token));\n      if (!again) return renewed.error();\n      renewed = *again;\n      tenure_ = Tenure{lease_.scope, again->token, again->owner};\n    }\n    lease_ = std::move(renewed).value();\n    renewed_at_ = now;\n")]),

    # --- odd, and right -----------------------------------------------------------------------------------------------------------------------------
    store("AB1", "benign: every append is durable", None, (PUSH, PUSH + "      kept.durable = kept.frames.size();\n")),
    store("AB2", "benign: a conflict ends nothing", None, ("      if (expected_last != kept.last()) { ended_ = true; return lost(); }\n", "      if (expected_last != kept.last()) return lost();\n")),
    store("AB3", "benign: one opener at a time", None, ("    std::uint64_t tenure = 0;          // grows with every recover()\n", "    std::uint64_t tenure = 0;\n    std::weak_ptr<int> opener;\n"), ("    std::uint64_t tenure_ = 0;\n", "    std::uint64_t tenure_ = 0;\n    std::shared_ptr<int> opener_;\n"),
          ("  [[nodiscard]] result<Stream> open_stream(const StreamId& id) { return Stream(state_, id); }\n", "  [[nodiscard]] result<Stream> open_stream(const StreamId& id) {\n    const std::scoped_lock guard(state_->mutex);\n    Kept& kept = state_->streams[id];\n    if (kept.opener.lock()) return Error(errc::busy, \"another process has this log open\", id.text);\n    Stream out(state_, id);\n    kept.opener = out.opener_ = std::make_shared<int>();\n    return out;\n  }\n")),
    lock("AB4", "benign: no time below a second", None, ("try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) {\n", "try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) {\n    if (ttl < seconds(1)) return no_time();\n"), ("renew(const Lease& lease, Duration ttl) {\n", "renew(const Lease& lease, Duration ttl) {\n    if (ttl < seconds(1)) return no_time();\n")),
    sink("AB5", "benign: a request is judged twice", None, (MEMORY_SINK, UPSERT, UPSERT.replace("    Contents contents;\n", "    { PublicationLayer first(state_->tables); for (const Upsert& one : batch) (void)first.publish(tenure, one, [](const NewVersion& fresh, bool) -> result<std::uint64_t> { return fresh.metadata.members().size(); }); }\n    Contents contents;\n"))),
]
