#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The example's store passes under the kit, and asks as many laws as docs/guides/conformance.md shows: conformance_guide_test.py PROGRAM. (Cases and states depend on how much is played.)"""
import os
import re
import subprocess
import sys

GUIDE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs/guides/conformance.md")
LINE = r"^check_store_on_disk GroupStoreOnDisk: passed; (\d+) laws, \d+ cases, \d+ distinct states, \d+ of them crash states$"


def main():
    ran = subprocess.run([sys.argv[1], "--cases", "20", "--states", "3000"], capture_output=True, text=True, check=False)
    print(ran.stdout + ran.stderr, end="")
    with open(GUIDE, encoding="utf-8") as file:
        told = re.findall(LINE, file.read(), re.M)
    found = re.findall(LINE, ran.stdout, re.M)
    if ran.returncode != 0 or len(found) != 1:
        sys.exit(f"the example's store does not pass: exit code {ran.returncode}")
    if told != found:
        sys.exit(f"docs/guides/conformance.md shows {told} laws, and {found} are asked")


if __name__ == "__main__":
    main()
