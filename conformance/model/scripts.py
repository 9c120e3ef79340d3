#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Every short script of commands to one scope, and every final outcome that the exhaustive model of runs (runs_model.py) reaches for it.

usage: scripts.py             writes the table, ../vectors/runs/scripts.txt (minutes; progress goes to stderr)
       scripts.py --check N   compares the table's scripts with the enumeration, and does every N-th line again; exit code 1 when something differs
       scripts.py --show 'COMMANDS'   the line of any script, and the laws of the model that it breaks

The head of the table explains its format. Standard library only, one process.
"""
import argparse
import hashlib
import pathlib
import sys
import time

import runs_model

TABLE = pathlib.Path(__file__).resolve().parent.parent / "vectors" / "runs" / "scripts.txt"
LONGEST = 4
KEEP = {4: 0x80000000}  # length -> a script of that length stays when the first 32 bits of the SHA-256 of its text are below

# What a run publishes. The target of effect 0 is its first key, of effect 1 its second.
PUBLISHES = {"A": ("x",), "B": ("x", "y"), "C": ("y",), "F": ("x", "y"), "D": ("x", "y")}
OPTIONS = {"F": {"fail": 1}, "D": {"die": 1}}
INPUTS = {content: tuple((key, content) for key in keys) for content, keys in PUBLISHES.items()}

# the three columns
WORLDS = ({"crashes": 0, "skip": False}, {"crashes": 1, "skip": False}, {"crashes": 1, "skip": True})

HEAD = """\
# SPDX-License-Identifier: BSL-1.0
# Scripts of commands to one scope, and every outcome that is right for them.
# Written by `python3 conformance/model/scripts.py` from the exhaustive model of runs; do not edit.
#
# A line:      commands | outcomes without a crash | outcomes with at most one crash, after which the client sends the same command again
#              | outcomes with at most one crash, after which the client sends the same command again or gives it up and goes on
# Columns are separated by ` | `. `=` for a column: the same as the column before. Outcomes of a column are separated by ` / ` and sorted.
# Each column holds the one before. What comes out of the code must be one of them; each of them is reached in the model.
# An outcome:  RUNS;VISIBLE, for example `0=undone 2=committed;x=B y=B`. Either part may be empty.
#   RUNS       I=STATUS for every run that the log knows; I is the command that planned it, counted from 0. A command without an entry planned
#              nothing: answered as done already, held, refused, or given up before its PLAN. STATUS: committed, undone (by an operator), abandoned
#              (its inputs or its version were gone), failed (an operation answered an error), quarantined (attempts used up), parked.
#   VISIBLE    KEY=CONTENT for every business key whose current publication is no tombstone.
#
# Commands, separated by one space:
#   t:K:S            a trigger with key K (k, j) and inputs S. Inputs A publish {x: A}; B {x: B, y: B}; C {y: C}; F {x: F, y: F}, and the operation
#                    of its effect 1 (y) always answers an error; D {x: D, y: D}, and effect 1 always kills its process (not a crash of the budget;
#                    the client sends the command again, or in the last column gives it up). Keys that leave the plan are retired.
#   t:k:A:force=I    the same, forced past the run that command I planned. Where command I planned none, or where the newest run of key k is
#                    another, nothing is forced and it is a trigger like any other. Sent again after a crash it is the same command.
#   undo:I           an operator undoes the run that command I planned; where there is none, nothing happens.
#   deploy:2         version 2 of the updater from here on (before: version 1).
#   gone:A, back:A   the inputs A cannot be found from here on, or are there again.
# Rules: attempts limit 2; undone inputs are held for every key of the scope; a failed operation undoes its run at once; before a trigger is decided, open runs
# are settled, oldest first; undo does not settle. Behind the last command a last owner settles until no run is open.
# A crash may fall between any two appends to the log or calls of the sink. A redelivery is the same trigger written twice.
#
# Which scripts: all of 1 to 4 commands, but
#   - F, D and forced triggers have key k only; force=I names the last earlier trigger of key k, and the last one of A, B or C where that is another;
#   - deploy and gone come at most once, back at most once and behind gone; none of the three comes first;
#   - undo:I names any earlier trigger;
#   - a script that begins with key j is left out where its twin, k and j exchanged, is a script as well (no F, D, force in it);
"""


def scripts():
    """the texts of all scripts, by length, then by text"""
    found = {n: [] for n in range(1, LONGEST + 1)}

    def grow(script):
        if script and not has_twin(script):
            found[len(script)].append(" ".join(script))
        if len(script) < LONGEST:
            for token in alphabet(script):
                grow(script + (token,))

    grow(())
    return {n: sorted(texts) for n, texts in found.items()}


def has_twin(script):
    return script[0].startswith("t:j:") and not any(t[4:5] in ("F", "D") or "force" in t for t in script if t.startswith("t:"))


def alphabet(script):
    triggers = [i for i, token in enumerate(script) if token.startswith("t:")]
    of_k = [i for i in triggers if script[i].startswith("t:k:")]
    yield from (f"t:{key}:{content}" for key in "kj" for content in "ABC")
    yield from ("t:k:F", "t:k:D")
    yield from (f"undo:{i}" for i in triggers)
    yield from (f"t:k:A:force={i}" for i in sorted(set(of_k[-1:] + [i for i in of_k if script[i][4] in "ABC"][-1:])))
    if script:
        if "deploy:2" not in script:
            yield "deploy:2"
        if "gone:A" not in script:
            yield "gone:A"
        elif "back:A" not in script:
            yield "back:A"


def stays(text):
    length = text.count(" ") + 1
    return length not in KEEP or int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) < KEEP[length]


def command(token):
    """the model's command"""
    word, *rest = token.split(":")
    if word == "undo":
        return ("undo", int(rest[0]))
    if word == "deploy":
        return ("deploy", rest[0])
    if word in ("gone", "back"):
        return (word, INPUTS[rest[0]])
    options = dict(OPTIONS.get(rest[1], {}))
    for option in rest[2:]:
        name, value = option.split("=")
        options[name] = int(value)
    return ("t", rest[0], INPUTS[rest[1]]) + ((options,) if options else ())


