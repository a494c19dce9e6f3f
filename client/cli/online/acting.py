"""``--acting-for``: the editor that a portal acts for."""

from __future__ import annotations

import re
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from client.cli.options import Decorator

_KEY_ID: Final = re.compile("[0-9a-f]{64}")


class KeyId(click.ParamType[str]):
    """A key id: 64 hexadecimal digits."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it in lower case; fail on anything else."""
        lowered = str(value).lower()
        if not _KEY_ID.fullmatch(lowered):
            self.fail(
                _("{value} is no key id of 64 hexadecimal digits").format(value=repr(value)), param, ctx
            )
        return lowered


def acting_option() -> Decorator:
    """``--acting-for``."""
    return click.option(
        "--acting-for",
        type=KeyId(),
        metavar=_("KEY"),
        help=_("Portals: key id of the editor that you act for; you get what both of you may."),
    )
