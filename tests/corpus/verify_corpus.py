#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Reads every log of the corpus with a reader that knows docs/formats/wal.md and nothing else, and compares with expected.json.

usage: verify_corpus.py [--generator PROGRAM]
With a generator (generate_corpus_program): it is run twice, and must write the same bytes both times: those of wal-1/.
Wants python3-cryptography (tools/packages.txt). Exit code 0: everything agrees; 1: something does not.
"""
import argparse
import copy
import filecmp
import json
import os
import re
import subprocess
import sys
import tempfile

import reader

try:
    import cryptography  # noqa: F401  # the reader's, for signatures
except ImportError as error:
    if os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3") or not os.path.exists("/usr/bin/python3") or "KFM_DET_AGAIN" in os.environ:
        sys.exit("verify_corpus: %s: install the packages of tools/packages.txt, group test" % error)
    os.execve("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv, dict(os.environ, KFM_DET_AGAIN="1"))   # the Python that Debian's packages belong to

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_GENERATED = set()   # logs of wal-1/ that no generator can write, as wal-1/NAME
PAGE = os.path.join(HERE, "..", "..", "docs", "formats", "wal.md")


def logs():
    for version in sorted(os.listdir(HERE)):
        folder = os.path.join(HERE, version)
        if os.path.isdir(folder) and version.startswith("wal-"):
            yield from (os.path.join(folder, name) for name in sorted(os.listdir(folder)))


def keys_of(folder):
    path = os.path.join(folder, "keys.json")
    if not os.path.exists(path):
        return {"keys": []}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def check_log(folder):
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    expected.pop("says")
    place, stream = os.path.join(folder, "log", expected["stream"]), expected["stream"]
    log = reader.Log(place, stream)
    found = reader.summary(log, place, keys_of(folder))
    if found != expected:
        names = [name for name in expected if found.get(name) != expected[name]]
        raise reader.FormatError("; ".join("%s is %s and should be %s" % (name, found.get(name), expected[name]) for name in names))
    whole = log if log.base == 1 else reader.Log(place, stream, whole=True)   # with what its archive still has
    return reader.check_identities(log), reader.check_checkpoints(whole if whole.verdict == "Clean" else log)


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


def check_notices_signatures():
    """No signature is valid under another key, at another place, or of another line."""
    folder = os.path.join(HERE, "wal-1", "signed")
    stream, ring = "corpus@", keys_of(folder)
    log = reader.Log(os.path.join(folder, "log", stream), stream)

    def refused(frames, keys):
        log.frames = frames
        try:
            reader.signatures_of(log, {"keys": keys})
        except reader.FormatError:
            return True
        return False

    first, second = ring["keys"]
    frames = log.frames
    body, line_hash, (frame_hash, algorithm, key, value) = next(frame for frame in frames if frame[2][2])
    elsewhere = dict(body, lsn=body["lsn"] + 1)
    for what, good in (
        ("swapped keys", refused(frames, [dict(first, public_key=second["public_key"]), second])), ("a key that ends one place early", refused(frames, [dict(first, to=dict(first["to"], lsn=first["to"]["lsn"] - 1)), second])),
        ("a missing key", refused(frames, [first])), ("another place", refused([(elsewhere, line_hash, (frame_hash, algorithm, key, value))], ring["keys"])),
        ("another hash", refused([(body, line_hash, ("0" * 64, algorithm, key, value))], ring["keys"])), ("another algorithm", refused([(body, line_hash, (frame_hash, "none", key, value))], ring["keys"])),
        ("a signature that was cut", refused([(body, line_hash, (frame_hash, algorithm, key, value[:-2]))], ring["keys"])), ("nothing changed", not refused(frames, ring["keys"])),
    ):
        if not good:
            raise reader.FormatError("signatures: %s was not noticed" % what)


def check_notices_checkpoints():
    """A checkpoint that says another state than its records is noticed, whichever of its numbers it is."""
    log = reader.Log(os.path.join(HERE, "wal-1", "compacted", "log", "corpus@"), "corpus@", whole=True)
    for old, new in (('"attempts_ever":1', '"attempts_ever":0'), ('"token":', '"token":1'), ('"status":"failed"', '"status":"undone"'), ('"progress":"unknown"', '"progress":"done"'), ('"result":"created"', '"result":"moved"'),
                     ('"next_seq":', '"next_seq":1'), ('"first":1', '"first":2'), ('"keys":["a"', '"keys":["A"')):
        damaged, done = [], False
        for body, line_hash, seal in log.frames:
            if reader.is_checkpoint(body) and old in body["record"]["payload"]["text"] and not done:
                done = True
                body = json.loads(json.dumps(body))
                body["record"]["payload"]["text"] = body["record"]["payload"]["text"].replace(old, new, 1)
            damaged.append((body, line_hash, seal))
        other = copy.copy(log)
        other.frames = damaged
        try:
            reader.check_checkpoints(other)
        except (reader.FormatError, KeyError):
            continue
        raise reader.FormatError("checkpoints: %s for %s was not noticed%s" % (new, old, "" if done else ", and is nowhere"))


def check_worked_example():
    """The line on the page is a frame, with the line hash that the page states."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    text = next(line for line in page.splitlines() if line.startswith('{"body":{"durable_upto"') and '"stream":"line-counts@"' in line)
    line = reader.read_line(text.encode())
    if line.kind != "frame" or "`" + line.line_hash + "`" not in page:
        raise reader.FormatError("the worked example of docs/formats/wal.md does not verify")
    if not re.search(r"\b%d bytes\b" % len(text[text.rindex(',"hash":"'):]), page):
        raise reader.FormatError("the worked example of docs/formats/wal.md states another length")


