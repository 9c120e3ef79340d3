#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The leaves of the conformance kit, run as their users run them: leaves.py FOLDER OF THE PROGRAMS.

Under each framework a right store passes, a broken one fails with its law, the sentence, the script, the usual cause and a reproducer line, and that line,
given back, brings the failure back. Exit code 0: so it is.
"""
import os
import re
import subprocess
import sys


def main():
    folder = sys.argv[1]

    def run(program, *words, **environment):
        done = subprocess.run([os.path.join(folder, program), *words], capture_output=True, text=True, env={**os.environ, **environment}, check=False)
        return done.returncode, done.stdout + done.stderr

    def expect(holds, what, text):
        if not holds:
            sys.exit(f"{what}\n{text}")

    cause = "ack before fsync; fsync retried after a failure"
    frameworks = {
        "leaf_gtest_program": (["--gtest_filter=check_store.RightStore"], ["--gtest_filter=check_store.ForgetfulStore"], []),
        "leaf_catch2_program": (["conformance", "-c", "check_store RightStore"], ["conformance", "-c", "check_store ForgetfulStore"], ["conformance"]),
    }
    for program, (right, broken, everything) in frameworks.items():
        code, text = run(program, *right)
        expect(code == 0, f"{program} {right} ends with {code} and not 0", text)
        code, text = run(program, *broken)
        expect(code != 0, f"{program} {broken} ends with 0", text)
        expect("was acknowledged" in text and cause in text, f"{program} does not say what was observed and what usually causes it", text)
        if program == "leaf_gtest_program":
            expect("STORE-3: LSN 1 " in text, f"{program} does not name the law", text)
        line = re.search(r"reproduce: (kfm_det/1 check_store part=\S+ choices=\S+)", text)
        expect(line, f"{program} gives no reproducer line", text)
        code, again = run(program, *broken, KFM_DET_REPRODUCE=line.group(1))
        expect(code != 0 and line.group(1) in again, f"{program} does not bring back {line.group(1)}", again)
        code, again = run(program, *right, KFM_DET_REPRODUCE=line.group(1))
        expect(code == 0, f"{program}: the right store fails by {line.group(1)}", again)
        code, again = run(program, *right, KFM_DET_REPRODUCE="kfm_det/1 check_store part=scripts choices=x")
        expect(code != 0 and "its choices cannot be read" in again, f"{program} says nothing to a line that is none", again)
        code, text = run(program, *everything)
        expect(code != 0 and "RightStore" not in "".join(re.findall(r"^\[  FAILED  \].*$", text, re.M)), f"{program} does not tell the two apart", text)
    code, text = run("leaf_rapidcheck_program", "RightStore", RC_PARAMS="seed=1")
    expect(code == 0 and "OK, passed" in text, f"leaf_rapidcheck_program ends with {code} for a right store", text)
    code, text = run("leaf_rapidcheck_program", "ForgetfulStore", RC_PARAMS="seed=1 max_success=1000")
    expect(code == 1 and "Falsifiable" in text and "STORE-3: LSN " in text and cause in text, f"leaf_rapidcheck_program ends with {code} for a broken store", text)
    print("GoogleTest, Catch2 and RapidCheck: the right store passes, the broken one is told with its law and comes back by its line")


if __name__ == "__main__":
    main()
