#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks the rules of the house, and says of each breach where it is and what to do: `file:line: sentence`.

usage: layers.py [--root DIR] [--compile-commands FILE]

Rooms and levels are those of the design: an include goes to a lower level or stays in its room. Beside that: licence lines, include
guards, what the library may not include or call, which heavy dependency lives behind which header, the size of headers, and tests that no
target compiles. Exit code 0: nothing found; 1: something was; 2: usage.
"""
import argparse
import json
import os
import re
import sys

LEVELS = {
    "core": 0,
    "contracts": 1,
    "plan": 2, "wal": 2, "files": 2, "governance": 2, "guards": 2,
    "stores": 3, "locks": 3, "sinks": 3, "lineage": 3, "telemetry": 3, "adapters": 3,
    "updater": 4,
    "runner": 5,
    "remediation": 6,
    "rollout": 7,
}
UMBRELLA = "kfm_det/kfm_det.hpp"
KIT_SEES = {"core", "contracts", "wal", "conformance", "simulate"}  # what the conformance kit may include ...
SIMULATORS_SEE = {"core", "contracts", "simulate"}  # they stand alone, without the kit
KIT_SEES_HEADERS = {"conformance/detail/verify_logs.hpp": "stores/memory_store.hpp"}  # ... and the honest logs of check_verify are written into memory
KIT_SEES_MORE = re.compile(r"^(?:check_|detail/)?(?:plan|updater)")   # ... and its files that also see plan/ and updater/

# A heavy thing has one seam: what is included, and the headers (below include/kfm_det/) that may.
SEAMS = [
    (re.compile(r"^boost/hana"), "Boost.Hana", re.compile(r"^(core/(describe|fields)|plan/operation)[^/]*\.hpp$"), "core/describe.hpp, core/fields.hpp and plan/operation*.hpp"),
    (re.compile(r"^boost/outcome"), "Boost.Outcome", re.compile(r"^core/result\.hpp$"), "core/result.hpp"),
    (re.compile(r"^openssl/"), "OpenSSL", re.compile(r"^(core/digest|wal/sign)[^/]*\.hpp$"), "core/digest*.hpp and wal/sign*.hpp"),
    (re.compile(r"^xxh(ash|3)\.h$"), "xxHash", re.compile(r"^core/checksum\.hpp$"), "core/checksum.hpp"),
    (re.compile(r"^sqlite3(ext)?\.h$"), "SQLite", re.compile(r"^adapters/sqlite/"), "adapters/sqlite/"),
    (re.compile(r"^zstd(_errors)?\.h$"), "Zstandard", re.compile(r"^adapters/zstd/"), "adapters/zstd/"),
]
BANNED_INCLUDES = [
    (re.compile(r"^(iostream|regex|format)$"), "it costs every user compile time"),
    (re.compile(r"^boost/json"), "the library has its own canonical JSON (core/json)"),
    (re.compile(r"^nlohmann/"), "the library has its own canonical JSON (core/json)"),
]
WRITER = "updater/report.hpp"  # report() is the one function that writes
CHILDREN = {"conformance/detail/plan_child.hpp", "conformance/detail/file_locks.hpp", "conformance/fresh_process.hpp"}  # end the processes that they began, and nothing else
KIT_WRITERS = {"conformance/main.hpp", "conformance/catch2.hpp"}  # and the leaves of the kit: the program, and one whose framework has no word for what was skipped
BANNED_WORDS = [
    (re.compile(r"\bstd\s*::\s*(?:cout|cerr|clog)\b|\bv?f?printf\s*\(|\b(?:f?puts|putchar|perror)\s*\("), f"the library does not print; only {WRITER} does", {WRITER} | KIT_WRITERS),
    (re.compile(r"(?<![\w.>])(?:_exit|_Exit|quick_exit|exit|abort)\s*\("), "the library never ends the process; return an error, or assert", CHILDREN),
    (re.compile(r"\bstd\s*::\s*\w+_distribution\b|\b(?:std|ranges)\s*::\s*(?:shuffle|sample)\b"),
     "its result differs between standard libraries; choose by an integer of our own", set()),
]
UNORDERED = re.compile(r"\bstd\s*::\s*unordered_(?:multi)?(?:map|set)\b")
UNORDERED_REASON = re.compile(r"//\s*unordered:\s*\S")

NOTE_LINES, MAX_LINES = 300, 500
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "third_party"}
CPP = (".cpp", ".cc", ".cxx", ".hpp", ".h", ".hh", ".ipp")
SCRIPTS = (".cmake", ".sh", ".py", ".cmake.in")


class Checker:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.problems = []
        self.notes = []

    def say(self, path, line, sentence):
        self.problems.append((path, line, sentence))

    def files(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            for name in sorted(names):
                yield os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/")

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()


def blanked(text, strings):
    """The text without comments (and, if asked, without the inside of string literals), line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.S)

    def replace(match):
        word = match.group(0)
        if word[0] == "/":
            return re.sub(r"[^\n]", " ", word)
        return re.sub(r"[^\n]", " ", word) if strings else word

    return pattern.sub(replace, text)


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def includes_of(text):
    code = blanked(text, strings=False)
    return [(code.count("\n", 0, match.start()) + 1, match.group(2)) for match in INCLUDE.finditer(code)]


