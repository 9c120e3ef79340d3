# SPDX-License-Identifier: BSL-1.0
"""Locks that are broken on purpose. L01 (a grant without a token) does not compile: tests/compile_fail/lock_without_token.cpp. L04 (the token is ignored) is the
sink's. L25 (a waiter that is never told) has no waiting here: its stand-in is a release that hands over to nobody."""
from table import Family, Mutant

MEMORY = Family(
    files=["locks/memory_lock.hpp"],
    check="check_lock",
    fixture="""
struct Fixture_ID {
  using Lock = kfm_det::ID::MemoryLock<kfm_det::ManualClock>;
  kfm_det::result<Lock> connect(const kfm_det::OwnerId& owner, const kfm_det::ManualClock& clock) { return Lock(board, owner, clock); }
  void wipe() { board = Lock::make_board(); }
  std::shared_ptr<kfm_det::ID::MemoryLockBoard> board;
};
""")

FAMILIES = {"memory_lock": MEMORY}

GRANT = "    entry.last = FencingToken{floor.value + 1};\n"
FREE = "    if (entry.lease && clock_.monotonic() < entry.lease->deadline) return std::optional<Lease>{};\n"
RELEASE = "    if (is_mine(entry, lease)) entry.lease.reset();  // LOCK-5\n"
RENEW = "    if (!is_mine(entry, lease) || clock_.monotonic() >= entry.lease->deadline)  // LOCK-4\n"
MINE = "    return entry.lease && entry.lease->token == lease.token && entry.lease->owner == owner_ && lease.owner == owner_;\n"
STATE = "  std::shared_ptr<Board> board_;\n"


def memory(id, name, law, *change, fixture=""):
    return Mutant(id, name, "memory_lock", law, list(change), fixture=fixture)


def keyed(key):
    """The board's entry of `one`, a scope, is looked up by another key."""
    def entry(scope):
        return f"    const LockScope& one = {scope};\n    Board::Entry& entry = board_->scopes[{key}];\n"
    old = "    Board::Entry& entry = board_->scopes[lease.scope];\n"
    return [("    Board::Entry& entry = board_->scopes[scope];\n", entry("scope")), (old + RENEW, entry("lease.scope") + RENEW), (old + RELEASE, entry("lease.scope") + RELEASE)]


MUTANTS = [
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
    memory("L15", "no-expiry-on-crash", "LOCK-3", (FREE, "    if (entry.lease) return std::optional<Lease>{};\n")),
    memory("L15b", "renewed-for-ever", "LOCK-3", ("    entry.lease->deadline = deadline;\n    return *entry.lease;\n", "    entry.lease->deadline = deadline;\n    Lease out = *entry.lease;\n    entry.lease->deadline = seconds(1'000'000);\n    return out;\n"),
           (RENEW, "    if (!is_mine(entry, lease) || clock_.monotonic() >= lease.deadline)\n")),
    memory("L15c", "overflowing-ttl", ("LOCK-7", "LOCK-1"), ("    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n",
                                            "    const Duration deadline{static_cast<std::int64_t>(static_cast<std::uint64_t>(clock_.monotonic().ns) + static_cast<std::uint64_t>(ttl.ns))};\n")),
    memory("L15d", "no-ttl-is-for-ever", ("LOCK-3", "LOCK-7"), ("    if (ttl <= Duration{0}) return no_time();\n    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request\n",
                                            "    const Duration deadline = ttl <= Duration{0} ? seconds(1'000'000) : clock_.monotonic() + ttl;\n")),
    memory("L24", "spurious", "LOCK-6", (FREE, FREE + "    if (++asked_ % 3 == 0) return std::optional<Lease>{};\n"), (STATE, STATE + "  std::uint64_t asked_ = 0;\n")),
    memory("L24b", "busy-is-an-error", "LOCK-6", ("return std::optional<Lease>{};\n    const FencingToken", 'return Error(errc::conflict, "busy", "lock");\n    const FencingToken')),
    memory("L24c", "one-lease-for-all-scopes", "LOCK-6", *keyed('LockScope{one.updater_id, ""}')),
    memory("L24d", "scopes-by-concatenation", "LOCK-6", *keyed('LockScope{one.updater_id + "/" + one.partition, ""}')),
    memory("L24e", "scopes-by-their-first-bytes", "LOCK-6", *keyed('LockScope{one.updater_id, one.partition.substr(0, 255)}')),
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
]
