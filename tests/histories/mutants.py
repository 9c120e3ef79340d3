#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Breaks each law of a run's life once, by one change of the code, and says which tests see it. By hand: `python3 tests/histories/mutants.py [WORDS]`; WORDS select by name.

Every mutant is a copy of include/ with one text replaced; the test files that are named with it are compiled against the copy and run. Exit code 0: all were
seen. Most are the mutants of the models (conformance/model/runs_model.py and its siblings), in code. Standard library only.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS, RESTORED, TAKEOVER = "histories/scripts_test.cpp", "histories/restored_test.cpp", "histories/takeover_test.cpp"
UNDO, SETTLE, UPDATER = "updater/undo_test.cpp", "updater/settle_test.cpp", "updater/updater_test.cpp"
MEMORY_STORE, FILE_STORE = "stores/memory_store_test.cpp", "stores/file_store_test.cpp"

# name, file under include/kfm_det, text, replacement, test files that must see it
MUTANTS = [
    ("newest = finished last, not planned last", "wal/run_state.hpp", "    const auto found = newest.find(trigger_key);\n    return found == newest.end() ? nullptr : &runs[found->second];",
     "    const RunState* best = nullptr;\n    for (const auto& run : runs)\n      if (run.trigger_key == trigger_key && (!best || run.finished_at >= best->finished_at)) best = &run;\n    return best;", [SCRIPTS]),
    ("R22 any finished run makes a NOOP", "updater/updater.hpp", "    const bool held = is_held(session.state(), hash);\n    if (newest &&",
     "    const bool held = is_held(session.state(), hash);\n    for (const auto& run : session.state().runs)\n      if (newest && run.trigger_key == trigger.key && run.input_hash == hash && run.version == Version(P::version) && run.status == wal::RunStatus::committed) return true;\n    if (newest &&", [SCRIPTS]),
    ("no predecessor in the run id", "updater/updater.hpp", "if (newest) predecessor = newest->id;", "", [SCRIPTS]),
    ("predecessor = newest committed run", "updater/updater.hpp", "if (newest) predecessor = newest->id;",
     "for (const auto& each : session.state().runs)\n      if (each.trigger_key == trigger.key && each.status == wal::RunStatus::committed) predecessor = each.id;", [SCRIPTS]),
    ("force goes past whatever is newest", "updater/updater.hpp", "if (newest->id == *trigger.force) return false;", "return false;", [SCRIPTS]),
    ("an abandoned run holds its inputs", "updater/updater.hpp", "case wal::RunStatus::abandoned: break;   // runs again", "case wal::RunStatus::abandoned: return ended(*newest);", [SETTLE]),
    ("S22 retire counts published keys only", "wal/replay.hpp", "    for (const auto& effect : run.effects) state_.planned_keys.insert(effect.business_key.text);\n    run.planned_effects = run.effects.size();\n    run.plan",
     "    run.planned_effects = run.effects.size();\n    run.plan", [SCRIPTS, SETTLE]),
    ("R25 a run whose effects are all there needs its code", "updater/settle.hpp", "if (complete && every_step_ran", "if (run_of_other_version(id) && complete && every_step_ran", [UPDATER]),
    ("S20 undo withdraws only what the sink has seen", "updater/back.hpp", "      todo.push_back(i);\n", "      KFM_DET_TRY(const auto seen, session.sink.find(effects[i].effect));\n      if (seen) todo.push_back(i);\n", [UNDO]),
    ("R23 what goes back is taken forward again", "updater/settle.hpp", "if (run.status == RunStatus::undoing) return withdraw(session_, id, run.ends_as, nullptr);", "", [UNDO]),
    ("R24 an error that passes blocks the next trigger", "updater/updater.hpp", "detail::Meaning::tenure_over || status.error().code() == errc::cancelled) return status.error();",
     "detail::Meaning::tenure_over || status.error().retry() != Retry::permanent) return status.error();", [SETTLE]),
    ("R26 undone inputs are published by another trigger", "updater/updater.hpp", "return like && like->status == wal::RunStatus::undone;", "return false && like;", [SCRIPTS, UNDO]),
    ("attempts are not counted", "wal/replay.hpp", "++run.attempts; ++run.attempts_ever;", "++run.attempts_ever;", [SCRIPTS]),
    ("a new effect does not start the count again", "wal/replay.hpp", "    if (done) run.attempts = 0;\n", "", [SETTLE]),
    ("a failed run is tried again", "updater/settle.hpp", "if (run.failure) return withdraw(session_, id, RunStatus::failed, nullptr);", "", [SETTLE]),
    ("RUN-1 intents are not durable", "updater/forward.hpp", "        records.push_back(std::move(intent));\n      }\n      KFM_DET_TRY(session_.write(std::exchange(records, {}), true));",
     "        records.push_back(std::move(intent));\n      }\n      KFM_DET_TRY(session_.write(std::exchange(records, {}), false));", [UPDATER]),
    ("RUN-1 intents of the way back are not durable", "updater/back.hpp", "    KFM_DET_TRY(session.write(std::exchange(records, {}), true));", "    KFM_DET_TRY(session.write(std::exchange(records, {}), false));", [UNDO]),
    ("undo does not say how it ends", "updater/back.hpp", "outcome = session.find(id)->ends_as;", "(void)0;", [UNDO]),
    ("undo stops at nothing", "updater/back.hpp", "if (effects[i].irreversible) {", "if (false) {", [UNDO]),
    ("LOG-6 a sink that was put back is not noticed", "wal/log.hpp", "if (!is_above(highest_, witness)) return true;", "return true;", [RESTORED]),
    ("a witness of before the read judges the log", "updater/tenures.hpp", "      KFM_DET_TRY(sink.begin(Tenure{scope, held->lease.token, held->lease.owner}, id));\n      return log.error();", "      return log.error();", [TAKEOVER]),
    ("the lease is not looked at before the log is opened", "updater/tenures.hpp", "if (env.clock.monotonic() - asked >= Duration{ttl.ns / 2}) {", "if (false) {", [TAKEOVER]),
    ("incarnation is not in the run id", "wal/run_identity.hpp", "Json(of.incarnation), ", "Json(std::uint64_t{1}), ", [RESTORED]),
    ("NOOP from a run of before the loss", "updater/updater.hpp", "if (newest->order.incarnation == session.log.incarnation() && !held) return true;", "if (!held) return true;", [RESTORED]),
    ("LOSS-2 lost runs are not listed", "updater/loss.hpp", "      gone.effects.push_back(std::move(effect));", "      lost.erase(one.run);", [RESTORED]),
    ("LOSS-3 an older sink brings back what was taken away", "updater/loss.hpp", "      back[one.run] = run->status;  ", "      (void)withdrawn;  ", [RESTORED]),
    ("LOSS-3 an older log forgets an undo", "updater/loss.hpp", "      back[one.run] = wal::RunStatus::undone;  ", "      (void)withdrawn;  ", [RESTORED]),
    ("LOSS the sink does not see the new incarnation", "updater/loss.hpp", "Json::object({{\"head\", wal::head_json(head)}})", "Json::object({})", [RESTORED]),
    ("keys of lost runs are not planned keys", "wal/replay.hpp", "      for (const auto& effect : run.effects) state_.planned_keys.insert(effect.business_key.text);\n      if (RunState* known", "      if (RunState* known", [RESTORED]),
    ("what an older sink had answered of an open run is believed", "wal/replay.hpp", "if (is_unfinished(run.status)) ask_again(run);", "if (false) ask_again(run);", [RESTORED]),
    ("what is foreign may be accepted", "contracts/store.hpp", "  return verdict == Verdict::corrupt_committed ||", "  return verdict == Verdict::foreign || verdict == Verdict::corrupt_committed ||", [RESTORED]),
    ("S19 the sink orders by arrival", "sinks/publication_tables.hpp", "    above_.put(request.effect, Row{request.run, request.order, ", "    static std::uint64_t arrival = 0;\n    above_.put(request.effect, Row{request.run, Order{9, ++arrival}, ", [SCRIPTS, SETTLE]),
    ("L04 the sink does not look at tokens", "contracts/sink_rules.hpp", "  if (tenure.token < floor.token ||", "  if (false && tenure.token < floor.token ||", [TAKEOVER]),
    ("W44 sync and append of a memory store are blind to a later tenure", "stores/memory_store.hpp", "if (ended_ || tenure_ == 0 || tenure_ != kept.tenure) return lost();", "if (ended_ || tenure_ == 0) return lost();", [MEMORY_STORE]),
    ("W44 sync of a file store is blind to a later tenure", "stores/stream_state.hpp", "if (later.value() || !mine.value()) {", "if (false) {", [FILE_STORE]),
    ("segment_model: what recovery kept is not copied", "stores/file_store.hpp", "if (place.lsn <= found.recovery.proven) continue;", "continue;", [FILE_STORE]),
    ("claim_model: recovery does not look behind its read", "stores/file_store.hpp", "if (again.highest() > my.claimed) return my.lost();", "", [FILE_STORE]),
]


