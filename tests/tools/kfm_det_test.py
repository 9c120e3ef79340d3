#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""kfm-det over logs of a real program, killed and taken back, and over logs that a stranger wrote.

usage: kfm_det_test.py --tool kfm-det --program monthly-summary --source DIR --build DIR [CLASS...]
"""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kfm_det  # noqa: E402
from kfm_det import Forger, Scratch, everything_in, forged_run, run, run_on_terminal, updates, without_paint  # noqa: E402

LOOKING = (("wal", "verify", "--chain-only"), ("wal", "verify", "--chain-only", "--json"), ("wal", "evidence"), ("wal", "evidence", "--json"), ("wal", "extract", "latest"), ("wal", "show"), ("wal", "show", "--json"), ("wal", "show", "latest"), ("wal", "show", "latest", "--all"), ("wal", "show", "latest", "--json"), ("wal", "tail"), ("wal", "tail", "--json"), ("wal", "head"),
           ("wal", "head", "--json"), ("wal", "stats"), ("wal", "stats", "--json"), ("wal", "graph", "latest"), ("wal", "graph", "latest", "--format", "mermaid"), ("wal", "graph", "latest", "--format", "svg"),
           ("wal", "graph", "latest", "--json"))


def over(command, log):
    """The command with LOG in its place."""
    return [*command[:2], log, *command[2:]]


def lines_like(pattern, text):
    return [line for line in text.splitlines() if re.search(pattern, line)]


class Show(Scratch):
    def test_runs_of_a_log(self):
        updates(self.path("state"), 400)
        updates(self.path("state"), 800, "--kill-after-events", "20", ends=-9)
        text = self.ok("wal", "show", self.path("state/wal"))
        self.assertRegex(text, r"verdict +Clean: \d+ records, \d+ of them proven durable; the last \d+ rest on one copy|verdict +Clean: \d+ records, all of them proven durable")
        self.assertRegex(text, r"runs +2 runs: 1 committed, 1 open\n")
        rows = lines_like("weather.csv", text)
        self.assertEqual([row.split()[2] for row in rows], ["committed", "open"])
        listed = json.loads(self.ok("wal", "show", self.path("state/wal"), "--json"))
        self.assertEqual([one["status"] for one in listed["runs"]], ["committed", "open"])
        self.assertEqual([one["run"] for one in listed["runs"]], [row.split()[0] for row in rows])
        self.assertIn("The next trigger takes it up again", listed["runs"][1]["what_to_do"])
        self.assertEqual(text, self.ok("wal", "show", self.path("state/wal", kfm_det.STREAM)).replace("/" + kfm_det.STREAM, ""), "the stream's own folder names the same log")

    def test_json_is_canonical(self):
        updates(self.path("state"), 100)
        for command in (["wal", "show"], ["wal", "stats"], ["wal", "head"]):
            text = self.ok(*command, self.path("state/wal"), "--json")
            self.assertEqual(text, kfm_det.canonical(json.loads(text)) + "\n")

    def test_kills_and_resumes_are_seen(self):
        state = self.path("state")
        updates(state, 800, "--kill-after-events", "20", ends=-9)
        updates(state, 800, "--kill-after-events", "25", ends=-9)
        updates(state, 800)
        text = self.ok("wal", "show", state + "/wal", "latest")
        self.assertRegex(text, r"^run [0-9a-f-]{36} is committed\n")
        self.assertRegex(text, r"stops +stopped without a word twice, taken up again twice\n")
        self.assertEqual(len(lines_like(r"^-- nothing for .*: stopped without a word \(killed", text)), 2)
        words = [re.search(r" (PLAN|EXECUTE|UPSERT|COMMIT|ATTEMPT) ", line).group(1) for line in lines_like(r"^\d\d:\d\d:\d\d\.\d{3} ", text)]
        self.assertEqual((words[0], words[-1], words.count("ATTEMPT")), ("PLAN", "COMMIT", 2))
        story = json.loads(self.ok("wal", "show", state + "/wal", "latest", "--json"))
        self.assertEqual([one["kind"] for one in story["timeline"] if one["kind"] != "records"], ["stopped", "stopped"])
        self.assertEqual({one["state"] for one in story["effects"]}, {"published"})
        self.assertEqual(sum(story["durations_ns"].values()), self.span(story), "every nanosecond of a run that nobody came back to is told")
        self.assertGreater(story["durations_ns"]["stopped"], 0)

    @staticmethod
    def span(story):
        def ns(text):
            second, fraction = text.rstrip("Z").split(".")
            return int(time.mktime(time.strptime(second, "%Y-%m-%dT%H:%M:%S"))) * 10**9 + int(fraction)
        return ns(story["run"]["ended_at"]) - ns(story["run"]["planned_at"])

    def test_a_graceful_stop_is_not_a_kill(self):
        state = self.path("state")
        data = os.path.join(kfm_det.SOURCE, "examples/monthly_summary/data/seattle-weather.csv")
        updates(state, None, "--kill-after-events", "3", ends=-9)
        shutil.copy(data, self.path("weather.csv"))
        words = [kfm_det.PROGRAM, "run", "--data", self.path("weather.csv"), "--state", state]
        asleep = subprocess.Popen([*words, "--stop-after-events", "6"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.waitpid(asleep.pid, os.WUNTRACED)
        asleep.send_signal(signal.SIGINT)
        asleep.send_signal(signal.SIGCONT)
        self.assertEqual(asleep.wait(), 9)
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
        kinds = [one["kind"] for one in json.loads(self.ok("wal", "show", state + "/wal", "latest", "--json"))["timeline"]]
        self.assertEqual([kind for kind in kinds if kind != "records"], ["stopped", "stopped_on_request"])
        self.assertIn("stopped without a word once, stopped on request once, taken up again twice", self.ok("wal", "show", state + "/wal", "latest"))

    def test_an_undo_comes_later(self):
        state = self.path("state")
        updates(state, 400)
        committed = json.loads(self.ok("wal", "show", state + "/wal", "--json"))["runs"][0]["run"]
        subprocess.run([kfm_det.PROGRAM, "undo", committed, "--state", state], check=True, stderr=subprocess.DEVNULL)
        text = self.ok("wal", "show", state + "/wal", committed[:8])
        self.assertIn("is undone\n", text)
        self.assertRegex(text, r"what to do +Its inputs are held")
        self.assertEqual(len(lines_like(r"^-- it had ended; .* later:$", text)), 1)
        self.assertEqual(len(lines_like("stopped without a word", text)), 0)
        self.assertRegex(text, r"SETTLED +ended undone")
        self.assertIn("withdrawn", text)

    def test_a_failure_says_why(self):
        forged_run(self.folder)
        text = self.ok("wal", "show", self.folder, "1111")
        self.assertRegex(text, r"why +code: sentence \(step cstep, stage\)")
        self.assertRegex(text, r"EXECUTE +step cstep failed: code: sentence")
        self.assertRegex(text, r"UNDO +taken back from here, to end failed, by actor with token 1; code: sentence")
        self.assertRegex(text, r"keyb +planned, irreversible")

    def test_quarantine(self):
        state = self.path("state")
        for _ in range(3):
            updates(state, 400, "--attempts", "2", "--kill-after-events", "4", ends=-9)
        updates(state, 400, "--attempts", "2", ends=7)
        text = self.ok("wal", "show", state + "/wal", "latest")
        self.assertRegex(text, r"^run \S+ is quarantined\n")
        self.assertRegex(text, r"SETTLED +ended quarantined")
        self.assertRegex(text, r"what to do +Find out what stops it")

    def test_all_shows_every_record_and_key(self):
        updates(self.path("state"))
        short, whole = self.ok("wal", "show", self.path("state/wal"), "latest"), self.ok("wal", "show", self.path("state/wal"), "latest", "--all")
        self.assertIn("... and 40 keys more; --all shows them", short)
        self.assertEqual(len(lines_like(r"^seattle/", whole)), 52)
        self.assertEqual(len(lines_like(r"^\d\d:\d\d:\d\d\.\d{3} ", whole)), 158)

    def test_a_run_is_named_by_a_beginning(self):
        forged_run(self.folder)
        self.fails(10, "the log has no such run (2222)", "wal", "show", self.folder, "2222")
        self.fails(2, "this is no run (111)", "wal", "show", self.folder, "111")
        self.fails(2, "this is no run (../../etc)", "wal", "show", self.folder, "../../etc")
        forger = Forger(self.path("two"))
        for last in "12":
            forger.record("PLAN", "plan", "DONE", wal_id=f"11111111-1111-8111-8111-11111111111{last}", payload={"effects": [], "inputs": [], "plan": {}, "plan_hash": "cd" * 32, "retired": [], "trigger": {"key": "k", "kind": "manual", "partition": ""}})
        forger.write()
        self.fails(2, "more than one run begins like this", "wal", "show", self.path("two"), "1111")
        self.assertIn("111111111112", self.ok("wal", "show", self.path("two"), "11111111-1111-8111-8111-111111111112"))

    def test_width(self):
        state = self.path("state")
        updates(state, 400, "--kill-after-events", "8", ends=-9)
        updates(state, 400)
        for columns in (40, 80, 200):
            for words in (["wal", "show", state + "/wal"], ["wal", "show", state + "/wal", "latest"], ["wal", "tail", state + "/wal"], ["wal", "stats", state + "/wal"]):
                code, shown = run_on_terminal(*words, columns=columns)
                self.assertEqual(code, 0)
                too_long = [line for line in without_paint(shown).decode().splitlines() if len(line) > columns]
                self.assertEqual(too_long if columns >= 80 else [line for line in too_long if re.match(r"run |\d\d:|-- ", line) and "stopped" in line], [], f"{words} at {columns}")
        _, wide = run_on_terminal("wal", "show", state + "/wal", columns=200)
        _, narrow = run_on_terminal("wal", "show", state + "/wal", columns=80)
        self.assertRegex(wide.decode(), r"[0-9a-f]{8}-[0-9a-f]{4}-")
        self.assertNotRegex(narrow.decode(), r"[0-9a-f]{8}-[0-9a-f]{4}-")

    def test_colours(self):
        forged_run(self.folder)
        _, painted = run_on_terminal("wal", "show", self.folder)
        self.assertIn(b"\x1b[", painted)
        for words, env in ((["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})):
            _, plain = run_on_terminal("wal", "show", self.folder, *words, env=kfm_det.environment(**env))
            self.assertEqual(plain, without_paint(painted))
        self.assertNotIn("\x1b", self.ok("wal", "show", self.folder))
        _, empty = run_on_terminal("wal", "show", self.folder, env=kfm_det.environment(NO_COLOR=""))
        self.assertEqual(empty, painted)


class Tail(Scratch):
    def test_last_records(self):
        updates(self.path("state"), 400)
        text = self.ok("wal", "tail", self.path("state/wal"), "-n", "3").splitlines()
        self.assertEqual(len(text), 3)
        self.assertRegex(text[-1], r"COMMIT +DONE")
        self.assertEqual(len(self.ok("wal", "tail", self.path("state/wal")).splitlines()), 10)
        self.assertEqual(self.ok("wal", "tail", self.path("state/wal"), "-n", "0"), "")

    def test_json_lines_are_the_records_as_they_stand(self):
        updates(self.path("state"), 100)
        lines = self.ok("wal", "tail", self.path("state/wal"), "-n", "1000000", "--json").splitlines()
        stored = []
        for name in sorted(os.listdir(self.path("state/wal", kfm_det.STREAM))):
            if name.endswith(".jsonl"):
                with open(self.path("state/wal", kfm_det.STREAM, name), encoding="utf-8") as file:
                    stored += [json.loads(line)["body"] for line in file if line.startswith('{"body"')]
        self.assertEqual([json.loads(line)["record"] for line in lines], [one["record"] for one in stored])
        self.assertEqual([json.loads(line)["lsn"] for line in lines], list(range(1, len(stored) + 1)))
        self.assertEqual([json.loads(line)["hash"] for line in lines[:-1]], [one["prev"] for one in stored[1:]], "the hash is that of the line")
        self.assertTrue(all(line == kfm_det.canonical(json.loads(line)) for line in lines))

    def follow(self, log, *more):
        return subprocess.Popen([kfm_det.TOOL, "wal", "tail", log, "--follow", "--json", "--interval", "20", *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=kfm_det.environment())

    def test_follow_gives_every_record_once(self):
        state = self.path("state")
        updates(state, 60)
        child = self.follow(state + "/wal", "-n", "2")
        seen = [json.loads(child.stdout.readline())["lsn"] for _ in range(2)]
        updates(state, 400, "--kill-after-events", "8", ends=-9)
        updates(state, 400, "--window", "2")
        last = json.loads(self.ok("wal", "stats", state + "/wal", "--json"))["records"]
        while seen[-1] != last:
            seen.append(json.loads(child.stdout.readline())["lsn"])
        child.send_signal(signal.SIGINT)
        rest, err = child.communicate()
        self.assertEqual((child.returncode, rest, err), (0, "", ""))
        self.assertEqual(seen, list(range(seen[0], last + 1)))

    def test_follow_sleeps(self):
        forged_run(self.folder)
        child = self.follow(self.folder, "-n", "1")
        child.stdout.readline()
        time.sleep(0.3)   # no claim about time: about what it does with it
        with open(f"/proc/{child.pid}/stat", encoding="utf-8") as file:
            ticks = sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
        with open(f"/proc/{child.pid}/status", encoding="utf-8") as file:
            state = re.search(r"^State:\s+(\S)", file.read(), re.M).group(1)
        child.terminate()
        child.communicate()
        self.assertEqual((child.returncode, state), (0, "S"))
        self.assertLess(ticks, 20)

    def test_follow_says_when_the_log_took_another_turn(self):
        forger = Forger(self.folder)
        plan = {"effects": [], "inputs": [], "plan": {}, "plan_hash": "cd" * 32, "retired": [], "trigger": {"key": "k", "kind": "manual", "partition": ""}}
        forger.record("PLAN", "plan", "DONE", payload=plan)
        path = forger.write()
        child = self.follow(self.folder, "-n", "1")
        self.assertEqual(json.loads(child.stdout.readline())["lsn"], 1)
        other = Forger(self.path("other"), "forged@")
        other.record("PLAN", "plan", "DONE", payload={**plan, "retired": ["other"]})
        other.record("COMMIT", "commit", "DONE")
        os.replace(other.write(), path)
        out, err = child.communicate(timeout=60)
        self.assertEqual((child.returncode, out), (6, ""))
        self.assertIn("LSN 2 does not follow from what was shown before it", err)


class Head(Scratch):
    def test_head_is_what_is_proven(self):
        forger = forged_run(self.folder)
        head = json.loads(self.ok("wal", "head", self.folder, "--json"))
        self.assertEqual(head, {"hash": forger.prev, "incarnation": 1, "lsn": 10, "stream": "forged@"})
        path = self.path("forged@", "%020d-%020d.jsonl" % (1, 1))
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(forger.lines[:-1]) + "\n")   # without the last MARK: durable_upto of the last frame is the proof
        self.assertEqual(json.loads(self.ok("wal", "head", self.folder, "--json"))["lsn"], 9)
        self.assertRegex(self.ok("wal", "head", self.folder), r"LSN +9 of 10; the others rest on one copy")

    def test_out(self):
        forged_run(self.folder)
        out = self.path("kept")
        dry = run("wal", "head", self.folder, "--out", out, "--dry-run")
        self.assertEqual((dry.code, dry.out, dry.err), (0, "", f"would write LSN 10 of incarnation 1 to {out}; nothing was changed\n"))
        self.assertFalse(os.path.exists(out))
        self.assertEqual(run("wal", "head", self.folder, "--out", out).err, f"{out} now says LSN 10 of incarnation 1\n")
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.ok("wal", "head", self.folder, "--json"))
        self.assertEqual(run("wal", "head", self.folder, "--out", out, "--quiet").err, "")
        self.assertEqual(sorted(os.listdir(self.folder)), ["forged@", "kept"])
        self.fails(2, "a witness inside the log's own folder", "wal", "head", self.folder, "--out", self.path("forged@", "w"))

    def test_a_kept_head_finds_a_cut_and_a_rewritten_log(self):
        forger = forged_run(self.folder)
        out = self.path("kept")
        self.assertEqual(run("wal", "head", self.folder, "--out", out).code, 0)
        before = everything_in(out)
        path = self.path("forged@", "%020d-%020d.jsonl" % (1, 1))
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(forger.lines[:6]) + "\n")
        self.assertEqual(run("wal", "show", self.folder).code, 0, "the log alone cannot know")
        self.fails(6, "regressed", "wal", "head", self.folder, "--out", out)
        shutil.rmtree(self.path("forged@"))
        forged_run(self.folder, lambda place: place + "!")
        self.assertEqual(run("wal", "show", self.folder).code, 0, "the log alone cannot know")
        self.fails(6, "forked", "wal", "head", self.folder, "--out", out)
        self.assertEqual(everything_in(out), before)

    def test_what_is_no_head_file_is_left_alone(self):
        forged_run(self.folder)
        for text in ("", "precious", '{"hash":"x"}', "x" * 5000):
            with open(self.path("kept"), "w", encoding="utf-8") as file:
                file.write(text)
            self.fails(2, "this is no head file", "wal", "head", self.folder, "--out", self.path("kept"))
            with open(self.path("kept"), encoding="utf-8") as file:
                self.assertEqual(file.read(), text)
        forged_run(self.path("b"), stream="other@")
        run("wal", "head", self.path("b"), "--out", self.path("other"))
        self.fails(6, "this head file is of the stream other@", "wal", "head", self.path("forged@"), "--out", self.path("other"))


class Stats(Scratch):
    def test_counts(self):
        state = self.path("state")
        updates(state, 400)
        folder = self.path("state/wal", kfm_det.STREAM)
        stats = json.loads(self.ok("wal", "stats", state + "/wal", "--json"))
        lines = []
        for name in sorted(os.listdir(folder)):
            if name.endswith(".jsonl"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    lines += [line for line in file if line.startswith('{"body"')]
        records = [json.loads(line)["body"]["record"] for line in lines]
        self.assertEqual(stats["records"], len(lines))
        self.assertEqual(stats["bytes_of_records"], sum(map(len, lines)))
        self.assertEqual(stats["bytes_on_disk"], sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)))
        self.assertEqual(stats["records_by_phase"], {phase: sum(one["phase"] == phase for one in records) for phase in ("COMMIT", "EXECUTE", "PLAN", "UPSERT")})
        self.assertEqual(stats["largest_line"]["bytes"], max(len(line) - 1 for line in lines))
        self.assertEqual((stats["first_at"], stats["last_at"]), (records[0]["ts"], records[-1]["ts"]))
        self.assertEqual((stats["runs_by_status"], len(stats["segments"])), ({"committed": 1}, 1))
        text = self.ok("wal", "stats", state + "/wal")
        self.assertRegex(text, r"runs +1 committed")
        self.assertRegex(text, r"\nUPSERT +%d " % stats["records_by_phase"]["UPSERT"])

    def test_rate(self):
        forged_run(self.folder)
        stats = json.loads(self.ok("wal", "stats", self.folder, "--json"))
        self.assertAlmostEqual(stats["records_per_second"], 10 / 9)
        self.assertIn("9.00 s, 1.1 records a second", self.ok("wal", "stats", self.folder))


class Graph(Scratch):
    def test_states(self):
        forged_run(self.folder)
        nodes = json.loads(self.ok("wal", "graph", self.folder, "latest", "--json"))["nodes"]
        self.assertEqual([(one["step"], one["state"], one["after"]) for one in nodes], [("astep", "withdrawn", []), ("bstep", "planned", ["astep"]), ("cstep", "failed", ["astep", "bstep"])])

    def test_dot_is_read_by_graphviz(self):
        state = self.path("state")
        updates(state)
        updates(state, 800)   # months left: they are retired
        dot = self.ok("wal", "graph", state + "/wal", "latest")
        read = subprocess.run(["dot", "-Tplain"], input=dot, capture_output=True, text=True, check=True).stdout
        self.assertEqual((len(lines_like("^node ", read)), len(lines_like("^edge ", read))), (52, 27))
        svg = xml.etree.ElementTree.fromstring(self.ok("wal", "graph", state + "/wal", "latest", "--format", "svg"))
        texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("publishes seattle/2012-01", texts)
        self.assertIn("retires seattle/2015-12", texts)

    def test_mermaid(self):
        forged_run(self.folder)
        text = self.ok("wal", "graph", self.folder, "latest", "--format", "mermaid")
        self.assertIn("flowchart LR\n", text)
        self.assertIn('  n0["astep<br/>operation<br/>publishes keya<br/>withdrawn"]:::withdrawn\n', text)
        self.assertEqual(re.findall(r"n\d --> n\d", text), ["n0 --> n1", "n0 --> n2", "n1 --> n2"])

    def test_without_graphviz(self):
        forged_run(self.folder)
        self.fails(8, "Install the package graphviz", "wal", "graph", self.folder, "latest", "--format", "svg", env=kfm_det.environment(PATH=self.folder))
        self.ok("wal", "graph", self.folder, "latest", env=kfm_det.environment(PATH=self.folder))

    def test_a_graphviz_that_fails(self):
        forged_run(self.folder)
        with open(self.path("dot"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexit 3\n")
        os.chmod(self.path("dot"), 0o755)
        self.fails(8, "`dot` failed (exit code 3)", "wal", "graph", self.path("forged@"), "latest", "--format", "svg", env=kfm_det.environment(PATH=self.folder))


class Acting(Scratch):
    """What changes something: under the updater's lock, on an explicit word, and never with --dry-run."""

    def setUp(self):
        super().setUp()
        self.state = self.path("state")
        self.sink = ["--sink", "sqlite:" + self.path("state/summaries.db")]
        self.log = self.path("state/wal")

    def current(self):
        shown = subprocess.run([kfm_det.PROGRAM, "show", "--json", "--state", self.state], capture_output=True, text=True, check=True).stdout
        return {one["business_key"]: one.get("current") for one in json.loads(shown)["keys"]}

    def runs(self):
        return json.loads(run("wal", "show", self.log, "--json").out)["runs"]

    def test_undo(self):
        updates(self.state, 400)
        first = self.current()
        updates(self.state, 800)
        latest = self.runs()[-1]["run"]
        preview = self.unchanged("wal", "undo", self.log, "latest", *self.sink, "--dry-run")
        self.assertIn("undo would withdraw", preview.out)
        told = json.loads(self.unchanged("wal", "undo", self.log, "latest", *self.sink, "--dry-run", "--json").out)
        self.assertEqual({one["change"] for one in told["keys"]}, {"restored", "emptied"})
        done = run("wal", "undo", self.log, latest[:8], *self.sink, "--actor", "night shift")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertIn("undone run " + latest, done.out)
        self.assertEqual({key: one for key, one in self.current().items() if one is not None}, first)
        self.assertEqual([one["status"] for one in self.runs()], ["committed", "undone"])
        self.assertIn("by night shift with token", self.ok("wal", "show", self.log, latest))
        again = self.ok("wal", "undo", self.log, latest, *self.sink, "--dry-run")
        self.assertIn("nothing to do", again)

    def test_undo_asks_for_what_it_needs(self):
        updates(self.state, 60)
        for words, code, sentence in ((["--sink", "sqlite:" + self.path("none.db")], 10, "none.db"), (["--sink", "redis:1"], 2, "this is no sink that the tool knows"), ([*self.sink, "--locks", self.path("none")], 10, "without its lock nothing is begun"),
                                      ([*self.sink, "--key", self.path("none.pem")], 10, "none.pem")):
            done = self.unchanged("wal", "undo", self.log, "latest", *words, code=code)
            self.assertIn(sentence, done.err)
        self.unchanged("wal", "undo", self.log, "latest", code=2)
        self.unchanged("wal", "undo", self.log, "ffff", *self.sink, code=10)

    def test_locks_of_nobody_are_refused(self):
        updates(self.state, 60)
        os.makedirs(self.path("locks/another@"))
        shutil.copytree(os.path.join(self.state, "locks", kfm_det.STREAM), self.path("copied", kfm_det.STREAM))
        for folder in ("locks", "state"):
            done = self.unchanged("wal", "undo", self.log, "latest", *self.sink, "--locks", self.path(folder), code=10)
            self.assertIn("nobody ever took a lease of this scope in this folder", done.err)
            self.assertIn("--new-locks", done.err)
        self.ok("wal", "undo", self.log, "latest", *self.sink, "--locks", self.path("locks"), "--new-locks")
        self.ok("wal", "compact", self.log, *self.sink, "--locks", self.path("copied"))

    def test_undo_parks_at_an_irreversible_step(self):
        updates(self.state, 60)   # what its sink has is told as a run of two steps, of which the second one cannot be taken back
        real = json.loads(self.ok("wal", "tail", self.log, "-n", "1000", "--json").splitlines()[0])["record"]["payload"]["effects"]
        forger = Forger(self.path("other"))
        steps = [{"after": [], "care": [], "id": name, "irreversible": name == "sent", "operation": "Send", "params": {}, "publishes": one["business_key"], "tier": 0} for name, one in zip(("made", "sent"), real)]
        effects = [{"business_key": one["business_key"], "effect": one["effect"], "step": step["id"], **({"irreversible": True} if step["irreversible"] else {})} for step, one in zip(steps, real)]
        forger.record("PLAN", "plan", "DONE", payload={"effects": effects, "inputs": [], "plan": {"steps": steps, "updater": "forged", "version": "1.0.0"}, "plan_hash": "cd" * 32, "retired": [], "trigger": {"key": "k", "kind": "manual", "partition": ""}})
        for effect in effects:
            forger.record("EXECUTE", "Send", "DONE", effect["step"], {"bytes": "ef" * 32, "size": 7, "content": "aa" * 32, "key": "bb" * 32})
            forger.record("UPSERT", "upsert", "IN_PROGRESS", effect["step"], {"business_key": effect["business_key"], "effect": effect["effect"], "key": "bb" * 32})
            forger.record("UPSERT", "upsert", "DONE", effect["step"], {"effect": effect["effect"], "result": "created"})
        forger.record("COMMIT", "commit", "DONE")
        forger.write()
        os.makedirs(self.path("locks"))
        told = json.loads(self.unchanged("wal", "undo", self.path("other"), "latest", *self.sink, "--dry-run", "--json").out)
        self.assertEqual((told["ends_as"], told["stops_at"]), ("parked", "sent"))
        self.fails(7, "parked: ", "wal", "undo", self.path("other"), "latest", *self.sink, "--locks", self.path("locks"), "--new-locks")
        text = self.ok("wal", "show", self.path("other"), "latest")
        self.assertRegex(text, r"^run \S+ is parked\n")
        self.assertEqual({one["state"] for one in json.loads(self.ok("wal", "show", self.path("other"), "latest", "--json"))["effects"]}, {"published"}, "what stands behind the wall stays")

    def test_undo_waits_for_nobody(self):
        updates(self.state, 60)
        data = os.path.join(kfm_det.SOURCE, "examples/monthly_summary/data/seattle-weather.csv")
        asleep = subprocess.Popen([kfm_det.PROGRAM, "run", "--data", data, "--state", self.state, "--stop-after-events", "6"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.waitpid(asleep.pid, os.WUNTRACED)
        self.fails(4, "another owner works on this scope", "wal", "undo", self.log, self.runs()[0]["run"], *self.sink)
        asleep.send_signal(signal.SIGCONT)
        self.assertEqual(asleep.wait(), 0)

    def damage(self):
        """A byte in the middle of the first segment."""
        folder = os.path.join(self.log, kfm_det.STREAM)
        path = os.path.join(folder, sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))[0])
        with open(path, "r+b") as file:
            file.seek(30000)
            file.write(b"#")
        return path

    def test_evidence_and_repair(self):
        updates(self.state, 400)
        updates(self.state, 800)
        self.unchanged("wal", "repair", self.log, *self.sink)   # nothing to do
        self.damage()
        published = self.current()
        self.assertIn("corrupt_committed", self.unchanged("wal", "verify", self.log, code=6).err)
        self.assertIn("would keep", self.unchanged("wal", "evidence", self.log, "--keep", "--dry-run", code=6).err)
        proposed = self.unchanged("wal", "repair", self.log, *self.sink, code=6)
        self.assertIn("CorruptCommitted: the log is kept up to LSN", proposed.out)
        self.unchanged("wal", "repair", self.log, *self.sink, "--accept", "--dry-run", code=6)
        before = everything_in(self.log)
        kept = run("wal", "evidence", self.log, "--keep")
        self.assertEqual((kept.code, kept.err), (0, "1 piece of evidence kept now, 0 there already\n"))
        after = everything_in(self.log)
        self.assertEqual({path: after[path] for path in before if not os.path.isdir(path)}, {path: one for path, one in before.items() if not os.path.isdir(path)}, "what is there is only read")
        self.assertIn("0 pieces of evidence kept now, 1 there already", run("wal", "evidence", self.log, "--keep").err)
        done = run("wal", "repair", self.log, *self.sink, "--accept")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertIn("the log goes on in incarnation 2", done.out)
        self.assertEqual(self.current(), published, "what is published stays")
        self.assertEqual(run("wal", "show", self.log).code, 0)
        self.assertIn("lost", {one["status"] for one in self.runs()})
        pieces = json.loads(self.ok("wal", "evidence", self.log, "--json"))["kept"]
        self.assertEqual({(one["verdict"], "file" in one) for one in pieces}, {("CorruptCommitted", True), ("CorruptCommitted", False)}, "the damage, and what the sink saw that no file shows any more")
        piece = next(path for path in after if path.endswith("region.bin"))
        with open(piece, "ab") as file:
            file.write(b"!")
        self.assertEqual(run("wal", "evidence", self.log).code, 6, "evidence that somebody touched is told")

    def test_extract(self):
        updates(self.state, 60)
        out = self.path("run.bundle")
        dry = self.unchanged("wal", "extract", self.log, "latest", "--out", out, "--dry-run")
        self.assertRegex(dry.err, r"^would write run \S+, \d+ records, \d+ inputs?, \S+ KiB to ")
        self.assertEqual(run("wal", "extract", self.log, "latest", "--out", out).code, 0)
        with open(out, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text, self.ok("wal", "extract", self.log, "latest"))
        self.assertEqual(text, subprocess.run([kfm_det.PROGRAM, "bundle", self.runs()[0]["run"], "--state", self.state], capture_output=True, text=True, check=True).stdout)
        self.fails(2, "this file is there already, and is not written over", "wal", "extract", self.log, "latest", "--out", out)
        for words, dry_run, where in ((["--dry-run"], True, None), (["--out", self.path("a.bundle"), "--dry-run"], True, self.path("a.bundle")), (["--out", self.path("a.bundle")], False, self.path("a.bundle"))):
            told = json.loads(self.ok("wal", "extract", self.log, "latest", *words, "--json", "--quiet"))
            self.assertEqual((told["kind"], told["format"], told["dry_run"], told["out"], told["bytes"]), ("kfm-det wal extract", 1, dry_run, where, len(text.encode())))
        self.assertEqual(self.ok("wal", "extract", self.log, "latest", "--json"), text, "a bundle is JSON itself")

    def test_keys(self):
        key, ring = self.path("a.pem"), self.path("ring")
        new = run("wal", "keys", "new", key, "--name", "2026a")
        self.assertEqual((new.code, new.err), (0, "The file does not hold the name: say 2026a again wherever the key is given.\n"))
        text = new.out
        self.assertRegex(text, r"key +2026a\n +public key +[0-9a-f]{64}\n")
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        before = everything_in(key)
        self.fails(2, "this file is there already, and is not written over", "wal", "keys", "new", key)
        self.assertEqual(everything_in(key), before)
        self.unchanged("wal", "keys", "add", ring, "--key", key, "--name", "2026a", "--dry-run")
        self.ok("wal", "keys", "add", ring, "--key", key, "--name", "2026a", "--actor", "ci")
        new = json.loads(self.ok("wal", "keys", "new", self.path("b.pem"), "--json"))
        self.assertEqual((new["kind"], new["format"], new["key"]), ("kfm-det wal keys new", 1, hashlib.sha256(bytes.fromhex(new["public_key"])).hexdigest()[:16]))
        self.fails(2, "two keys are valid at the same place", "wal", "keys", "add", ring, "--key", self.path("b.pem"), "--name", "2026b")
        forged_run(self.path("logs"))
        # where the log is verified the private key is not
        def write(name, text):
            with open(self.path(name), "w") as file:
                file.write(text)

        def pem(public_key):
            return public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

        with open(self.path("b.pem"), "rb") as file:
            write("b.pub", pem(serialization.load_pem_private_key(file.read(), None).public_key()))
        write("b.hex", new["public_key"] + "\n")
        by_pem, by_hex = (self.ok("wal", "keys", "add", self.path("other"), "--public-key", self.path(name), "--json", "--dry-run", "--quiet") for name in ("b.pub", "b.hex"))
        self.assertEqual((by_pem, json.loads(by_pem)["keys"][0]["key"], json.loads(by_pem)["keys"][0]["public_key"]), (by_hex, new["key"], new["public_key"]))
        self.fails(2, "this is a private key, which should not be here", "wal", "keys", "add", ring, "--public-key", self.path("b.pem"))
        self.fails(2, "no key was given", "wal", "keys", "add", ring)
        write("x.pub", pem(x25519.X25519PrivateKey.generate().public_key()))
        self.fails(2, "the key is no Ed25519 key", "wal", "keys", "add", ring, "--public-key", self.path("x.pub"))
        self.fails(2, "hex", "wal", "keys", "add", ring, "--public-key", ring)
        self.ok("wal", "keys", "add", ring, "--public-key", self.path("b.pub"), "--name", "2026b", "--log", self.path("logs"))
        shown = json.loads(self.ok("wal", "keys", "show", ring, "--json"))
        self.assertEqual((shown["kind"], shown["format"]), ("kfm-det wal keys", 1))
        keys = shown["keys"]
        self.assertEqual([(one["key"], one["from"]["lsn"], one.get("to", {}).get("lsn")) for one in keys], [("2026a", 1, 10), ("2026b", 11, None)])
        os.chmod(key, 0o644)
        self.fails(8, "the private key is open to others", "wal", "keys", "add", self.path("other"), "--key", key)
        with open(self.path("huge"), "wb") as file:
            file.truncate(10 << 30)
        for words in (["keys", "show", self.path("huge")], ["keys", "add", self.path("huge"), "--key", self.path("b.pem")], ["verify", self.path("logs"), "--keys", self.path("huge")]):
            self.fails(1, "a file of that size is no key ring", "wal", *words)

    def test_verify(self):
        updates(self.state, 400)
        whole = self.unchanged("wal", "verify", self.log, *self.sink)
        self.assertIn("intact.", whole.out)
        self.assertRegex(whole.out, r"witness +agrees up to LSN \d+")
        report = json.loads(self.unchanged("wal", "verify", self.log, "--json", "--threads", "2").out)
        self.assertEqual((report["intact"], report["errors"]), (True, 0))
        run("wal", "head", self.log, "--out", self.path("head"))
        self.assertIn("agrees up to", self.ok("wal", "verify", self.log, "--witness", self.path("head")))
        self.assertIn("actor_refused", self.unchanged("wal", "verify", self.log, "--actor", "somebody else", code=6).out)
        self.assertIn("approval_missing", self.unchanged("wal", "verify", self.log, "--approval-from-tier", "0", code=6).out)
        shutil.copy(os.path.join(self.state, "summaries.db"), self.path("older.db"))
        updates(self.state, 800)
        self.assertIn("intact.", self.unchanged("wal", "verify", self.log, *self.sink).out)
        older = self.unchanged("wal", "verify", self.log, "--sink", "sqlite:" + self.path("older.db"), code=6)
        self.assertRegex(older.out, r"error sink_regressed .*: a finished effect carried LSN \d+, and the sink has seen only LSN \d+")
        self.damage()
        self.assertIn("error damaged", self.unchanged("wal", "verify", self.log, code=6).out)

    def test_verify_of_a_log_that_is_gone(self):
        updates(self.state, 60)
        run("wal", "head", self.log, "--out", self.path("head"))
        forged_run(self.path("logs"), stream="another@")
        run("wal", "head", self.path("logs"), "--out", self.path("another"))
        stream = os.path.join(self.log, kfm_det.STREAM)
        for name in os.listdir(stream):
            os.remove(os.path.join(stream, name))
        for remove, named, code in ((None, (self.log, stream, stream + "/"), 2), (stream, (self.log,), 2), (None, (stream,), 10), (self.log, (self.log, self.log + "/", stream), 10)):
            if remove:
                shutil.rmtree(remove)
            for log in named:
                for witness in (["--witness", self.path("head")], self.sink, ["--witness", self.path("head"), *self.sink]):
                    done = self.unchanged("wal", "verify", log, *witness, code=6)
                    self.assertRegex(done.out, r"error log_missing .*the witness saw LSN \d+ of incarnation 1, and there is no log")
                    self.assertIn("regressed: log_missing", done.err)
                self.assertEqual([one["code"] for one in json.loads(self.unchanged("wal", "verify", log, *self.sink, "--json", code=6).out)["findings"]], ["log_missing"])
                self.unchanged("wal", "verify", log, code=code)   # nobody knows of one
        self.unchanged("wal", "verify", stream, "--witness", self.path("another"), code=10)   # nor does another log's witness of this one
        self.unchanged("wal", "verify", self.path("logs"), "--witness", self.path("another"), "--chain-only")

    def test_verify_says_how_far_it_is(self):
        forger = Forger(self.path("logs"))
        for _ in range(40):
            forger.record("PLAN", "plan", "DONE", payload={"effects": [], "inputs": [], "plan": {}, "plan_hash": "cd" * 32, "retired": ["x" * (200 << 10)], "trigger": {"key": "k", "kind": "manual", "partition": ""}})
        segment = forger.write()

        def when_it_reads(child):
            """What is quick shows nothing: so it is stopped until it is slow."""
            while child.poll() is None:
                try:
                    if segment in [os.readlink(f"/proc/{child.pid}/fd/{one}") for one in os.listdir(f"/proc/{child.pid}/fd")]:
                        break
                except OSError:   # closed meanwhile
                    continue
            child.send_signal(signal.SIGSTOP)
            time.sleep(0.45)
            child.send_signal(signal.SIGCONT)

        _, shown = kfm_det.show_on_terminal("wal", "verify", self.path("logs"), "--chain-only", meanwhile=when_it_reads)
        told = [int(one) for one in re.findall(rb"reading the log (\d+) %", shown)]
        self.assertEqual((told, told != [], told and told[-1]), (sorted(told), True, 100))
        self.assertIn(b"intact.", kfm_det.without_progress(shown))


