# SPDX-License-Identifier: BSL-1.0
"""The defect catalogue by its ids: every row is a mutant of the same id, or stands below with the reason why it is none.

`generate.py --rows` fails when a row has neither, when a mutant has another name than its row, or when the room of a row that had none is there now.
"""

ROWS = """
W01 ack-before-sync; W02 flush-not-fsync; W03 sync-wrong-fd; W04 no-dir-fsync-create; W06 rename-before-data; W07 fsync-retry-ok; W08 fsync-error-swallowed; W09 not-sticky-failure
W11 short-write-as-full; W12 orphan-partial; W13 jsonl-fusion; W16 lying-rollback; W17 crc-missing-field; W18 crc-not-verified-on-read; W19 unbounded-length; W20 zero-is-eof; W22 batch-not-atomic
W23 reordered-batch; W24 group-commit-early-ack; W26 seq-duplicate; W27 seq-gap-visible-order; W29 header-before-extension; W30 embedded-newline; W32 two-openers; W34 cas-not-atomic
W35 isolation-lost-update; W36 sqlite-normal; W37 ambiguous-as-failure; W38 ambiguous-as-success; W39 stale-read; W41 shared-sector; W42 conflict-retried; W43 recycled-future
W44 sync-blind-to-tenure; W45 reads-before-claim; W46 sync-returned-not-issued
L01 no-token; L02 token-not-monotone; L03 token-resets; L04 token-unchecked; L07 unconditional-release; L08 get-then-del; L10 renew-after-expiry; L11 wall-clock-expiry; L12 clock-freeze
L14 nx-px-split; L15 no-expiry-on-crash; L16 session-lock-pooled; L17 unlock-false-ignored; L18 xact-lock-effect-after-commit; L20 posix-any-close; L21 fork-inherits; L22 lockfile-unlink-race
L24 spurious; L25 released-to-nobody
S01 insert-not-upsert; S02 non-idempotent-delta; S03 last-write-by-arrival; S05 ignore-conflict; S07 checkpoint-before-sink; S08 checkpoint-not-atomic; S11 key-normalisation; S12 retry-forever
S13 cleanup-on-unknown; S14 flush-on-destroy-only; S16 truncating-type; S17 read-back-stale; S18 find-by-content; S19 order-by-token; S20 withdraw-only-seen; S21 undo-to-remembered-target
S22 retire-committed-only; S23 forget-late; S24 floor-after-effect
P01 unordered-iteration; P02 wall-clock-read; P04 ambient-random; P05 std-distribution; P06 fma-contraction; P08 locale-format; P09 pointer-order; P10 completion-order; P11 environment-leak
P14 uninitialised; P15 version-skew
R01 truncate-on-any-bad-crc; R02 skip-bad-record; R05 ioerror-as-eof; R06 double-crash; R07 recovery-not-synced; R09 resumed-as-a-new-run; R10 replay-skip-first; R11 undo-uncommitted-missing
R12 ghost-op; R14 backup-destroyed; R15 stray-file-panic; R17 superlinear; R18 version-silent; R19 readonly-open-writes; R20 acts-on-unsynced; R21 rewrites-in-place; R22 noop-any-history
R23 resume-after-undo; R24 settle-blocks; R25 commit-needs-code; R26 undone-comes-back
C01 delete-before-snapshot-durable; C02 no-checkpoint-record; C03 old-segment-unsynced; C05 compaction-drops-live; C06 compaction-vs-append race; C07 reader-on-deleted; C08 segment-name-reuse
C10 chain-break-at-rotation; C11 compaction-loses-head-anchor; C12 clock-based-retention; C13 snapshot-torn; C15 revision-regress; C16 checkpoint-drops-open; C17 unlink-before-record
H01 tail-truncation-ok; H02 whole-log-deleted-ok; H04 genesis-seeded-from-first; H05 unkeyed-rewrite; H07 concat-ambiguity; H08 canonicalisation-drift; H09 verify-skips-first
H10 verify-stops-at-warning; H12 alg-downgrade; H13 key-rotation-gap; H14 fork-accepted; H15 bitflip-after-hash; H17 hash-not-covering-meta; H18 verify-trusts-index; H19 seal-interval-gap; H20 signature-strip
T01 start-without-end; T02 fail-as-complete; T04 random-run-id; T06 lineage-missing-input; T07 telemetry-blocks; T08 telemetry-loses-silently; T09 telemetry-alters-output
T11 exception-escapes-observer; T12 secret-in-lineage
"""

# Held by a test case of its own, which names the row: id, file, how its title goes on.
ELSEWHERE = {
    "C08": ("tests/stores/archive_test.cpp", "C08 no name is used twice"),                              # over all verbs of one store: the disk's calls tell it, not what is left
    "C12": ("tests/stores/archive_test.cpp", "C12 no clock decides what is kept"),                      # the stores and the compaction have none
    "W36": ("tests/adapters/sqlite_sink_test.cpp", "SqliteSink: W36 log mode and syncing are what"),    # nothing plays a power loss under SQLite: the settings themselves are asked
}

# The room where the bug could be is not here yet: when it comes, its row wants a mutant.
NO_ROOM = {
    "include/kfm_det/adapters/postgres": ["W35"],
    "include/kfm_det/lineage": ["T01", "T02", "T04", "T06", "T12"],
    "include/kfm_det/telemetry": ["T07", "T08", "T09", "T11"],
}


def rows():
    """id: name."""
    return dict(one.strip().split(" ", 1) for line in ROWS.strip().splitlines() for one in line.split(";"))


def problems(mutants, exists, text_of):
    """What is wrong, in sentences."""
    out = []
    names = {mutant.id: mutant.name for mutant in mutants}
    away = {row: room for room, some in NO_ROOM.items() for row in some}
    for row, name in rows().items():
        if row in names:
            if names[row] != name:
                out.append(f"mutant {row} is called {names[row]}, and its row {name}")
            continue
        if row in ELSEWHERE:
            path, title = ELSEWHERE[row]
            if row not in title or not exists(path) or f'TEST_CASE("{title}' not in text_of(path):
                out.append(f"{row} {name} is held by {path}, and that has no test case '{title}'")
        elif row not in away:
            out.append(f"{row} {name} has no mutant")
        elif exists(away[row]):
            out.append(f"{row} {name} has no mutant, and its room {away[row]} is there now")
    for row in list(away) + list(ELSEWHERE):
        if row in names:
            out.append(f"{row} is a mutant: take it out of what is held elsewhere or has no room")
        if row not in rows():
            out.append(f"{row} is no row")
    return out
