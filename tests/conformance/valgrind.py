#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""A plan that hashes memory which nobody set: found by the kit's fill patterns alone, and seen by valgrind where it is read: valgrind.py PROGRAM.

Exit code 0: the kit rejects the plan by PLAN-1 without valgrind, valgrind sees it, and sees nothing in a plan that is right.
"""
import subprocess
import sys


def run(words):
    return subprocess.run(words, capture_output=True, text=True)


def main():
    program = sys.argv[1]
    valgrind = ["valgrind", "--quiet", "--error-exitcode=99", "--track-origins=no"]
    alone = run([program, "--only", "WithPadding"])
    if alone.returncode != 1 or "PLAN-1: " not in alone.stdout:
        sys.exit(f"without valgrind the padding was not found: exit code {alone.returncode}\n{alone.stdout}{alone.stderr}")
    watched = run(valgrind + [program, "--only", "WithPadding"])
    if watched.returncode != 99 or "ninitialised" not in watched.stderr:
        sys.exit(f"valgrind did not see the padding: exit code {watched.returncode}\n{watched.stdout}{watched.stderr}")
    right = run(valgrind + [program, "--only", "Right"])
    if right.returncode != 0 or "ninitialised" in right.stderr or "Invalid" in right.stderr:
        sys.exit(f"valgrind complains of a plan that is right: exit code {right.returncode}\n{right.stdout}{right.stderr[:4000]}")
    print("the padding is found with valgrind and without; a plan that is right passes")


if __name__ == "__main__":
    main()
