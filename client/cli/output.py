"""What commands print: data to stdout, for people or as JSON."""

from __future__ import annotations

import json
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any

import click

from client.terminal import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNIT = 1024


def print_json(document: Any) -> None:
    """Print one JSON document, ASCII only: nothing in it can act on a terminal."""
    click.echo(json.dumps(document, indent=2))


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print "label: value" lines, the values in one column."""
    lines = [(_("{label}:").format(label=label), escape(value)) for label, value in pairs if value]
    width = max((len(label) for label, _value in lines), default=0)
    for label, value in lines:
        click.echo(f"{label:{width}} {value}")


def print_table(rows: Sequence[Sequence[str]], *, right: int = -1) -> None:
    """Print rows in columns, the last one as wide as it likes; column ``right`` is flushed right."""
    rows = [[escape(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:>{width}}" if index == right else f"{cell:{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def show_size(size: int) -> str:
    """Return a number of bytes as people read it."""
    if size < _UNIT:
        return ngettext("{count} byte", "{count} bytes", size).format(count=size)
    forms = (
        _("{whole}.{tenth} KiB"),
        _("{whole}.{tenth} MiB"),
        _("{whole}.{tenth} GiB"),
        _("{whole}.{tenth} TiB"),
    )
    power = min((size.bit_length() - 1) // 10, len(forms))
    whole, tenth = divmod(size * 10 // _UNIT**power, 10)
    return forms[power - 1].format(whole=whole, tenth=tenth)


def show_time(seconds: int) -> str:
    """Return UTC seconds as a date and time in ISO 8601; nothing for 0, which means unknown."""
    if not seconds:
        return ""
    from datetime import UTC, datetime  # noqa: PLC0415 - only where a time is shown

    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        # Beyond the year 9999; the number is shown as it is.
        return f"@{seconds}"
