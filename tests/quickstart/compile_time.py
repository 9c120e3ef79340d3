#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles the quickstart at -O0 and says how many CPU seconds that took. It fails when the code does not compile, never on time.

usage: compile_time.py --compiler CXX --include DIR SOURCE
"""
import argparse
import os
import resource
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--compiler", required=True)
parser.add_argument("--include", required=True)
parser.add_argument("source")
arguments = parser.parse_args()

with tempfile.TemporaryDirectory() as scratch:
    target = os.path.join(scratch, "quickstart.o")
    done = subprocess.run([arguments.compiler, "-O0", "-std=c++20", "-I", arguments.include, "-c", arguments.source, "-o", target])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode != 0:
    sys.exit("quickstart: does not compile")
print(f"quickstart: {used.ru_utime + used.ru_stime:.2f} CPU seconds at -O0")
