#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Kills a real updater again and again with SIGKILL, and proves that it ends in the state of an undisturbed run.

usage: demo.py --binary monthly-summary --data seattle-weather.csv [--kills N] [--seed S] [--keep]

Every kill is real: `run` is a process of its own, a random moment is drawn, and it counts only when the process was still running. Half of the
moments are drawn from the whole run, half from behind the moment in which it opens its log, where it does most. The next attempt starts at once in
the same folder, and may be killed as well. The seed makes the draws reproducible; what the machine does meanwhile is not.
Standard library only. Exit code 0: everything held. 1: something differed; the sentence says what, and the state folder is kept.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time


WINDOWS = (64, 16, 4)  # effects that are published together


class Differs(Exception):
    """Something did not hold. The second argument is the state folder that shows it."""


def check(holds, what, state=None):
    if not holds:
        raise Differs(what, state)


class Progress:
    """One line that is written over on a terminal; elsewhere a line now and then."""

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.last = 0.0

    def show(self, text):
        if self.terminal:
            print(f"\r\033[K  {text}", end="", flush=True)
        elif time.monotonic() - self.last > 10:
            print(f"  {text}", flush=True)
            self.last = time.monotonic()

    def say(self, text):
        print(f"\r\033[K{text}" if self.terminal else text, flush=True)


