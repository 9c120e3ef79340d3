# SPDX-License-Identifier: BSL-1.0
"""Locks that are broken on purpose. A lease type without a token does not compile (tests/compile_fail/lock_without_token.cpp); L01 has the member, and nothing in it. L04 (the token is ignored) is the
sink's. L20 and L21 (fcntl locks, a forked child) are the file system's, FS-6: files.py. L25 (a waiter that is never told) has no waiting here: its stand-in is a release that hands over to nobody."""
from table import Family, Mutant

MEMORY = Family(
    files=["locks/memory_lock.hpp"],
    check="check_lock",
    include=["<chrono>", "<thread>"],
    fixture="""
struct Fixture_ID {
  using Lock = kfm_det::ID::MemoryLock<kfm_det::ManualClock>;
  kfm_det::result<Lock> connect(const kfm_det::OwnerId& owner, const kfm_det::ManualClock& clock) { return Lock(board, owner, clock); }
  void wipe() { board = Lock::make_board(); }
  std::shared_ptr<kfm_det::ID::MemoryLockBoard> board;
};
""")

FILE = Family(
    files=["locks/lease_record.hpp", "locks/lease_folder.hpp", "locks/file_lock.hpp"],
    check="check_lock",
    include=['"kfm_det/conformance/owners_on_disk.hpp"'],
    fixture="""
struct Fixture_ID : kfm_det::conformance::OwnersOnDisk {
  using Lock = kfm_det::ID::FileLock<kfm_det::simulate::Disk, kfm_det::ManualClock>;
  kfm_det::result<Lock> connect(const kfm_det::OwnerId& owner, const kfm_det::ManualClock& clock) {
    return Lock::open("locks", {.owner = owner, .clock = clock, .file_system = process_of(owner)});
  }
};
""")

