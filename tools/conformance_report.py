#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""One report of a conformance run: JSON for machines and one page of HTML for people.

usage: conformance_report.py [--complete] --backends FILE --mutants FILE --json FILE --html FILE

With --complete the run must be a whole one: a law of the kit that no backend was asked, and that does not stand in NOT_ASKED, is an error, and so is a part of PLAYED that was
played less than whole.
"""
import argparse
import html
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# One file, no other resources: it is mailed, kept beside a release, opened on a phone and at night.
STYLE = """
:root { color-scheme: light dark; --ink: #1c2526; --soft: #55605f; --paper: #fdfdfb; --line: #e3e5e0; --box: #f3f4ef; --ok: #1b7f4b; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7e4; --soft: #a3ada9; --paper: #16191a; --line: #2e3433; --box: #1f2424; --ok: #5fcf94; --bad: #ff8a80 } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2.2rem } p.lead { color: var(--soft); margin-top: 0; max-width: 46rem }
.wide { overflow-x: auto; margin: .6rem 0 } table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .28rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600; color: var(--soft); white-space: nowrap } th:first-child, td:first-child { padding-left: 0 } td.id { white-space: nowrap } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.ok { color: var(--ok) } .bad { color: var(--bad); font-weight: 600 } .soft { color: var(--soft) } .ids { overflow-wrap: anywhere }
pre { background: var(--box); padding: .6rem .8rem; overflow-x: auto; font-size: 13px; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere } code { font-size: 13px } details { margin: .3rem 0 } td details { margin: 0 } td p { margin: .3rem 0; overflow-wrap: anywhere } summary { cursor: pointer } li { margin: .15rem 0 }
.tiles { display: flex; gap: 1.2rem 1.6rem; flex-wrap: wrap; margin: 1.2rem 0 } .tiles div { min-width: 8rem } .tiles b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums }
@media (max-width: 40rem) { body { margin: 1rem auto } .roomy { display: none } th, td { padding: .28rem .4rem } }
"""

# Laws that no backend of ours can be asked, each with its reason.
NOT_ASKED = {
    "CLOCK-1": "a clock is no backend of a fixture; tests/contracts/clock_test.cpp asks it",
    "CLOCK-2": "as CLOCK-1",
    "CLOCK-3": "as CLOCK-1",
    "RUN-5": "a plan that breaks it breaks PLAN-5 first; tests/updater/updater_test.cpp asks it",
}


def laws_of_the_kit():
    """Law: what holds, as conformance/laws.hpp says."""
    path = os.path.join(ROOT, "conformance/include/kfm_det/conformance/laws.hpp")
    text = open(path, encoding="utf-8").read()
    return {law: holds.replace('\\"', '"') for law, holds in re.findall(r'{"([A-Z]+-[0-9]+)", "((?:[^"\\]|\\.)*)"', text)}


def blind_spots():
    """What the kit cannot see, as the guide says."""
    text = open(os.path.join(ROOT, "docs/guides/conformance.md"), encoding="utf-8").read()
    section = text.split("## What the kit cannot see\n")[1].split("\n## ")[0]
    items = re.findall(r"^- ((?:.|\n(?!- |\n))*)", section, re.M)
    return [re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(item.replace("\n", " ").strip())) for item in items]


def number(value):
    return f"{value:,}"


def seconds(milliseconds):
    return f"{milliseconds / 1000:.1f}"


def table(heads, rows):
    """heads: (text, kind); kind: 0 text, 1 number, 2 text that a narrow page leaves out, 3 one word that stays whole."""
    classes = ["", " class=n", " class=roomy", " class=id"]
    out = ["<div class=wide><table><tr>" + "".join(f"<th{classes[kind]}>{html.escape(text)}</th>" for text, kind in heads) + "</tr>"]
    for row in rows:
        out.append("<tr>" + "".join(f"<td{classes[kind]}>{cell}</td>" for cell, (_, kind) in zip(row, heads)) + "</tr>")
    return "\n".join(out) + "</table></div>"


def folded(summary, inside):
    return f"<details><summary>{summary}</summary>{inside}</details>"


def violations_of(report):
    out = []
    for one in report["violations"]:
        out.append(f'<p class=bad>{html.escape(one["law"])}: {html.escape(one["sentence"])}</p><pre>{html.escape(one["script"])}\n\nreproduce: {html.escape(one["reproducer"])}\nusual cause: {html.escape(one["usual_cause"])}</pre>')
    return "".join(out)


def in_order(law):
    contract, _, number_ = law.partition("-")
    return contract, int(number_) if number_.isdigit() else 0


def what_is_broken(mutant):
    name = html.escape(mutant["name"].replace("-", " "))
    if not mutant.get("sentence"):
        return name
    return folded(name, f'<p class=soft>{html.escape(mutant["sentence"])}</p><pre>{html.escape(mutant["script"])}\n\n{html.escape(mutant["reproducer"])}</pre>')


def page(backends, mutants):
    broken = [b for b in backends if not b["passed"]]
    wrong = [m for m in mutants if m["verdict"] != "ok"]
    benign = [m for m in mutants if not m["expected"]]
    right = [m for m in mutants if m["expected"]]
    states = sum(b["states"] for b in backends)
    holds = laws_of_the_kit()
    laws = sorted({law for b in backends for law in b["laws"] if law in holds}, key=in_order)
    silent = sorted(set(holds) - set(laws), key=in_order)
    verdict = "Every backend holds every law, and every mutant died of its own." if not broken and not wrong else f"{len(broken)} backends break a law; {len(wrong)} mutants are not as they should be."
    parts = ["<!doctype html>", f"<html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'><title>kfm_det conformance</title><style>{STYLE}</style></head><body>",
             "<h1>Conformance</h1>", f'<p class="lead{" bad" if broken or wrong else ""}">{verdict}</p>',
             "<div class=tiles>" + "".join(f"<div><b>{value}</b>{what}</div>" for value, what in [
                 (number(states), "distinct states"), (number(sum(b.get("crash_states", 0) for b in backends)), "of them crash states"), (number(sum(b["cases"] for b in backends)), "cases"), (len(laws), "laws asked"),
                 (f'{len([m for m in right if m["verdict"] == "ok"])} / {len(right)}', "mutants killed by their law"), (f'{len([m for m in benign if m["verdict"] == "ok"])} / {len(benign)}', "odd but right, accepted")]) + "</div>"]
    for b in broken:
        parts.append(f'<h2 class=bad>{html.escape(b["check"])} {html.escape(b["subject"])}</h2>' + violations_of(b))
    parts += ["<h2>Backends</h2>",
              table([("check", 3), ("fixture", 0), ("", 0), ("laws", 1), ("cases", 1), ("distinct states", 1), ("seconds", 1), ("claims", 2)],
                    [[html.escape(b["check"]), f'<code>{html.escape(b["subject"])}</code>', "<span class=ok>passed</span>" if b["passed"] else "<span class=bad>broken</span>", len([law for law in b["laws"] if law in holds]), number(b["cases"]),
                      number(b["states"]), seconds(b["milliseconds"]), html.escape(", ".join(c for c, made in b["claims"].items() if made) or "none")] for b in backends]),
              "<h2>What was reached, and within which bounds</h2>",
              "<p class=lead>Verdicts, answers and situations that the generators came to, each with how often. What is missing here was never looked at.</p>"]
    for b in backends:
        reached = table([("reached", 0), ("times", 1)], [[html.escape(what), number(count)] for what, count in sorted(b["reached"].items(), key=lambda one: (-one[1], one[0]))]) if b["reached"] else ""
        bounds = "<ul>" + "".join(f"<li>{html.escape(one)}</li>" for one in b["bounds"]) + "</ul>"
        parts.append(folded(f'{html.escape(b["check"])} <code>{html.escape(b["subject"])}</code> <span class=soft>{len(b["reached"])} reached, {len(b["bounds"])} bounds</span>', reached + bounds))
    parts += ["<h2>Mutants</h2>", "<p class=lead>Backends, plans and updaters that are broken on purpose by one change each. A name opens what the kit said of it.</p>",
              table([("id", 3), ("what is broken", 0), ("killed by", 3), ("made from", 2), ("seconds", 1), ("steps", 1)],
                    [[html.escape(m["id"]), what_is_broken(m),
                      (html.escape(m["law"]) or ("<span class=ok>accepted</span>" if not m["expected"] and m["verdict"] == "ok" else "-")) + ("" if m["verdict"] == "ok" else f'<br><span class=bad>{html.escape(m["verdict"])}</span>'),
                      html.escape(m["family"]), seconds(m["milliseconds"]), m["operations"]] for m in sorted(mutants, key=lambda m: m["id"])]),
              "<h2>Laws</h2>",
              table([("law", 3), ("what holds", 0), ("asked", 1), ("by", 2), ("mutants that died of it", 0)],
                    [[law, html.escape(holds[law]), number(sum(b["laws"].get(law, 0) for b in backends)), html.escape(", ".join(sorted({b["check"] for b in backends if law in b["laws"]}))),
                      f'<span class=ids>{html.escape(", ".join(sorted(m["id"] for m in mutants if m["law"] == law)) or "none")}</span>'] for law in laws])]
    if silent:
        parts.append(f"<p class=soft>Not asked in this run: {', '.join(silent)}.</p>")
    parts += ["<h2>What the kit cannot see</h2>", "<ul>" + "".join(f"<li>{one}</li>" for one in blind_spots()) + "</ul>"]
    return "\n".join(parts) + "</body></html>\n"


def incomplete(backends):
    """What a whole run did not do, in sentences."""
    holds, asked = laws_of_the_kit(), {law for b in backends for law, times in b["laws"].items() if times}
    out = [f"{law}: no backend was asked, and NOT_ASKED has no reason why" for law in sorted(set(holds) - asked - set(NOT_ASKED), key=in_order)]
    out += [f"{law} stands in NOT_ASKED, and was asked" for law in sorted(asked & set(NOT_ASKED), key=in_order)]
    return out + [f"{law} stands in NOT_ASKED, and is no law of the kit" for law in sorted(set(NOT_ASKED) - set(holds), key=in_order)]


# What a whole run has to have played: beginnings of bounds, by check and fixture. Whoever plays less changes this line too, and says why.
PLAYED = {
    ("check_store_on_disk", "FileStoreOnDisk"): ["workloads of up to 3: all 1464 ", "longer workloads: 1000 drawn", "workloads of 4: ", "faults: all ", "tenures: all ", "trims: all "],
    ("check_store_media", "FileStoreOfThreeSegments"): ["every bit: all ", "every length: all ", "every byte behind a kill: all ", "every length behind a kill: all "],
    ("check_lock", "FileLockFixture"): ["schedules: all 7956 ", "schedules in time: all 193756 ", "inside two calls: all 5191 ", "pauses: all ", "wall clock in schedules: all ", "frozen clock in schedules: all ", "faults: all "],
    ("check_lock", "MemoryLockFixture"): ["schedules: all 7956 ", "schedules in time: all 193756 ", "wall clock in schedules: all ", "frozen clock in schedules: all "],
    ("check_sink", "FileSinkFixture"): ["sets: all 9331 "],
    ("check_sink", "MemorySinkFixture"): ["sets: all 9331 "],
    ("check_sink", "SqliteSinkFixture"): ["sets: all 9331 "],
    ("check_sink_on_disk", "FileSinkOnDisk"): ["crashes: all ", "faults: all "],
    ("check_updater", "UpdaterOverFiles"): ["killed: all ", "killed twice: all ", "paused: all ", "orders: all ", "failed: all "],
    ("check_updater", "UpdaterOverMemory"): ["killed: all ", "killed twice: all ", "paused: all ", "orders: all ", "failed: all "],
}


def not_played(backends):
    """What a whole run should have played and did not, in sentences."""
    bounds = {(b["check"], b["subject"]): b["bounds"] for b in backends}
    return [f"{' '.join(which)}: the bounds do not say \"{wanted.strip()}\"" for which, all_wanted in PLAYED.items() for wanted in all_wanted if not any(bound.startswith(wanted) for bound in bounds.get(which, []))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--complete", action="store_true")
    for name in ("backends", "mutants", "json", "html"):
        parser.add_argument("--" + name, required=True)
    arguments = parser.parse_args()
    with open(arguments.backends, encoding="utf-8") as file:
        backends = json.load(file)
    with open(arguments.mutants, encoding="utf-8") as file:
        mutants = json.load(file)
    mutants.sort(key=lambda m: m["id"])
    with open(arguments.json, "w", encoding="utf-8") as file:
        json.dump({"backends": backends, "mutants": mutants}, file, indent=1, sort_keys=True)
        file.write("\n")
    with open(arguments.html, "w", encoding="utf-8") as file:
        file.write(page(backends, mutants))
    missing = incomplete(backends) + not_played(backends) if arguments.complete else []
    if missing:
        sys.exit("\n".join(missing))


if __name__ == "__main__":
    main()
