#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles one file twice: with KFM_DET_GOOD it must compile; without, it must not, and must say every sentence that it promises.

usage: check.py COMPILE_COMMANDS SOURCE

A promise is a comment line `// expect: some sentence` in SOURCE. The command line is the one of the build.
"""
import json
import os
import re
import shlex
import subprocess
import sys


def command_of(database, source):
    """The compiler's command for source, as a list that only checks the syntax."""
    for entry in json.load(open(database, encoding="utf-8")):
        if os.path.realpath(os.path.join(entry["directory"], entry["file"])) == os.path.realpath(source):
            words = shlex.split(entry["command"])
            kept, skip = [], False
            for word in words:
                if skip or word in ("-o", "-MF", "-MT", "-MQ"):
                    skip = not skip
                elif word not in ("-c", "-MD", "-MMD"):
                    kept.append(word)
            while os.path.basename(kept[0]) == "cmake" or kept[0] in ("-E", "env") or "=" in kept[0] or os.path.basename(kept[0]) == "ccache":
                kept.pop(0)  # the launcher: nothing is cached here
            return kept + ["-fsyntax-only"], entry["directory"]
    sys.exit(f"{source}: no target compiles it, so there is no command line to borrow")


def squeezed(text):
    return re.sub(r"\s+", " ", text)


def main():
    database, source = sys.argv[1:]
    command, directory = command_of(database, source)
    with open(source, encoding="utf-8") as file:
        expected = re.findall(r"^\s*// expect:\s*(.+?)\s*$", file.read(), re.M)
    if not expected:
        sys.exit(f"{source}: it promises no sentence; add a line `// expect: ...`")

    def compile_it(*extra):
        return subprocess.run(command + list(extra), cwd=directory, env={**os.environ, "LC_ALL": "C"}, stderr=subprocess.PIPE, text=True, errors="replace")

    good = compile_it("-DKFM_DET_GOOD")
    if good.returncode != 0:
        sys.exit(f"{good.stderr}\n{source}: the good twin (KFM_DET_GOOD) does not compile")
    bad = compile_it()
    if bad.returncode == 0:
        sys.exit(f"{source}: the bad twin compiles; it should be refused with: {'; '.join(expected)}")
    if bad.returncode < 0 or "internal compiler error" in bad.stderr or "PLEASE submit a bug report" in bad.stderr:
        sys.exit(f"{bad.stderr}\n{source}: the compiler crashed, which is no refusal")
    missing = [sentence for sentence in expected if squeezed(sentence) not in squeezed(bad.stderr)]
    if missing:
        sys.exit(f"{bad.stderr}\n{source}: refused, but without saying: {'; '.join(missing)}")
    print(f"{os.path.basename(source)}: refused, saying {len(expected)} of {len(expected)} sentences")


main()