def replaced(name, text, old, new):
    if name.startswith("R25"):
        text = text.replace("  static bool every_step_ran(", "  bool run_of_other_version(const RunId& id) { return session_.find(id)->version == Version(P::version); }\n  static bool every_step_ran(")
    if text.count(old) != 1:
        sys.exit(f"mutant '{name}': its text stands {text.count(old)} times in the file; bring the list up to date")
    return text.replace(old, new)


def fit():
    """Whether each text stands where it is looked for: what the build asks, for the rest takes its time."""
    for name, file, old, new, _ in MUTANTS:
        replaced(name, (ROOT / "include/kfm_det" / file).read_text(), old, new)
    print(f"{len(MUTANTS)} mutants fit the code")
    return 0


def run(words):
    seen_all, started = True, time.time()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        flags = ["-std=c++20", "-O1", "-D_GLIBCXX_ASSERTIONS", "-DCATCH_CONFIG_FAST_COMPILE", f'-DKFM_DET_SOURCE_DIR="{ROOT}"', "-I", str(ROOT), "-I", str(ROOT / "conformance/include")]
        subprocess.run(["g++", *flags, "-c", str(ROOT / "tests/main.cpp"), "-o", str(scratch / "main.o")], check=True)
        for name, file, old, new, tests in MUTANTS:
            if words and not any(word in name for word in words):
                continue
            shutil.rmtree(scratch / "include", ignore_errors=True)
            shutil.copytree(ROOT / "include", scratch / "include")
            path = scratch / "include/kfm_det" / file
            path.write_text(replaced(name, path.read_text(), old, new))
            verdicts = []
            for test in tests:
                binary = scratch / "mutant"
                built = subprocess.run(["g++", *flags, "-I", str(scratch / "include"), str(ROOT / "tests" / test), str(scratch / "main.o"), "-o", str(binary), "-lcrypto", "-lxxhash", "-lsqlite3"], capture_output=True, text=True)
                if built.returncode != 0:
                    sys.exit(f"mutant '{name}' does not compile:\n{built.stderr[:3000]}")
                try:
                    done = subprocess.run([str(binary), "--abort", "~*FileStore*"], capture_output=True, text=True, timeout=300, env={**os.environ, "KFM_DET_SCRIPTS_EVERY": "97"})
                    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
                    at = next((i for i, line in enumerate(lines) if "FAILED" in line), None)
                    verdicts.append((test, done.returncode != 0, " ".join(lines[at + 1:at + 5])[:160] if at is not None else ""))
                except subprocess.TimeoutExpired:
                    verdicts.append((test, True, "does not come to an end"))
                if verdicts[-1][1]:
                    break
            killed = any(seen for _, seen, _ in verdicts)
            seen_all &= killed
            test, _, why = verdicts[-1]
            print(f"{'seen by ' + test if killed else 'NOT SEEN'} [{time.time() - started:.0f} s]: {name}{' -- ' + why if why else ''}", flush=True)
    return 0 if seen_all else 1


if __name__ == "__main__":
    sys.exit(fit() if sys.argv[1:] == ["--fit"] else run(sys.argv[1:]))