def check_examples():
    """Every example of the page that is JSON throughout is a line of the corpus, but for the first run of README; the signed one is valid under the key that the page states."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    known = set()
    for folder in logs():
        for place, _, names in os.walk(folder):
            for name in names:
                if not name.endswith(".jsonl"):
                    continue
                with open(os.path.join(place, name), "rb") as file:
                    for text in file.read().split(b"\n"):
                        line = reader.read_line(text)
                        if line.kind == "frame":
                            known.add(text.decode())
                            if reader.is_checkpoint(line.inner):
                                known.update(line.inner["record"]["payload"]["text"].splitlines())
    examples, signed = 0, 0
    for text in (line for block in page.split("```")[1::2] for line in block.splitlines()):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if "body" in value and value["body"]["stream"] != "corpus@":
            continue   # the worked example
        examples += 1
        if text not in known:
            raise reader.FormatError("this example of docs/formats/wal.md stands in no log of the corpus: %s" % text[:160])
        line = reader.read_line(text.encode())
        if line.kind == "frame" and line.seal[2]:
            log = argparse.Namespace(frames=[(line.inner, line.line_hash, line.seal)])
            stated = next(match for match in re.findall(r"public key `([0-9a-f]{64})`", page))
            signed += sum(reader.signatures_of(log, {"keys": [{"key": line.seal[2], "algorithm": "ed25519", "public_key": stated, "from": {"incarnation": 1, "lsn": 1}}]}).values())
    if examples != 5 or signed != 1:
        raise reader.FormatError("docs/formats/wal.md has %d examples from the corpus, %d of them signed" % (examples, signed))


def differences(a, b):
    """Names of what is in one of two folders alone, or has other bytes."""
    seen = filecmp.dircmp(a, b)
    out = seen.left_only + seen.right_only + seen.funny_files + sum(filecmp.cmpfiles(a, b, seen.common_files, shallow=False)[1:], [])
    return [os.path.join(os.path.basename(b), name) for name in out] + [one for name in seen.common_dirs for one in differences(os.path.join(a, name), os.path.join(b, name))]


def check_generator(program):
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("one", "two"):
            subprocess.run([program, os.path.join(scratch, name)], check=True)
        for what, other in (("the second time", os.path.join(scratch, "two")), ("than those of wal-1/ (tests/corpus/README.md says when that is right)", os.path.join(HERE, "wal-1"))):
            found = [name for name in differences(os.path.join(scratch, "one"), other) if name not in NOT_GENERATED]
            if found:
                raise reader.FormatError("the generator wrote other bytes %s: %s" % (what, ", ".join(sorted(found)[:6])))


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

    ids = checkpoints = 0
    for folder in logs():
        got = attempt(os.path.basename(folder), lambda: check_log(folder))
        ids += got[0] if got else 0
        checkpoints += got[1] if got else 0
    attempt("damage", lambda: check_notices_damage(os.path.join(HERE, "wal-1", "clean", "log", "corpus@"), "corpus@"))
    attempt("signatures", check_notices_signatures)
    attempt("checkpoints", check_notices_checkpoints)
    attempt("worked example", check_worked_example)
    attempt("examples", check_examples)
    if options.generator:
        attempt("generator", lambda: check_generator(options.generator))
    for failure in failures:
        print(failure)
    print("%d logs, %d identities, %d checkpoints, %d failures" % (len(list(logs())), ids, checkpoints, len(failures)))
    return 1 if failures or ids < 500 or checkpoints < 4 else 0


if __name__ == "__main__":
    sys.exit(main())
