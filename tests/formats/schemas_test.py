#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The schemas of docs/formats/schemas against real logs: every line is accepted; with anything removed, added or of another type it is refused. And the logs
as Avro, and back, byte for byte.

usage: schemas_test.py                                   the corpus
       schemas_test.py --example PROGRAM --data FILE     a log that monthly-summary writes now
Wants python3-jsonschema and an Avro library (tools/packages.txt). Exit code 0: all as promised; 1: something is not.
"""
import argparse
import copy
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SCHEMAS = os.path.join(ROOT, "docs", "formats", "schemas")
sys.path.insert(0, os.path.join(ROOT, "tools"))

try:
    import jsonschema
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
    "CONTROL LOSS IN_PROGRESS": {"payload.lost[].effects[].tombstone", "payload.lost[].effects[].withdrawn"},
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
FREE = {"payload.plan.steps[].params"}            # the operation's own: any object
MAPS = {"payload.inputs[].partition"}             # any name, and a text
KINDS = {
    "PLAN plan DONE", "CONTROL PLAN_PART DONE", "EXECUTE DONE", "EXECUTE execute FAILED", "UPSERT upsert IN_PROGRESS", "UPSERT upsert DONE", "UPSERT upsert FAILED", "UPSERT withdraw IN_PROGRESS",
    "UPSERT withdraw DONE", "COMMIT commit DONE", "CONTROL ATTEMPT IN_PROGRESS", "CONTROL ATTEMPT DONE", "CONTROL UNDO IN_PROGRESS", "CONTROL SETTLED DONE", "CONTROL LOSS IN_PROGRESS",
    "CONTROL LOSS DONE",
}


def validator(name):
    documents = {}
    for path in glob.glob(os.path.join(SCHEMAS, "*.schema.json")):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        jsonschema.Draft202012Validator.check_schema(document)
        documents[document["$id"]] = document
    document = documents[next(key for key in documents if key.endswith("/" + name))]
    try:
        import referencing
        registry = referencing.Registry().with_contents(documents.items())
        return jsonschema.Draft202012Validator(document, registry=registry)
    except ImportError:
        return jsonschema.Draft202012Validator(document, resolver=jsonschema.RefResolver(document["$id"], document, store=documents))


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
            here = path + "." + key if path else key
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


class Check:
    def __init__(self):
        self.line, self.record, self.plan = validator("line.schema.json"), validator("record.schema.json"), validator("plan.schema.json")
        self.failures, self.lines, self.refused, self.kinds, self.shapes = [], 0, 0, set(), set()

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

    def log(self, paths):
        parts = ""
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
                    self.mutate("frame", self.line, frame, {"body.record." + each for each in OPTIONAL[kind]}, where)
                if record["operation"] == "PLAN_PART":
                    parts = (parts if line["body"]["group"]["index"] else "") + record["payload"]["text"]
                if record["phase"] == "PLAN" and "parts" in record["payload"]:
                    self.accept(self.plan, json.loads(parts), where + " (whole)")

    def mutate(self, kind, which, document, optional, where):
        shape = (kind, shape_of(document))
        if shape in self.shapes:
            return
        self.shapes.add(shape)
        self.refuse(which, document, optional, "%s (%s)" % (where, kind))
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
                allowed = name == "governance" and set(value) <= GOVERNANCE.get(kind, set())
                if name in document and not (name == "governance" and not allowed):
                    continue
                self.refused += not allowed
                if self.record.is_valid(dict(document, **{name: value})) != allowed:
                    self.fail("%s (%s) is %s with %s %s" % (where, kind, "refused" if allowed else "accepted", name, value))

    def special(self, record):
        """What is strict beyond shape: numbers that travel as strings, words, lengths."""
        for name, good, bad in (
            ("seq", [1, 9007199254740991, "9007199254740992", "9007199254740993", "9007200000000000", "10000000000000000", "18446744073709551615"], [0, -1, 9007199254740992, "0", "1", "9007199254740991", "09007199254740992", "1e20"]),
            ("tier", [0, 1, 2, 3], [4, -1, "1"]),
            ("ts", ["2026-11-21T09:05:31.955083182Z"], ["2026-11-21T09:05:31Z", "2026-11-21 09:05:31.955083182Z", "2026-11-21T09:05:31.955083182+00:00", "2026-11-21T29:05:31.955083182Z"]),
            ("actor", ["ann", "x" * 256], ["", "x" * 257]),
            ("wal_id", [], ["00000000-0000-0000-0000-000000000000", "2479E162-43f9-808d-94af-f2f40b130ada", "2479e162-43f9-408d-94af-f2f40b130ada"]),
            ("updater_version", ["1.0.0", "10.20.30"], ["1.0", "01.0.0", "1.0.0-rc1"]),
        ):
            for value in good:
                self.accept(self.record, dict(record, **{name: value}), "%s %s" % (name, value))
            for value in bad:
                self.refused += 1
                if self.record.is_valid(dict(record, **{name: value})):
                    self.fail("%s %s is accepted" % (name, value))

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
    if check.kinds != KINDS:
        check.fail("kinds of records that no log of the corpus has: %s; that this test does not know: %s" % (sorted(KINDS - check.kinds), sorted(check.kinds - KINDS)))
    logs = sorted(glob.glob(os.path.join(ROOT, "tests", "corpus", "wal-1", "endings", "log", "*", "*.jsonl")))
    frames, _ = wal_to_avro.frames_of(logs)
    check.special(next(line for line, _ in frames if line["body"]["record"]["phase"] == "COMMIT")["body"]["record"])
    check.avro(logs)


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
