# SPDX-License-Identifier: BSL-1.0
"""A reader of logs that was written from docs/formats/wal.md alone: hashes, chain, verdict, identities, signatures, the life of each run, and what a checkpoint
of it says.

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
SEAL = re.compile(rb',"(?:hash|sum)":"([0-9a-f]{64})"(?:,"sig":\{"alg":"([a-z0-9-]{1,32})","key":"([A-Za-z0-9._-]{1,64})","value":"((?:[0-9a-f]{2}){0,256})"\})?\}')
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
    def __init__(self, kind, inner=None, line_hash=None, seal=None):
        self.kind, self.inner, self.line_hash, self.seal = kind, inner, line_hash, seal   # seal: (hash, algorithm, key, value), the last three None without a signature


def read_line(text):
    """garbage, newer, frame (inner = B) or mark (inner = M)."""
    for name, seal, domain in (("body", b',"hash":"', "kfm_det/v1/frame"), ("mark", b',"sum":"', "kfm_det/v1/mark")):
        head = b'{"' + name.encode() + b'":'
        at = text.rfind(seal)
        if not text.startswith(head) or at < len(head):
            continue
        inner, behind = text[len(head):at], text[at:]
        shape = SEAL.fullmatch(behind)
        if not shape or sha(domain, inner).hexdigest() != shape.group(1).decode() or (name == "mark" and shape.group(2)):
            continue
        value = read(inner)
        if value.get("format") != 1:
            return Line("newer")
        if canonical(value).encode() != inner:
            raise FormatError("a line that verifies and is not canonical")
        return Line("frame" if name == "body" else "mark", value, sha("kfm_det/v1/line", behind).hexdigest(), tuple(part and part.decode() for part in shape.groups()))
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


def segments_of(folder):
    """Those of the folder, and those of its archive that are not in it: (ordinal, first LSN, path, whether archived)."""
    out = {}
    for archived, place in ((True, os.path.join(folder, "archive")), (False, folder)):
        for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
            found = SEGMENT.match(name)
            if found:
                out[name] = (int(found.group(1)), int(found.group(2)), os.path.join(place, name), archived)
            elif archived and name.endswith(".jsonl.zst"):
                raise FormatError("a packed segment: unpack it beside itself, as <ordinal>-<first LSN>.jsonl")
    return [out[name] for name in sorted(out)]


def is_checkpoint(body):
    return body["record"]["phase"] == "CONTROL" and body["record"]["operation"] == "CHECKPOINT"


class Log:
    """Of one stream's folder: `frames` (those that count, in order: body, line hash, seal), `marks`, `base`, `tail`, `proven`, `verdict`.

    `whole`: begins with the first segment of the archive, also where a checkpoint in the folder makes that needless."""

    def __init__(self, folder, stream, whole=False):
        self.stream, self.frames, self.marks, self.verdict, self.base = stream, [], [], None, 1
        self.tail = {"hash": ZERO, "incarnation": 0, "lsn": 0}
        self.proof = self.rest_durable = 0
        self.rest = self.proven_missing = False
        segments, limits, above = segments_of(folder), [], NO_LIMIT
        for _, first, _, _ in reversed(segments):
            limits.append(above)
            above = min(above, first)
        living = [(first, limit, path, archived) for (_, first, path, archived), limit in zip(segments, reversed(limits)) if first < limit]
        stopped = begun = False
        for first, limit, path, _ in living[0 if whole else self.beginning(living):]:
            with open(path, "rb") as file:
                data = file.read()
            checkpoint = self.checkpoint_at(data, first) if first > 1 and (stopped or not begun) else None
            if checkpoint and number(checkpoint[-1]["lsn"]) < limit:
                self.begin_at(checkpoint[0])
                stopped, begun = False, True
            if not stopped:
                stopped = not self.segment(data, begun, first, limit)
                begun = True
        if self.verdict is None:
            missing = self.proven_missing or max(self.proof, self.rest_durable) > self.tail["lsn"]
            self.verdict = "CorruptCommitted" if missing else "TornTail" if self.rest else "Clean"
        self.proven = self.whole_groups(min(self.proof, self.tail["lsn"]))

    def beginning(self, living):
        """Where the folder begins; if that is neither LSN 1 nor a checkpoint, back through the archive to what is."""
        place = next((i for i, (_, _, _, archived) in enumerate(living) if not archived), max(len(living) - 1, 0))
        while place > 0 and living[place][0] != 1:
            with open(living[place][2], "rb") as file:
                if self.checkpoint_at(file.read(), living[place][0]):
                    break
            place -= 1
        return place

    def checkpoint_at(self, data, first):
        """The frames of a whole checkpoint at the front of a segment."""
        group, link = [], None
        for line, whole in lines_of(data):
            body = line.inner
            if line.kind == "mark" and body["stream"] == self.stream and not group:
                continue
            if line.kind != "frame" or not whole or body["stream"] != self.stream or number(body["lsn"]) != first + len(group) or body["group"]["index"] != len(group) or not is_checkpoint(body):
                return None
            if group and (body["prev"] != link or body["group"]["count"] != group[0]["group"]["count"] or body["incarnation"] != group[0]["incarnation"]):
                return None
            group.append(body)
            link = line.line_hash
            if len(group) == body["group"]["count"]:
                return group
        return None

    def begin_at(self, body):
        self.frames, self.base, self.verdict, self.rest, self.proven_missing = [], number(body["lsn"]), None, False, False
        self.tail = {"hash": body["prev"], "incarnation": body["incarnation"], "lsn": self.base - 1}
        self.proof = max(self.proof, self.base - 1)

    def whole_groups(self, proven):
        """A proof that names the midst of a group proves what is before the group."""
        for frame, _, _ in self.frames:
            if number(frame["lsn"]) == proven + 1:
                return proven - frame["group"]["index"]
        return proven

    def end(self, verdict):
        self.verdict = verdict
        return False

    def segment(self, data, begun, first, limit):
        if first > self.tail["lsn"] + 1:
            return self.end("Hole")
        if begun:
            self.proof = max(self.proof, first - 1)
        group, dead, broken, garbage, first_line, first_frame = [], False, False, False, True, True

        def drop():
            nonlocal garbage
            garbage = garbage or bool(group)
            for frame, _, _ in group:
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
            if starts and first_frame and begun and body["prev"] != self.tail["hash"]:
                return self.end("Forked")
            if starts and body["prev"] == self.tail["hash"] and incarnation >= self.tail["incarnation"]:
                drop()
                group.append((body, line.line_hash, line.seal))
            elif group and index == len(group) and lsn == self.tail["lsn"] + 1 + len(group) and count == group[0][0]["group"]["count"] and body["prev"] == group[-1][1] and incarnation == number(group[0][0]["incarnation"]):
                group.append((body, line.line_hash, line.seal))
            else:
                drop()
                self.rest_durable = max(self.rest_durable, number(body["durable_upto"]))
                garbage = broken = True
                continue
            first_frame = False
            if len(group) == count:
                for frame, line_hash, seal in group:
                    self.frames.append((frame, line_hash, seal))
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
    for body, _, _ in log.frames:
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
        at = max(len(os.path.commonprefix([str(found), str(wanted)])) - 40, 0)   # of a long text, the place that differs
        raise FormatError("lsn %s: %s is %s, and the page gives %s" % (body["lsn"], what, str(found)[at:at + 160], str(wanted)[at:at + 160]))


def plan_of(record, parts):
    return read(parts) if "parts" in record["payload"] else record["payload"]


def signatures_of(log, ring):
    """How many signatures of each key there are; FormatError for one that is not valid. `ring`: a ring of keys (docs/guides/verify.md), parsed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    counts = {}
    for body, _, (frame_hash, algorithm, key, value) in log.frames:
        if key is None:
            continue
        place = (number(body["incarnation"]), number(body["lsn"]))
        valid = [each for each in ring["keys"] if each["key"] == key and each["algorithm"] == algorithm == "ed25519"
                 and (number(each["from"]["incarnation"]), number(each["from"]["lsn"])) <= place <= ((number(each["to"]["incarnation"]), number(each["to"]["lsn"])) if "to" in each else (NO_LIMIT, NO_LIMIT))]
        signed = {"alg": algorithm, "hash": frame_hash, "incarnation": body["incarnation"], "key": key, "lsn": body["lsn"], "stream": body["stream"]}
        if body["group"]["index"] + 1 != body["group"]["count"] or len(valid) != 1:
            raise FormatError("lsn %s: a signature in the midst of a group, or of a key that is not valid here" % body["lsn"])
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(valid[0]["public_key"])).verify(bytes.fromhex(value), b"kfm_det/v1/signature\n" + canonical(signed).encode())
        except InvalidSignature:
            raise FormatError("lsn %s: the signature does not belong to this line" % body["lsn"]) from None
        counts[key] = counts.get(key, 0) + 1
    return counts


