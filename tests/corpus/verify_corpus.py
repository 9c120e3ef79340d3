#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Reads every log of the corpus with a reader that knows docs/formats/wal.md and nothing else, and compares with expected.json.

usage: verify_corpus.py [--generator PROGRAM]
With a generator (generate_corpus_program): it is run twice, and must write the same bytes both times.
Exit code 0: everything agrees; 1: something does not.
"""
import argparse
import filecmp
import json
import os
import re
import subprocess
import sys
import tempfile

import reader

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "..", "docs", "formats", "wal.md")


def logs():
    for version in sorted(os.listdir(HERE)):
        folder = os.path.join(HERE, version)
        if os.path.isdir(folder) and version.startswith("wal-"):
            yield from (os.path.join(folder, name) for name in sorted(os.listdir(folder)))


def check_log(folder):
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    expected.pop("says")
    log = reader.Log(os.path.join(folder, "log", expected["stream"]), expected["stream"])
    found = reader.summary(log)
    if found != expected:
        names = [name for name in expected if found.get(name) != expected[name]]
        raise reader.FormatError("; ".join("%s is %s and should be %s" % (name, found.get(name), expected[name]) for name in names))
    return log, reader.check_identities(log)


def check_notices_damage(log_folder, stream):
    """The reader itself can fail: one bit of a durable frame is enough."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in os.listdir(log_folder):
            with open(os.path.join(log_folder, name), "rb") as file:
                data = bytearray(file.read())
            at = data.find(b'"lsn":7,')
            if at >= 0:
                data[at + 200] ^= 1
            with open(os.path.join(scratch, name), "wb") as file:
                file.write(data)
        if reader.Log(scratch, stream).verdict != "CorruptCommitted":
            raise reader.FormatError("a changed bit of a durable frame was not noticed")


def check_worked_example():
    """The line on the page is a frame, with the line hash that the page states."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    text = next(line for line in page.splitlines() if line.startswith('{"body":{"durable_upto"') and '"record":{"actor"' in line)
    line = reader.read_line(text.encode())
    if line.kind != "frame" or "`" + line.line_hash + "`" not in page:
        raise reader.FormatError("the worked example of docs/formats/wal.md does not verify")
    if not re.search(r"\b%d bytes\b" % len(text[text.rindex(',"hash":"'):]), page):
        raise reader.FormatError("the worked example of docs/formats/wal.md states another length")


def same_trees(a, b):
    seen = filecmp.dircmp(a, b)
    if seen.left_only or seen.right_only or seen.funny_files or filecmp.cmpfiles(a, b, seen.common_files, shallow=False)[1:] != ([], []):
        return False
    return all(same_trees(os.path.join(a, name), os.path.join(b, name)) for name in seen.common_dirs)


def check_generator(program):
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("one", "two"):
            subprocess.run([program, os.path.join(scratch, name)], check=True)
        if not same_trees(os.path.join(scratch, "one"), os.path.join(scratch, "two")):
            raise reader.FormatError("the generator wrote other bytes the second time")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--generator")
    options = arguments.parse_args()
    failures = []

    def attempt(what, call):
        try:
            return call()
        except (reader.FormatError, AssertionError, KeyError, OSError, subprocess.CalledProcessError) as error:
            failures.append("%s: %s: %s" % (what, type(error).__name__, error))
            return None

    ids = 0
    for folder in logs():
        got = attempt(os.path.basename(folder), lambda: check_log(folder))
        ids += got[1] if got else 0
    attempt("damage", lambda: check_notices_damage(os.path.join(HERE, "wal-1", "clean", "log", "corpus@"), "corpus@"))
    attempt("worked example", check_worked_example)
    if options.generator:
        attempt("generator", lambda: check_generator(options.generator))
    for failure in failures:
        print(failure)
    print("%d logs, %d identities, %d failures" % (len(list(logs())), ids, len(failures)))
    return 1 if failures or ids < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