# A lock over a server that has a few atomic commands, as in Redis or a database: the stand-in for what needs one.
SERVER = """
struct Fixture_ID {
  struct Entry { std::string owner; std::uint64_t token = 0; std::int64_t ends = 0; };   // ends: monotonic; the far future when it has no time to live
  struct Server {
    std::map<std::string, Entry> entries;
    std::map<std::string, std::uint64_t> counters;
    std::function<void()> hook;
    std::atomic<std::uint64_t> calls = 0;
    std::mutex mutex;   // a command is one
    static constexpr std::int64_t never = std::int64_t{1} << 62;
    void called() { ++calls; if (hook) hook(); }
    // Each command: the clock first, then everything at once.
    std::optional<Entry> get(const std::string& key, std::int64_t now) { called(); const std::scoped_lock guard(mutex); const auto at = entries.find(key); return at == entries.end() || at->second.ends <= now ? std::nullopt : std::optional(at->second); }
    std::optional<Entry> get_raw(const std::string& key) { called(); const std::scoped_lock guard(mutex); const auto at = entries.find(key); return at == entries.end() ? std::nullopt : std::optional(at->second); }
    void erase(const std::string& key) { called(); const std::scoped_lock guard(mutex); entries.erase(key); }
    bool erase_if(const std::string& key, const std::string& owner, std::uint64_t token) {
      called();
      const std::scoped_lock guard(mutex);
      const auto at = entries.find(key);
      if (at == entries.end() || at->second.owner != owner || at->second.token != token) return false;
      entries.erase(at);
      return true;
    }
    std::optional<std::uint64_t> grant(const std::string& key, const std::string& owner, std::int64_t now, std::int64_t ends, std::uint64_t above) {
      called();
      const std::scoped_lock guard(mutex);
      const auto at = entries.find(key);
      if (at != entries.end() && at->second.ends > now) return std::nullopt;
      std::uint64_t& counter = counters[key];
      counter = std::max(counter, above) + 1;
      entries[key] = Entry{owner, counter, ends};
      return counter;
    }
    std::optional<std::uint64_t> grant_if_absent(const std::string& key, const std::string& owner, std::int64_t ends, std::uint64_t above) {
      called();
      const std::scoped_lock guard(mutex);
      if (entries.count(key) != 0) return std::nullopt;
      std::uint64_t& counter = counters[key];
      counter = std::max(counter, above) + 1;
      entries[key] = Entry{owner, counter, ends};
      return counter;
    }
    bool extend(const std::string& key, const std::string& owner, std::uint64_t token, std::int64_t now, std::int64_t ends) {
      called();
      const std::scoped_lock guard(mutex);
      const auto at = entries.find(key);
      if (at == entries.end() || at->second.ends <= now || at->second.owner != owner || at->second.token != token) return false;
      at->second.ends = ends;
      return true;
    }
    void put_ends(const std::string& key, std::int64_t ends) { called(); const std::scoped_lock guard(mutex); entries[key].ends = ends; }
  };
  struct Lock {
    static constexpr kfm_det::LockClaims claims{.many_processes = true};
    std::shared_ptr<Server> server;
    kfm_det::OwnerId owner;
    kfm_det::ManualClock clock;
    static std::string key_of(const kfm_det::LockScope& scope) { return kfm_det::StreamId::of(scope).text; }
    static kfm_det::Error lost() { return kfm_det::Error(kfm_det::errc::lease_lost, "it is somebody else's, or has run out", "lease"); }
    static kfm_det::Error no_time() { return kfm_det::Error(kfm_det::errc::invalid_argument, "no time to live", "ttl"); }
    kfm_det::result<std::optional<kfm_det::Lease>> try_acquire(const kfm_det::LockScope& scope, kfm_det::Duration ttl, kfm_det::FencingToken above) {
      if (ttl.ns <= 0) return no_time();
      if (above.value == ~std::uint64_t{0}) return kfm_det::Error(kfm_det::errc::limit_exceeded, "no token left", "above");
      const kfm_det::Duration asked = clock.monotonic(), deadline = asked + ttl;
      const std::string key = key_of(scope);
      ACQUIRE
      if (!token) return std::optional<kfm_det::Lease>{};
      return std::optional(kfm_det::Lease{scope, {*token}, owner, deadline});
    }
    kfm_det::result<kfm_det::Lease> renew(const kfm_det::Lease& lease, kfm_det::Duration ttl) {
      if (ttl.ns <= 0) return no_time();
      if (lease.owner != owner) return lost();
      const kfm_det::Duration asked = clock.monotonic(), deadline = asked + ttl;
      const std::string key = key_of(lease.scope);
      RENEW
      return kfm_det::Lease{lease.scope, lease.token, owner, deadline};
    }
    kfm_det::result<void> release(const kfm_det::Lease& lease) {
      if (lease.owner != owner) return kfm_det::success();
      const std::string key = key_of(lease.scope);
      RELEASE
      return kfm_det::success();
    }
  };
  kfm_det::result<Lock> connect(const kfm_det::OwnerId& owner, const kfm_det::ManualClock& clock) { return Lock{server, owner, clock}; }
  void wipe() { auto hook = server->hook; server = std::make_shared<Server>(); server->hook = hook; }
  void on_call(std::function<void()> hook) { server->hook = std::move(hook); }
  std::shared_ptr<Server> server = std::make_shared<Server>();
};
"""


def server(id, name, law, acquire=None, renew=None, release=None):
    fixture = SERVER
    for place, given, usual in (("ACQUIRE", acquire, "const auto token = server->grant(key, owner.text, asked.ns, deadline.ns, above.value);"),
                                ("RENEW", renew, "if (!server->extend(key, owner.text, lease.token.value, asked.ns, deadline.ns)) return lost();"),
                                ("RELEASE", release, "(void)server->erase_if(key, owner.text, lease.token.value);")):
        fixture = fixture.replace("      " + place + "\n", "      " + (given or usual) + "\n")
    return Mutant(id, name, "lock_server", law, [], fixture=fixture)


FAMILIES = {"memory_lock": MEMORY, "file_lock": FILE, "lock_server": Family(files=[], fixture="", check="check_lock", include=["<atomic>", "<map>", "<memory>", "<mutex>", "<string>"])}

GRANT = "    entry.last = FencingToken{floor.value + 1};\n"
FREE = "    if (entry.lease && clock_.monotonic() < entry.lease->deadline) return std::optional<Lease>{};\n"
RELEASE = "    if (is_mine(entry, lease)) entry.lease.reset();  // LOCK-5\n"
RENEW = "    if (!is_mine(entry, lease) || clock_.monotonic() >= entry.lease->deadline)  // LOCK-4\n"
MINE = "    return entry.lease && entry.lease->token == lease.token && entry.lease->owner == owner_ && lease.owner == owner_;\n"
STATE = "  std::shared_ptr<Board> board_;\n"