class Signed(Scratch):
    """A signed log is gone on with under its key: a record under another one spoils it for ever."""

    def setUp(self):
        super().setUp()
        self.state, self.log = self.path("state"), self.path("state/wal")
        self.sink = ["--sink", "sqlite:" + self.path("state/summaries.db")]
        self.ring = self.path("ring")
        for name in ("k1", "k2", "x"):
            run("wal", "keys", "new", self.path(name), "--name", name)
        updates(self.state, 400)
        updates(self.state, 800)
        self.first, self.second = [one["run"] for one in json.loads(self.ok("wal", "show", self.log, "--json"))["runs"]]
        self.ok("wal", "keys", "add", self.ring, "--key", self.path("k1"), "--name", "k1")
        self.ok("wal", "undo", self.log, self.second, *self.sink, *self.key("k1", "k1"))
        self.assertRegex(self.verified(), r"sealed up to LSN \d+ by [1-9]\d* valid signatures")

    def key(self, file, name=None, ring=False):
        return ["--key", self.path(file), *(["--key-name", name] if name else []), *(["--keys", self.ring] if ring else [])]

    def verified(self):
        return self.ok("wal", "verify", self.log, "--keys", self.ring)

    def refused(self, sentence, *key, commands=None):
        for words in commands or (["undo", self.log, self.first], ["compact", self.log], ["archive", self.log]):
            self.assertIn(sentence, self.unchanged("wal", *words, *self.sink, *key, code=2).err)

    def test_another_key_is_refused(self):
        self.refused("no key was given")
        self.refused("this key is called k1 in the log", *self.key("k1"))
        self.refused("Say its name: --key-name k1", *self.key("k1", "k2"))
        self.refused("the log was last signed with k1", *self.key("x", "x"))
        self.refused("the log was last signed with k1", *self.key("x", "k1"))
        self.refused("--key-name requires --key", "--key-name", "k1")
        for words in (["undo", self.log, self.first], ["archive", self.log], ["compact", self.log]):
            self.ok("wal", *words, *self.sink, *self.key("k1", "k1"))
            self.verified()

    def test_a_rotation_is_shown(self):
        self.ok("wal", "keys", "add", self.ring, "--key", self.path("k2"), "--name", "k2", "--log", self.log, "--actor", "ci")
        self.refused("show the ring that says so: --keys RING", *self.key("k2", "k2"))
        self.refused("the ring says that k2 signs", *self.key("k1", "k1", True))
        self.refused("Say its name: --key-name k2", *self.key("k2", None, True))
        self.refused("the ring does not let night shift write under k2", *self.key("k2", "k2", True), "--actor", "night shift")
        self.refused("this is another key", *self.key("x", "k2", True))
        self.ok("wal", "undo", self.log, self.first, *self.sink, *self.key("k2", "k2", True), "--actor", "ci")
        self.verified()
        self.refused("the log was last signed with k2", *self.key("k1", "k1"))
        self.ok("wal", "compact", self.log, *self.sink, *self.key("k2", "k2"), "--actor", "ci")
        self.verified()

    def test_an_end_that_is_not_signed_is_no_log_that_is_not(self):
        updates(self.state, 900)
        self.refused("this log is signed, and no key was given")
        self.ok("wal", "undo", self.log, self.first, *self.sink, *self.key("k1", "k1"))

    def test_nor_is_one_that_is_damaged_in_front_of_its_signatures(self):
        segments = sorted(name for name in os.listdir(os.path.join(self.log, kfm_det.STREAM)) if name.endswith(".jsonl"))
        with open(os.path.join(self.log, kfm_det.STREAM, segments[0]), "r+b") as file:
            file.seek(30000)
            file.write(b"#")
        repair = [["repair", self.log, "--accept"]]
        self.refused("this log is signed, and no key was given", commands=repair)
        self.refused("this key is called k1 in the log", *self.key("k1"), commands=repair)
        self.ok("wal", "repair", self.log, "--accept", *self.sink, *self.key("k1", "k1", True))
        self.verified()