def place_of(inner):
    """The room of a header named by its path below kfm_det/, and its system when it is an adapter: ("adapters", "sqlite")."""
    parts = inner.split("/")
    if len(parts) < 2:
        return None, None
    system = parts[1].removesuffix(".hpp") if parts[0] == "adapters" else None
    return parts[0], system


def is_umbrella(inner):
    return inner == "kfm_det.hpp" or re.fullmatch(r"adapters/[^/]+\.hpp", inner) is not None


def check_include(check, path, line, inner, target):
    """One include edge inside the library: from header `inner` to header `target`, both paths below kfm_det/."""
    room, system = place_of(inner)
    to_room, to_system = place_of(target)
    if is_umbrella(target):
        check.say(path, line, f"includes the umbrella kfm_det/{target}, which is for users; include the header that has the noun")
        return
    if to_room is None or (to_room not in LEVELS and to_room not in ("conformance", "simulate")):
        check.say(path, line, f"includes kfm_det/{target}, which is in no room of the design")
        return
    if inner == "kfm_det.hpp":
        if to_room in ("adapters", "conformance", "simulate"):
            check.say(path, line, f"kfm_det.hpp includes {to_room}/, which users include by themselves (an adapter is a component of its own)")
        return
    if room == "simulate":
        if to_room not in SIMULATORS_SEE:
            check.say(path, line, f"a simulator includes {to_room}/; it sees only {', '.join(sorted(SIMULATORS_SEE))}")
        return
    if room == "conformance":
        allowed = KIT_SEES | ({"plan", "updater"} if KIT_SEES_MORE.match(inner.removeprefix("conformance/")) else set())
        if to_room not in allowed and KIT_SEES_HEADERS.get(inner) != target:
            check.say(path, line, f"the conformance kit includes {to_room}/; it sees only {', '.join(sorted(allowed))}")
        return
    if to_room in ("conformance", "simulate"):
        check.say(path, line, f"{room}/ includes {to_room}/: the library does not know its conformance kit")
        return
    if room == to_room:
        if room == "adapters" and system != to_system:
            check.say(path, line, f"adapters/{system}/ includes adapters/{to_system}/: adapters do not know each other")
        return
    here, there = LEVELS[room], LEVELS[to_room]
    if there > here:
        check.say(path, line, f"includes upward: {room}/ (level {here}) may not see {to_room}/ (level {there}); forward-declare, or move what both need down")
    elif there == here:
        check.say(path, line, f"includes sideways: {room}/ and {to_room}/ are siblings on level {here}; move what both need down, or pass it in as a template argument")


def check_header_text(check, path, inner, text):
    """What a header of the library may not include or say."""
    for line, target in includes_of(text):
        if target.startswith("kfm_det/"):
            check_include(check, path, line, inner, target.removeprefix("kfm_det/"))
            continue
        if re.match(r"\.\.?/", target) or os.path.exists(os.path.join(check.root, os.path.dirname(path), target)):
            check.say(path, line, f"includes \"{target}\" relative to itself; write kfm_det/<room>/<noun>.hpp so that the direction shows")
        for banned, why in BANNED_INCLUDES:
            if banned.search(target):
                check.say(path, line, f"includes <{target}>, which no public header may: {why}")
        for pattern, what, allowed, where in SEAMS:
            if pattern.search(target) and not allowed.search(inner):
                check.say(path, line, f"includes <{target}>: {what} lives behind {where} and nowhere else")
    raw = text.split("\n")
    for number, code in enumerate(blanked(text, strings=True).split("\n"), 1):
        for pattern, why, excepted in BANNED_WORDS:
            found = pattern.search(code)
            if found and inner not in excepted:
                check.say(path, number, f"uses {found.group(0).strip(' (')}: {why}")
        if UNORDERED.search(code) and not UNORDERED_REASON.search(raw[number - 1]):
            check.say(path, number, "an unordered container: its order differs between machines; use an ordered one, or say on the line why order cannot matter: // unordered: <why>")


def check_guard(check, path, text):
    inner = re.sub(r"^(?:conformance/)?include/", "", path)
    wanted = re.sub(r"[^A-Za-z0-9]", "_", inner).upper()
    wanted = wanted if wanted.startswith("KFM_DET_") else "KFM_DET_" + wanted
    code = blanked(text, strings=False)
    first = re.search(r"^[ \t]*#.*$", code, re.M)
    if not first or not re.match(rf"\s*#\s*ifndef\s+{wanted}\s*\n\s*#\s*define\s+{wanted}\s*$", code[first.start():], re.M):
        check.say(path, code.count("\n", 0, first.start()) + 1 if first else 1, f"its include guard should be {wanted}")