def memory(id, name, law, *change, fixture=""):
    return Mutant(id, name, "memory_lock", law, list(change), fixture=fixture)


def file(id, name, law, *change):
    return Mutant(id, name, "file_lock", law, list(change))


def keyed(key):
    """The board's entry of `one`, a scope, is looked up by another key."""
    def entry(scope):
        return f"    const LockScope& one = {scope};\n    Board::Entry& entry = board_->scopes[{key}];\n"
    old = "    Board::Entry& entry = board_->scopes[lease.scope];\n"
    return [("    Board::Entry& entry = board_->scopes[scope];\n", entry("scope")), (old + RENEW, entry("lease.scope") + RENEW), (old + RELEASE, entry("lease.scope") + RELEASE)]


MUTANTS = [
    memory("L01", "no-token", "LOCK-2", ("    entry.lease = Lease{scope, entry.last, owner_, deadline};\n", "    entry.lease = Lease{scope, FencingToken{}, owner_, deadline};\n")),
    memory("L02", "token-not-monotone", "LOCK-2", (GRANT, "    entry.last = FencingToken{(floor.value * 2654435761u + 7) % 1000003u + above.value + 1};\n")),
    memory("L02b", "token-from-the-clock", "LOCK-2", (GRANT, "    entry.last = FencingToken{static_cast<std::uint64_t>(clock_.monotonic().ms())};\n")),
    memory("L02c", "token-of-the-owner", "LOCK-2", (GRANT, "    entry.last = FencingToken{std::max(above.value, ++mine_) + 0};\n"), (STATE, STATE + "  std::uint64_t mine_ = 0;\n")),
    memory("L02d", "above-is-ignored", "LOCK-2", ("std::max(entry.last, above);  // LOCK-2", "entry.last; static_cast<void>(above);")),
    memory("L02e", "above-only", "LOCK-2", ("std::max(entry.last, above);  // LOCK-2", "above.value != 0 ? above : entry.last;")),
    memory("L02f", "token-reused-after-release", "LOCK-2", (RELEASE, "    if (is_mine(entry, lease)) { entry.lease.reset(); --entry.last.value; }\n")),
    memory("L02g", "token-reused-after-expiry", "LOCK-2", (FREE, FREE + "    if (entry.lease) entry.last = FencingToken{entry.lease->token.value - 1};\n")),
    memory("L02h", "token-of-32-bits", "LOCK-2", (GRANT, "    entry.last = FencingToken{static_cast<std::uint32_t>(floor.value + 1)};\n")),
    memory("L02i", "entry-forgotten-with-the-lease", "LOCK-2", (RELEASE, "    if (is_mine(entry, lease)) board_->scopes.erase(lease.scope);\n")),
    memory("L03", "token-resets", "LOCK-2",
           ("clock_(std::move(clock)) {}", "clock_(std::move(clock)) { for (auto& [scope, entry] : board_->scopes) entry.last = FencingToken{}; }")),
    memory("L07", "unconditional-release", "LOCK-5", (RELEASE, "    entry.lease.reset();\n")),
    memory("L07b", "release-by-owner-only", "LOCK-5", (RELEASE, "    if (entry.lease && entry.lease->owner == owner_) entry.lease.reset();\n")),
    memory("L07c", "release-by-lease-only", "LOCK-5", (RELEASE, "    if (entry.lease && entry.lease->token == lease.token) entry.lease.reset();\n")),
    memory("L07d", "release-twice-is-an-error", "LOCK-5",
           (RELEASE, '    if (!is_mine(entry, lease)) return Error(errc::lease_lost, "not yours", "release");\n    entry.lease.reset();\n')),
    memory("L10", "renew-after-expiry", "LOCK-4", (RENEW, "    if (!is_mine(entry, lease))\n")),
    memory("L10b", "renew-without-token", "LOCK-4", (RENEW, "    if (!entry.lease || entry.lease->owner != owner_ || clock_.monotonic() >= entry.lease->deadline)\n")),
    memory("L10c", "renew-without-owner", "LOCK-4", (RENEW, "    if (!entry.lease || entry.lease->token != lease.token || clock_.monotonic() >= entry.lease->deadline)\n")),
    memory("L10d", "renew-takes-what-is-free", "LOCK-4",
           (RENEW, "    if (!entry.lease) entry.lease = lease;\n" + RENEW)),
    memory("L10e", "renew-loses-for-nothing", "LOCK-4", (RENEW, "    if (!is_mine(entry, lease) || clock_.monotonic() + ttl >= entry.lease->deadline + ttl - milliseconds(2000))\n")),
    memory("L10f", "lost-is-another-error", "LOCK-4", ("      return Error(errc::lease_lost, ", "      return Error(errc::not_found, ")),
    memory("L10g", "renew-forgets-to-tell-the-board", "LOCK-1", ("    entry.lease->deadline = deadline;\n    return *entry.lease;\n", "    Lease out = *entry.lease;\n    out.deadline = deadline;\n    return out;\n")),
    memory("L11", "wall-clock-expiry", "LOCK-7",
           ("  static Error no_time()", "  [[nodiscard]] Duration wall() const { return clock_.now() - Instant{1'704'063'600'000'000'000}; }\n  static Error no_time()"),
           (FREE, FREE.replace("clock_.monotonic()", "wall()")), ("    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n", "    const Duration deadline = wall() + ttl;\n")),
    memory("L11b", "wall-clock-deadline", "LOCK-7", ("    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n", "    const Duration deadline = (clock_.now() - Instant{0}) + ttl;\n")),
    memory("L12", "clock-freeze", "LOCK-4", (RENEW, "    const Lease mine = lease;\n    if (clock_.monotonic() < mine.deadline && mine.owner == owner_ && (!entry.lease || entry.lease->token.value > lease.token.value)) return Lease{lease.scope, lease.token, owner_, deadline};\n" + RENEW)),
    memory("L11c", "wall-clock-after-a-takeover", "LOCK-7", (FREE, FREE + "    if (entry.lease) entry.taken_over = true;\n    entry.ends = clock_.now() + ttl;\n"),
           (RENEW, "    if (entry.taken_over && is_mine(entry, lease) && clock_.now() >= entry.ends) entry.lease.reset();\n" + RENEW),
           ("    entry.lease->deadline = deadline;\n", "    entry.lease->deadline = deadline;\n    entry.ends = clock_.now() + ttl;\n"), ("    FencingToken last; ", "    bool taken_over = false;\n    Instant ends;\n    FencingToken last; ")),
    memory("L12b", "late-clock-takes-back-what-was-released", "LOCK-4", (FREE, FREE + "    if (entry.lease) entry.run_out = entry.lease->token;\n"), ("    FencingToken last; ", "    FencingToken run_out;\n    FencingToken last; "),
           (RENEW, "    if (!entry.lease && entry.run_out == lease.token && lease.owner == owner_ && clock_.monotonic() < lease.deadline) entry.lease = lease;\n" + RENEW)),
    memory("L15", "no-expiry-on-crash", "LOCK-3", (FREE, "    if (entry.lease) return std::optional<Lease>{};\n")),
    memory("L15b", "renewed-for-ever", "LOCK-3", ("    entry.lease->deadline = deadline;\n    return *entry.lease;\n", "    entry.lease->deadline = deadline;\n    Lease out = *entry.lease;\n    entry.lease->deadline = seconds(1'000'000);\n    return out;\n"),
           (RENEW, "    if (!is_mine(entry, lease) || clock_.monotonic() >= lease.deadline)\n")),
    memory("L15c", "overflowing-ttl", "LOCK-7", ("    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n",
                                            "    const Duration deadline{static_cast<std::int64_t>(static_cast<std::uint64_t>(clock_.monotonic().ns) + static_cast<std::uint64_t>(ttl.ns))};\n")),
    memory("L15d", "no-ttl-is-for-ever", ("LOCK-3", "LOCK-7"), ("    if (ttl <= Duration{0}) return no_time();\n    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n",
                                            "    const Duration deadline = ttl <= Duration{0} ? seconds(1'000'000) : clock_.monotonic() + ttl;\n")),
    memory("L24", "spurious", "LOCK-6", (FREE, FREE + "    if (++asked_ % 3 == 0) return std::optional<Lease>{};\n"), (STATE, STATE + "  std::uint64_t asked_ = 0;\n")),
    memory("L24b", "busy-is-an-error", "LOCK-6", ("return std::optional<Lease>{};\n    const FencingToken", 'return Error(errc::conflict, "busy", "lock");\n    const FencingToken')),
    memory("L24c", "one-lease-for-all-scopes", "LOCK-6", *keyed('LockScope{one.updater_id, ""}')),
    memory("L24d", "scopes-by-concatenation", "LOCK-6", *keyed('LockScope{one.updater_id + "/" + one.partition, ""}')),
    memory("L24e", "scopes-by-their-first-bytes", "LOCK-6", *keyed('LockScope{one.updater_id, one.partition.substr(0, 255)}')),
    memory("L24f", "try-waits", "LOCK-6", (FREE, FREE.replace("if (entry", "while (entry").replace("return std::optional<Lease>{};", "{ if (clock_.monotonic() >= deadline) return std::optional<Lease>{}; }"))),
    memory("L24g", "try-sleeps", "LOCK-6", (FREE, FREE.replace("return", "{ std::this_thread::sleep_for(std::chrono::milliseconds(60)); return").replace("{};\n", "{}; }\n"))),
    memory("L25", "released-to-nobody", "LOCK-5", (FREE, FREE.replace("return", "{ entry.refused = true; return").replace("{};\n", "{}; }\n")), (RELEASE, "    if (is_mine(entry, lease) && !entry.refused) entry.lease.reset();\n"),
           ("    FencingToken last; ", "    bool refused = false;\n    FencingToken last; ")),
    memory("L26", "reentrant", "LOCK-1", (FREE, FREE.replace("if (entry.lease &&", "if (entry.lease && entry.lease->owner != owner_ &&"))),
    memory("L27", "two-in-the-last-second", "LOCK-1", (FREE, FREE.replace("entry.lease->deadline)", "entry.lease->deadline - seconds(1))"))),
    memory("L28", "deadline-from-behind-the-answer", "LOCK-7", ("    entry.lease = Lease{scope, entry.last, owner_, deadline};\n", "    static_cast<void>(deadline);\n    entry.lease = Lease{scope, entry.last, owner_, clock_.monotonic() + ttl};\n")),
    memory("L28b", "deadline-later-than-asked", "LOCK-7", ("    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n", "    const Duration deadline = clock_.monotonic() + ttl + milliseconds(500);\n")),
    memory("L29", "grant-in-another-name", "LOCK-1", ("entry.lease = Lease{scope, entry.last, owner_, deadline};", 'entry.lease = Lease{scope, entry.last, OwnerId{"somebody"}, deadline};'), (MINE, "    return entry.lease && entry.lease->token == lease.token && lease.owner.text == \"somebody\";\n")),
    memory("LB1", "benign: tokens that grow by more than one", None, (GRANT, "    entry.last = FencingToken{floor.value + 1000};\n"), ("floor.value == ~std::uint64_t{0}", "floor.value > ~std::uint64_t{0} - 1000")),
    memory("LB2", "benign: less time than was asked", None, ("    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n", "    const Duration deadline = clock_.monotonic() + Duration{ttl.ns - ttl.ns / 10};\n")),
    memory("LB3", "benign: a deadline is over behind it, not on it", None, (FREE, FREE.replace("monotonic() <", "monotonic() <=")), (RENEW, RENEW.replace(">=", ">"))),
    memory("LB4", "benign: one counter for all scopes", None, ("    const FencingToken floor = std::max(entry.last, above);  // LOCK-2\n", "    FencingToken floor = above;\n    for (const auto& [name, one] : board_->scopes) floor = std::max(floor, one.last);\n")),
    memory("LB5", "benign: a renewal never shortens", None, ("    entry.lease->deadline = deadline;\n", "    entry.lease->deadline = std::max(deadline, entry.lease->deadline);\n")),
    memory("LB6", "benign: spurious failure, as is claimed", None, (FREE, FREE + "    if (++asked_ % 3 == 0) return std::optional<Lease>{};\n"), (STATE, STATE + "  std::uint64_t asked_ = 0;\n"),
           fixture=MEMORY.fixture.replace("  void wipe()", "  static constexpr bool may_fail_spuriously = true;\n  void wipe()")),
    memory("LB7", "benign: releasing what has run out is an error", None, (RELEASE, '    if (entry.lease && entry.lease->token == lease.token && clock_.monotonic() >= entry.lease->deadline) return Error(errc::lease_lost, "it has run out", "release");\n' + RELEASE)),
    # a server's lock
    server("LB8", "benign: a lock over a server", None),
    server("L08", "get-then-del", "LOCK-5", release="if (const auto now = server->get_raw(key); now && now->owner == owner.text && now->token == lease.token.value) server->erase(key);"),
    server("L08b", "get-then-extend", ("LOCK-4", "LOCK-1"), renew="const auto now = server->get(key, asked.ns);\n      if (!now || now->owner != owner.text || now->token != lease.token.value) return lost();\n      server->put_ends(key, deadline.ns);"),
    server("L14", "nx-px-split", "LOCK-3", acquire="const auto token = server->grant(key, owner.text, asked.ns, Server::never, above.value);\n      if (token) server->put_ends(key, deadline.ns);"),
    server("L16", "session-lock-pooled", "LOCK-1",   # a transaction pooler in between: each call may come from another session, and a session may lock twice
           acquire='const std::string session = "session-" + std::to_string(server->calls % 2);\n      const auto held = server->get(key, asked.ns);\n      if (held && held->owner == session) server->erase(key);\n      const auto token = server->grant(key, session, asked.ns, deadline.ns, above.value);',
           renew='if (!server->get(key, asked.ns)) return lost();\n      server->put_ends(key, deadline.ns);', release='(void)server->erase_if(key, "session-" + std::to_string(server->calls % 2), lease.token.value);'),
    server("L17", "unlock-false-ignored", "LOCK-5", release='(void)server->erase_if(key, owner.text + "/" + std::to_string(server->calls), lease.token.value);'),
    server("L18", "xact-lock-effect-after-commit", "LOCK-1", acquire="const auto token = server->grant(key, owner.text, asked.ns, deadline.ns, above.value);\n      if (token) server->erase(key);   // commit", renew="if (false) return lost();"),
    server("L22", "lockfile-unlink-race", "LOCK-1", acquire="if (const auto old = server->get_raw(key); old && old->ends <= asked.ns) server->erase(key);   // stale: away with it\n      const auto token = server->grant_if_absent(key, owner.text, deadline.ns, above.value);"),
    server("L30", "token-drawn-before-the-grant", "LOCK-2", acquire="server->called();\n      const std::uint64_t drawn = server->counters[key] = std::max(server->counters[key], above.value) + 1;\n      const auto got = server->grant(key, owner.text, asked.ns, deadline.ns, above.value);\n      if (got) { server->entries[key].token = drawn; server->counters[key] = std::max(drawn, *got); }\n      const auto token = got ? std::optional(drawn) : std::nullopt;"),
    server("L31", "deadline-from-behind-the-answer", "LOCK-7", acquire="const auto token = server->grant(key, owner.text, asked.ns, deadline.ns, above.value);\n      return token ? std::optional(kfm_det::Lease{scope, {*token}, owner, clock.monotonic() + ttl}) : std::optional<kfm_det::Lease>{};"),
    server("L32", "two-commands-to-look-and-take", "LOCK-1", acquire="if (server->get(key, asked.ns)) return std::optional<kfm_det::Lease>{};\n      server->called();\n      const std::optional<std::uint64_t> token = ++server->counters[key] > above.value ? server->counters[key] : (server->counters[key] = above.value + 1);\n      server->entries[key] = Entry{owner.text, *token, deadline.ns};"),
    server("L36", "counter-remembered-by-the-first-release", "LOCK-2", release='if (server->erase_if(key, owner.text, lease.token.value)) { const std::scoped_lock guard(server->mutex); server->counters["seen by " + owner.text] = server->counters[key]; }',
           acquire="std::uint64_t next = 0;\n      {\n        server->called();\n        const std::scoped_lock guard(server->mutex);\n        if (const auto seen = server->counters.find(\"seen by \" + owner.text); seen != server->counters.end() && seen->second == 1 && server->counters[key] == 1) next = std::max(seen->second, above.value) + 1;\n      }\n"
                   "      if (next == 0) { const auto token = server->grant(key, owner.text, asked.ns, deadline.ns, above.value); if (!token) return std::optional<kfm_det::Lease>{}; return std::optional(kfm_det::Lease{scope, {*token}, owner, deadline}); }\n"
                   "      server->called();\n      const std::scoped_lock guard(server->mutex);\n      std::optional<std::uint64_t> token;\n      if (const auto at = server->entries.find(key); at == server->entries.end() || at->second.ends <= asked.ns) { token = server->counters[key] = next; server->entries[key] = Entry{owner.text, next, deadline.ns}; }"),
    # a lock of files
    file("L10h", "renew-looks-once", "LOCK-1", ('  if (expired()) return lose("the lease ran out while it was being renewed");\n', "")),
    file("L10i", "acquirer-reads-the-clock-last", "LOCK-1", ("    KFM_DET_TRY(const auto found, folder.judge(names.highest, moment));\n    if (found.standing == Standing::vanished) return Attempt{};\n",
          "    KFM_DET_TRY(auto found, folder.judge(names.highest, moment));\n    if (found.standing == Standing::vanished) return Attempt{};\n    if (found.record && state_->clock.monotonic() >= found.record->deadline) found.standing = Standing::over;\n")),
    file("L03b", "names-not-synced", "LOCK-2", ("  KFM_DET_TRY(state_->fs.sync_directory(folder.path()));\n  KFM_DET_TRY(const bool ours, folder.shows(record));\n", "  KFM_DET_TRY(const bool ours, folder.shows(record));\n")),
    file("L03c", "folder-not-synced", "LOCK-2", ("  KFM_DET_TRY(state_->fs.sync_directory(state_->root));\n", "")),
    file("L15e", "death-not-noticed", "LOCK-3", ("if (!alive || expired", "if (expired")),
    file("L15f", "only-death-counts", "LOCK-3", ("if (!alive || expired ||", "if (!alive ||")),
    file("L15g", "deadline-of-another-boot-believed", "LOCK-3", ("if (!alive || expired || (out.record && out.record->released)) ", "if ((out.record && moment.now >= out.record->deadline) || (!alive && out.record && out.record->epoch == moment.epoch) || (out.record && out.record->released)) ")),
    file("L33", "no-kernel-lock", "LOCK-1", ("  KFM_DET_TRY(const bool locked, state_->fs.lock(file));\n  if (!locked) return false;\n", "")),
    file("L34", "rename-that-replaces", "LOCK-1", ("state_->fs.rename_no_replace(path", "state_->fs.rename(path")),
    # its disk fails
    file("L35", "grants-although-its-write-failed", "LOCK-3", ("  KFM_DET_TRY(write_all(state_->fs, file, 0, bytes));\n", "  (void)write_all(state_->fs, file, 0, bytes);\n"),
         ("  KFM_DET_TRY(const bool ours, folder.shows(record));\n  if (!ours) return Attempt{};\n", "  KFM_DET_TRY(const auto names, folder.look());\n  if (names.highest != record.ordinal) return Attempt{};\n")),
    file("L35b", "grants-although-its-name-is-not-synced", "LOCK-2", ("  KFM_DET_TRY(state_->fs.sync_directory(folder.path()));\n  KFM_DET_TRY(const bool ours, folder.shows(record));\n", "  (void)state_->fs.sync_directory(folder.path());\n  KFM_DET_TRY(const bool ours, folder.shows(record));\n")),
    file("L35c", "renews-although-its-write-failed", "LOCK-1", ("  KFM_DET_TRY(write_all(state_->fs, *grant->file, next.offset(), slot));\n", "  if (!write_all(state_->fs, *grant->file, next.offset(), slot)) {\n    grant->record = next;\n    return Lease{lease.scope, lease.token, lease.owner, next.deadline};\n  }\n")),
    file("L35d", "a-failing-disk-is-busy", "LOCK-6", ("    if (!named) return named.error();\n    return Attempt{};\n", "    return Attempt{named ? Answer::again : Answer::busy, {}};\n")),
    file("L35e", "an-error-for-ever", "LOCK-6", ("    if (!named) return named.error();\n    return Attempt{};\n", "    if (!named) state_->broken = true;\n    if (!named) return named.error();\n    return Attempt{};\n"),
         ("    std::set<std::string> durable_folders;\n", "    std::set<std::string> durable_folders;\n    bool broken = false;\n"), ("  const std::string epoch = state_->clock.epoch();\n", "  const std::string epoch = state_->clock.epoch();\n  if (state_->broken) return Error(errc::io_error, \"this lock had an error before\", state_->root, \"Open it again.\");\n")),
]