class Demo:
    def __init__(self, arguments, folder):
        self.binary = os.path.abspath(arguments.binary)
        self.data = pathlib.Path(arguments.data).resolve()
        self.kills_wanted = arguments.kills
        self.random = random.Random(arguments.seed)
        self.folder = folder
        self.folders = 0
        self.progress = Progress()
        self.kills = self.kills_in_recovery = self.missed = 0
        self.moments = collections.Counter()
        self.running = None

    # --- the program ---------------------------------------------------------------------------------------------------

    def new_state(self):
        self.folders += 1
        return self.folder / f"state-{self.folders}"

    def start(self, state, data=None, *more):
        words = [self.binary, "run", "--data", str(data or self.data), "--state", str(state), "--attempts", "1000", *more]
        self.running = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return self.running

    @staticmethod
    def tenures(state):
        """How often the log was opened to be written."""
        return sum(1 for _ in state.glob("wal/*/*.claim"))

    def wait_open(self, state, tenures):
        """Until the running process has opened the log, or is over."""
        while self.running.poll() is None and self.tenures(state) <= tenures:
            time.sleep(0.0005)

    def wait_over(self, seconds):
        """Until the running process is over, or so long."""
        descriptor = os.pidfd_open(self.running.pid) if self.running.returncode is None else None
        if descriptor is not None:
            select.select([descriptor], [], [], seconds)
            os.close(descriptor)

    def run(self, state, data=None, *more):
        """(exit code, what it said)"""
        process = self.start(state, data, *more)
        said = process.communicate()[1]
        return process.returncode, said.strip()

    def ask(self, state, *words):
        done = subprocess.run([self.binary, *words, "--state", str(state)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"`{words[0]}` failed: {done.stderr.strip()}", state)
        return done.stdout

    def must_run(self, state, data=None, *more):
        code, said = self.run(state, data, *more)
        check(code == 0, f"`run` answered {code}: {said}", state)
        return said

    def is_whole(self, state):
        """The export, after the log was verified and every key was found to have exactly one current version, twice: by the program, and here."""
        check("each has exactly one current version" in self.ask(state, "verify"), "`verify` did not look at the keys", state)
        exported = self.ask(state, "show", "--json")
        for key in json.loads(exported)["keys"]:
            current = [one for one in key["publications"] if one["state"] == "current"]
            check(len(current) == 1 and current[0]["effect"] == key["current"], f"{key['business_key']} has {len(current)} current versions", state)
        return exported

    def moment(self, state):
        """Where a killed run was, by the last whole record of its log."""
        for segment in sorted(state.glob("wal/*/*.jsonl"), reverse=True):
            for line in reversed(segment.read_bytes().split(b"\n")):
                if not line.startswith(b'{"body"'):
                    continue
                try:
                    record = json.loads(line)["body"]["record"]
                except ValueError:  # torn
                    continue
                return {"PLAN": "computing", "EXECUTE": "computing", "UPSERT": "publishing", "CONTROL": "taking up again", "COMMIT": "closing"}[record["phase"]]
        return "before the plan"

    # --- the acts ----------------------------------------------------------------------------------------------------

    def undisturbed(self):
        """What every folder must come to, and how long a run takes with each window."""
        self.times = {}  # (window, taken up again?): (seconds until the log is open, seconds in all)
        exports = set()
        for window in WINDOWS:
            taken = []
            for _ in range(3):
                state = self.new_state()
                start = time.monotonic()
                process = self.start(state, None, "--quiet", "--window", str(window))
                self.wait_open(state, 0)
                opened = time.monotonic() - start
                said = process.communicate()[1]
                check(process.returncode == 0, f"`run` answered {process.returncode}: {said.strip()}", state)
                taken.append((time.monotonic() - start, opened))
                exports.add(self.is_whole(state))
            seconds, opened = sorted(taken)[1]
            self.times[window, False] = self.times[window, True] = (opened, seconds)
        check(len(exports) == 1, "undisturbed runs differ from each other", state)
        self.reference = exports.pop()
        self.reference_state = state
        expected = self.data.parent.parent / "expected" / "export.json"
        checked_in = expected.exists() and self.data.parent.name == "data"
        check(not checked_in or expected.read_text() == self.reference, f"the export differs from {expected}", state)
        times = ", ".join(f"{1000 * self.times[window, False][1]:.0f} ms" for window in WINDOWS)
        self.progress.say(f"undisturbed: {len(json.loads(self.reference)['keys'])} keys in {times} (64, 16, 4 effects at once)" + ("; the export is the checked-in one" if checked_in else ""))

    def kill_often(self):
        start = time.monotonic()
        folders = 0
        while self.kills < self.kills_wanted:
            state = self.new_state()
            folders += 1
            attempts = 0
            while True:
                kind = (self.random.choice(WINDOWS), attempts > 0)
                opened, seconds = self.times[kind]
                inside = self.random.random() < 0.5
                delay = self.random.uniform(0, 1.05 * (seconds - opened if inside else seconds))
                leave = self.kills >= self.kills_wanted or (attempts > 0 and self.random.random() < 0.35)
                tenures = self.tenures(state)
                began = time.monotonic()
                process = self.start(state, None, "--quiet", "--window", str(kind[0]))
                if leave or inside:
                    self.wait_open(state, tenures)
                open_after = time.monotonic() - began if leave or inside else opened
                if not leave:
                    self.wait_over(delay)
                    process.kill()
                said = process.communicate()[1]
                if process.returncode == 0:
                    self.missed += not leave
                    took = time.monotonic() - began  # the machine has other things to do, too: the next draws know how fast it is now
                    self.times[kind] = (min(took, (opened + open_after) / 2), (seconds + took) / 2)
                    break
                check(process.returncode == -signal.SIGKILL, f"`run` answered {process.returncode}: {said.strip()}", state)
                self.kills += 1
                self.kills_in_recovery += attempts > 0
                self.moments[self.moment(state)] += 1
                attempts += 1
                self.progress.show(f"{self.kills} of {self.kills_wanted} kills in {folders} folder{'s' if folders > 1 else ''}, {time.monotonic() - start:.0f} s")
            check(self.is_whole(state) == self.reference, "the export differs from that of an undisturbed run", state)
            shutil.rmtree(state)
        self.killed_folders = folders
        where = ", ".join(f"{name} {count}" for name, count in self.moments.most_common())
        self.progress.say(f"killed: {self.kills} live runs in {folders} folders, {time.monotonic() - start:.0f} s; {self.missed} kills came too late and do not count\n        where: {where}")

    def two_at_once(self):
        state = self.new_state()
        first = self.start(state, None, "--quiet", "--stop-after-events", "20")
        os.waitpid(first.pid, os.WUNTRACED)  # asleep, in the middle of its work
        second, said = self.run(state)
        check(second == 4 and "another owner works on this scope" in said, f"the second process answered {second}: {said}", state)
        self.running = first
        first.send_signal(signal.SIGCONT)
        check(first.wait() == 0, f"the first process answered {first.returncode}", state)
        first.stderr.close()
        check(self.is_whole(state) == self.reference, "the export differs from that of an undisturbed run", state)
        self.progress.say(f"two at once: one works, the other leaves with exit code {second}\n        {said}")

    def other_data(self):
        """Changed, restored, vanished, broken."""
        state = self.new_state()
        lines = self.data.read_text().splitlines(keepends=True)

        def write(name, new_lines):
            path = self.folder / name / self.data.name
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(new_lines))
            return path

        def look():
            keys = json.loads(self.is_whole(state))["keys"]
            current = {key["business_key"]: next(one.get("idempotency_key") for one in key["publications"] if one["effect"] == key["current"]) for key in keys}
            versions = {key["business_key"]: len({one["idempotency_key"] for one in key["publications"] if not one["tombstone"]}) for key in keys}
            return current, versions

        self.must_run(state)
        first, _ = look()
        at = 1 + (len(lines) - 1) // 2  # a day in the middle
        day = lines[at].split(",")
        month = "seattle/" + day[0][:7].replace("/", "-")
        year = month[:-3]
        rainier = lines.copy()
        rainier[at] = ",".join([day[0], "99.9", *day[2:]])
        self.must_run(state, write("changed", rainier))
        current, versions = look()
        touched = {key for key in first if current[key] != first[key]}
        check(touched == {month, year}, f"a changed day in {month} gave new versions to {sorted(touched)}", state)
        check({key for key, count in versions.items() if count != 1} == touched, "another key has a second version", state)
        self.progress.say(f"changed:  {day[0]} now has 99.9 mm of rain; {month} and {year} have a second version, the other {len(first) - 2} keys have one")

        self.must_run(state)
        current, _ = look()
        check(current == first, "the first data did not bring the first content back", state)
        self.progress.say("restored: the first data brought the first content back")

        last = lines[-1][:7]
        gone = "seattle/" + last.replace("/", "-")
        self.must_run(state, write("vanished", [line for line in lines if not line.startswith(last)]))
        current, _ = look()
        check(current[gone] is None and [key for key in current if current[key] is None] == [gone], f"{gone} is not what was retired", state)
        self.progress.say(f"vanished: {gone} left the data and is retired")

        before = self.ask(state, "show", "--json")
        broken = lines.copy()
        broken[at] = ",".join([day[0], "wet", *day[2:]])
        path = write("broken", broken)
        code, said = self.run(state, path)
        check(code == 3 and f"{path}:{at + 1}" in said and "precipitation is not a number: 'wet'" in said, f"a broken row was answered with {code}: {said}", state)
        check(self.ask(state, "show", "--json") == before, "a refused file changed what is published", state)
        self.progress.say(f"broken:   exit code {code}, nothing published\n        {said.replace(str(self.folder), '...')}")

    def play(self):
        start = time.monotonic()
        self.undisturbed()
        self.kill_often()
        self.two_at_once()
        self.other_data()
        print("\n" + self.ask(self.reference_state, "show"))
        keys = len(json.loads(self.reference)["keys"])
        print(f"{self.kills} kills hit a live run in {self.killed_folders} fresh folders; {self.kills_in_recovery} of them hit a run that was recovering from an earlier kill.")
        print(f"All {self.killed_folders} exports are byte-identical to the undisturbed one (sha256 {hashlib.sha256(self.reference.encode()).hexdigest()[:16]}...), each of the {keys} keys has exactly one current version, and every log verifies.")
        print(f"A second process was turned away, and changed, restored, vanished and broken data did what they must. {time.monotonic() - start:.0f} s.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True, help="the monthly-summary program")
    parser.add_argument("--data", required=True, help="the observations, as CSV")
    parser.add_argument("--kills", type=int, default=100, help="how many kills must hit a live run (default: 100)")
    parser.add_argument("--seed", type=int, default=None, help="of the random moments (default: another one each time)")
    parser.add_argument("--keep", action="store_true", help="keep the state folders (those of killed runs are removed once they were proven)")
    arguments = parser.parse_args()
    if arguments.kills < 1:
        parser.error("--kills wants a positive number")
    if arguments.seed is None:
        arguments.seed = int.from_bytes(os.urandom(4), "big")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kfm-demo-"))
    print(f"seed {arguments.seed}; state folders in {folder}", flush=True)
    demo = Demo(arguments, folder)
    kept = arguments.keep
    try:
        demo.play()
        return 0
    except Differs as differs:
        kept = True
        demo.progress.say(f"FAILED: {differs.args[0]}\n  seed {arguments.seed}; the state is kept: {differs.args[1] or folder}")
        return 1
    except KeyboardInterrupt:
        demo.progress.say("interrupted")
        return 130
    finally:
        if demo.running and demo.running.poll() is None:
            demo.running.kill()
            demo.running.wait()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
