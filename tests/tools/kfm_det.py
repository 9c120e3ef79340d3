# SPDX-License-Identifier: BSL-1.0
"""What the tests of kfm-det share: running it (into a pipe, or on a terminal), logs of the example program, and logs forged line by line.

The writer of lines below knows the format from docs/formats/wal.md alone, and nothing of the library: what it writes is what a stranger would.
"""
import argparse
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

TOOL = PROGRAM = SOURCE = BUILD = None


def main(module="__main__"):
    """unittest, behind the paths that the build knows."""
    global TOOL, PROGRAM, SOURCE, BUILD
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True, help="kfm-det")
    parser.add_argument("--program", required=True, help="monthly-summary")
    parser.add_argument("--source", required=True)
    parser.add_argument("--build", required=True)
    given, rest = parser.parse_known_args()
    TOOL, PROGRAM, SOURCE, BUILD = map(os.path.abspath, (given.tool, given.program, given.source, given.build))
    unittest.main(module=module, argv=[sys.argv[0], *rest])


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM", "COLUMNS")}
    return {**clean, "TERM": "xterm", **more}


class Ran:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


def run(*words, cwd=None, env=None, user=None, stdin=subprocess.DEVNULL, binary=None):
    """Into pipes. Output as text; bytes that are no UTF-8 become lone surrogates, which a test sees."""
    done = subprocess.run([binary or TOOL, *map(str, words)], cwd=cwd, env=env or environment(), user=user, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return Ran(done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape"))


def run_on_terminal(*words, **more):
    """As show_on_terminal, without the lines of progress."""
    code, shown = show_on_terminal(*words, **more)
    return code, without_progress(shown)


def show_on_terminal(*words, columns=80, cwd=None, env=None, meanwhile=None):
    """stdout and stderr are one terminal of that width. What it shows, as bytes, with plain line ends. `meanwhile` is called with the child."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([TOOL, *map(str, words)], cwd=cwd, env=env or environment(), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    if meanwhile:
        meanwhile(child)
    shown = b""
    has_ended = False   # our copy of the other end stays open: where the last one is closed, what is still on its way may be lost
    while True:
        if select.select([ours], [], [], 0.2 if has_ended else 0.05)[0]:
            shown += os.read(ours, 65536)
        elif has_ended:
            break
        else:
            has_ended = child.poll() is not None
    os.close(theirs)
    os.close(ours)
    return child.returncode, shown.replace(b"\r\n", b"\n")


PAINT = re.compile(rb"\x1b\[[0-9;]*m")
PROGRESS = re.compile(rb"(?:\r\x1b\[Kreading the log \d+ %)+\r\x1b\[K")   # these words alone: a record that moves the cursor is still seen


def without_progress(shown):
    """What a terminal shows in the end: a program that is slow (a sanitizer's) writes a line of progress, and takes it away again."""
    return PROGRESS.sub(b"", shown)


def is_sanitized():
    """Address sanitizers reserve terabytes of addresses: such a tool cannot be given a limit."""
    with open(TOOL, "rb") as file:
        return b"__asan_init" in file.read()


def without_paint(shown):
    return PAINT.sub(b"", shown)


def everything_in(folder):
    """Name, size, time and hash of all that is there: what looking must not change."""
    out = {}
    for root, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(root, name)
            status = os.lstat(path)
            data = b""
            if os.path.isfile(path) and status.st_size < 1 << 28:
                with open(path, "rb") as file:
                    data = file.read()
            out[path] = (status.st_mode, status.st_size, status.st_mtime_ns, hashlib.sha256(data).hexdigest())
    return out


class Scratch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kfm-det-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def ok(self, *words, **more):
        done = run(*words, **more)
        self.assertEqual((done.code, done.err), (0, ""), f"{words}\n{done.out}")
        return done.out

    def unchanged(self, *words, code=0):
        """No byte of the folder changes, whatever is answered."""
        before = everything_in(self.folder)
        done = run(*words)
        self.assertEqual(done.code, code, done.out + done.err)
        self.assertEqual(everything_in(self.folder), before)
        return done

    def fails(self, code, sentence, *words, **more):
        """One sentence on stderr, and that exit code."""
        done = run(*words, **more)
        self.assertEqual(done.code, code, f"{words}\n{done.out}\n{done.err}")
        self.assertIn(sentence, done.err)
        self.assertTrue(done.err.startswith("kfm-det: "), done.err)
        return done


# --- logs of a real program ---------------------------------------------------------------------------------------------------

STREAM = "noaa-monthly-summary@"


def updates(state, rows=None, *more, ends=0):
    """Runs the example over the first `rows` lines of its data (all of them: None)."""
    data = os.path.join(SOURCE, "examples/monthly_summary/data/seattle-weather.csv")
    folder = tempfile.mkdtemp(prefix="kfm-det-data-")
    try:
        path = os.path.join(folder, "weather.csv")
        with open(data, encoding="utf-8") as file:
            lines = file.readlines()
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines[: rows or len(lines)])
        done = subprocess.run([PROGRAM, "run", "--data", path, "--state", state, *more], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder)
    if done.returncode != ends:
        raise AssertionError(f"the example answered {done.returncode}: {done.stderr}")
    return done.stderr


# --- lines of our own -----------------------------------------------------------------------------------------------------------

def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(domain, text):
    return hashlib.sha256(domain.encode() + b"\n" + text.encode()).hexdigest()


class Forger:
    """Writes a stream as docs/formats/wal.md says."""

    def __init__(self, root, stream="forged@", format=1):
        self.folder, self.stream, self.format = os.path.join(root, stream), stream, format
        os.makedirs(self.folder)
        self.lines, self.lsn, self.prev, self.seq = [], 0, "0" * 64, 0
        self.mark(0)

    def mark(self, lsn):
        mark = canonical({"format": self.format, "hash": self.prev if lsn else "0" * 64, "incarnation": 1, "lsn": lsn, "ordinal": 1, "stream": self.stream})
        self.lines.append('{"mark":%s,"sum":"%s"}' % (mark, digest("kfm_det/v1/mark", mark)))

    def record(self, phase, operation, status, step="", payload=None, wal_id="11111111-1111-8111-8111-111111111111", **more):
        self.lsn += 1
        self.seq += 1
        at = f"2026-01-02T03:04:{self.lsn:02d}.000000000Z"
        record = {"actor": "forger", "entry_id": "22222222-2222-8222-8222-%012d" % self.lsn, "input_hash": "ab" * 32, "operation": operation, "payload": payload or {}, "phase": phase, "seq": self.seq,
                  "status": status, "step_id": step, "tier": 0, "token": 1, "ts": at, "updater_id": "forged", "updater_version": "1.0.0", "wal_id": wal_id, **more}
        body = canonical({"durable_upto": self.lsn - 1, "format": self.format, "group": {"count": 1, "index": 0}, "incarnation": 1, "lsn": self.lsn, "prev": self.prev, "record": record, "stream": self.stream})
        behind = ',"hash":"%s"}' % digest("kfm_det/v1/frame", body)
        self.prev = digest("kfm_det/v1/line", behind)
        self.lines.append('{"body":' + body + behind)

    def write(self):
        self.mark(self.lsn)
        path = os.path.join(self.folder, "%020d-%020d.jsonl" % (1, 1))
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(self.lines) + "\n" * 100)
        return path


def forged_run(root, text=lambda place: place, **more):
    """A run that plans three steps, publishes one key, fails at another, and is taken back; every text in it is `text(where it stands)`."""
    forger = Forger(root, **more)
    steps = [{"after": [], "care": [], "id": "a" + text("step"), "irreversible": False, "operation": text("operation"), "params": {"p": text("param")}, "publishes": text("key") + "a", "tier": 0},
             {"after": ["a" + text("step")], "care": [], "id": "b" + text("step"), "irreversible": True, "operation": text("operation"), "params": {}, "publishes": text("key") + "b", "tier": 0},
             {"after": ["a" + text("step"), "b" + text("step")], "care": [], "id": "c" + text("step"), "irreversible": False, "operation": text("operation"), "params": {}, "tier": 0}]
    effects = [{"business_key": step["publishes"], "effect": "%02d" % i * 32, "step": step["id"], **({"irreversible": True} if step["irreversible"] else {})} for i, step in enumerate(steps) if "publishes" in step]
    who = {"actor": text("actor"), "updater_id": text("updater")}
    failure = {"code": text("code"), "sentence": text("sentence"), "stage": text("stage"), "step": steps[2]["id"]}
    forger.record("PLAN", "plan", "DONE", payload={"effects": effects, "inputs": [], "plan": {"steps": steps, "updater": "forged", "version": "1.0.0"}, "plan_hash": "cd" * 32, "retired": [],
                  "trigger": {"key": text("trigger"), "kind": text("kind"), "partition": ""}}, **who)
    forger.record("EXECUTE", text("operation"), "DONE", steps[0]["id"], {"bytes": "ef" * 32, "size": 7, "content": "aa" * 32, "key": "bb" * 32}, **who)
    forger.record("UPSERT", "upsert", "IN_PROGRESS", steps[0]["id"], {"business_key": effects[0]["business_key"], "effect": effects[0]["effect"], "key": "bb" * 32}, **who)
    forger.record("UPSERT", "upsert", "DONE", steps[0]["id"], {"effect": effects[0]["effect"], "result": text("result")}, **who)
    forger.record("CONTROL", "ATTEMPT", "IN_PROGRESS", payload={"attempt": 1}, **who)
    forger.record("EXECUTE", text("operation"), "FAILED", steps[2]["id"], {"failure": failure}, **who)
    forger.record("CONTROL", "UNDO", "IN_PROGRESS", payload={"outcome": "failed", "failure": failure}, **who)
    forger.record("UPSERT", "withdraw", "IN_PROGRESS", steps[0]["id"], {"business_key": effects[0]["business_key"], "effect": effects[0]["effect"]}, **who)
    forger.record("UPSERT", "withdraw", "DONE", steps[0]["id"], {"effect": effects[0]["effect"]}, **who)
    forger.record("CONTROL", "SETTLED", "DONE", payload={"outcome": "failed", "failure": failure}, **who)
    forger.write()
    return forger