def check_licence(check, path, text):
    comment = "//" if path.endswith(CPP) else "#"
    lines = text.split("\n")
    line = 1 if lines[0].startswith("#!") else 0
    if len(lines) <= line or lines[line].strip() != f"{comment} SPDX-License-Identifier: BSL-1.0":
        check.say(path, line + 1, f"the first line should be: {comment} SPDX-License-Identifier: BSL-1.0")


def is_source(path, read):
    name = os.path.basename(path)
    if name == "CMakeLists.txt" or path.endswith(CPP) or path.endswith(SCRIPTS):
        return True
    return "." not in name.lstrip(".") and read(path).startswith("#!")


def check_compiled(check, paths, database):
    """Every .cpp is compiled by something: by where it lies, and, given the build's own list, in fact."""
    compiled = None
    if database:
        with open(database, encoding="utf-8") as file:
            compiled = {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(file)}
    known = set(paths)
    for path in paths:
        if not path.endswith((".cpp", ".cc", ".cxx")):
            continue
        parts = path.split("/")
        if parts[0] == "tests":
            if len(parts) == 2 and parts[1] not in ("main.cpp", "pch.cpp"):
                check.say(path, 1, "no target compiles it: a test sits in the folder of its room, tests/<room>/")
                continue
            if path.endswith("_test.cpp") and parts[1] in ("static", "compile_fail", "consumer", "quickstart", "tools"):
                check.say(path, 1, f"no test executable compiles tests/{parts[1]}/: move it to the folder of its room")
                continue
            if len(parts) > 1 and parts[1] == "compile_fail" and len(parts) != 3:
                check.say(path, 1, "no test compiles it: compile-fail twins sit directly in tests/compile_fail/")
                continue
            if parts[1] in ("consumer", "quickstart"):
                continue  # compiled by their own tests
        elif parts[0] == "examples":
            if f"examples/{parts[1]}/CMakeLists.txt" not in known:
                check.say(path, 1, f"no target compiles it: examples/{parts[1]}/ has no CMakeLists.txt")
                continue
        elif parts[0] == "bench":
            if len(parts) != 2:
                check.say(path, 1, "no target compiles it: benchmarks sit directly in bench/")
            continue  # only built where benchmarks are asked for
        elif parts[0] == "conformance":
            if parts[1:-1] not in (["backends"], ["mutants"]):
                check.say(path, 1, "no target compiles it: our backends under the kit sit directly in conformance/backends/, what plays mutants in conformance/mutants/")
            continue  # only built by the preset `conformance`
        if compiled is not None and os.path.realpath(os.path.join(check.root, path)) not in compiled:
            check.say(path, 1, "no target compiles it (it is not in the build's compile_commands.json; configure again, or add it to a target)")
        elif compiled is None and parts[0] not in ("tests", "examples", "bench", "tools", "fuzz", "conformance"):
            check.say(path, 1, f"no target compiles it: {parts[0]} is not a folder that holds programs")


def run(root, database=None):
    check = Checker(root)
    paths = list(check.files())
    for path in paths:
        if not is_source(path, check.read):
            continue
        text = check.read(path)
        check_licence(check, path, text)
        if not path.endswith(".hpp"):
            continue
        check_guard(check, path, text)
        public = re.match(r"(?:conformance/)?include/(.+)$", path)
        if not public:
            continue
        lines = text.count("\n") + (not text.endswith("\n"))
        if lines > MAX_LINES:
            check.say(path, MAX_LINES + 1, f"{lines} lines: a reader gets lost; split it by noun (the limit is {MAX_LINES})")
        elif lines > NOTE_LINES:
            check.notes.append((path, lines))
        inner = public.group(1).removeprefix("kfm_det/")
        if not public.group(1).startswith("kfm_det/") or (inner != "kfm_det.hpp" and place_of(inner)[0] not in set(LEVELS) | {"conformance", "simulate"}):
            check.say(path, 1, "sits in no room of the design")
            continue
        if path.startswith("include/") and inner.startswith(("conformance/", "simulate/")):
            check.say(path, 1, "the conformance kit lives in conformance/include/")
            continue
        check_header_text(check, path, inner, text)
    check_compiled(check, paths, database)
    return check


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser.add_argument("--compile-commands", help="the build's compile_commands.json")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.root):
        print(f"layers: no such directory: {arguments.root}", file=sys.stderr)
        return 2
    check = run(arguments.root, arguments.compile_commands)
    for path, lines in sorted(check.notes):
        print(f"note: {path}: {lines} lines; look again whether it holds one noun")
    for path, line, sentence in sorted(check.problems):
        print(f"{path}:{line}: {sentence}")
    headers = sum(path.endswith(".hpp") and "include/" in path for path in check.files())
    print(f"layers: {headers} public headers, {len(check.problems)} problems, {len(check.notes)} notes")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
