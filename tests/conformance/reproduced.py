#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""A reproducer line means the same to every build: reproduced.py SOURCE ROOT SCRATCH.

Builds one broken store under the kit with every compiler that is here, with and without optimisation. The first one finds what is broken; each of them must play its
reproducer lines and tell the same, word for word. Exit code 0: they do; 77: those that are here do, and a compiler is missing.
"""
import json
import os
import shutil
import subprocess
import sys


def run(words):
    return subprocess.run(words, capture_output=True, text=True)


def main():
    source, root, scratch = sys.argv[1:4]
    os.makedirs(scratch, exist_ok=True)
    builds, missing = [], []
    for compiler, level in (("g++", "-O0"), ("g++", "-O2"), ("clang++-14", "-O0"), ("clang++-19", "-O2")):
        if not shutil.which(compiler):
            missing.append(compiler)
            continue
        program = os.path.join(scratch, compiler + level)
        built = run([compiler, "-std=c++20", level, "-I" + root + "/include", "-I" + root + "/conformance/include", source, "-o", program, "-lcrypto", "-lxxhash", "-lpthread"])
        if built.returncode != 0:
            sys.exit(f"{compiler} {level} does not build it:\n{built.stderr[:4000]}")
        builds.append((compiler + " " + level, program))
    found = os.path.join(scratch, "found.json")
    first = run([builds[0][1], "--quiet", "--cases", "5", "--states", "200", "--json", found])
    if first.returncode != 1:
        sys.exit(f"the broken store was not found out: exit code {first.returncode}\n{first.stdout}{first.stderr}")
    with open(found, encoding="utf-8") as file:
        violations = json.load(file)[0]["violations"]
    for violation in violations:
        told = {}
        for name, program in builds:
            played = run([program, "--quiet", "--reproduce", violation["reproducer"]])
            if played.returncode != 1:
                sys.exit(f"{name} does not bring {violation['law']} back: {violation['reproducer']}\n{played.stdout}{played.stderr}")
            told[name] = played.stdout
            if violation["sentence"] not in played.stdout:
                sys.exit(f"{name} tells something else than was found: {violation['sentence']}\n{played.stdout}")
        if len(set(told.values())) != 1:
            sys.exit("the builds do not agree:\n" + "\n".join(f"--- {name}\n{text}" for name, text in told.items()))
    print(f"{len(violations)} reproducer lines, {len(builds)} builds: {', '.join(name for name, _ in builds)}")
    if missing:
        print(f"not compared: {', '.join(missing)}, which is not here")
        sys.exit(77)


if __name__ == "__main__":
    main()
