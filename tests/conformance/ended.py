#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""A backend that ends its process, and a fixture that throws: ended.py PROGRAM.

Whoever ran the program has the line that brings it back, and files that say how far it came and are never green. Exit code 0: so it is.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml


def main():
    program = sys.argv[1]

    def run(*words):
        return subprocess.run([program, "--cases", "5", "--states", "2000", *words], capture_output=True, text=True, check=False)

    def expect(holds, what, ran):
        if not holds:
            sys.exit(f"{what}\nexit code {ran.returncode}\n{ran.stdout}{ran.stderr}")

    with tempfile.TemporaryDirectory() as scratch:
        def reports(*words):
            files = os.path.join(scratch, "r.json"), os.path.join(scratch, "r.xml")
            ran = run(*words, "--json", files[0], "--junit", files[1])
            with open(files[0], encoding="utf-8") as file:
                found = json.load(file)
            suites = xml.parse(files[1]).getroot()
            broken = [suite.get("name") for suite in suites if suite.find("testcase/failure") is not None]
            expect(broken == [f'{one["check"]} {one["subject"]}' for one in found if not one["passed"]], "JUnit and JSON say different things", ran)
            return ran, found

        # in the order of their registration: the right one has passed when the next one ends the process
        ran, found = reports("--only", "check_store ")
        expect(ran.returncode < 0, "abort() did not end the process", ran)
        expect([(one["subject"], one["passed"]) for one in found] == [("RightStore", True), ("AbortingStore", False)], f"the files say {found}", ran)
        expect(found[1]["violations"][0]["law"] == "VERB-1", "the check in which it ended does not name the law", ran)
        for only, part in (("AbortingStore", r"\S+"), ("OverflowingStore", "crash-2")):
            ran, found = reports("--only", only)
            line = re.search(rf"^VERB-1: signal (\d+) ends the process while this is played, of {only}\n  reproduce:   (kfm_det/1 \S+ part={part} choices=\S+)$", ran.stderr, re.M)
            expect(ran.returncode < 0 and line and int(line.group(1)) == -ran.returncode, f"{only} ends the process, and the line that brings it back is not there", ran)
            expect([one["passed"] for one in found] == [False], f"the files of {only} say {found}", ran)
            again = run("--only", only, "--reproduce", line.group(2))
            expect(again.returncode == ran.returncode and line.group(2) in again.stderr, f"{line.group(2)} does not bring it back", again)
            other = run("--only", "RightStore", "--reproduce", line.group(2)) if only == "AbortingStore" else None
            expect(other is None or other.returncode == 0, "the right store ends by that line, too", other)
        ran, found = reports("--only", "ThrowingFixture")
        expect(ran.returncode == 1 and "VERB-1: an exception (no such database) came out" in ran.stdout and not found[0]["passed"], "a fixture that throws is not told", ran)
    print("a process that ends leaves the line that brings it back, and files that are not green")


if __name__ == "__main__":
    main()
