#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Log segments (JSON Lines, docs/formats/wal.md) to an Avro file of docs/formats/schemas/wal_frame.avsc, and back.

usage: wal_to_avro.py OUT.avro SEGMENT.jsonl...
       wal_to_avro.py --back FILE.avro

Frames come out in the order in which they stand; MARKs and what is no line of a log are left out and counted on stderr. Nothing is verified: that is the
business of `verify`. --back writes the frames to stdout, byte for byte as they were, so hashes and signatures still hold.
Wants fastavro or avro (Debian: python3-avro). Exit codes: 0 done, 1 something cannot be said in Avro, 2 usage, 3 no Avro library.
"""
import calendar
import os
import sys
import time

import canonical_json

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "formats", "schemas", "wal_frame.avsc")
DIGESTS = ("input_hash", "pre_state_hash", "post_state_expected")
TEXTS = ("payload", "reversal", "governance", "lineage_links", "telemetry")
NUMBERS = ("seq", "token", "tier")
PLAIN = ("wal_id", "entry_id", "phase", "operation", "step_id", "status", "updater_id", "updater_version", "actor")
LARGEST_PLAIN = (1 << 53) - 1


def integer(value):
    value = int(value)   # above 2^53-1 it is a string
    if value >= 1 << 63:
        raise ValueError("%d is beyond Avro's long" % value)
    return value


def json_integer(value):
    return value if value <= LARGEST_PLAIN else str(value)


def nanoseconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(text[20:29])


def rfc3339(value):
    seconds, rest = divmod(value, 10**9)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ" % (*time.gmtime(seconds)[:6], rest)


def frame_to_avro(line):
    """The parsed line of a frame as a value of the schema. KeyError for a member that the schema does not know: nothing is left out in silence."""
    line = dict(line)
    body = dict(line.pop("body"))
    record = dict(body.pop("record"))
    group = body.pop("group")
    if body.pop("format") != 1:
        raise ValueError("not format 1")
    out = {"stream": body.pop("stream"), "prev": bytes.fromhex(body.pop("prev")), "group_index": group["index"], "group_count": group["count"], "hash": bytes.fromhex(line.pop("hash"))}
    for name in ("incarnation", "lsn", "durable_upto"):
        out[name] = integer(body.pop(name))
    out["sig"] = canonical_json.write(line.pop("sig")) if "sig" in line else None
    fields = {"ts": nanoseconds(record.pop("ts"))}
    for name in PLAIN:
        fields[name] = record.pop(name)
    for name in NUMBERS:
        fields[name] = integer(record.pop(name))
    for name in DIGESTS:
        fields[name] = bytes.fromhex(record.pop(name)) if name in record else None
    for name in TEXTS:
        fields[name] = canonical_json.write(record.pop(name)) if name in record else None
    out["record"] = fields
    for rest in (line, body, record):
        if rest:
            raise KeyError("the schema has no place for " + ", ".join(sorted(rest)))
    return out


def avro_to_frame(value):
    """The line again, without its newline."""
    fields = value["record"]
    record = {"ts": rfc3339(fields["ts"])}
    for name in PLAIN:
        record[name] = fields[name]
    for name in NUMBERS:
        record[name] = json_integer(fields[name])
    for name in DIGESTS:
        if fields[name] is not None:
            record[name] = fields[name].hex()
    for name in TEXTS:
        if fields[name] is not None:
            record[name] = canonical_json.read(fields[name])
    body = {"format": 1, "group": {"count": value["group_count"], "index": value["group_index"]}, "prev": value["prev"].hex(), "record": record, "stream": value["stream"]}
    for name in ("incarnation", "lsn", "durable_upto"):
        body[name] = json_integer(value[name])
    signature = "" if value["sig"] is None else ',"sig":' + value["sig"]
    return '{"body":' + canonical_json.write(body) + ',"hash":"' + value["hash"].hex() + '"' + signature + "}"


def frames_of(paths):
    """Answers (parsed frame, its text) of each frame, and counts what else is there."""
    frames, others = [], 0
    for path in paths:
        with open(path, "rb") as file:
            for text in file.read().split(b"\n"):
                if not text:
                    continue
                try:
                    line = canonical_json.read(text)
                except ValueError:
                    line = {}
                if "body" in line:
                    frames.append((line, text.decode()))
                else:
                    others += 1
    return frames, others


def with_fastavro():
    import fastavro

    with open(SCHEMA, encoding="utf-8") as file:
        schema = fastavro.parse_schema(canonical_json.read(file.read()))

    def write(path, values):
        with open(path, "wb") as file:
            fastavro.writer(file, schema, values, codec="deflate", validator=True)

    def read(path):
        with open(path, "rb") as file:
            return list(fastavro.reader(file))

    return write, read


def with_avro():
    import avro.datafile
    import avro.io
    import avro.schema

    with open(SCHEMA, encoding="utf-8") as file:
        schema = avro.schema.parse(file.read())

    def write(path, values):
        with avro.datafile.DataFileWriter(open(path, "wb"), avro.io.DatumWriter(), schema, codec="deflate") as writer:
            for value in values:
                writer.append(value)   # validates

    def read(path):
        with avro.datafile.DataFileReader(open(path, "rb"), avro.io.DatumReader()) as reader:
            return list(reader)

    return write, read


def library():
    """(write, read) of the first Avro library that is here; None without one."""
    for one in (with_fastavro, with_avro):
        try:
            return one()
        except ImportError:
            pass
    return None


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help") or len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    found = library()
    if not found:
        print("wal_to_avro: there is no Avro library: apt-get install python3-avro, or pip install fastavro", file=sys.stderr)
        return 3
    write, read = found
    try:
        if arguments[0] == "--back":
            for value in read(arguments[1]):
                print(avro_to_frame(value))
            return 0
        frames, others = frames_of(arguments[1:])
        write(arguments[0], [frame_to_avro(line) for line, _ in frames])
    except (KeyError, ValueError, OSError) as error:
        print("wal_to_avro: %s" % error, file=sys.stderr)
        return 1
    print("wal_to_avro: %d frames; %d other lines left out" % (len(frames), others), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