class Trimming(Scratch):
    """compact and archive: what they move is still told, and killed anywhere they are gone on with."""

    def setUp(self):
        super().setUp()
        self.state = self.path("state")
        self.sink = ["--sink", "sqlite:" + self.path("state/summaries.db")]
        self.log = self.path("state/wal")
        self.folder_of_log = self.path("state/wal", kfm_det.STREAM)

    def told(self, log=None):
        """What is said of the runs, and must not change."""
        shown = json.loads(self.ok("wal", "show", log or self.log, "--json"))
        return [{name: value for name, value in one.items() if name != "folded"} for one in shown["runs"]]

    def effects(self, run, log=None):
        return [(one["business_key"], one["state"], one.get("version"), one.get("answer")) for one in json.loads(self.ok("wal", "show", log or self.log, run, "--json"))["effects"]]

    def segments(self, *folder):
        where = os.path.join(self.folder_of_log, *folder)
        return sorted(name for name in os.listdir(where) if ".jsonl" in name) if os.path.isdir(where) else []

    def two_runs(self):
        updates(self.state, 400)
        updates(self.state, 800)
        return [one["run"] for one in json.loads(self.ok("wal", "show", self.log, "--json"))["runs"]]

    def test_compact(self):
        first, second = self.two_runs()
        told, effects = self.told(), self.effects(second)
        records = json.loads(self.ok("wal", "stats", self.log, "--json"))["records"]
        preview = self.unchanged("wal", "compact", self.log, *self.sink, "--dry-run")
        self.assertRegex(preview.out, rf"^would fold LSN 1 to {records} into a checkpoint of 2 finished and 0 open runs, and move 2 segments \(512.0 KiB\) to .*/archive. Nothing was changed.\n$")
        done = json.loads(self.ok("wal", "compact", self.log, *self.sink, "--actor", "night shift", "--json"))
        self.assertEqual((done["begins_at"], done["finished_runs"], done["archived_segments"], done["written"]), (records + 1, 2, 2, True))
        self.assertEqual((len(self.segments()), len(self.segments("archive"))), (1, 2))
        self.assertEqual((self.told(), self.effects(second)), (told, effects), "what it says of the runs is what it said before")
        again = self.unchanged("wal", "compact", self.log, *self.sink, "--dry-run")
        self.assertIn("nothing to compact", again.out)
        before = self.told(), self.segments(), self.segments("archive")
        self.assertIn("nothing to compact", self.ok("wal", "compact", self.log, *self.sink))
        self.assertEqual((self.told(), self.segments(), self.segments("archive")), before)

        text = self.ok("wal", "show", self.log)
        self.assertRegex(text, rf"verdict +Clean: 1 record \(LSN {records + 1} to {records + 1}\), all of them proven durable\n")
        self.assertRegex(text, rf"compacted +LSN 1 to {records} are in the checkpoint at LSN {records + 1}, and as they were sealed in \S+/archive \(2 segments\)\n")
        self.assertRegex(text, r"runs +2 runs: 2 committed; 2 of them folded into the checkpoint\n")
        self.assertEqual([row.split()[-1] for row in lines_like("weather.csv", text)], ["folded", "folded"])
        one = self.ok("wal", "show", self.log, second)
        self.assertRegex(one, r"asked by +trigger weather.csv \(manual\), actor monthly-summary\n")
        self.assertRegex(one, rf"records +all of them are in the checkpoint at LSN {records + 1}, and as they were sealed in ")
        stats = json.loads(self.ok("wal", "stats", self.log, "--json"))
        self.assertEqual((stats["records"], stats["log"]["records"], stats["log"]["first_lsn"], stats["log"]["last_lsn"], stats["records_by_phase"], stats["runs_by_status"]), (1, 1, records + 1, records + 1, {"CHECKPOINT": 1}, {"committed": 2}))
        self.assertRegex(self.ok("wal", "tail", self.log), rf"^ +{records + 1} .*CHECKPOINT +DONE +part 1 of 1: what the records below came to\n$")
        self.assertEqual(json.loads(self.ok("wal", "head", self.log, "--json"))["lsn"], records + 1)
        self.assertIn("intact.", self.ok("wal", "verify", self.log, *self.sink))

        updates(self.state, 900)   # and it goes on
        text = self.ok("wal", "show", self.log)
        self.assertEqual([row.split()[-1] for row in lines_like("weather.csv", text)], ["folded", "folded", "here"])
        self.ok("wal", "undo", self.log, second, *self.sink)
        text = self.ok("wal", "show", self.log, second)
        self.assertRegex(text, r"records +the first of them are in the checkpoint")
        self.assertRegex(text, r"SETTLED +ended undone")

    def test_what_was_folded_is_found_in_the_archive(self):
        _, second = self.two_runs()
        drawn, bundle = (self.ok("wal", words, self.log, second) for words in ("graph", "extract"))
        self.ok("wal", "compact", self.log, *self.sink, "--zstd")
        self.assertTrue(all(name.endswith(".jsonl.zst") for name in self.segments("archive")))
        for words in ("graph", "extract"):
            done = self.fails(10, "the plan of this run was folded into the checkpoint at LSN", "wal", words, self.log, second)
        advice = re.search(r"(mkdir -p .*), then ask `old`", done.err).group(1)
        subprocess.run(["bash", "-c", advice], check=True, cwd=self.folder)
        self.assertEqual(self.ok("wal", "graph", self.path("old"), second), drawn)
        self.assertEqual(self.ok("wal", "extract", self.path("old"), second), bundle)

    def test_archive(self):
        _, second = self.two_runs()
        told, effects, drawn = self.told(), self.effects(second), self.ok("wal", "graph", self.log, second)
        preview = self.unchanged("wal", "archive", self.log, *self.sink, "--dry-run")
        self.assertRegex(preview.out, r"^would move 2 segments \(512.0 KiB\) to .*/archive. Nothing was changed.\n$")
        self.assertRegex(self.ok("wal", "archive", self.log, *self.sink), r"^moved 2 segments \(512.0 KiB\) to .*/archive.\n$")
        self.assertEqual((self.segments(), len(self.segments("archive"))), ([], 2))
        self.assertEqual((self.told(), self.effects(second), self.ok("wal", "graph", self.log, second)), (told, effects, drawn), "an archive is a part of the log")
        self.assertIn("intact.", self.ok("wal", "verify", self.log, *self.sink))
        self.assertRegex(self.ok("wal", "show", self.log), r"archive +2 segments of the log in \S+/archive\n")
        self.assertIn("nothing to archive", self.unchanged("wal", "archive", self.log, *self.sink).out)
        updates(self.state, 900)   # and it goes on
        self.assertEqual(len(self.segments()), 1)
        self.ok("wal", "archive", self.log, *self.sink, "--zstd")
        self.assertEqual([name[-4:] for name in self.segments("archive")], ["sonl", "sonl", ".zst"])
        self.assertEqual((len(self.told()), self.told()[:2]), (3, told))
        self.assertIn("intact.", self.ok("wal", "verify", self.log, *self.sink))

    def test_a_packed_segment_that_was_half_copied(self):
        self.two_runs()
        self.ok("wal", "archive", self.log, *self.sink, "--zstd")
        path = os.path.join(self.folder_of_log, "archive", self.segments("archive")[0])
        os.truncate(path, os.path.getsize(path) // 2)
        for words in (["show"], ["stats"], ["tail"], ["show", "--json"]):
            done = self.unchanged("wal", words[0], self.log, *words[1:], code=6)
            self.assertRegex(done.err, r"^kfm-det: corrupt_committed: .*/archive/\S+\.jsonl\.zst: a packed file that ends in the middle.* Restore the log folder from a copy")
        self.assertIn("error archive_damaged", self.unchanged("wal", "verify", self.log, code=6).out)
        self.assertIn("CorruptCommitted", self.unchanged("wal", "repair", self.log, *self.sink, code=6).out)
        os.truncate(path, 0)
        self.unchanged("wal", "show", self.log, code=6)

    def test_an_owner_at_work_is_not_disturbed(self):
        updates(self.state, 60)
        data = os.path.join(kfm_det.SOURCE, "examples/monthly_summary/data/seattle-weather.csv")
        asleep = subprocess.Popen([kfm_det.PROGRAM, "run", "--data", data, "--state", self.state, "--stop-after-events", "6"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.waitpid(asleep.pid, os.WUNTRACED)
        for words in ("compact", "archive"):
            self.fails(4, "another owner works on this scope", "wal", words, self.log, *self.sink)
        self.assertEqual(self.segments("archive"), [])
        asleep.send_signal(signal.SIGCONT)
        self.assertEqual(asleep.wait(), 0)

    def test_a_damaged_log_is_refused(self):
        self.two_runs()
        with open(os.path.join(self.folder_of_log, self.segments()[0]), "r+b") as file:
            file.seek(30000)
            file.write(b"#")
        for words in ("compact", "archive"):
            for more in ((), ("--dry-run",)):
                self.assertIn("corrupt_committed", self.unchanged("wal", words, self.log, *self.sink, *more, code=6).err)

    def test_killed_anywhere(self):
        """Killed wherever the clock says; and what a kill between copy and removal leaves, made by hand."""
        for words in ("compact", "archive"):
            with self.subTest(words):
                shutil.rmtree(self.state, ignore_errors=True)
                _, second = self.two_runs()
                told, effects = self.told(), self.effects(second)
                kills = 0
                for ms in (1, 2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 60, 100):
                    child = subprocess.Popen([kfm_det.TOOL, "wal", words, self.log, *self.sink], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    time.sleep(ms / 1000)
                    child.kill()
                    kills += child.wait() != 0
                    self.assertEqual((self.told(), self.effects(second)), (told, effects), ms)
                self.assertGreater(kills, 0)
                self.ok("wal", words, self.log, *self.sink)
                self.assertIn("nothing to", self.ok("wal", words, self.log, *self.sink))
                # a copy was made, and its original not taken away yet; another was in the making
                back = self.segments("archive")[-1]
                shutil.copy(os.path.join(self.folder_of_log, "archive", back), os.path.join(self.folder_of_log, back))
                with open(os.path.join(self.folder_of_log, "archive", "tmp-%020d-%020d" % (1, 1)), "w", encoding="utf-8") as file:
                    file.write("half a co")
                self.assertEqual((self.told(), self.effects(second)), (told, effects))
                self.ok("wal", words, self.log, *self.sink)
                self.assertEqual((self.told(), self.effects(second)), (told, effects))
                self.assertIn("intact.", self.ok("wal", "verify", self.log, *self.sink))


EVIL = "\x1b]0;owned\x07\x1b[2J\u009b31m\x7f\u0085\u202e\u2066\u200f\ufeff\U000e0041\r\n\t\\\"'<b>&amp;&#27;`$(id)`{}|#35;%%]--> x é日"
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f\ud800-\udfff]")
WRITTEN = "\\u{1b}]0;owned\\u{07}\\u{1b}[2J\\u{9b}31m\\u{7f}\\u{85}\\u{202e}\\u{2066}\\u{200f}\\u{feff}\\u{e0041}\\u{0d}\\n\\t\\\\\"'<b>&amp;&#27;`$(id)`{}|#35;%%]--> x é日"


EVIL_ASCII = "\\\"'<b>&amp;&#27;`$(id)`{}|#35;%%]--> x"   # what a plan lets through in the names of steps and operations
WRITTEN_ASCII = EVIL_ASCII.replace("\\", "\\\\")
EVIL_KEY, WRITTEN_KEY = "\u202e\u2066\u200f\ufeff\U000e0041 é日" + EVIL_ASCII, "\\u{202e}\\u{2066}\\u{200f}\\u{feff}\\u{e0041} é日" + WRITTEN_ASCII   # ... and in keys


def evil(place):
    return place + EVIL


def evil_where_plans_allow(place):
    return place + {"step": EVIL_ASCII, "operation": EVIL_ASCII, "key": EVIL_KEY}.get(place, EVIL)


class Hostile(Scratch):
    """Whatever a record says, it drives neither a terminal nor the program that reads the drawing."""

    def test_every_command(self):
        forged_run(self.path("plain"), evil_where_plans_allow)
        forged_run(self.path("evil"), evil)
        for command in LOOKING:
            if command[1] == "graph":
                self.fails(6, "a step id is", *over(command, self.path("evil")))
            self.harmless(command, self.path("plain" if command[1] == "graph" else "evil"))
        self.assertIn("key" + WRITTEN, self.ok("wal", "show", self.path("evil"), "latest"))
        done = run("wal", "verify", self.path("evil"), "--actor", "ci")
        self.assertIn("the actor actor\\u001b]0;owned\\u0007\\u001b[2J", done.out, "written out once")
        self.assertEqual((done.code, FORBIDDEN.findall(done.out + done.err)), (6, []))

    def harmless(self, command, log):
        done = run(*over(command, log))
        self.assertEqual((done.code, done.err), (0, ""), command)
        if "--json" not in command and command[1] != "extract":   # canonical bytes into a pipe are bytes
            self.assertEqual(FORBIDDEN.findall(done.out), [], command)
        code, shown = run_on_terminal(*over(command, log), columns=200)
        self.assertEqual(code, 0, command)
        self.assertEqual(FORBIDDEN.findall(without_paint(shown).decode("utf-8", "surrogateescape")), [], command)
        self.assertEqual(set(kfm_det.PAINT.findall(shown)) - {b"\x1b[0m", b"\x1b[1m", b"\x1b[2m", b"\x1b[32m", b"\x1b[33m", b"\x1b[1;31m"}, set(), command)

    def test_json_on_a_terminal_is_the_same_value(self):
        forged_run(self.folder, evil_where_plans_allow)
        for command in LOOKING:
            if "--json" in command:
                piped = self.ok(*over(command, self.folder)).rstrip("\n").split("\n")
                _, shown = run_on_terminal(*over(command, self.folder))
                self.assertEqual([json.loads(line) for line in shown.decode().rstrip("\n").split("\n")], [json.loads(line) for line in piped], command)

    def test_errors(self):
        forged_run(self.path("x"), stream="a@")
        os.rename(self.path("x/a@"), self.path("x", "b\x1b[31m@"))
        for words in (["wal", "show", self.path("x")], ["wal", "show", "no\x1b]0;x\x07such"], ["wal", "show", self.path("x"), "\x1b[2J"], ["wal", "sh\x1bow"], ["wal", "show", "--no\x1b[31m"], ["wal", "head", self.path("x"), "--out", "/n\x9bo/x"],
                      ["wal", "graph", self.path("x"), "latest", "--format", "\x1b[31m"]):
            done = run(*words)
            self.assertNotEqual(done.code, 0, words)
            self.assertEqual(FORBIDDEN.findall(done.out + done.err), [], words)
            _, shown = run_on_terminal(*words)
            self.assertEqual(FORBIDDEN.findall(without_paint(shown).decode("utf-8", "surrogateescape")), [], words)

    def test_drawings_say_what_the_record_says(self):
        forged_run(self.folder, evil_where_plans_allow)
        svg = xml.etree.ElementTree.fromstring(self.ok("wal", "graph", self.folder, "latest", "--format", "svg"))
        texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual((texts.count("astep" + WRITTEN_ASCII), texts.count("publishes key" + WRITTEN_KEY + "a")), (1, 1))
        self.assertEqual([one.tag for one in svg.iter() if one.tag.endswith("}a") or one.tag.endswith("}script")], [])
        dot = subprocess.run(["dot", "-Tplain"], input=self.ok("wal", "graph", self.folder, "latest"), capture_output=True, text=True, check=True).stdout
        self.assertEqual([line.split()[1] for line in lines_like("^node ", dot)], ["n0", "n1", "n2"])
        for line in self.ok("wal", "graph", self.folder, "latest", "--format", "mermaid").splitlines()[1:]:
            label = re.fullmatch(r'  n\d\["(.*)"\]:::\w+', line)
            if label:
                self.assertRegex(label.group(1), r"^([A-Za-z0-9 .,:@_/\-]|#\d+;|<br/>|[^\x00-\x7f])*$")
                decoded = re.sub(r"#(\d+);", lambda code: chr(int(code.group(1))), label.group(1))
                self.assertIn("step" + WRITTEN_ASCII + "<br/>operation" + WRITTEN_ASCII + "<br/>", decoded)
                self.assertTrue("publishes key" + WRITTEN_KEY in decoded or decoded.startswith("cstep"), decoded)


class BadInput(Scratch):
    """One clear sentence, and the exit code of its class; and never a byte changed."""

    def each(self, code, sentence, log, commands=LOOKING, verify=None):
        """`verify`: its own sentence, as it looks further than recovery does."""
        before = everything_in(self.folder)
        for command in commands:
            done = self.fails(code, verify if verify and command[1] == "verify" else sentence, *over(command, log))
            self.assertLess(done.err.count("\n"), 3, done.err)
        self.assertEqual(everything_in(self.folder), before)

    def segment(self, text, stream="s@", ordinal=1, first=1, **more):
        os.makedirs(self.path(stream), exist_ok=True)
        path = self.path(stream, "%020d-%020d.jsonl" % (ordinal, first))
        with open(path, "wb") as file:
            file.write(text)
        return path

    def test_nothing_there(self):
        self.each(10, "there is no such folder", self.path("none"))
        self.each(2, "the name of a log is empty", "")

    def test_no_log(self):
        os.makedirs(self.path("empty/inside"))
        self.each(2, "this is no log", self.path("empty"))
        with open(self.path("empty/inside/file.txt"), "w", encoding="utf-8") as file:
            file.write("hello")
        self.each(2, "a log is a folder, and this is a file", self.path("empty/inside/file.txt"))
        self.each(10, "Check the path: a part of it is not a directory", self.path("empty/inside/file.txt/x"))

    def test_several_logs(self):
        forged_run(self.folder, stream="a@")
        forged_run(self.folder, stream="b@")
        self.each(2, "2 logs are in this folder: a@, b@", self.folder)
        self.ok("wal", "show", self.path("b@"))

    def test_no_permission(self):
        forged_run(self.path("x"), stream="a@")
        log = self.path("x/a@")
        tool = self.path("kfm-det")
        shutil.copy(kfm_det.TOOL, tool)
        os.chmod(self.folder, 0o755)
        os.chmod(log, 0o700 if os.geteuid() == 0 else 0)
        nobody = {"user": 65534} if os.geteuid() == 0 else {}
        done = run("wal", "show", log, binary=tool, cwd="/", **nobody)
        os.chmod(log, 0o700)
        self.assertEqual((done.code, done.out), (8, ""))
        self.assertIn("permission_denied", done.err)
        segment = os.path.join(log, os.listdir(log)[0])
        os.chmod(log, 0o755)
        os.chmod(segment, 0o600 if os.geteuid() == 0 else 0)
        done = run("wal", "show", log, binary=tool, cwd="/", **nobody)
        os.chmod(segment, 0o600)
        self.assertEqual(done.code, 8)
        self.assertIn("the log cannot be read", done.err)
        for hidden in (log, os.path.join(log, "archive")):   # named by its root: what may not be looked into may be the log
            os.makedirs(hidden, exist_ok=True)
            os.chmod(hidden, 0o700 if os.geteuid() == 0 else 0)
            if hidden != log:
                os.remove(segment)
            done = run("wal", "show", self.path("x"), binary=tool, cwd="/", **nobody)
            os.chmod(hidden, 0o755)
            self.assertEqual((done.code, done.out), (8, ""), done.err)
            self.assertIn("permission_denied", done.err)

    def test_a_folder_where_a_segment_should_be(self):
        os.makedirs(self.path("s@", "%020d-%020d.jsonl" % (1, 1)))
        self.each(8, "the log cannot be read", self.path("s@"), (("wal", "show"), ("wal", "tail"), ("wal", "stats"), ("wal", "head")))

    def test_no_bytes(self):
        self.segment(b"")
        self.each(6, "the log's files have 0 bytes", self.path("s@"), verify="the segment has 0 bytes; nothing of ours leaves it so")

    def test_garbage(self):
        for text in (b"\0" * 10000, b"hello\nworld\n", bytes(range(256)) * 50, b"\n" * 5000, b'{"body":{' * 300):
            self.segment(text)
            self.each(6, "is a line of a log", self.path("s@"))

    def test_a_huge_line_is_not_read(self):
        path = self.segment(b'{"body":{')
        os.truncate(path, 10 << 30)
        for command in (one for one in LOOKING if "--json" not in one and one[1] != "verify"):
            command = [kfm_det.TOOL, *over(command, self.path("s@"))]
            limited = ["/bin/sh", "-c", 'ulimit -v 2000000; exec "$@"', "sh", *command] if not kfm_det.is_sanitized() else command
            done = subprocess.run(limited, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 8, done.stderr)
            self.assertIn("a segment of 10737418240 bytes: nothing that this library wrote", done.stderr)

    def test_a_line_longer_than_any(self):
        forger = Forger(self.folder)
        forger.record("PLAN", "plan", "DONE", payload={"effects": [], "inputs": [], "plan": {}, "plan_hash": "cd" * 32, "retired": ["x" * (20 << 20)], "trigger": {"key": "k", "kind": "manual", "partition": ""}})
        forger.write()
        self.assertEqual(len(self.ok("wal", "show", self.folder).splitlines()), 6)
        self.assertIn("20.0 MiB", self.ok("wal", "stats", self.folder))

    def test_another_streams_log(self):
        forged_run(self.folder, stream="a@")
        os.rename(self.path("a@"), self.path("b@"))
        self.each(6, "this line belongs to the stream a@", self.path("b@"), verify="a line of the stream a@")
        for command in LOOKING:
            self.assertIn("look for the folder's old name", run(*over(command, self.path("b@"))).err)

    def test_a_newer_format(self):
        forged_run(self.folder, format=2)
        self.each(6, "Use that version or a newer one", self.path("forged@"), verify="Verify with the version that wrote the log, or a newer one")

    def test_a_record_that_is_not_known(self):
        forger = Forger(self.folder)
        forger.record("PLAN", "plan", "DONE", payload={"effects": [], "inputs": [], "plan": {}, "plan_hash": "cd" * 32, "retired": [], "trigger": {"key": "k", "kind": "manual", "partition": ""}})
        forger.record("FUTURE", "x", "DONE")
        forger.write()
        self.each(6, "a record that this version cannot read", self.path("forged@"), (("wal", "show"), ("wal", "show", "latest"), ("wal", "tail"), ("wal", "stats")))
        self.assertIn("1 run: 1 open", run("wal", "show", self.folder).out, "what is in front of it is shown")

    def test_damage(self):
        forger = forged_run(self.folder)
        path = self.path("forged@", "%020d-%020d.jsonl" % (1, 1))
        with open(path, "r+b") as file:
            data = file.read()
            at = data.index(forger.lines[6].encode()) + 200
            file.seek(at)
            file.write(b"#")
        self.each(6, "a part of the log that was durable is damaged or missing", self.folder, [one for one in LOOKING if one[1] != "head"], verify="are no entries where LSN 6 should stand")
        self.fails(6, "corrupt_committed", "wal", "head", self.folder)
        text = run("wal", "show", self.folder).out
        self.assertRegex(text, r"verdict +CorruptCommitted; 5 records can be read in front of it")
        self.assertRegex(text, r"evidence +\S+/forged@/0+1-0+1\.jsonl, bytes \d+ to \d+")
        self.assertIn("1 run: 1 open", text)

    def test_stdout_that_takes_nothing(self):
        forged_run(self.folder)
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([kfm_det.TOOL, "wal", "show", self.folder], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 8)
        self.assertIn("could not be written to stdout", done.stderr)

    def test_wrong_arguments(self):
        forged_run(self.folder)
        for words in ([], ["wal"], ["nonsense"], ["wal", "nonsense"], ["wal", "show"], ["wal", "show", self.folder, "latest", "more"], ["wal", "show", "--nonsense", self.folder], ["wal", "graph", self.folder],
                      ["wal", "graph", self.folder, "latest", "--format", "gif"], ["wal", "tail", self.folder, "-n", "x"], ["wal", "tail", self.folder, "--interval", "0"], ["completion", "fish"]):
            self.fails(2, "", *words)
        self.assertIn("there is no command `nonsense`; there are: show, tail", run("wal", "nonsense").err)


class Looking(Scratch):
    def test_nothing_is_changed(self):
        updates(self.path("state"), 400)
        updates(self.path("state"), 800, "--kill-after-events", "30", ends=-9)
        before = everything_in(self.folder)
        for command in LOOKING:
            self.ok(*over(command, self.path("state/wal")))
        self.assertEqual(everything_in(self.folder), before)

    def test_a_log_that_may_only_be_read(self):
        forged_run(self.path("x"))
        for root, folders, names in os.walk(self.path("x")):
            for name in names:
                os.chmod(os.path.join(root, name), 0o444)
            os.chmod(root, 0o555)
        for command in LOOKING:
            self.ok(*over(command, self.path("x")))
        for root, folders, names in os.walk(self.path("x")):
            os.chmod(root, 0o755)

    def test_beside_a_writer(self):
        state = self.path("state")
        updates(state, 60)
        words = [kfm_det.PROGRAM, "run", "--data", os.path.join(kfm_det.SOURCE, "examples/monthly_summary/data/seattle-weather.csv"), "--state", state, "--window", "1"]
        asleep = subprocess.Popen([*words, "--stop-after-events", "70"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        os.waitpid(asleep.pid, os.WUNTRACED)
        before = everything_in(self.folder)
        for command in LOOKING:
            self.ok(*over(command, state + "/wal"))
        self.assertEqual(everything_in(self.folder), before)
        asleep.send_signal(signal.SIGCONT)
        looked = 0
        while asleep.poll() is None:
            self.assertIn(run("wal", "show", state + "/wal").code, (0,))
            looked += 1
        self.assertEqual(asleep.returncode, 0, asleep.stderr.read())
        asleep.stderr.close()
        self.assertGreater(looked, 0)
        self.assertIn("2 runs: 2 committed", self.ok("wal", "show", state + "/wal"))


class Help(Scratch):
    def commands(self):
        """(words, help text) of the tool and every command below it, found by asking."""
        out, todo = [], [[]]
        while todo:
            words = todo.pop(0)
            text = self.ok(*words, "--help")
            out.append((words, text))
            behind = text.split("Subcommands:\n")
            if len(behind) > 1:
                todo += [[*words, line.split()[0]] for line in behind[1].split("\n\n")[0].splitlines() if line.startswith("  ") and not line.startswith("   ")]
        return out

    @staticmethod
    def options(text):
        return sorted(set(re.findall(r"^  (?:-\w,)?(--[a-z-]+|-\w)", text, re.M)))

    def test_every_command_and_option_is_in_the_man_page(self):
        page = self.ok("man")
        plain = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
        found = self.commands()
        self.assertGreater(len(found), 7)
        for words, text in found:
            part = plain if not words else plain.split(".SS kfm-det " + " ".join(words) + "\n")[1].split("\n.SS ")[0]
            for option in self.options(text):
                self.assertIn(option, part.replace(".SH OPTIONS", ""), (words, option))
        with open(os.path.join(kfm_det.BUILD, "tools/kfm-det/kfm-det.1"), encoding="utf-8") as file:
            self.assertEqual(file.read(), page, "the page that is installed is the one that the program writes")
        for line in page.splitlines():
            if line.startswith((".", "'")):
                self.assertRegex(line, r"^\.(\\\"|TH|SH|SS|TP|PP|B |I |RI |br|nf|fi)", line)

    def test_completion(self):
        script = self.path("completion")
        with open(script, "w", encoding="utf-8") as file:
            file.write(self.ok("completion", "bash"))
        forged_run(self.path("logs"))

        def offered(*words):
            line = " ".join(f"'{word}'" for word in words)
            ask = f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _kfm_det; printf '%s\\n' \"${{COMPREPLY[@]}}\""
            return sorted(subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True, cwd=self.folder).stdout.split())

        for words, text in self.commands():
            below = [other[-1] for other, _ in self.commands() if other[:-1] == words and other]
            if below:
                self.assertEqual([word for word in offered(kfm_det.TOOL, *words, "") if not word.startswith("-")], sorted(below))
            self.assertEqual(sorted(set(offered(kfm_det.TOOL, *words, "--"))), [option for option in self.options(text) if option.startswith("--")], words)
        self.assertEqual(offered(kfm_det.TOOL, "wal", "sh"), ["show"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "graph", "logs", "1111", "--format", ""), ["dot", "mermaid", "svg"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "show", "lo"), ["logs"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "show", "logs", "1"), ["11111111-1111-8111-8111-111111111111"])
        runs = ["11111111-1111-8111-8111-111111111111", "latest"]
        for sink in (["--sink", "sqlite:x"], ["--sink", "sqlite", ":", "x"], ["--sink", "=", "sqlite", ":", "x"], ["--sink=sqlite:x"], ["--dry-run", "-n", "--actor", "x", "--all"]):   # bash cuts words at : and =, and sometimes it does not
            self.assertEqual(offered(kfm_det.TOOL, "wal", "undo", *sink, "logs", ""), runs, sink)
            self.assertEqual(offered(kfm_det.TOOL, "wal", "undo", "logs", *sink, ""), runs, sink)
            self.assertEqual(offered(kfm_det.TOOL, "wal", "undo", *sink, "lo"), ["logs"], sink)
        self.assertEqual(offered(kfm_det.TOOL, "wal", "tail", "-n", "3", "lo"), ["logs"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "undo", "--locks", "lo"), ["logs"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "graph", "logs", "1111", "--format", "=", "m"), ["mermaid"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "undo", "logs", "1111", "--sink", "sqlite", ":", "comp"), ["completion"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "undo", "logs", "1111", "--sink", "sqlite", ":"), ["completion", "logs"])
        self.assertEqual(offered(kfm_det.TOOL, "wal", "undo", "logs", "1111", "--sink", "sqlite:comp"), ["sqlite:completion"])

    def test_exit_codes_are_those_of_the_page(self):
        with open(os.path.join(kfm_det.SOURCE, "docs/exit-codes.md"), encoding="utf-8") as file:
            page = file.read()
        told = {int(code) for code in re.findall(r"^ {1,3}(\d+)  ", self.ok("--help").split("Exit codes:\n")[1], re.M)}
        documented = {int(code): row for code, row in re.findall(r"^\| (\d+) \|(.*)$", page, re.M)}
        self.assertLessEqual(told, set(documented))
        self.assertEqual({code for code in documented if code not in told}, {3, 11, 12}, "only the gate's and replay's codes are none of the tool's")

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"^kfm-det \d+\.\d+\.\d+\n$")

    def test_install(self):
        cmake = shutil.which("cmake")
        subprocess.run([cmake, "--install", kfm_det.BUILD, "--prefix", self.path("prefix"), "--component", "kfm-det"], check=True, stdout=subprocess.DEVNULL)
        there = sorted(os.path.relpath(os.path.join(root, name), self.path("prefix")) for root, _, names in os.walk(self.path("prefix")) for name in names)
        self.assertEqual(there, ["bin/kfm-det", "share/bash-completion/completions/kfm-det", "share/man/man1/kfm-det.1"])


if __name__ == "__main__":
    kfm_det.main()
