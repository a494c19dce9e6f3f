"""``scelle reviewer``: those whom a dossier can be granted to, and until when."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any

import click

from client.cli.online.connection import online
from client.cli.online.ending import WARNED_DAYS, ends_within
from client.cli.online.finding import find_reviewer
from client.cli.online.sizes import YEAR_DAYS
from client.cli.online.trusting import anchored
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.style import group
from client.distrust import Distrusted
from client.remote.granting import believe
from client.remote.pages import every
from client.terminal import escape, say
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.trust import Anchor, Person
    from vault.api.models.people import Reviewer


@group("reviewer", help=_("Those whom a dossier can be granted to: reviewers and admins."))
def reviewer() -> None:
    """Hold the commands."""


@reviewer.command(
    "list",
    help=_("List reviewers and admins, each judged by what the authority that you trust has signed."),
    examples=("scelle reviewer list --json",),
)
@click.option(
    "--ending",
    type=click.IntRange(1, YEAR_DAYS),
    metavar=_("NUMBER"),
    help=_("Only those whose habilitation ends within so many days."),
)
@json_option()
@online
async def list_(connection: Connection, *, ending: int | None, as_json: bool) -> None:
    """Judge each and print a table."""
    anchor = await anchored(connection)
    found = [item async for item in every(connection.service.list_reviewers, Paging())]
    judged = [(item, _judge(anchor, item)) for item in found]
    if ending is not None:
        judged = [(item, person) for item, person in judged if _ends(person, anchor, ending)]
    soon = [item.name for item, person in judged if _ends(person, anchor, WARNED_DAYS)]
    if soon:
        text = _(
            "warning: the habilitations of {names} end within {days} days; see scelle habilitate --renew"
        )
        say(text.format(names=escape(", ".join(soon)), days=WARNED_DAYS))
    if as_json:
        print_json([_document(item, person) for item, person in judged])
    elif judged:
        print_table(
            [
                (
                    item.account,
                    item.role.value,
                    _state(item, person),
                    show_time(person.habilitation.valid_until) if person else "",
                    item.fingerprint,
                    item.name,
                )
                for item, person in judged
            ]
        )


@reviewer.command(
    "show",
    help=_("Show one reviewer or admin, by name or account."),
    examples=("scelle reviewer show r.durand",),
)
@click.argument("name", metavar=_("ACCOUNT"))
@json_option()
@online
async def show(connection: Connection, *, name: str, as_json: bool) -> None:
    """Judge and print."""
    found = await find_reviewer(connection.service, name)
    person = _judge(await anchored(connection), found)
    if as_json:
        print_json(_document(found, person))
        return
    print_pairs(
        [
            (_("account"), found.account),
            (_("name"), found.name),
            (_("role"), found.role.value),
            (_("fingerprint"), found.fingerprint),
            (_("habilitated"), _state(found, person)),
            (_("until"), show_time(person.habilitation.valid_until) if person else ""),
            (_("scope"), ", ".join(person.habilitation.scope) if person else ""),
        ]
    )


def _ends(person: Person | None, anchor: Anchor, days: int) -> bool:
    return person is not None and ends_within(person.habilitation.valid_until, anchor.now(), days)


def _judge(anchor: Anchor, item: Reviewer) -> Person | None:
    try:
        return believe(anchor, item)
    except Distrusted:
        return None


def _state(item: Reviewer, person: Person | None) -> str:
    if person is not None:
        return _("yes")
    return _("withdrawn") if item.withdrawal else _("no")


def _document(item: Reviewer, person: Person | None) -> dict[str, Any]:
    return {
        "account": item.account,
        "name": item.name,
        "role": item.role.value,
        "fingerprint": item.fingerprint,
        "kem_key": item.kem_key_id,
        "signing_key": item.signing_key_id,
        "habilitated": person is not None,
        "until": person.habilitation.valid_until if person else None,
        "scope": list(person.habilitation.scope) if person else [],
    }
