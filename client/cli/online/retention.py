"""``scelle retention``: for how long dossiers are kept."""

from __future__ import annotations

from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from client.cli.online.connection import asking, online
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.style import group
from client.remote.pages import every
from vault.api.models.base import Paging
from vault.api.models.erasure import RetentionRequest

if TYPE_CHECKING:
    from client.cli.online.connection import Connection


@group("retention", help=_("For how long closed dossiers are kept before they may be erased. For admins."))
def retention() -> None:
    """Hold the commands."""


@retention.command(
    "set",
    help=_(
        "Set for how many days the dossiers of a démarche are kept after they were closed, those that are "
        "there already too. Where nothing is set, nothing can be erased."
    ),
    examples=('scelle retention set "Référencement guidé" 3650',),
)
@click.argument("procedure", metavar=_("PROCEDURE"))
@click.argument("days", metavar=_("DAYS"), type=click.IntRange(min=0))
@json_option()
@online
async def set_(connection: Connection, *, procedure: str, days: int, as_json: bool) -> None:
    """Set it and show it."""
    made = await connection.service.set_retention(asking(RetentionRequest, procedure=procedure, days=days))
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    print_pairs([(_("procedure"), made.procedure), (_("kept for"), show_days(made.days))])


@retention.command(
    "list", help=_("List what was set, by démarche."), examples=("scelle retention list --json",)
)
@json_option()
@online
async def list_(connection: Connection, *, as_json: bool) -> None:
    """Print a table."""
    found = [item async for item in every(connection.service.list_retentions, Paging())]
    if as_json:
        print_json([item.model_dump(mode="json") for item in found])
    elif found:
        print_table(
            [(show_days(item.days), show_time(item.changed), item.procedure) for item in found], right=0
        )


def show_days(days: int) -> str:
    """Return a number of days as people read it."""
    return ngettext("{count} day", "{count} days", days).format(count=days)