UNFINISHED, TAKEN_BACK = ("open", "undoing"), ("undone", "abandoned", "failed", "quarantined")
EPOCH = "1970-01-01T00:00:00.000000000Z"


def lower(progress):
    """Behind an accepted loss the sink is asked again."""
    return {"done": "unknown", "withdrawn": "withdrawing"}.get(progress, progress)


def without_steps(payload):
    """What a checkpoint keeps of a PLAN's payload: not the plan, of which only the risk of its steps stays."""
    risk = {step["id"]: {name: step[name] for name in ("care", "tier") if step[name]} for step in payload.get("plan", {}).get("steps", [])}
    risk = {step: one for step, one in risk.items() if one}
    return {**{name: value for name, value in payload.items() if name != "plan"}, **({"risk": risk} if risk else {})}


class Fold:
    """What records say, folded: runs as a checkpoint tells them (its items, but `plan` holds the whole payload while there is one), keys, token, heads, ends."""

    def __init__(self):
        self.token, self.runs, self.keys, self.ends, self.head, self.parts, self.text, self.loads, self.begun = 0, [], set(), [], None, "", "", False, False

    def find(self, run):
        return next((each for each in reversed(self.runs) if each["id"] == run), None)

    def see(self, body, line_hash):
        record, begins, self.begun = body["record"], not self.begun, True
        index, count = body["group"]["index"], body["group"]["count"]
        self.token = max(self.token, number(record["token"]))
        if record["operation"] == "LOSS":
            self.head = None
        head = record["payload"].get("head")
        if head and (not self.head or (number(head["incarnation"]), number(head["lsn"])) > (number(self.head["incarnation"]), number(self.head["lsn"]))):
            self.head = head if number(head["lsn"]) else None
        if is_checkpoint(body):
            self.checkpoint(record["payload"]["text"], index, begins)
        else:
            self.record(body, record)
        if index + 1 == count:
            self.end(body["incarnation"], number(body["lsn"]) + 1 - count, count, line_hash)

    def end(self, incarnation, first, count, line_hash):
        if not self.ends or self.ends[-1]["incarnation"] != incarnation:
            self.ends.append({"incarnation": incarnation, "first": first, "counts": [], "hashes": []})
        self.ends[-1]["counts"].append(count)
        self.ends[-1]["hashes"].append(line_hash)

    def checkpoint(self, text, index, begins):
        """The one that the log begins with is the state; another one says what the records gave."""
        if index == 0:
            self.loads, self.text = begins, ""
        if not self.loads:
            return
        self.text += text
        *lines, self.text = self.text.split("\n")
        for item in map(read, lines):
            if "token" in item:
                self.token = max(self.token, number(item["token"]))
            self.keys.update(item.get("keys", []))
            if "run" in item:
                run = item["run"]
                if run.pop("whole", None):
                    run["plan"] = run["payload"]
                self.runs.append(run)
            if "ends" in item:
                ends, lsn = item["ends"], number(item["ends"]["first"])
                for place, count in enumerate(ends["counts"]):
                    self.end(ends["incarnation"], lsn, count, ends["hashes"][64 * place:64 * place + 64])
                    lsn += count

    def record(self, body, record):
        phase, operation, status, payload = record["phase"], record["operation"], record["status"], record["payload"]
        if operation == "PLAN_PART":
            self.parts = (self.parts if body["group"]["index"] else "") + payload["text"]
            return
        if phase == "PLAN":
            self.plan(body, record, plan_of(record, self.parts))
            return
        if operation == "LOSS":
            self.loss(record, payload.get("lost", []))
            return
        run = self.find(record["wal_id"])
        run["next_seq"] = max(number(run["next_seq"]), number(record["seq"]) + 1)
        if "failure" in payload:
            run["failure"] = payload["failure"]
        if phase == "EXECUTE" and status == "DONE" and run["status"] in UNFINISHED:
            run.setdefault("executed", {})[record["step_id"]] = payload
        elif phase == "UPSERT" and status != "FAILED":
            self.effect(run, record, operation, status, payload)
        elif phase == "COMMIT":
            self.finish(run, "committed", record["ts"])
        elif operation == "ATTEMPT" and status == "IN_PROGRESS":
            run["attempts"] += 1
            run["attempts_ever"] += 1
        elif operation == "ATTEMPT":
            run["attempts"] = max(run["attempts"] - 1, 0)
        elif operation == "UNDO":
            run["status"], run["ends_as"] = "undoing", payload["outcome"]
            run.pop("recorded", None)
        elif operation == "SETTLED":
            self.finish(run, payload["outcome"], record["ts"])

    def plan(self, body, record, plan):
        self.keys.update(effect["business_key"] for effect in plan["effects"])
        self.runs.append({
            "id": record["wal_id"], "order": {"incarnation": body["incarnation"], "lsn": body["lsn"]}, "plan_group": number(body["lsn"]) - body["group"]["index"], "status": "open",
            "updater_id": record["updater_id"], "version": record["updater_version"], "input_hash": record["input_hash"], "next_seq": number(record["seq"]) + 1, "attempts": 0, "attempts_ever": 0,
            "planned_effects": len(plan["effects"]), "planned_at": record["ts"], "finished_at": EPOCH, "actor": record["actor"], "plan": plan,
            "payload": without_steps(plan), "effects": [dict(effect, progress="planned") for effect in plan["effects"]]})

    @staticmethod
    def effect(run, record, operation, status, payload):
        step, back, done = record["step_id"], operation == "withdraw", status == "DONE"
        if not back:   # what undo and explain ask for, also of a run that has ended
            known = run.setdefault("published", {}).setdefault(step, {})
            if done:
                known["result"] = payload["result"]
            else:
                known.update({"before": record["pre_state_hash"], "reversal": record["reversal"]})
                if "key" in payload:
                    known.update({"key": payload["key"], "content": record["post_state_expected"]})
        if run["status"] not in UNFINISHED:
            return
        progress = ("withdrawn" if done else "withdrawing") if back else ("done" if done else "unknown")
        if done:
            run["attempts"] = 0
        if "effects" not in run:
            run.setdefault("recorded", []).append({"progress": progress, "step": step})
            return
        next(effect for effect in run["effects"] if effect["step"] == step)["progress"] = progress

    def loss(self, record, lost):
        for run in self.runs:
            if run["status"] in UNFINISHED:
                for effect in run.get("effects", []) + run.get("recorded", []):
                    effect["progress"] = lower(effect["progress"])
        for item in lost:
            effects = [{name: value for name, value in effect.items() if name != "withdrawn"} | {"progress": "withdrawn" if "withdrawn" in effect else "planned"} for effect in item["effects"]]
            status = "lost" if any(effect["progress"] != "withdrawn" for effect in effects) else "undone"
            self.keys.update(effect["business_key"] for effect in effects)
            run = self.find(item["run"])
            if run:
                there = {effect["effect"] for effect in run["effects"]}
                run["effects"] += [effect for effect in effects if effect["effect"] not in there]
                run["planned_effects"] = len(run["effects"])
                if status == "lost" and run["status"] in TAKEN_BACK:
                    run["status"] = "lost"
                continue
            self.runs.append({
                "id": item["run"], "order": {"incarnation": item["incarnation"], "lsn": item["lsn"]}, "plan_group": 0, "status": status, "updater_id": record["updater_id"], "version": "0.0.0",
                "input_hash": ZERO, "next_seq": 1, "attempts": 0, "attempts_ever": 0, "planned_effects": len(effects), "planned_at": record["ts"], "finished_at": record["ts"], "lost": True,
                "effects": effects})

    @staticmethod
    def finish(run, status, at):
        run["status"], run["finished_at"] = status, at
        if "lost" not in run:
            for name in ("plan", "effects", "executed", "recorded"):
                run.pop(name, None)

    def checkpoint_text(self):
        """The text of a checkpoint that is made now."""
        items = [{"token": self.token}]
        for run in self.runs:
            told = {name: value for name, value in run.items() if name != "plan" and not (name == "ends_as" and value == "undone")}
            if "plan" in run:
                told.update({"payload": run["plan"], "whole": True})
            elif "payload" in told:
                told["payload"] = without_steps(told["payload"])
            items.append({"run": told})
        keys = sorted(self.keys, key=str.encode)
        items += [{"keys": keys[at:at + 1024]} for at in range(0, len(keys), 1024)]
        for span in self.ends:
            first = number(span["first"])
            for at in range(0, len(span["counts"]), 4096):
                counts = span["counts"][at:at + 4096]
                items.append({"ends": {"counts": counts, "first": first, "hashes": "".join(span["hashes"][at:at + 4096]), "incarnation": span["incarnation"]}})
                first += sum(counts)
        return "".join(canonical(item) + "\n" for item in items)


