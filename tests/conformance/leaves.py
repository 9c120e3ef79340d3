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
    # for each framework: how its tests are listed and all of them played, the tests of a fixture, the test of one law (where one that asserts nothing fails, if it cannot
    # skip), what is said of the tests that failed and of one that did not, and how a law ends that was not asked
    frameworks = {
        "leaf_gtest_program": ("--gtest_list_tests", [], lambda fixture: [f"--gtest_filter=check_store/{fixture}.*"], lambda fixture, law: [f"--gtest_filter=check_store/{fixture}.{law.replace('-', '_')}"],
                               r"^\[  FAILED  \] (check_store/\S+)$", "[       OK ] check_store/RightStore.STORE_11 ", (0, "[  SKIPPED ] 1 test")),
        "leaf_catch2_program": ("--list-test-names-only", ["-r", "junit"], lambda fixture: [f"check_store {fixture}*"], lambda fixture, law: [f"check_store {fixture} {law}", "-w", "NoAssertions"],
                                r'<testcase [^>]* name="(check_store [^"/]+)[^>]*>\s*<failure', 'name="check_store RightStore STORE-11"', (1, "1 failed")),
    }
    for program, (listed, everything, all_of, one_of, failed, passed, not_asked) in frameworks.items():
        code, text = run(program, listed)
        for law in [f"STORE-{n}" for n in range(1, 22) if n not in (14, 16, 18)] + ["VERB-1"]:
            expect(len(re.findall(rf"\b{law.replace('-', '[-_]')}$", text, re.M)) == 2, f"{program} has no test of {law} for each of the two", text)
        code, text = run(program, *everything)
        expect(code != 0 and passed in text, f"{program} ends with {code}, or without the right store", text)
        expect({name.replace("_", "-") for name in re.findall(failed, text, re.M)} in ({"check-store/ForgetfulStore.STORE-3"}, {"check-store ForgetfulStore STORE-3"}), f"{program} fails other tests than that of STORE-3", text)
        expect("STORE-3: LSN 1 was acknowledged" in text and cause in text, f"{program} does not say which law, what was observed and what usually causes it", text)
        expect('RightStore STORE-12"' not in text, f"{program} calls a law passed that was not asked", text)   # in JUnit
        line = re.search(r"reproduce: (kfm_det/1 check_store part=\S+ choices=\S+)", text)
        expect(line, f"{program} gives no reproducer line", text)
        # it trims, so nobody asks what a verb answers that it does not have
        code, text = run(program, *one_of("RightStore", "STORE-12"))
        expect((code != 0) == (not_asked[0] != 0) and not_asked[1] in text and "STORE-12 was not asked" in text, f"{program} calls a law passed that was not asked", text)
        code, again = run(program, *all_of("ForgetfulStore"), KFM_DET_REPRODUCE=line.group(1))
        expect(code != 0 and line.group(1) in again, f"{program} does not bring back {line.group(1)}", again)
        code, again = run(program, *all_of("RightStore"), KFM_DET_REPRODUCE=line.group(1))
        expect(code == 0, f"{program}: the right store fails by {line.group(1)}", again)
        code, again = run(program, *all_of("RightStore"), KFM_DET_REPRODUCE="kfm_det/1 check_store part=scripts choices=x")
        expect(code != 0 and "its choices cannot be read" in again, f"{program} says nothing to a line that is none", again)
    code, text = run("leaf_rapidcheck_program", "RightStore", RC_PARAMS="seed=1")
    expect(code == 0 and "OK, passed" in text, f"leaf_rapidcheck_program ends with {code} for a right store", text)
    code, text = run("leaf_rapidcheck_program", "ForgetfulStore", RC_PARAMS="seed=1 max_success=1000")
    expect(code == 1 and "Falsifiable" in text and "STORE-3: LSN " in text and cause in text, f"leaf_rapidcheck_program ends with {code} for a broken store", text)
    print("GoogleTest, Catch2 and RapidCheck: the right store passes, the broken one is told with its law and comes back by its line")


if __name__ == "__main__":
    main()
