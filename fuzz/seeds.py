#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Seeds of the fuzz targets, from the corpus of logs.

usage: seeds.py TARGET FOLDER                         writes the seeds of line, json or segments into the folder
       seeds.py TARGET --replay PROGRAM [PLACES]      gives them, and what was found once (fuzz/found/TARGET), to fuzz_TARGET_seeds
"""
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LOGS = os.path.join(HERE, "..", "tests", "corpus", "wal-*", "*", "log", "*")
SEGMENT = re.compile(r"(\d{20})-(\d{20})\.jsonl$")


def logs():
    """Each log: [(ordinal, first LSN, bytes)]."""
    for folder in sorted(glob.glob(LOGS)):
        segments = []
        for path in sorted(glob.glob(os.path.join(folder, "*.jsonl"))):
            name = SEGMENT.search(path)
            with open(path, "rb") as file:
                segments.append((int(name.group(1)), int(name.group(2)), file.read()))
        yield segments


def shape(value):
    if isinstance(value, dict):
        return tuple((key, value[key] if key in ("phase", "status") else shape(value[key])) for key in sorted(value))
    return type(value).__name__


def lines():
    """One line of each shape."""
    seen = set()
    for segments in logs():
        for _, _, data in segments:
            for text in data.split(b"\n"):
                try:
                    line = json.loads(text) if text else None
                except ValueError:
                    yield text, None   # garbage: a seed too
                    continue
                if line is not None and shape(line) not in seen:
                    seen.add(shape(line))
                    yield text, line


def seeds(target):
    if target == "line":
        yield from (text for text, _ in lines())
    elif target == "json":
        for text, line in lines():
            if line and "body" in line:
                start = text.index(b',"record":') + 10
                yield text[start:text.rindex(b',"stream":"')]
                payload = line["body"]["record"]["payload"]
                for value in (payload, payload.get("plan")):
                    if value is not None:
                        yield json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        yield from (b"[1e21,-0.5,1e-7,123456789012345680000]", b'{"\\u20ac":"\\ud83d\\ude00\\u0000\\"","a":[[[]]]}', b" [true , null]\n", b'{"a":1,"a":2}', b'"\\ud800"')
    elif target == "segments":
        for segments in logs():
            whole = b"".join(b"@@ %d %d\n" % (ordinal, first) + re.sub(rb"\n{3,}", b"\n\n", data) for ordinal, first, data in segments)
            if len(whole) < 40000:
                yield b"N\n" + whole
                yield b"C\n" + whole
    else:
        sys.exit("seeds: there is no target " + target)


def write(target, folder):
    os.makedirs(folder, exist_ok=True)
    for seed in seeds(target):
        with open(os.path.join(folder, hashlib.sha256(seed).hexdigest()[:16]), "wb") as file:
            file.write(seed)


def main(arguments):
    if len(arguments) == 2:
        write(*arguments)
        return 0
    if len(arguments) in (3, 4) and arguments[1] == "--replay":
        with tempfile.TemporaryDirectory() as folder:
            write(arguments[0], folder)
            return subprocess.run([arguments[2], arguments[3] if len(arguments) == 4 else "8", folder, os.path.join(HERE, "found", arguments[0])], check=False).returncode
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
