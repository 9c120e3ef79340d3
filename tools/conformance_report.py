#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""One report of a conformance run: JSON for machines and one page of HTML for people.

usage: conformance_report.py --backends FILE --mutants FILE --json FILE --html FILE
"""
import argparse
import html
import json

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1c2526; background: #fdfdfb }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2.2rem } p.lead { color: #55605f; margin-top: 0 }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 } th, td { text-align: left; padding: .28rem .6rem; border-bottom: 1px solid #e3e5e0; vertical-align: top }
th { font-weight: 600; color: #55605f } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } .ok { color: #1b7f4b } .bad { color: #b3261e; font-weight: 600 }
pre { background: #f3f4ef; padding: .6rem .8rem; overflow-x: auto; font-size: 13px } code { font-size: 13px } details summary { cursor: pointer; color: #55605f }
.tiles { display: flex; gap: 1.6rem; flex-wrap: wrap; margin: 1.2rem 0 } .tiles div { min-width: 8rem } .tiles b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums }
"""


def number(value):
    return f"{value:,}"


def seconds(milliseconds):
    return f"{milliseconds / 1000:.1f}"


def table(heads, rows):
    """heads: (text, is_number)."""
    out = ["<table><tr>" + "".join(f'<th{" class=n" if n else ""}>{html.escape(h)}</th>' for h, n in heads) + "</tr>"]
    for row in rows:
        out.append("<tr>" + "".join(f'<td{" class=n" if n else ""}>{cell}</td>' for cell, (_, n) in zip(row, heads)) + "</tr>")
    return "\n".join(out) + "</table>"


def violations_of(report):
    out = []
    for one in report["violations"]:
        out.append(f'<p class=bad>{html.escape(one["law"])}: {html.escape(one["sentence"])}</p><pre>{html.escape(one["script"])}\n\nreproduce: {html.escape(one["reproducer"])}\nusual cause: {html.escape(one["usual_cause"])}</pre>')
    return "".join(out)


def page(backends, mutants):
    broken = [b for b in backends if not b["passed"]]
    wrong = [m for m in mutants if m["verdict"] != "ok"]
    benign = [m for m in mutants if not m["expected"]]
    states = sum(b["states"] for b in backends)
    laws = sorted({law for b in backends for law in b["laws"]}, key=lambda law: (law.split("-")[0], int(law.split("-")[1]) if "-" in law else 0))
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>kfm_det conformance</title><style>{STYLE}</style>",
             "<h1>Conformance</h1>",
             f'<p class=lead>{"Every backend holds every law, and every mutant died of its own." if not broken and not wrong else f"{len(broken)} backends break a law; {len(wrong)} mutants are not as they should be."}</p>',
             '<div class=tiles>' + "".join(f"<div><b>{value}</b>{what}</div>" for value, what in [
                 (number(states), "distinct states"), (number(sum(b["cases"] for b in backends)), "cases"), (len(laws), "laws asked"),
                 (f'{len(mutants) - len(benign) - len([m for m in wrong if m["expected"]])} / {len(mutants) - len(benign)}', "mutants killed by their law"),
                 (f'{len(benign) - len([m for m in wrong if not m["expected"]])} / {len(benign)}', "odd but right, accepted")]) + "</div>",
             "<h2>Backends</h2>",
             table([("check", 0), ("fixture", 0), ("", 0), ("laws", 1), ("cases", 1), ("distinct states", 1), ("seconds", 1), ("claims", 0)],
                   [[html.escape(b["check"]), f'<code>{html.escape(b["subject"])}</code>', "<span class=ok>passed</span>" if b["passed"] else "<span class=bad>broken</span>", len(b["laws"]), number(b["cases"]), number(b["states"]),
                     seconds(b["milliseconds"]), html.escape(", ".join(c for c, made in b["claims"].items() if made) or "none")] for b in backends])]
    for b in broken:
        parts.append(f'<h2 class=bad>{html.escape(b["check"])} {html.escape(b["subject"])}</h2>' + violations_of(b))
    parts += ["<h2>Mutants</h2>",
              table([("id", 0), ("what is broken", 0), ("made from", 0), ("killed by", 0), ("seconds", 1), ("steps", 1), ("", 0)],
                    [[html.escape(m["id"]), html.escape(m["name"]), html.escape(m["family"]), html.escape(m["law"]) or ("<span class=ok>accepted</span>" if not m["expected"] and m["verdict"] == "ok" else "-"), seconds(m["milliseconds"]), m["operations"],
                      "" if m["verdict"] == "ok" else f'<span class=bad>{html.escape(m["verdict"])}</span>'] for m in sorted(mutants, key=lambda m: m["id"])]),
              "<h2>Laws</h2>",
              table([("law", 0), ("asked", 1), ("by", 0), ("mutants that died of it", 0)],
                    [[law, number(sum(b["laws"].get(law, 0) for b in backends)), html.escape(", ".join(sorted({b["check"] for b in backends if law in b["laws"]}))),
                      html.escape(", ".join(sorted(m["id"] for m in mutants if m["law"] == law)) or "none")] for law in laws]),
              "<h2>What the generators reached, and their bounds</h2>"]
    for b in backends:
        reached = table([("reached", 0), ("times", 1)], [[html.escape(what), number(count)] for what, count in b["reached"].items()])
        bounds = "<ul>" + "".join(f"<li>{html.escape(one)}</li>" for one in b["bounds"]) + "</ul>"
        parts.append(f'<details><summary>{html.escape(b["check"])} {html.escape(b["subject"])}</summary>{bounds}{reached}</details>')
    return "\n".join(parts) + "</html>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
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


if __name__ == "__main__":
    main()
