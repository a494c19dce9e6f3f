"""Sizes and durations as people type them."""

from __future__ import annotations

import re
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from client.cli.options import Decorator

_SIZE: Final = re.compile(r"([0-9]{1,16}) ?([KMGT]i?B|B|)", re.IGNORECASE)
_POWERS: Final = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}

DAY: Final = 86_400
YEAR_DAYS: Final = 366


class ByteSize(click.ParamType[int]):
    """Bytes, as in ``500 MiB``, ``2GB`` or ``1048576``; all units are powers of 1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes; fail on anything else."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(_("{value} is no size; write 500MiB or 2GiB").format(value=repr(value)), param, ctx)
        return int(match[1]) << 10 * _POWERS[match[2][:1].lower()]


def days_option(default: int, text: str) -> Decorator:
    """``--days``; ``text`` says what lasts that long."""
    return click.option(
        "--days",
        type=click.IntRange(1, YEAR_DAYS),
        default=default,
        show_default=True,
        metavar=_("NUMBER"),
        help=text,
    )
