"""Reading docs/FORMAT.md as data: its headings, tables and blocks of values."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FORMAT = ROOT / "docs" / "FORMAT.md"

Value = bytes | str


class Table(NamedTuple):
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name):
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


@cache
def text():
    return FORMAT.read_text(encoding="utf-8")


def headings():
    """Yield the headings without their numbers."""
    for line in _outside_fences(text()):
        match = re.fullmatch(r"#+ (?:[A\d][\d.]* )?(.+)", line)
        if match:
            yield match[1]


@cache
def tables():
    """Return all tables, each under the heading that it stands below."""
    found, heading, lines = [], "", []
    for line in [*_outside_fences(text()), ""]:
        if line.startswith("|"):
            lines.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
            continue
        if lines:
            found.append(Table(heading, lines[0], tuple(lines[2:])))
            lines = []
        match = re.fullmatch(r"#+ (?:[A\d][\d.]* )?(.+)", line)
        if match:
            heading = match[1]
    return tuple(found)


def table(heading, first_column):
    """Return the one table below ``heading`` whose first column has this name."""
    (found,) = (each for each in tables() if each.heading == heading and each.columns[0] == first_column)
    return found


def fence(info):
    """Return the lines of the one fenced block with this info string."""
    (found,) = re.findall(rf"^```{re.escape(info)}\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL)
    return found.splitlines()


@cache
def values():
    """Return everything in the blocks of test values: hexadecimal and base64url as bytes, quoted as text."""
    found: dict[str, Value] = {}
    for block in re.findall(r"^```text values\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL):
        for name, spelled in re.findall(r"^(\w+) = ?(.*(?:\n {4}.*)*)$", block, re.MULTILINE):
            assert name not in found, name
            found[name] = _read(re.sub(r"\s*\n\s*", "", spelled))
    return found


def _read(spelled):
    if spelled.startswith('"'):
        return spelled.removeprefix('"').removesuffix('"')
    if spelled.startswith("base64url:"):
        data = spelled.removeprefix("base64url:").strip()
        return urlsafe_b64decode(data + "=" * (-len(data) % 4))
    return bytes.fromhex(spelled)


def plain(cell):
    """Return a table cell without its back quotes."""
    return cell.replace("`", "")


def _outside_fences(content):
    inside = False
    for line in content.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield line