def outcome_text(runs, visible):
    return " ".join(f"{i}={status}" for i, status in runs) + ";" + " ".join(f"{key}={content}" for key, content in visible)


def columns(text):
    """sets of outcomes, one for each column, and the laws of the model that broke"""
    out, broken = [], {}
    for world in WORLDS:
        seen = set()
        _, bad, complete = runs_model.run(
            dict(world, hold_by="inputs", limit=2, script=tuple(command(token) for token in text.split())) | {
                "outcome": lambda runs, visible: seen.add((tuple(sorted(runs)), tuple(sorted(visible.items()))))}, None)
        if not complete:
            raise SystemExit(f"scripts.py: the search for `{text}` was cut short")
        broken.update(bad)
        out.append(seen)
    return out, broken


def line_of(text):
    sets, broken = columns(text)
    if not broken and not (sets[0] and sets[0] <= sets[1] <= sets[2]):
        broken = {"NO OUTCOME, OR A COLUMN THAT DOES NOT HOLD THE ONE BEFORE": []}
    cells = [" / ".join(sorted(outcome_text(*o) for o in s)) for s in sets]
    return " | ".join([text] + [cell if i == 0 or cell != cells[i - 1] else "=" for i, cell in enumerate(cells)]), broken


def head(found, kept):
    out = HEAD
    for n, below in sorted(KEEP.items()):
        out += f"""\
#   - of those with {n} commands, only where the first 32 bits of the SHA-256 of the text of the commands are below 0x{below:08x}.
"""
    for n, texts in found.items():
        out += f"# Length {n}: {len(kept[n])} of {len(texts)}.\n"
    return out + f"# Together: {sum(map(len, kept.values()))} scripts.\n"


def enumerate_all():
    found = scripts()
    kept = {n: [t for t in texts if stays(t)] for n, texts in found.items()}
    return head(found, kept), [t for texts in kept.values() for t in texts]


def write():
    top, texts = enumerate_all()
    start, lines, left_out = time.monotonic(), [], 0
    for n, text in enumerate(texts):
        line, broken = line_of(text)
        if broken:
            left_out += 1
            print(f"left out, breaks a law of the model: {text}")
            for law, history in broken.items():
                print(f"    {law}: {history}")
        else:
            lines.append(line)
        if n % 500 == 499:
            print(f"{n + 1} of {len(texts)}, {time.monotonic() - start:.0f} s", file=sys.stderr)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(top + "\n".join(lines) + "\n", encoding="ascii")
    print(f"{len(lines)} scripts written, {left_out} left out, {time.monotonic() - start:.0f} s")
    return 1 if left_out else 0


def check(every):
    top, texts = enumerate_all()
    table = TABLE.read_text(encoding="ascii")
    if not table.startswith(top):
        print("scripts.py: the head of the table is not what scripts.py writes; write the table again")
        return 1
    lines = table[len(top):].splitlines()
    there = [line.split(" | ")[0] for line in lines]
    if there != texts:
        print(f"scripts.py: the table holds {len(there)} scripts, the enumeration {len(texts)}; the first that differs: "
              f"{next((pair for pair in zip(there, texts) if pair[0] != pair[1]), 'one is the beginning of the other')}")
        return 1
    for line in lines[::every]:
        again, broken = line_of(line.split(" | ")[0])
        if broken:
            print(f"scripts.py: the model breaks a law of its own: {line.split(' | ')[0]}: {', '.join(broken)}")
            return 1
        if again != line:
            print(f"scripts.py: the model says something else than the table:\n  table {line}\n  model {again}")
            return 1
    print(f"scripts.py: head and {len(lines)} scripts are those of the enumeration; the outcomes of {len(lines[::every])} of them, found again, are the same")
    return 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", type=int, metavar="N")
    options.add_argument("--show", metavar="COMMANDS")
    chosen = options.parse_args()
    if chosen.show is not None:
        line, broken = line_of(chosen.show)
        print(line)
        for law, history in broken.items():
            print(f"  breaks: {law}: {history}")
        return 1 if broken else 0
    if chosen.check is not None:
        if chosen.check < 1:
            options.error("--check wants a number from 1")
        return check(chosen.check)
    return write()


if __name__ == "__main__":
    raise SystemExit(main())
