#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The schemas of docs/formats/schemas against real logs: every line is accepted; with anything removed, added, of another type or of another value it is refused,
or TAKEN says why it cannot be. And the logs as Avro, and back, byte for byte.

usage: schemas_test.py                                   the corpus
       schemas_test.py --example PROGRAM --data FILE     a log that monthly-summary writes now
Wants python3-jsonschema and an Avro library (tools/packages.txt). Exit code 0: all as promised; 1: something is not.
"""
import argparse
import copy
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SCHEMAS = os.path.join(ROOT, "docs", "formats", "schemas")
sys.path.insert(0, os.path.join(ROOT, "tools"))

try:
    import jsonschema
    import canonical_json
    import wal_to_avro
    if not wal_to_avro.library():
        raise ImportError("no Avro library")
except ImportError as error:
    if os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3") or not os.path.exists("/usr/bin/python3") or "KFM_DET_AGAIN" in os.environ:
        sys.exit("schemas_test: %s: install the packages of tools/packages.txt, group test" % error)
    os.execve("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv, dict(os.environ, KFM_DET_AGAIN="1"))   # the Python that Debian's packages belong to

# Members that a record may do without, by kind ("" is any) and place.
OPTIONAL = {
    "PLAN plan DONE": {"governance", "payload.predecessor", "payload.trigger.approval", "payload.trigger.force", "payload.effects[].irreversible", "payload.plan.steps[].publishes"},
    "EXECUTE DONE": {"governance", "payload.key"},
    "UPSERT upsert IN_PROGRESS": {"governance", "governance.approval", "governance.care"},
    "UPSERT upsert DONE": {"governance", "governance.approval", "governance.care"},
    "UPSERT withdraw IN_PROGRESS": {"governance"},
    "UPSERT withdraw DONE": {"governance"},
    "COMMIT commit DONE": {"governance"},
    "CONTROL UNDO IN_PROGRESS": {"payload.failure"},
    "CONTROL SETTLED DONE": {"payload.failure"},
    "CONTROL CHECKPOINT DONE": {"payload.head"},
    "frame": {"sig"},
    "item run": {"run." + name for name in ("ends_as", "failure", "lineage_done", "executed", "recorded", "published", "payload.predecessor", "payload.risk", "payload.trigger.approval", "payload.trigger.force",
                                            "payload.effects[].irreversible", "effects[].irreversible", "payload.plan.steps[].publishes")},
    "CONTROL LOSS IN_PROGRESS": {"payload.evidence", "payload.lost[].effects[].tombstone", "payload.lost[].effects[].withdrawn"},
}
# What governance may say, by kind.
GOVERNANCE = {
    "PLAN plan DONE": {"approval"}, "EXECUTE DONE": {"care"}, "UPSERT upsert IN_PROGRESS": {"approval", "care"}, "UPSERT upsert DONE": {"approval", "care"}, "UPSERT withdraw IN_PROGRESS": {"care"},
    "UPSERT withdraw DONE": {"care"}, "COMMIT commit DONE": {"approval"},
}
# Good values of members that most kinds do not have; the last two are reserved.
ELSEWHERE = [
    ("pre_state_hash", "0" * 64), ("post_state_expected", "0" * 64), ("reversal", {"effect": "0" * 64, "operation": "withdraw"}), ("governance", {"approval": "CHG-1"}), ("governance", {"care": ["label"]}),
    ("lineage_links", {}), ("telemetry", {}),
]
FREE = {"payload.plan.steps[].params", "run.payload.plan.steps[].params"}   # the operation's own: any object
MAPS = {"payload.inputs[].partition", "run.payload.inputs[].partition", "run.executed", "run.published", "run.payload.risk"}   # whose members are called anything
KINDS = {
    "PLAN plan DONE", "CONTROL PLAN_PART DONE", "EXECUTE DONE", "EXECUTE execute FAILED", "UPSERT upsert IN_PROGRESS", "UPSERT upsert DONE", "UPSERT upsert FAILED", "UPSERT withdraw IN_PROGRESS",
    "UPSERT withdraw DONE", "COMMIT commit DONE", "CONTROL ATTEMPT IN_PROGRESS", "CONTROL ATTEMPT DONE", "CONTROL UNDO IN_PROGRESS", "CONTROL SETTLED DONE", "CONTROL LOSS IN_PROGRESS",
    "CONTROL LOSS DONE", "CONTROL CHECKPOINT DONE",
}
ITEMS = {"item token", "item run", "item keys", "item ends"}   # lines of a checkpoint's text
# Changed values that the schemas have to take: (what is changed, how, why).
NUMBERS = ("one more", "2^32", "2^53 as text", "zero")
TEXTS = ("shorter", "longer", "in capitals")
ANY_TEXT = TEXTS + ("with a newline", "with a bell", "very long", "empty")
TAKEN = [
    (r".*", ("another digest",), "which digest it is says what it was made of, and that is not here"),
    (r"(.*\.)?(seq|next_seq|token|lsn|incarnation|durable_upto|ordinal|first|plan_group|planned_effects|size)", NUMBERS, "which number it is says what is around it: the chain, the run, the step's bytes"),
    (r"(body\.record\.)?payload\.effects", NUMBERS, "as many as the run's PLAN says"),
    (r"body\.group\.(count|index)|payload\.(part|parts|attempt)|run\.attempts(_ever)?|ends\.counts\[\]", NUMBERS, "no schema compares two numbers: index and part are below count and parts"),
    (r"(.*\.)?tier", ("one more", "zero"), "the plan says which"),
    (r"ends\.counts", ("with the last one twice",), "no schema compares two lengths: as many counts as hashes"),
    (r"(run\.)?payload\.(effects|inputs|retired|plan\.steps|plan\.steps\[\]\.(after|care))|run\.effects|payload\.lost", ("empty",), "there may be none; a plan says what it needs"),
    (r"run\.recorded", ("with the last one twice", "very long"), "one for each record, also of the same step"),
    (r"(.*\.)?(step_id|step|id|operation|updater_id|updater|stream|code)|(run\.)?payload\.plan\.steps\[\]\.after\[\]|sig\.(alg|key)", TEXTS, "a name; which of them are there says the plan, or the reader's ring of keys"),
    (r"(.*\.)?(business_key|publishes)|(.*\.)?(keys|retired)\[\]|(.*\.)?care\[\]", TEXTS, "a name that somebody chose"),
    (r"(.*\.)?step(_id)?", ("with a newline",), "of a key that left or is lost the step holds the key; that it has no control characters is said where the key stands"),
    (r"(.*\.)?(actor|approval|trigger\.key)", TEXTS + ("with a newline", "with a bell"), "any text of this length"),
    (r"(.*\.)?(uri|partition|partition\.\*|failure\.sentence|failure\.step)", ANY_TEXT, "any text"),
    (r"payload\.text", ANY_TEXT, "a piece of a text: the whole is looked at where its pieces are together"),
]


def pattern(_, expression, value, __):
    """As ECMA-262 says it, which JSON Schema means: `$` is the end, not also the place in front of a last newline."""
    if isinstance(value, str) and not re.search(expression[:-1] + r"\Z" if expression.endswith("$") else expression, value):
        yield jsonschema.ValidationError("%r does not match %r" % (value, expression))


def validator(name):
    documents = {}
    for path in glob.glob(os.path.join(SCHEMAS, "*.schema.json")):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        jsonschema.Draft202012Validator.check_schema(document)
        del document["$schema"]   # which would bring the plain class back
        documents[document["$id"]] = document
    kind = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    document = documents[next(key for key in documents if key.endswith("/" + name))]
    try:
        import referencing
        registry = referencing.Registry().with_contents(documents.items())
        return kind(document, registry=registry)
    except ImportError:
        return kind(document, resolver=jsonschema.RefResolver(document["$id"], document, store=documents))


def kind_of(record):
    operation = "" if record["phase"] == "EXECUTE" and record["status"] == "DONE" else record["operation"] + " "
    return record["phase"] + " " + operation + record["status"]


def shape_of(value, depth=0):
    """Records of one kind with the same members, down to lists, are mutated once."""
    if isinstance(value, dict):
        return tuple((key, shape_of(item, depth + 1)) for key, item in sorted(value.items()) if key != "params")
    if isinstance(value, list):
        return tuple(sorted({shape_of(item, depth + 1) for item in value}, key=str))
    return type(value).__name__


def places(value, path="", trail=()):
    """Every object and member: (path, trail of keys). Of a list, one element of each shape."""
    if path in FREE:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            here = path + ".*" if path in MAPS else path + "." + key if path else key
            yield here, trail + (key,)
            yield from places(item, here, trail + (key,))
    elif isinstance(value, list):
        seen = set()
        for index, item in enumerate(value):
            shape = shape_of(item)
            if shape in seen:
                continue
            seen.add(shape)
            yield path + "[]", trail + (index,)
            yield from places(item, path + "[]", trail + (index,))


def at(value, trail):
    for key in trail:
        value = value[key]
    return value


def wrong_types(value):
    """Values of every other type, and of a number some that no number here may be."""
    others = [None, True, 1.5, -1, "no such word", [0], {"no": "such member"}]
    if isinstance(value, bool):
        return [None, 1, "true", [], {}] + ([not value] if value else [])
    if isinstance(value, str):
        return [None, True, 1, 1.5, [], {}]
    if isinstance(value, int):
        return [None, True, 1.5, -1, "no such word", "12", [], {}]
    if isinstance(value, list):
        return [other for other in others if not isinstance(other, list)] + [[None]]
    return [other for other in others if not isinstance(other, dict)] + [[]]


def other_values(value):
    """(what was done, a value of the same type); which of them a schema has to take, and why, says TAKEN."""
    if isinstance(value, str):
        if value:
            yield "shorter", value[:-1]
        yield "longer", value + "x"
        yield "with a newline", value + "\n"
        yield "with a bell", "\a" + value
        yield "very long", value + "x" * 2000
        if value.upper() != value:
            yield "in capitals", value.upper()
        if value:
            yield "empty", ""
        if re.fullmatch(r"[0-9a-f]{64}", value):
            yield "another digest", "0123456789abcdef" * 4 if value != "0" * 64 else "f" * 64
    elif isinstance(value, list):
        if value:
            yield "empty", []
            yield "with the last one twice", value + value[-1:]
            if not isinstance(value[0], dict):
                yield "very long", value * 5000
    elif isinstance(value, int) and not isinstance(value, bool):
        yield "one more", value + 1
        if value:
            yield "zero", 0
        yield "2^32", 1 << 32
        yield "2^53", 1 << 53
        yield "2^53 as text", str(1 << 53)
        yield "2^64 as text", str(1 << 64)


def mutants_of(document, optional):
    """(what was done, the document with it done); each must be refused."""
    for path, trail in [("", ())] + list(places(document)):
        value = at(document, trail)
        if trail and isinstance(trail[-1], str) and path not in optional and not any(path.startswith(each + ".") for each in MAPS):
            mutant = copy.deepcopy(document)
            del at(mutant, trail[:-1])[trail[-1]]
            yield "without " + path, mutant
        if isinstance(value, dict) and path not in FREE and path not in MAPS:
            mutant = copy.deepcopy(document)
            at(mutant, trail)["zzz"] = 1
            yield "with " + path + ".zzz", mutant
        if trail:
            for other in wrong_types(value):
                if path.endswith(".irreversible") and isinstance(other, bool) and path.startswith("payload.plan.steps"):
                    continue   # the one member that may be false
                mutant = copy.deepcopy(document)
                at(mutant, trail[:-1])[trail[-1]] = other
                yield path + " = " + json.dumps(other), mutant


def value_mutants_of(document):
    """(place, what was done, the document with it done); a schema refuses each but what is in TAKEN."""
    for path, trail in places(document):
        for done, other in other_values(at(document, trail)):
            mutant = copy.deepcopy(document)
            at(mutant, trail[:-1])[trail[-1]] = other
            yield path, done, mutant


class Check:
    def __init__(self):
        self.line, self.record, self.plan, self.item = (validator(name + ".schema.json") for name in ("line", "record", "plan", "checkpoint"))
        self.failures, self.lines, self.refused, self.kinds, self.items, self.shapes, self.used, self.taken, self.tried, self.seen_items = [], 0, 0, set(), set(), set(), set(), {}, {}, []

    def fail(self, what):
        self.failures.append(what)

    def accept(self, which, value, what):
        error = next(iter(which.iter_errors(value)), None)
        if error:
            self.fail("%s is refused: %s: %s" % (what, ".".join(map(str, error.absolute_path)), error.message[:300]))

    def refuse(self, which, document, optional, what):
        for done, mutant in mutants_of(document, optional):
            self.refused += 1
            if which.is_valid(mutant):
                self.fail("%s is accepted %s" % (what, done))

    def refuse_values(self, kind, which, document, what):
        for path, done, mutant in value_mutants_of(document):
            tried = self.tried.setdefault((kind, path, done), [])
            if len(tried) >= 2:   # often enough
                continue
            tried.append(what)
            rule = next((rule for rule in TAKEN if re.fullmatch(rule[0], path) and done in rule[1]), None)
            accepted = which.is_valid(mutant)
            self.refused += not accepted
            if accepted:
                self.taken.setdefault((kind, path, done), rule)
            if accepted and rule:
                self.used.add(rule[0])
            elif accepted:
                self.fail("%s is accepted with %s %s" % (what, path, done))

    def checkpoint(self, text, where):
        """The text of a group of CHECKPOINT records: its lines, and the mutants of each."""
        if not text.endswith("\n"):
            self.fail("%s: a checkpoint that ends in the middle" % where)
        for number, line in enumerate(text.split("\n")[:-1], 1):
            item = canonical_json.read(line)
            here = "%s, line %d of the checkpoint" % (where, number)
            self.accept(self.item, item, here)
            kind = "item " + "".join(item)
            self.items.add(kind)
            self.seen_items.append(item)
            self.mutate(kind, self.item, item, OPTIONAL.get(kind, set()), here)

    def log(self, paths):
        parts = checkpoint = ""
        for path in paths:
            with open(path, "rb") as file:
                lines = file.read().split(b"\n")
            for number, text in enumerate(lines, 1):
                try:
                    line = json.loads(text) if text else None
                except ValueError:
                    continue   # garbage: no line of a log
                if line is None:
                    continue
                self.lines += 1
                where = "%s:%d" % (os.path.relpath(path, ROOT), number)
                self.accept(self.line, line, where)
                if "mark" in line:
                    self.mutate("MARK", self.line, line, set(), where)
                    continue
                record = line["body"]["record"]
                kind = kind_of(record)
                self.kinds.add(kind)
                frame = copy.deepcopy(line)
                self.mutate(kind, self.record, record, OPTIONAL.get(kind, set()), where)
                if kind == "COMMIT commit DONE":   # the outer shape, once: what is inside is the record's
                    self.mutate("frame", self.line, frame, {"body.record." + each for each in OPTIONAL[kind]} | OPTIONAL["frame"], where)
                if record["operation"] == "PLAN_PART":
                    parts = (parts if line["body"]["group"]["index"] else "") + record["payload"]["text"]
                if record["operation"] == "CHECKPOINT":
                    checkpoint = (checkpoint if line["body"]["group"]["index"] else "") + record["payload"]["text"]
                    if record["payload"]["part"] + 1 == record["payload"]["parts"]:
                        self.checkpoint(checkpoint, where)
                if record["phase"] == "PLAN" and "parts" in record["payload"]:
                    self.accept(self.plan, json.loads(parts), where + " (whole)")

    def mutate(self, kind, which, document, optional, where):
        shape = (kind, shape_of(document))
        if shape in self.shapes:
            return
        self.shapes.add(shape)
        self.refuse(which, document, optional, "%s (%s)" % (where, kind))
        self.refuse_values(kind, which, document, "%s (%s)" % (where, kind))
        if kind in KINDS:   # every word of it in turn: it is another kind then, or none
            for name, words in (("phase", ["PLAN", "EXECUTE", "UPSERT", "LINEAGE", "COMMIT", "CONTROL", "PENDING"]), ("status", ["PENDING", "IN_PROGRESS", "DONE", "FAILED"]),
                                ("operation", ["plan", "upsert", "withdraw", "commit", "ATTEMPT", "SETTLED", "UNDO", "LOSS", "CHECKPOINT", "PLAN_PART"])):
                for word in words:
                    if word == document[name] or (kind == "EXECUTE DONE" and name == "operation"):
                        continue
                    mutant = dict(document)
                    mutant[name] = word
                    self.refused += 1
                    if self.record.is_valid(mutant):
                        self.fail("%s (%s) is accepted as %s %s" % (where, kind, name, word))
            for name, value in ELSEWHERE:   # what stands in other kinds
                allowed = name == "governance" and set(value) <= GOVERNANCE.get(kind, set()) and not ("care" in value and document["step_id"].startswith("retire:"))   # a tombstone has no labels
                if name in document and not (name == "governance" and not allowed):
                    continue
                self.refused += not allowed
                if self.record.is_valid(dict(document, **{name: value})) != allowed:
                    self.fail("%s (%s) is %s with %s %s" % (where, kind, "refused" if allowed else "accepted", name, value))

    def special(self, record):
        """What is strict beyond shape: numbers that travel as strings, words, lengths."""
        for name, good, bad in (
            ("seq", [1, 9007199254740991, "9007199254740992", "9007199254740993", "9007200000000000", "10000000000000000", "18446744073709551615"], ["18446744073709551616", "20000000000000000000", "100000000000000000000", 0, -1, 9007199254740992, "0", "1", "9007199254740991", "09007199254740992", "1e20"]),
            ("tier", [0, 1, 2, 3], [4, -1, "1"]),
            ("ts", ["2026-11-21T09:05:31.955083182Z", "2024-02-29T00:00:00.000000000Z", "1969-12-31T23:59:59.999999999Z"], ["2026-13-01T00:00:00.000000000Z", "2026-02-30T00:00:00.000000000Z",
                                                                                                                             "2026-04-31T00:00:00.000000000Z", "2026-00-10T00:00:00.000000000Z",
                                                                                                                             "2300-01-01T00:00:00.000000000Z", "2026-11-21T09:05:31Z", "2026-11-21 09:05:31.955083182Z", "2026-11-21T09:05:31.955083182+00:00", "2026-11-21T29:05:31.955083182Z"]),
            ("actor", ["ann", "x" * 256], ["", "x" * 257]),
            ("wal_id", [], ["00000000-0000-0000-0000-000000000000", "2479E162-43f9-808d-94af-f2f40b130ada", "2479e162-43f9-408d-94af-f2f40b130ada"]),
            ("updater_version", ["1.0.0", "10.20.30", "4294967295.4294967295.0"], ["1.0", "01.0.0", "1.0.0-rc1", "4294967296.0.0", "0.0.10000000000"]),
        ):
            for value in good:
                self.accept(self.record, dict(record, **{name: value}), "%s %s" % (name, value))
            for value in bad:
                self.refused += 1
                if self.record.is_valid(dict(record, **{name: value})):
                    self.fail("%s %s is accepted" % (name, value))

    def choose(self, which, document, changes, good, what):
        """The document with members put in another way (None: taken away), by path."""
        mutant = copy.deepcopy(document)
        for path, value in changes.items():
            *trail, last = path.split(".")
            place = at(mutant, [int(key) if key.isdigit() else key for key in trail])
            if value is None:
                del place[last]
            else:
                place[last] = value
        if good:
            self.accept(which, mutant, "%s with %s" % (what, changes))
        else:
            self.refused += 1
            if which.is_valid(mutant):
                self.fail("%s is accepted with %s" % (what, changes))

    def signatures(self, line):
        """As wal/signature.hpp reads them: of the library's own algorithm 64 bytes, of another one up to 256."""
        for good, changes in (
            (True, {"alg": "ecdsa-p256", "value": "00" * 72}), (True, {"alg": "x" * 32, "value": ""}), (True, {"alg": "none", "value": "ff" * 256}), (True, {"key": "A-Z.a_z-09"}), (True, {"key": "k" * 64}),
            (False, {"value": "00" * 63}), (False, {"value": "00" * 65}), (False, {"value": ""}), (False, {"value": "0" * 127}), (False, {"value": "0" * 127 + "A"}), (False, {"alg": "x", "value": "0" * 9}),
            (False, {"alg": "x", "value": "00" * 257}), (False, {"alg": "Ed25519"}), (False, {"alg": ""}), (False, {"alg": "x" * 33}), (False, {"alg": "ed_25519"}), (False, {"key": ""}), (False, {"key": "k" * 65}),
            (False, {"key": "a b"}), (False, {"key": "a/b"}), (False, {"key": "\u00e9"}),
        ):
            self.choose(self.line, line, {"sig." + name: value for name, value in changes.items()}, good, "a signed line")

    def checkpoints(self, records, items):
        """What stands in a CHECKPOINT record, and in a run of its text, depends on the part and on how far the run is."""
        whole, first, middle = (next(record for record in records if is_it(record["payload"])) for is_it in (
            lambda payload: payload["parts"] == 1, lambda payload: payload["parts"] > 1 and payload["part"] == 0, lambda payload: payload["part"] > 0))
        head, text = whole["payload"]["head"], whole["payload"]["text"]
        for document, good, changes in (
            (first, True, {"payload.head": None}), (first, False, {"payload.parts": 0}), (first, False, {"payload.text": '{"run":{}}'}), (first, False, {"payload.text": '{"token":0}'}),
            (first, False, {"payload.head.lsn": 0}), (first, False, {"payload.head": {}}), (middle, False, {"payload.head": head}), (middle, False, {"payload.parts": 1}), (middle, False, {"payload.text": ""}),
            (whole, False, {"payload.text": text[:-1]}), (whole, False, {"payload.text": text + "{"}), (whole, False, {"payload.part": 1}), (whole, False, {"wal_id": "2479e162-43f9-808d-94af-f2f40b130ada"}),
            (whole, False, {"tier": 1}), (whole, False, {"input_hash": "f" * 64}), (whole, False, {"status": "IN_PROGRESS"}), (whole, False, {"phase": "PLAN"}), (whole, False, {"step_id": "a"}),
        ):
            self.choose(self.record, document, changes, good, "a CHECKPOINT record")
        runs = [item["run"] for item in items if "run" in item]
        open_, back, again, ended, failed, lost = (next(run for run in runs if is_it(run)) for is_it in (
            lambda run: run["status"] == "open", lambda run: run["status"] == "undoing" and "whole" in run, lambda run: "recorded" in run, lambda run: run["status"] == "committed",
            lambda run: "failure" in run, lambda run: "lost" in run))
        plan, effects, failure = open_["payload"], open_["effects"], failed["failure"]
        for run, good, changes in (
            (open_, True, {"failure": failure}), (open_, True, {"executed": None}), (open_, False, {"whole": None}), (open_, False, {"effects": None}), (open_, False, {"payload": ended["payload"]}),
            (open_, False, {"status": "committed"}), (open_, False, {"status": "lost"}), (open_, False, {"ends_as": "failed"}), (open_, False, {"recorded": again["recorded"]}), (open_, False, {"actor": None}),
            (open_, False, {"lost": True}), (open_, False, {"plan_group": 0}), (open_, False, {"effects.0.step": "retire:x"}), (open_, False, {"effects.0.tombstone": True}), (open_, False, {"executed": {}}),
            (back, True, {"ends_as": "quarantined"}), (back, True, {"ends_as": None}), (back, False, {"ends_as": "parked"}), (back, False, {"ends_as": "undone"}), (back, False, {"recorded": again["recorded"]}),
            (again, False, {"status": "open"}), (again, False, {"status": "undone"}), (again, False, {"recorded": []}), (again, False, {"recorded.0.progress": "done"}), (again, False, {"effects": effects}),
            (ended, True, {"status": "parked"}), (ended, True, {"lineage_done": True}), (ended, True, {"published": None}), (ended, False, {"payload": plan}), (ended, False, {"whole": True}),
            (ended, False, {"effects": effects}), (ended, False, {"executed": open_["executed"]}), (ended, False, {"payload": None}), (ended, False, {"status": "lost"}), (ended, False, {"ends_as": "failed"}),
            (ended, False, {"published.copy:a.key": None}), (ended, False, {"published.copy:a.before": None}), (ended, False, {"published.copy:a": {}}), (ended, False, {"lineage_done": False}),
            (failed, True, {"failure": dict(failure, stage="", step="")}), (failed, False, {"failure.stage": "PLAN"}), (failed, False, {"failure": dict(failure, stage="", step="a")}),
            (lost, True, {"status": "undone"}), (lost, True, {"status": "undoing"}), (lost, False, {"status": "committed"}), (lost, False, {"actor": "ann"}), (lost, False, {"payload": ended["payload"]}),
            (lost, False, {"lost": None}), (lost, False, {"effects": []}), (lost, False, {"effects.0.step": "copy:a"}), (lost, False, {"effects.0.irreversible": True}), (lost, False, {"effects.0.progress": "done"}),
        ):
            self.choose(self.item, {"run": run}, {"run." + name: value for name, value in changes.items()}, good, "a run")
        for value in ({"token": 0}, {"token": 1, "keys": ["a"]}, {}, {"keys": []}, {"keys": ["a", "a"]}, {"keys": [str(key) for key in range(1025)]}, {"other": 1}, [], None):
            self.refused += 1
            if self.item.is_valid(value):
                self.fail("the line %s of a checkpoint is accepted" % json.dumps(value)[:80])

    def avro(self, paths):
        """Every frame, to Avro and back: the same bytes."""
        write, read = wal_to_avro.library()
        frames, _ = wal_to_avro.frames_of(paths)
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "log.avro")
            write(path, [wal_to_avro.frame_to_avro(line) for line, _ in frames])
            back = [wal_to_avro.avro_to_frame(value) for value in read(path)]
        if back != [text for _, text in frames] or not frames:
            self.fail("the log is another one behind Avro")
        line = frames[0][0]
        for done, mutant in (("without hash", {"body": line["body"]}), ("with zzz", dict(line, zzz=1)), ("with body.zzz", dict(line, body=dict(line["body"], zzz=1))),
                             ("with record.zzz", dict(line, body=dict(line["body"], record=dict(line["body"]["record"], zzz=1))))):
            try:
                wal_to_avro.frame_to_avro(mutant)
                self.fail("a frame %s becomes Avro" % done)
            except KeyError:
                pass
        for member, wrong in (("hash", b"short"), ("lsn", "1"), ("stream", 1), ("record", None)):
            with tempfile.TemporaryDirectory() as scratch:
                try:
                    write(os.path.join(scratch, "wrong.avro"), [dict(wal_to_avro.frame_to_avro(line), **{member: wrong})])
                    self.fail("Avro takes %s = %r" % (member, wrong))
                except Exception:   # noqa: BLE001  # each library has an error of its own
                    pass


