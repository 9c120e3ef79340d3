// SPDX-License-Identifier: BSL-1.0
/// \file
/// The laws of the contracts, as the kit names them: id, what holds, and the bug that usually breaks it. The words are those of the contract headers
/// (tests/conformance/laws_test.cpp compares them); the checks that ask a law name it by its id.
///
/// Thread-safety: constants.
#ifndef KFM_DET_CONFORMANCE_LAWS_HPP
#define KFM_DET_CONFORMANCE_LAWS_HPP

#include <cstddef>
#include <string_view>

namespace kfm_det::conformance {

struct Law {
  std::string_view id, holds, usual_cause;
};

inline constexpr Law laws[] = {
    {"STORE-1", "append(expected_last, group) is all or nothing, also across a crash",
     "half a batch after power loss"},
    {"STORE-2", "append answers errc::conflict unless the last LSN is expected_last; the identical group again, while it is the last, answers the same LSN",
     "compare and write as two steps; a retry that doubles"},
    {"STORE-3", "what sync() acknowledged survives power loss, byte for byte and in order",
     "ack before fsync; fsync retried after a failure"},
    {"STORE-4", "after any failed sync the stream is failed: every later append, sync and prove answers errc::log_failed",
     "sticky only until the next call"},
    {"STORE-5", "recover() ends every earlier tenure: what it returned, and what any earlier sync acknowledged, stays in what every later tenure reads. A sync of an ended tenure answers errc::conflict. Before recover() and behind close() there is no tenure: append, sync and prove answer an error, and close() again answers success",
     "claim after read; sync blind to the next owner; a handle that writes without a claim"},
    {"STORE-6", "all that recover() returns is on the medium when it returns",
     "acting on the page cache"},
    {"STORE-7", "recover() twice without an append between: the same tail, and the second copies nothing",
     "a recovery that grows the log"},
    {"STORE-8", "a missing LSN at or below the proof is a bad verdict with its evidence, never a shorter log; what prove(), close() or a witness has proven counts",
     "truncate at the first bad checksum; a proof that is not there"},
    {"STORE-9", "inspect() claims nothing, changes no byte and stands in no owner's way",
     "a repair tool that looks; a read transaction that stays open"},
    {"STORE-10", "scan() gives frames in order without gaps, verified again while they are read",
     "checksums checked at open only"},
    {"STORE-11", "no frame is ever given that was not appended",
     "recycled blocks read as frames"},
    {"STORE-12", "a verb that the claims exclude answers errc::unsupported",
     "a verb that does nothing and says that all is well"},
    {"STORE-13", "bytes that a cut tail or a bad verdict rests on stay where they are, or whole somewhere else",
     "a repair that overwrites the evidence"},
    {"STORE-14", "what is not the store's own (a stray file, a leftover of a dead owner) means nothing to it and does no harm",
     "every file is a segment"},
    {"STORE-15", "a frame, of up to limits::line_bytes_max bytes, comes back byte for byte; what is no frame (empty, or with a newline) is errc::invalid_argument, and nothing of its group is appended",
     "text that is trimmed or normalised; a newline that splits a line"},
    {"STORE-16", "recovery and scan take time and memory in proportion to the log, whatever its bytes say",
     "a length field that is believed"},
    {"STORE-17", "a log that has lost nothing that was promised is usable: Clean, or TornTail with its evidence",
     "unproven bytes taken for damage"},
    {"STORE-18", "what a newer format wrote is UnsupportedVersion, and another stream's log is Foreign; a frame that is damaged is neither",
     "what is not understood is skipped as garbage; damage that an operator cannot accept"},
    {"STORE-19", "a reader beside a trimming owner reads a whole history, of before or after",
     "a file that is opened late, and gone"},
    {"STORE-20", "drop_before(lsn) takes nothing at or above lsn, also across a crash: the log begins at an lsn that was asked for, or at an earlier base, and with a whole checkpoint (wal/checkpoint.hpp) or with LSN 1",
     "deleted before the checkpoint is durable; off by one"},
    {"STORE-21", "drop_before(lsn) of what begins no durable checkpoint is errc::invalid_argument, of an ended tenure errc::conflict; then nothing goes. Behind a trim names, LSNs and hashes go on as they would have",
     "a tail that starts again; a name that is used twice"},

    {"VERB-1", "a verb of a backend answers with a result, whatever the world does: it throws nothing but std::bad_alloc, where there is no memory, and it does not end the process",
     "an exception of a client library that nobody catches; abort() on a bad answer"},

    {"LOG-1", "an answer of commit() is durable: everything up to the head it gives survives power loss",
     "ack of what was appended after the leader's sync began"},
    {"LOG-2", "a group is whole in the log or not at all, and its records stand together",
     "records of two writers interleaved"},
    {"LOG-3", "LSNs have no gaps and no doubles; `prev` of each line is the hash of the line before, across tenures and segments",
     "a chain that restarts with the file"},
    {"LOG-4", "`ts` never goes back, `seq` of a run only grows",
     "the wall clock is set back"},
    {"LOG-5", "after a failed sync or a conflict nothing is acknowledged any more",
     "refresh expected_last and try again"},
    {"LOG-6", "a sink below a head that a DONE records is SinkRegressed; nothing is written",
     "merging with a restored sink"},
    {"LOG-7", "an answer that is lost (errc::timed_out) is taken neither for done nor for not done: nothing that hangs on it is acknowledged, and no group is in the log twice",
     "a timeout as success; a timeout as failure, and the group again behind itself"},

    {"COMPACT-1", "replay from the checkpoint gives what replay of the whole log gives, field by field",
     "a covered range that is off by one"},
    {"COMPACT-2", "unfinished runs are carried whole",
     "a checkpoint of finished runs, and the segments of an open one go"},
    {"COMPACT-3", "an old witness, and an old sink, are judged behind it as before it",
     "the heads of what was dropped are forgotten"},

    {"LOCK-1", "at any instant of its clock at most one lease of a scope is unexpired",
     "renewing what has expired"},
    {"LOCK-2", "every grant has a token above every earlier one of its scope and above `above`, also after power loss",
     "a counter that restarts"},
    {"LOCK-3", "a lease ends at its deadline whatever its owner does, and at once when its owner's process is dead (claim)",
     "a dead owner blocks for ever"},
    {"LOCK-4", "renew() answers errc::lease_lost once the deadline has passed or somebody else was granted the scope",
     "two holders after a pause"},
    {"LOCK-5", "release() is idempotent and frees only the owner's own lease",
     "DEL without an owner check"},
    {"LOCK-6", "try_acquire() never waits; busy is an empty optional, not an error; a free scope is granted",
     "spurious failure"},
    {"LOCK-7", "a deadline is monotonic, counted from before the request was made",
     "the wall clock; the time that the answer travelled"},

    {"SINK-1", "the visible state is a function of the *set* of requests accepted, never of their order or number. Current is the publication of highest Order that is not withdrawn (equal orders: by effect id)",
     "last write by arrival wins"},
    {"SINK-2", "an effect publishes once: the same upsert again answers `unchanged` (or `withdrawn`) and changes nothing",
     "a duplicate row on replay"},
    {"SINK-3", "the same effect with another order, key or content is errc::hash_mismatch, and nothing changes",
     "DO NOTHING counted as applied"},
    {"SINK-4", "withdraw() also takes back effects that the sink has not seen: when their upsert arrives later its version is kept in history and stays withdrawn",
     "a late request publishes what was undone"},
    {"SINK-5", "find(EffectId) answers for the effect, never for its content",
     "contents A, B, A: the third run is taken for done"},
    {"SINK-6", "begin() raises the scope's token floor durably before it answers; a request whose token is below the floor is errc::stale_token (the error names the highest), and so is an equal token of another owner. A higher token raises the floor",
     "a paused owner publishes after a new one"},
    {"SINK-7", "the highest head of a stream is durable before a request's first effect; the same place with another hash is errc::forked",
     "a publication whose log nobody can ask for"},
    {"SINK-8", "a version's bytes hash to what its key was made of, when they come in and when they go out; else errc::hash_mismatch",
     "silent corruption"},
    {"SINK-9", "a business key belongs to the first scope that used it; another one's request is errc::wrong_scope and nothing of it is applied",
     "two updaters, one table"},
    {"SINK-10", "business keys are compared byte for byte",
     "case, Unicode or number forms that collide"},
    {"SINK-11", "with `atomic_batch` a request is visible whole or not at all, also across a crash; without it a crash may leave a part, never a torn piece",
     "the rows in one transaction, the head in another"},
    {"SINK-12", "late, superseded and withdrawn publications stay in history",
     "undo of the newer one restores nothing"},
    {"SINK-13", "a request that is refused changes nothing but the floor",
     "half applied, then an error"},
    {"SINK-14", "StoredVersion content publishes bytes that are stored already; an unknown key is errc::not_found",
     "a dangling pointer"},

    {"FS-1", "write() may be short; what it returns is what was taken",
     "a short write counted as whole"},
    {"FS-2", "after sync(file) has answered, the bytes and the size that were written before the call survive power loss",
     "fsync of another descriptor, or of a buffer that was never written"},
    {"FS-3", "a failed sync is answered once, and the next one may lie: the caller never retries",
     "\"fsync again, it worked\""},
    {"FS-4", "a name that was created, renamed or removed survives power loss only after sync_directory of its folder",
     "a synced file that nobody finds"},
    {"FS-5", "create_exclusive and rename_no_replace: of several callers one succeeds, the others get errc::conflict",
     "check, then create"},
    {"FS-6", "lock() takes a lock that dies with its process, whatever its children hold, and is not lost when another handle of the file closes",
     "fcntl POSIX locks; an open file description that a forked child keeps"},
    {"FS-7", "a read error is an error, never the end of the file",
     "EIO as EOF"},
    {"FS-8", "list() answers names in byte order",
     "results that depend on the folder's hash order"},
    {"FS-9", "what is not there is errc::not_found, a name that is taken errc::conflict; a call that answers one of them has changed no name, one that answers success has done it, and none loses a file",
     "an open that creates; an error that is swallowed"},
    {"FS-10", "bytes come back as they were written, where they were written; what nobody wrote reads as zeros; 0 bytes are the end, and only there",
     "O_APPEND; a read across the end that is an error"},
    {"FS-11", "a signal is no answer: an interrupted call is taken up again, or says what it has done",
     "EINTR handed on"},
    {"FS-12", "rename() replaces at once, and an open File goes on meaning its own file, whatever becomes of its name",
     "remove, then rename"},

    {"CLOCK-1", "monotonic() never goes back within one epoch(), also while the machine sleeps",
     "CLOCK_MONOTONIC stops in suspend, and a holder believes that its lease is still good"},
    {"CLOCK-2", "now() is UTC; it may step. Nothing but `ts` fields may depend on it",
     "a lease that expires by the wall clock"},
    {"CLOCK-3", "epoch() names the origin of monotonic(): two readings can be compared only under one epoch",
     "deadlines of before a reboot read as far in the future"},

    {"PLAN-1", "plan() is a function of (version, the set of inputs): no clock, randomness, environment, locale, file",
     "now() in a plan"},
    {"PLAN-2", "a change of what plan() or an operation gives for the same inputs needs a new version",
     "the same id, other bytes, an old log"},
    {"PLAN-3", "inputs() is the only place that looks at the world",
     "plan() lists a folder"},
    {"PLAN-4", "gate() refuses a bad input before PLAN, naming file, line and reason, and nothing is published",
     "half of a broken file"},
    {"PLAN-5", "an operation is a function of its params, the recorded inputs and its upstream outputs",
     "a cache that differs from run to run"},
    {"PLAN-6", "a business key is the target of at most one step",
     "whoever comes last wins"},

    {"RUN-1", "no effect without a durable intent that names it",
     "the record after the write"},
    {"RUN-2", "nothing is published before every step has run",
     "half of a broken plan is visible"},
    {"RUN-3", "DONE is recorded after the sink has answered, and carries the head that the effect carried",
     "a sink that was put back is not noticed"},
    {"RUN-4", "what is UNKNOWN is asked from the sink by its effect",
     "content that was there before is taken for the effect"},
    {"RUN-5", "a step that runs again gives the recorded content, or the run stops",
     "two halves of different runs"},
    {"RUN-6", "a run is committed only when every effect of its plan is DONE",
     "the report says success"},
    {"RUN-7", "killed anywhere and started again, the export is byte for byte that of an undisturbed run",
     "recovery that begins a run of its own instead of taking up the open one"},
    {"RUN-8", "each effect is published once and each version stored once, however often a run is taken up",
     "effect ids or run ids made of attempts, clocks or random numbers"},
    {"RUN-9", "an owner whose lease ran out shows nothing once another one has begun",
     "a paused owner that takes a new lease and goes on where it was"},
    {"RUN-10", "\"already done?\" is asked of the newest run of the trigger key: contents A, B, A are three runs, a redelivered trigger is none",
     "any finished run of these inputs counts"},
    {"RUN-11", "a run that was taken back never goes forward again, and no other trigger with its version and inputs puts back what a person took away",
     "only the status of open runs is looked at; only the trigger's own run is looked at"},
    {"RUN-12", "a trigger is answered: an open run that cannot go on is passed over or taken back, and neither it nor a dead owner stands in the way",
     "an error of a run that is settled ends the trigger"},
    {"RUN-13", "a run whose effects are all in the sink is committed, and needs neither inputs nor code",
     "the plan is made again before anybody asks the sink"},
    {"RUN-14", "keys that leave the plan are retired or kept as the plan type says, whichever earlier run planned them, committed or not",
     "only what committed runs published is retired"},
    {"RUN-15", "undo withdraws every planned effect, seen or not; what shows behind it is what the other runs give",
     "current moves to a remembered predecessor; only what the sink has seen is withdrawn"},
    {"RUN-16", "a passing error leaves the run open for the next trigger; a lasting one is answered, never tried for ever and never swallowed",
     "while (!sink.upsert(...)) {}"},
    {"RUN-21", "behind a compaction, wherever it stands, whether it was killed, failed or came too late, a history goes on as without: the same exports, answers and reports; an open run goes on, and undo takes back what was folded as well",
     "what is folded is taken for gone; a checkpoint says what was read before the lease"},

    {"VERIFY-1", "every byte of an entry counts: one that is changed, in the first and the last entry too, is a finding",
     "a loop that ends one too early"},
    {"VERIFY-2", "an entry that is missing, repeated, out of order or from another log or history is found, at the front, inside, and between segments; so is what the log itself says had been durable and is gone, and what a checkpoint lists otherwise than it stands below it",
     "the chain begins where the file begins; it begins again with each file; nobody looks into the archive"},
    {"VERIFY-3", "algorithm, key and where a key is valid are the reader's ring's; what is sealed ends at the last valid signature of an unbroken chain",
     "\"alg\":\"none\"; an old key accepted behind its rotation; entries behind the last seal reported as sealed"},
    {"VERIFY-4", "against a witness a shorter log is regressed, one that is gone too, and another entry at its place is forked; where a checkpoint stands for its place, its list is what the witness is compared with",
     "no log is an empty log is intact"},
    {"VERIFY-5", "time, tokens and a run's numbers never go back, and entry ids are those that follow",
     "only the hashes are looked at"},
    {"VERIFY-6", "whoever writes is one who may: updater of this log, actor that policy and ring allow",
     "who has the file has the right"},
    {"VERIFY-7", "no effect without an intent that was durable before it; none that is not planned; nothing behind a run's end; an end that is whole",
     "intent and effect in any order"},
    {"VERIFY-8", "what is published is what the step gave (`post_state_expected` against the recorded result)",
     "two hashes that nobody compares"},
    {"VERIFY-9", "an effect that is not irreversible says how it is undone; CARE labels stand where the policy asks for them",
     "metadata is optional everywhere"},
    {"VERIFY-10", "what this version does not know is a finding, not a crash and not nothing; an error among the findings is an error of the whole",
     "returns success after it has warned"},
    {"VERIFY-11", "memory is bounded by open runs, time is linear, and the report does not depend on how the bytes were cut or on the number of threads",
     "the log is read whole; findings in the order in which threads end"},
    {"VERIFY-12", "what an entry repeats of its run's PLAN record (key, tombstone, version, inputs, tier, labels, approval, operation) is what that says; and what is called by a hash (plan, inputs, run, effect, key) is called by the one that follows",
     "each record is looked at alone"},
};

/// Null for an id that no contract has.
[[nodiscard]] constexpr const Law* find_law(std::string_view id) noexcept {
  for (const Law& law : laws)
    if (law.id == id) return &law;
  return nullptr;
}
/// The laws that each check may ask: which of them it asks depends on what the fixture claims and can play. (Where a check asks another one, the leaves fail.)
struct LawsOfCheck {
  std::string_view check, contract;   ///< all laws of that contract, but
  std::string_view but, more;         ///< ids, each with a blank before and behind
};
inline constexpr LawsOfCheck laws_of_checks[] = {
    {"check_store", "STORE", " STORE-14 STORE-16 STORE-18 ", ""},   // of files and other mediums: on a disk
    {"check_store_on_disk", "STORE", "", ""},
    {"check_store_media", "STORE", "", ""},
    {"check_log", "LOG", "", ""},
    {"check_compaction", "COMPACT", "", ""},
    {"check_lock", "LOCK", "", ""},
    {"check_sink", "SINK", "", ""},
    {"check_sink_on_disk", "SINK", "", ""},
    {"check_file_system", "FS", "", ""},
    {"check_plan", "PLAN", " PLAN-4 ", ""},
    {"check_updater", "RUN", " RUN-5 ", " LOG-6 PLAN-1 PLAN-4 PLAN-5 "},
    {"check_verify", "VERIFY", "", ""},
};
[[nodiscard]] constexpr bool may_ask(std::string_view check, std::string_view law) noexcept {
  const auto has = [law](std::string_view ids) {   // no find() of a text that would have to be made
    for (std::size_t at = ids.find(law); at != std::string_view::npos; at = ids.find(law, at + 1))
      if (ids[at - 1] == ' ' && ids[at + law.size()] == ' ') return true;
    return false;
  };
  if (law == "VERB-1") return true;
  for (const LawsOfCheck& one : laws_of_checks)
    if (one.check == check) return (law.substr(0, law.find('-')) == one.contract && !has(one.but)) || has(one.more);
  return false;
}
[[nodiscard]] constexpr std::string_view usual_cause(std::string_view id) noexcept {
  const Law* law = find_law(id);
  return law ? law->usual_cause : std::string_view("the fixture, or the kit itself");
}

}  // namespace kfm_det::conformance

#endif
