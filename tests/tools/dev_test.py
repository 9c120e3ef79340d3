#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""`./dev conformance` passes its arguments on, says what is played while it is played, and leaves no verdict of an earlier run: in a copy with programs that only say how they were called."""
import os
import shutil
import stat
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >>called
echo "check_something ..."
while [ $# -gt 0 ]; do
  case $1 in --json) [ -e broken ] || echo '[]' >"$2"; shift ;; esac
  shift
done
[ ! -e broken ]
"""


def main():
    with tempfile.TemporaryDirectory() as scratch:
        path = lambda name: os.path.join(scratch, name)

        def program(name, text):
            os.makedirs(os.path.dirname(path(name)), exist_ok=True)
            with open(path(name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path(name), os.stat(path(name)).st_mode | stat.S_IXUSR)

        shutil.copy(os.path.join(ROOT, "dev"), path("dev"))
        os.makedirs(path("tools"))
        shutil.copy(os.path.join(ROOT, "tools/packages.txt"), path("tools/packages.txt"))
        program("bin/cmake", "#!/bin/sh\nexit 0\n")
        program("bin/dpkg-query", "#!/bin/sh\necho 'install ok installed'\n")
        program("tools/conformance_report.py", 'import sys\nopen("called", "a").write("report " + " ".join(sys.argv[1:]) + "\\n")\nopen(sys.argv[-1], "w").write("page")\n')
        for name in ("backends", "mutants"):
            program(f"build/conformance/conformance/bin/conformance_{name}", PROGRAM)

        def dev(*words, broken=False):
            for name in ("called", "broken"):
                if os.path.exists(path(name)):
                    os.remove(path(name))
            if broken:
                open(path("broken"), "w", encoding="utf-8").close()
            reports = path("build/conformance/report")
            os.makedirs(reports, exist_ok=True)
            for name in ("backends.json", "mutants.json", "conformance-junit.xml", "mutants-junit.xml", "conformance-report.json", "conformance-report.html"):
                with open(os.path.join(reports, name), "w", encoding="utf-8") as file:
                    file.write("yesterday")
            ran = subprocess.run([path("dev"), "conformance", *words], capture_output=True, text=True, cwd=scratch, env={**os.environ, "PATH": path("bin") + ":" + os.environ["PATH"]}, timeout=60, check=False)
            with open(path("called"), encoding="utf-8") as file:
                called = file.read()
            old = {name for name in os.listdir(reports) if "yesterday" in open(os.path.join(reports, name), encoding="utf-8").read()}
            return ran, called, old

        ran, called, old = dev()
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert [line.split()[0] for line in called.splitlines()] == ["conformance_backends", "conformance_mutants", "report"] and "--complete" in called and old == set(), f"{called}{old}"
        assert ran.stdout.count("check_something ...") == 2, "what the backends say in the background is not shown:\n" + ran.stdout

        for words in (["--only", "MemoryStore", "--cases", "5"], ["--backends", "--only", "MemoryStore", "--cases", "5"], ["--reproduce", "kfm_det/1 check_store part=scripts choices=-"]):
            ran, called, old = dev(*words)
            wanted = " ".join(word for word in words if word != "--backends")
            assert ran.returncode == 0 and called.startswith("conformance_backends ") and called.rstrip().endswith(" " + wanted) and called.count("\n") == 1, f"{words}: {called}{ran.stderr}"
            assert old == {"mutants.json", "mutants-junit.xml"}, f"{words}: {old}"
        ran, called, old = dev("--mutants", "--only", "W44")
        assert ran.returncode == 0 and called.startswith("conformance_mutants ") and called.rstrip().endswith(" --only W44") and old == {"backends.json", "conformance-junit.xml"}, f"{called}{old}"

        for words in ([], ["--only", "MemoryStore"], ["--mutants"]):
            ran, called, old = dev(*words, broken=True)
            assert ran.returncode == 1 and "found something" in ran.stderr, f"{words}: exit code {ran.returncode}"
            assert "conformance-report.html" not in old and not (words == [] and old), f"{words}: yesterday's {sorted(old)} are still there"
    print("./dev conformance passes its words on, shows what is played, and leaves no verdict of yesterday")


if __name__ == "__main__":
    main()
