#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Writes the mutants as C++: generate.py [--per-source N] OUT; or generate.py --rows. Answers the names of the sources, one a line. Exit code 1: a change does not fit the code any more."""
import argparse
import importlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import rows   # noqa: E402  # beside this file

ROOMS = [name[:-3] for name in sorted(os.listdir(HERE)) if name.endswith(".py") and name not in ("table.py", "generate.py", "rows.py")]


def load():
    families, mutants = {}, []
    for room in ROOMS:
        module = importlib.import_module(room)
        families.update(module.FAMILIES)
        mutants += module.MUTANTS
    ids = [m.id for m in mutants]
    for one in ids:
        if ids.count(one) > 1:
            sys.exit(f"mutant {one} stands in the tables twice")
    return families, mutants


def mutated(mutant, family):
    """The family's files, one text, in the mutant's namespace."""
    texts = {path: open(os.path.join(ROOT, "" if path.startswith("examples/") else "include/kfm_det", path), encoding="utf-8").read() for path in family.files}
    for change in mutant.change:
        path, old, new = change if len(change) == 3 else (None, *change)
        places = [p for p in texts if path in (None, p) and old in texts[p]]
        if len(places) != 1 or texts[places[0]].count(old) != 1:
            sys.exit(f"mutant {mutant.id}: this text must stand in {path or ', '.join(family.files)} exactly once:\n{old}")
        texts[places[0]] = texts[places[0]].replace(old, new)
    out, includes = [], []
    for path in family.files:
        text = texts[path]
        for line in re.findall(r'^#include .*$', text, re.M):
            inner = re.search(r'"kfm_det/(.*)"', line)
            if (not inner or inner.group(1) not in family.files) and line not in includes:
                includes.append(line)
        text = re.sub(r"^#(include .*|ifndef KFM_DET_\w+_HPP|define KFM_DET_\w+_HPP|endif\s*)$", "", text, flags=re.M)   # one source holds many
        text = re.sub(r"^namespace (kfm_det|example)\b", rf"namespace \1::{mutant.id}", text, flags=re.M)
        # what the copy does not hold is found where it always was
        rooms = {"wal": "kfm_det::wal"}
        for room, whole in rooms.items():
            text = re.sub(rf"^(namespace kfm_det::{mutant.id}::{room} {{)$", rf"\1\nusing namespace {whole};", text, flags=re.M)
        out.append(text)
    if any(path.startswith("updater/") for path in family.files):   # the same for every room that an updater's copy has a part of
        rooms = ("detail", "wal", "wal::detail")
        out.insert(0, "\n".join([f"namespace kfm_det::{room} {{}}" for room in rooms] + [f"namespace kfm_det::{mutant.id}::{room} {{ using namespace kfm_det::{room}; }}" for room in rooms]))
    for path in family.files:   # the real ones, so that names which the copy only mentions exist
        includes.append(f'#include "{path}"' if path.startswith("examples/") else f'#include "kfm_det/{path}"')
    return "\n".join(includes), "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-source", type=int, default=6)
    parser.add_argument("--list", action="store_true", help="only the names of the sources")
    parser.add_argument("--rows", action="store_true", help="writes nothing: says whether every row of the defect catalogue has its mutant (rows.py)")
    parser.add_argument("out", nargs="?")
    arguments = parser.parse_args()
    families, mutants = load()
    if arguments.rows:
        def text_of(path):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                return file.read()
        found = rows.problems(mutants, lambda path: os.path.exists(os.path.join(ROOT, path)), text_of)
        if found:
            sys.exit("\n".join(found))
        print(f"{len(rows.rows())} rows, {len(mutants)} mutants")
        return
    if not arguments.out:
        parser.error("where to?")
    os.makedirs(arguments.out, exist_ok=True)
    sources = []
    for name, family in families.items():
        mine = [m for m in mutants if m.family == name]
        for at in range(0, len(mine), arguments.per_source):
            sources.append((name, family, at // arguments.per_source + 1, mine[at:at + arguments.per_source]))
    for name, family, number, some in sources:
        path = os.path.join(arguments.out, f"mutants_{name}_{number}.cpp")
        print(path)
        if arguments.list:
            continue
        head, body = ["// SPDX-License-Identifier: BSL-1.0", "// Written by conformance/mutants/generate.py.", '#include "conformance/mutants/mutant.hpp"'], []
        checks = {m.check or family.check for m in some}
        head += [f'#include "kfm_det/conformance/{check}.hpp"' for check in sorted(checks)]
        head += [f"#include {one}" for one in family.include]
        for mutant in some:
            includes, text = mutated(mutant, family)
            head += [line for line in includes.split("\n") if line not in head]
            laws = [] if mutant.law is None else [mutant.law] if isinstance(mutant.law, str) else list(mutant.law)
            body += [text, (mutant.fixture or family.fixture).replace("ID", mutant.id),
                     f'KFM_DET_MUTANT("{mutant.id}", "{mutant.name}", "{name}", "{" ".join(laws)}", {mutant.check or family.check}, Fixture_{mutant.id})']
        text = "\n".join(head) + "\n\n" + "\n".join(body) + "\n"
        if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
