# SPDX-License-Identifier: BSL-1.0
"""Canonical JSON (RFC 8785), read and written byte for byte: what was canonical comes out as it came in. For the scripts of the project."""
import json


class Fraction(float):
    """A number with a fraction or an exponent, which remembers how it was written."""

    def __new__(cls, text):
        value = super().__new__(cls, text)
        value.text = text
        return value


def read(text):
    return json.loads(text, parse_float=Fraction)


def write(value):
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(json.dumps(key, ensure_ascii=False) + ":" + write(item) for key, item in members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, Fraction):
        return value.text
    if isinstance(value, float):
        raise ValueError("a fraction that was not read by this module: %r" % value)
    return json.dumps(value, ensure_ascii=False)
