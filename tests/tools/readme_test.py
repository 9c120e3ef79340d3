#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The README's program is tests/quickstart/quickstart.cpp, to the letter, and every file that the README names is there."""
import os
import re
import sys

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
readme = open(os.path.join(root, "README.md"), encoding="utf-8").read()
program = open(os.path.join(root, "tests/quickstart/quickstart.cpp"), encoding="utf-8").read()
quoted = program.split("// [quickstart]\n")[1]
if "```cpp\n" + quoted + "```\n" not in readme:
    sys.exit("README.md: the program differs from tests/quickstart/quickstart.cpp; copy what stands between its [quickstart] lines")
missing = [name for name in re.findall(r"`((?:docs|tests|examples|tools|include)/[^` ]*)`", readme) if not os.path.exists(os.path.join(root, name))]
if missing:
    sys.exit("README.md names what is not there: " + ", ".join(missing))
print("README.md quotes the quickstart, and all it names is there")
