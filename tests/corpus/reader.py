# SPDX-License-Identifier: BSL-1.0
"""A reader of logs that was written from docs/formats/wal.md alone: hashes, chain, verdict, identities, the life of each run.

It shares no line with the library, so what it finds proves that the page says enough. It reads whole segments into memory.
"""
import hashlib
import os
import re
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from canonical_json import read, write as canonical  # noqa: E402  # RFC 8785 is a standard: that alone is shared with the other scripts

SEGMENT = re.compile(r"^(\d{20})-(\d{20})\.jsonl$")
SEAL = re.compile(rb'^,"(hash|sum)":"([0-9a-f]{64})"((?:,"sig":\{.*\})?)\}$')
ZERO = "0" * 64
NO_LIMIT = 1 << 64


class FormatError(Exception):
    """Something that verifies says what it may not say."""


def sha(domain, *parts):
    digest = hashlib.sha256(domain.encode() + b"\n")
    for part in parts:
        digest.update(part)
    return digest


def number(value):
    """Integers above 2^53-1 travel as strings."""
    return int(value)


def uuid_v8(digest):
    raw = bytearray(digest[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


class Line:
    def __init__(self, kind, inner=None, line_hash=None):
        self.kind, self.inner, self.line_hash = kind, inner, line_hash


def read_line(text):
    """garbage, newer, frame (inner = B) or mark (inner = M)."""
    for name, seal, domain in (("body", b',"hash":"', "kfm_det/v1/frame"), ("mark", b',"sum":"', "kfm_det/v1/mark")):
        head = b'{"' + name.encode() + b'":'
        at = text.rfind(seal)
        if not text.startswith(head) or at < len(head):
            continue
        inner, behind = text[len(head):at], text[at:]
        shape = SEAL.match(behind)
        if not shape or sha(domain, inner).hexdigest() != shape.group(2).decode():
            continue
        value = read(inner)
        if value.get("format") != 1:
            return Line("newer")
        if canonical(value).encode() != inner:
            raise FormatError("a line that verifies and is not canonical")
        return Line("frame" if name == "body" else "mark", value, sha("kfm_det/v1/line", behind).hexdigest())
    return Line("garbage")


def lines_of(data):
    """Every line of a segment: (its text, whether its newline is there)."""
    at = 0
    while at < len(data):
        if data[at:at + 1] == b"\n":
            at += 1
            continue
        end = data.find(b"\n", at)
        whole = end >= 0
        end = end if whole else len(data)
        text = data[at:end]
        line = read_line(text)
        if line.kind == "garbage":
            inside = [i for i in (text.find(b'{"body":{', 1), text.find(b'{"mark":{', 1)) if i > 0]
            if inside:
                yield Line("garbage"), whole
                at += min(inside)
                continue
        yield line, whole
        at = end + 1


class Log:
    """Of one stream's folder: `frames` (those that count, in order), `marks`, `tail`, `proven`, `verdict`."""

    def __init__(self, folder, stream):
        self.stream, self.frames, self.marks, self.verdict = stream, [], [], None
        self.tail = {"hash": ZERO, "incarnation": 0, "lsn": 0}
        self.proof = self.rest_durable = 0
        self.rest = self.proven_missing = False
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        segments = [(int(m.group(1)), int(m.group(2)), m.group(0)) for m in map(SEGMENT.match, names) if m]
        limits, above = [], NO_LIMIT
        for _, first, _ in reversed(segments):
            limits.append(above)
            above = min(above, first)
        living = [(first, limit, name) for (_, first, name), limit in zip(segments, reversed(limits)) if first < limit]
        for place, (first, limit, name) in enumerate(living):
            with open(os.path.join(folder, name), "rb") as file:
                if not self.segment(file.read(), place, first, limit):
                    break
        if self.verdict is None:
            missing = self.proven_missing or max(self.proof, self.rest_durable) > self.tail["lsn"]
            self.verdict = "CorruptCommitted" if missing else "TornTail" if self.rest else "Clean"
        self.proven = self.whole_groups(min(self.proof, self.tail["lsn"]))

    def whole_groups(self, proven):
        """A proof that names the midst of a group proves what is before the group."""
        for frame, _ in self.frames:
            if number(frame["lsn"]) == proven + 1:
                return proven - frame["group"]["index"]
        return proven

    def end(self, verdict):
        self.verdict = verdict
        return False

    def segment(self, data, place, first, limit):
        if first > self.tail["lsn"] + 1:
            return self.end("Hole")
        if place:
            self.proof = max(self.proof, first - 1)
        group, dead, broken, garbage, first_line, first_frame = [], False, False, False, True, True

        def drop():
            nonlocal garbage
            garbage = garbage or bool(group)
            for frame, _ in group:
                self.rest_durable = max(self.rest_durable, number(frame["durable_upto"]))
            group.clear()

        for line, whole in lines_of(data):
            body = line.inner
            if line.kind == "newer":
                return self.end("UnsupportedVersion")
            if body is not None and body["stream"] != self.stream:
                if first_line or (first_frame and line.kind == "frame"):
                    return self.end("Foreign")
                drop()
                garbage = True
                continue
            if line.kind == "mark":
                first_line = False
                self.marks.append(body)
                if number(body["lsn"]) < limit:
                    self.proof = max(self.proof, number(body["lsn"]))
                drop()
                continue
            if dead:
                continue
            first_line = first_line and line.kind == "garbage" and not whole
            if line.kind == "garbage" or not whole:
                drop()
                garbage = True
                continue
            lsn, index, count, incarnation = number(body["lsn"]), body["group"]["index"], body["group"]["count"], number(body["incarnation"])
            if lsn >= limit:
                drop()
                dead = True
                continue
            if broken:
                self.rest_durable = max(self.rest_durable, number(body["durable_upto"]))
                garbage = True
                continue
            starts = index == 0 and lsn == self.tail["lsn"] + 1
            if starts and first_frame and place and body["prev"] != self.tail["hash"]:
                return self.end("Forked")
            if starts and body["prev"] == self.tail["hash"] and incarnation >= self.tail["incarnation"]:
                drop()
                group.append((body, line.line_hash))
            elif group and index == len(group) and lsn == self.tail["lsn"] + 1 + len(group) and count == group[0][0]["group"]["count"] and body["prev"] == group[-1][1] and incarnation == number(group[0][0]["incarnation"]):
                group.append((body, line.line_hash))
            else:
                drop()
                self.rest_durable = max(self.rest_durable, number(body["durable_upto"]))
                garbage = broken = True
                continue
            first_frame = False
            if len(group) == count:
                for frame, line_hash in group:
                    self.frames.append((frame, line_hash))
                    self.proof = max(self.proof, number(frame["durable_upto"]))
                    self.tail = {"hash": line_hash, "incarnation": frame["incarnation"], "lsn": frame["lsn"]}
                group.clear()
                garbage = False
        drop()
        if limit != NO_LIMIT and self.tail["lsn"] != limit - 1:
            if garbage:
                self.proven_missing = True
                return False
            return self.end("Hole")
        if limit == NO_LIMIT and garbage:
            self.rest = True
        return True


def check_identities(log):
    """Ids that the page derives: entry, run, effect, plan and input hashes. Answers how many were checked."""
    checked, parts = 0, ""
    for body, _ in log.frames:
        record = body["record"]
        run = uuid.UUID(record["wal_id"])
        entry = sha("kfm_det/v1/entry", bytes.fromhex(body["prev"]), run.bytes, number(record["seq"]).to_bytes(8, "big")).digest()
        expect(record["entry_id"], uuid_v8(entry), "entry_id", body)
        checked += 1
        if record["operation"] == "PLAN_PART":
            parts = (parts if body["group"]["index"] else "") + record["payload"]["text"]
        if record["phase"] != "PLAN":
            continue
        plan = plan_of(record, parts)
        trigger = plan["trigger"]
        identity = ["kfm_det/v1/run", log.stream, body["incarnation"], record["updater_id"], record["updater_version"], trigger["key"], record["input_hash"], plan.get("predecessor")]
        expect(record["wal_id"], uuid_v8(hashlib.sha256(canonical(identity).encode()).digest()), "wal_id", body)
        expect(plan["plan_hash"], sha("kfm_det/v1/plan", canonical(plan["plan"]).encode()).hexdigest(), "plan_hash", body)
        expect(record["input_hash"], sha("kfm_det/v1/inputs", canonical(plan["inputs"]).encode()).hexdigest(), "input_hash", body)
        for effect in plan["effects"]:
            expect(effect["effect"], sha("kfm_det/v1/effect", (record["wal_id"] + "\n" + effect["step"]).encode()).hexdigest(), "effect " + effect["step"], body)
        checked += 3 + len(plan["effects"])
    return checked


def expect(found, wanted, what, body):
    if found != wanted:
        raise FormatError("lsn %s: %s is %s, and the page gives %s" % (body["lsn"], what, found, wanted))


def plan_of(record, parts):
    return read(parts) if "parts" in record["payload"] else record["payload"]


def runs_of(log):
    """The life of each run, by PLAN record: what expected.json says of it."""
    runs, parts = {}, ""
    for body, _ in log.frames:
        record = body["record"]
        phase, operation, status, payload = record["phase"], record["operation"], record["status"], record["payload"]
        if operation == "PLAN_PART":
            parts = (parts if body["group"]["index"] else "") + payload["text"]
            continue
        if phase == "PLAN":
            plan = plan_of(record, parts)
            runs[record["wal_id"]] = {"attempts": 0, "effects": len(plan["effects"]), "id": record["wal_id"], "status": "open", "trigger": plan["trigger"]["key"]}
        elif operation == "LOSS":
            for lost in payload.get("lost", []):
                standing = any("withdrawn" not in effect for effect in lost["effects"])
                runs[lost["run"]] = {"attempts": 0, "effects": len(lost["effects"]), "id": lost["run"], "status": "lost" if standing else "undone", "trigger": ""}
        elif phase == "COMMIT":
            runs[record["wal_id"]]["status"] = "committed"
        elif operation == "ATTEMPT":
            runs[record["wal_id"]]["attempts"] += status == "IN_PROGRESS"
        elif operation == "UNDO":
            runs[record["wal_id"]]["status"] = "undoing"
        elif operation == "SETTLED":
            runs[record["wal_id"]]["status"] = payload["outcome"]
    return list(runs.values())


def summary(log):
    """As expected.json, without its `says`."""
    hashes = hashlib.sha256("".join(line_hash + "\n" for _, line_hash in log.frames).encode()).hexdigest()
    return {"format": 1, "incarnation": max(1, number(log.tail["incarnation"])), "line_hashes": hashes, "proven": log.proven, "records": len(log.frames), "runs": runs_of(log),
            "stream": log.stream, "tail": log.tail, "verdict": log.verdict}