def fold(log):
    out = Fold()
    for body, line_hash, _ in log.frames:
        out.see(body, line_hash)
    return out


def check_checkpoints(log):
    """Each checkpoint says what the records below it give: those from LSN 1 on, and those from the checkpoint before it on. Answers how many were compared."""
    compared = 0
    for begin in [0] + [place for place, (body, _, _) in enumerate(log.frames) if is_checkpoint(body) and body["group"]["index"] == 0 and place]:
        state, text = Fold(), ""
        for body, line_hash, _ in log.frames[begin:]:
            payload = body["record"]["payload"]
            begins = not state.begun or (state.loads and body["group"]["index"])   # the one that this fold begins with
            if is_checkpoint(body) and not begins:
                if body["group"]["index"] == 0:
                    text = state.checkpoint_text()
                    expect(payload.get("head"), state.head, "head", body)
                found, text = text[:len(payload["text"])], text[len(payload["text"]):]
                expect(payload["text"], found, "text", body)
                if body["group"]["index"] + 1 == body["group"]["count"]:
                    expect("", text, "what is missing from the text", body)
                    compared += 1
            state.see(body, line_hash)
    return compared


def runs_of(state):
    """The life of each run, by PLAN record: what expected.json says of it."""
    return [{"attempts": run["attempts_ever"], "effects": run["planned_effects"], "id": run["id"], "status": run["status"], "trigger": run["payload"]["trigger"]["key"] if "payload" in run else ""}
            for run in state.runs]