def written_now(example, data, state):
    """A log of the example: committed, again with a change, undone."""
    run = [example, "run", "--data", data, "--state", state, "--quiet"]
    subprocess.run(run + ["--actor", "ann"], check=True)
    with open(data, encoding="utf-8") as file:
        lines = file.readlines()
    shorter = os.path.join(state, "shorter.csv")
    with open(shorter, "w", encoding="utf-8") as file:
        file.writelines(lines[:400])
    subprocess.run([example, "run", "--data", shorter, "--state", state, "--quiet", "--trigger", os.path.basename(data)], check=True)
    logs = sorted(glob.glob(os.path.join(state, "wal", "*", "*.jsonl")))
    last = [line for line, _ in wal_to_avro.frames_of(logs)[0]][-1]["body"]["record"]["wal_id"]
    subprocess.run([example, "undo", last, "--state", state, "--quiet", "--actor", "bob"], check=True)
    return sorted(glob.glob(os.path.join(state, "wal", "*", "*.jsonl")))


def corpus(check):
    for folder in sorted(glob.glob(os.path.join(ROOT, "tests", "corpus", "wal-*", "*", "log", "*"))):
        check.log(sorted(glob.glob(os.path.join(folder, "*.jsonl"))))
        check.log(sorted(glob.glob(os.path.join(folder, "archive", "*.jsonl"))))
    if check.kinds != KINDS:
        check.fail("kinds of records that no log of the corpus has: %s; that this test does not know: %s" % (sorted(KINDS - check.kinds), sorted(check.kinds - KINDS)))
    for where, _, _ in TAKEN:
        if where not in check.used:
            check.fail("nothing is taken any more for the reason of %s" % where)
    if check.items != ITEMS:
        check.fail("lines of a checkpoint: %s" % sorted(check.items ^ ITEMS))
    logs = sorted(glob.glob(os.path.join(ROOT, "tests", "corpus", "wal-1", "endings", "log", "*", "*.jsonl")))
    frames, _ = wal_to_avro.frames_of(logs)
    check.special(next(line for line, _ in frames if line["body"]["record"]["phase"] == "COMMIT")["body"]["record"])
    check.avro(logs)
    frames = [line for story in ("signed", "compacted", "compacted_in_parts", "compacted_going_back") for line, _ in
              wal_to_avro.frames_of(sorted(glob.glob(os.path.join(ROOT, "tests", "corpus", "wal-1", story, "log", "**", "*.jsonl"), recursive=True)))[0]]
    check.signatures(next(line for line in frames if "sig" in line))
    check.checkpoints([line["body"]["record"] for line in frames if line["body"]["record"]["operation"] == "CHECKPOINT"], check.seen_items)
    for story in ("signed", "compacted_in_parts"):
        check.avro(sorted(glob.glob(os.path.join(ROOT, "tests", "corpus", "wal-1", story, "log", "*", "*.jsonl"))))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--example")
    arguments.add_argument("--data")
    options = arguments.parse_args()
    check = Check()
    if options.example:
        with tempfile.TemporaryDirectory() as state:
            logs = written_now(options.example, options.data, state)
            check.log(logs)
            check.avro(logs)
    else:
        corpus(check)
    for failure in check.failures[:40]:
        print(failure)
    print("%d lines accepted, %d mutants refused of %d shapes, %d failures" % (check.lines, check.refused, len(check.shapes), len(check.failures)))
    return 1 if check.failures or check.refused < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
