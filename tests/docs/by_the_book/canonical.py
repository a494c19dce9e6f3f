"""Canonical JSON as section 2 of docs/FORMAT.md has it: a type is a function from a JSON value to a value."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

MOST = 2**53 - 1


class Refused(Exception):  # noqa: N818 - an outcome, often a normal one
    """One of the eleven outcomes."""


def demand(condition, outcome):
    if not condition:
        raise Refused(outcome)


def text(most, pattern=None):
    def read(value):
        demand(type(value) is str and not re.search("[\x00-\x1f\x7f\ud800-\udfff]", value), "malformed")
        demand(len(value.encode()) <= most, "limit_exceeded")
        demand(pattern is None or re.fullmatch(pattern, value), "malformed")
        return value

    return read


def one_of(*values):
    def read(value):
        demand(type(value) is str and value in values, "malformed")
        return value

    return read


def integer(least=0, most=MOST):
    def read(value):
        demand(type(value) is int and least <= value <= most, "malformed")
        return value

    return read


def octets(length, *, or_none=False):
    def read(value):
        demand(type(value) is str and re.fullmatch("[A-Za-z0-9_-]*", value), "malformed")
        demand(len(value) % 4 != 1, "malformed")
        data = urlsafe_b64decode(value + "=" * (-len(value) % 4))
        demand(len(data) == length or (or_none and not data), "malformed")
        demand(urlsafe_b64encode(data).rstrip(b"=").decode() == value, "malformed")
        return data

    return read


def array(of, *, least=0, most):
    def read(value):
        demand(type(value) is list and len(value) >= least, "malformed")
        demand(len(value) <= most, "limit_exceeded")
        return [of(item) for item in value]

    return read


def record(**fields):
    def read(value):
        demand(type(value) is dict and value.keys() == fields.keys(), "malformed")
        return {name: of(value[name]) for name, of in fields.items()}

    return read


def either(**records):
    def read(value):
        demand(type(value) is dict and type(value.get("type")) is str, "malformed")
        demand(value["type"] in records, "malformed")
        return records[value["type"]](value)

    return read


def field_order(value, names):
    """Spelling: the fields stand in the listed order, at every depth."""
    if isinstance(value, list):
        return all(field_order(item, names) for item in value)
    if isinstance(value, dict):
        known = names.get(frozenset(value))
        return known == list(value) and all(field_order(item, names) for item in value.values())
    return True


def spell(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{spell(name)}:{spell(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spell(item) for item in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def decode(data, of, most, orders):
    demand(len(data) <= most, "limit_exceeded")

    def refuse(_):
        raise ValueError

    try:
        parsed = json.loads(data.decode(), parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Refused("malformed") from None
    value = of(parsed)
    demand(field_order(parsed, orders), "malformed")
    demand(spell(parsed).encode() == data, "malformed")
    return value
