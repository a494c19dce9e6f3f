"""Habilitations that end soon: noticed while there is time to renew them."""

from __future__ import annotations

from gettext import gettext as _
from gettext import ngettext
from typing import Final

from client.cli.online.sizes import DAY
from client.cli.output import show_time

WARNED_DAYS: Final = 30
"""How many days before the end people are told; renewing takes the authority's key, which lies in a safe."""


def ends_within(until: int, now: int, days: int) -> bool:
    """Tell whether a habilitation that ends at ``until`` (0: never) does so in this many days."""
    return bool(until) and until <= now + days * DAY


def ending_soon(until: int, now: int) -> str:
    """Return what to tell about a habilitation that ends soon, nothing where it does not."""
    if not ends_within(until, now, WARNED_DAYS):
        return ""
    days = max(until - now, 0) // DAY
    text = ngettext(
        "the habilitation ends in {count} day, on {time}; it is renewed with scelle habilitate --renew",
        "the habilitation ends in {count} days, on {time}; it is renewed with scelle habilitate --renew",
        days,
    )
    return _("warning: {text}").format(text=text.format(count=days, time=show_time(until)))
