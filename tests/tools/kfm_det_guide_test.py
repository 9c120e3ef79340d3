#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""docs/guides/kfm-det.md shows what kfm-det says: every transcript is played again, in order, in one folder, and compared.

usage: kfm_det_guide_test.py --tool kfm-det --program monthly-summary --source DIR [--update]

A block ```console holds commands (lines that begin with "$ ") and what they print, stdout and stderr together, with "(exit N)" behind one that does not answer 0.
Times, durations and hashes that hang on them differ from run to run, and are not compared. --update writes the guide anew, for a person to look at.
"""
import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

PATTERNS = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<instant>"),
    (re.compile(r"\b\d\d:\d\d:\d\d\.\d{3}\b"), "<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"\d+(\.\d+)? records a second"), "<rate>"),
    (re.compile(r"\d+ (h|min|d) \d+ (s|min|h)\b|\+?\d+(\.\d+)? (us|ms|s)\b"), "<duration>"),
    (re.compile(r"[ \t]+"), " "),
]


def comparable(text):
    for pattern, word in PATTERNS:
        text = pattern.sub(word, text)
    return re.sub(r"<time> (<duration> )?", "<time> ", text)   # two records may fall into one instant


def prepare(folder, source, program):
    """The log of the guide: a run that committed, was killed twice in its successor, and went on."""
    data = os.path.join(source, "examples/monthly_summary/data/seattle-weather.csv")
    shutil.copy(data, os.path.join(folder, "data.csv"))
    run = [program, "run", "--data", "data.csv", "--state", "state"]
    subprocess.run(run, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    with open(data, encoding="utf-8") as file, open(os.path.join(folder, "data.csv"), "w", encoding="utf-8") as out:
        out.writelines(file.readlines()[:1200])
    subprocess.run([*run, "--kill-after-events", "25"], cwd=folder, check=False, stderr=subprocess.DEVNULL)
    subprocess.run(run, cwd=folder, check=True, stderr=subprocess.DEVNULL)


def play(command, folder, environment):
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout + (f"(exit {done.returncode})\n" if done.returncode else "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True, type=os.path.abspath)
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--source", required=True)
    parser.add_argument("--guide", default="docs/guides/kfm-det.md")
    parser.add_argument("--update", action="store_true")
    given = parser.parse_args()
    path = os.path.join(given.source, given.guide)
    with open(path, encoding="utf-8") as file:
        guide = file.read()
    folder = tempfile.mkdtemp(prefix="kfm-det-guide-")
    try:
        prepare(folder, given.source, given.program)
        places = os.pathsep.join([os.path.dirname(os.path.abspath(given.tool)), os.path.dirname(os.path.abspath(given.program)), os.environ["PATH"]])
        environment = {**os.environ, "PATH": places, "TERM": "dumb"}

        def played(block):
            out = ""
            for line in block.group(1).splitlines():
                if line.startswith("$ "):
                    out += line + "\n" + play(line[2:], folder, environment)
            return "```console\n" + out + "```\n"

        now, blocks = re.subn(r"```console\n(.*?)```\n", played, guide, flags=re.S)
    finally:
        shutil.rmtree(folder)
    if given.update:
        with open(path, "w", encoding="utf-8") as file:
            file.write(now)
        return 0
    if blocks < 3:
        sys.exit(f"{given.guide}: the transcripts are gone")
    if comparable(guide) != comparable(now):
        sys.stdout.writelines(difflib.unified_diff(comparable(guide).splitlines(True), comparable(now).splitlines(True), given.guide, "what the program says"))
        sys.exit(f"{given.guide}: the program says something else now; look at it, then --update")
    print(f"{given.guide}: {blocks} blocks are what the program says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