def evidence_of(log, folder):
    """The names in LOSS records: each is there, and is what its hashes say."""
    names = [name for body, _, _ in log.frames for name in body["record"]["payload"].get("evidence", [])]
    for name in names:
        place = os.path.join(folder, "evidence", name)
        with open(os.path.join(place, "manifest.json"), "rb") as file:
            text = file.read()
        manifest, region = read(text), os.path.join(place, "region.bin")
        good = hashlib.sha256(text).hexdigest() == name and manifest["format"] == "kfm_det/evidence/1" and ("copy" in manifest) == os.path.exists(region)
        if good and "copy" in manifest:
            with open(region, "rb") as file:
                good = hashlib.sha256(file.read()).hexdigest() == manifest["copy"]["sha256"]
        if not good:
            raise FormatError("the evidence %s is not what its hashes say" % name)
    return names


def summary(log, folder, ring):
    """As expected.json, without its `says`."""
    hashes = hashlib.sha256("".join(line_hash + "\n" for _, line_hash, _ in log.frames).encode()).hexdigest()
    out = {"format": 1, "incarnation": max(1, number(log.tail["incarnation"])), "line_hashes": hashes, "proven": log.proven, "records": len(log.frames), "runs": runs_of(fold(log)),
           "stream": log.stream, "tail": log.tail, "verdict": log.verdict}
    for name, value in (("base", log.base if log.base != 1 else None), ("evidence", evidence_of(log, folder)), ("signatures", signatures_of(log, ring))):
        if value:
            out[name] = value
    return out
