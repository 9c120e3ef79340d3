#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The reports of a conformance run: the JUnit file has the elements and attributes of the common schema, the JSON says the same, and the page is whole, takes nothing from
elsewhere, and shows what is broken: report_test.py PROGRAM, a program of the kit with one check that passes and one that does not."""
import html.parser
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Of the schema that CI servers take (Jenkins xUnit, GitLab, GitHub actions): element: needed and allowed attributes, children.
SCHEMA = {
    "testsuites": (set(), {"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"skipped", "time", "timestamp", "hostname", "id", "package"}, {"testcase", "properties", "system-out", "system-err"}),
    "testcase": ({"name", "classname"}, {"time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": (set(), {"message", "type"}, set()),
}
VOID = {"meta", "br"}


def fits(element):
    needed, allowed, children = SCHEMA[element.tag]
    given = set(element.attrib)
    assert needed <= given <= needed | allowed, f"<{element.tag}> has {sorted(given)}"
    for child in element:
        assert child.tag in children, f"<{child.tag}> within <{element.tag}>"
        fits(child)
    if element.tag == "testsuite":
        cases = element.findall("testcase")
        assert int(element.get("tests")) == len(cases) and int(element.get("failures")) == len([c for c in cases if c.find("failure") is not None])
        assert len({c.get("name") for c in cases}) == len(cases), "two cases of one name"


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            assert name not in ("src", "href", "srcset", "background", "onload", "onclick"), f"<{tag} {name}={value}>: the page takes nothing from elsewhere"
        assert tag not in ("script", "link", "img", "iframe"), f"<{tag}> in the page"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        self.text += data


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        file = lambda name: os.path.join(scratch, name)
        ran = subprocess.run([program, "--quiet", "--json", file("b.json"), "--junit", file("j.xml")], capture_output=True, text=True)
        assert ran.returncode == 1, f"exit code {ran.returncode}: {ran.stdout}{ran.stderr}"
        backends = json.load(open(file("b.json"), encoding="utf-8"))
        assert [b["passed"] for b in backends].count(False) == 1 and all(b["bounds"] and b["reached"] for b in backends)
        suites = xml.parse(file("j.xml")).getroot()
        fits(suites)
        assert [s.get("name") for s in suites] == [f'{b["check"]} {b["subject"]}' for b in backends]
        failures = [f.get("type") for f in suites.iter("failure")]
        assert failures == [v["law"] for b in backends for v in b["violations"]] != []

        odd = '<b>&"quoted"</b> choices=1'
        mutant = {"id": "W01", "name": "ack-before-sync", "family": "file_store", "law": "STORE-3", "expected": "STORE-3", "verdict": "ok", "milliseconds": 1200, "operations": 2, "sentence": odd, "script": odd, "reproducer": odd}
        mutants = [mutant, {**mutant, "id": "W02", "law": "", "verdict": "SURVIVED", "sentence": ""}, {**mutant, "id": "benign_1", "law": "", "expected": "", "sentence": ""}]
        json.dump(mutants, open(file("m.json"), "w", encoding="utf-8"))
        tool = os.path.join(ROOT, "tools/conformance_report.py")
        report = [sys.executable, tool, "--backends", file("b.json"), "--mutants", file("m.json"), "--json", file("r.json"), "--html", file("r.html")]
        subprocess.run(report, check=True)
        # a whole run asks every law, but those that say why not
        partial = subprocess.run([*report, "--complete"], capture_output=True, text=True)
        assert partial.returncode != 0 and "STORE-12: no backend was asked" in partial.stderr and "CLOCK-1" not in partial.stderr, partial.stderr
        spec = importlib.util.spec_from_file_location("conformance_report", tool)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        laws = set(module.laws_of_the_kit()) - set(module.NOT_ASKED)
        assert module.incomplete([{"laws": {law: 1 for law in laws}}]) == []
        assert module.incomplete([{"laws": {law: 1 for law in laws - {"PLAN-4"}}}]) == ["PLAN-4: no backend was asked, and NOT_ASKED has no reason why"]
        assert module.incomplete([{"laws": {law: 1 for law in laws | {"CLOCK-1"}}}]) == ["CLOCK-1 stands in NOT_ASKED, and was asked"]
        # and plays its bounds whole
        full = [{"check": check, "subject": subject, "bounds": [wanted + "(...)" for wanted in bounds]} for (check, subject), bounds in module.PLAYED.items()]
        assert module.not_played(full) == []
        full[0]["bounds"][0] = full[0]["bounds"][0].replace("all", "the first")
        assert len(module.not_played(full)) == 1 and "workloads of up to 3" in module.not_played(full)[0], module.not_played(full)
        assert len(module.not_played(full[1:])) == len(full[0]["bounds"])
        whole = json.load(open(file("r.json"), encoding="utf-8"))
        assert whole["backends"] == backends and len(whole["mutants"]) == 3
        text = open(file("r.html"), encoding="utf-8").read()
        page = Page()
        page.feed(text)
        page.close()
        assert not page.open, f"never closed: {page.open}"
        for elsewhere in ("http:", "https:", "url(", "@import", "//cdn"):
            assert elsewhere not in text, f"{elsewhere} in the page"
        for needed in ("prefers-color-scheme: dark", "width=device-width", "overflow-x: auto"):
            assert needed in text, f"no {needed}"
        broken = [v for b in backends for v in b["violations"]][0]
        for said in ("SURVIVED", "1 / 2", "1 / 1", odd, broken["sentence"], broken["reproducer"], "What the kit cannot see", "Not asked in this run: "):
            assert said in page.text, f"the page does not say: {said}"
        for b in backends:
            for said in list(b["reached"]) + b["bounds"]:
                assert said in page.text, f"the page does not say: {said}"
    print("JUnit, JSON and page are as they should be")


if __name__ == "__main__":
    main()
