"""``scelle grant``: who can open what lies in a dossier."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.connection import anchored, online
from client.cli.online.finding import find_reviewer
from client.cli.online.identities import identity_options, own_identity
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, AccessProblem
from client.remote.granting import believe, fetch_grants, give_grants, keep_judged, require_scope
from client.remote.pages import every
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from vault.api.models.base import Page
    from vault.api.models.dossiers import Grant


@group("grant", help=_("Grants: a dossier's key, wrapped to one person."))
def grant() -> None:
    """Hold the commands."""


@grant.command(
    "add",
    help=_(
        "Let one more reviewer or admin open a dossier: your own grants are opened here and wrapped to that "
        "person, whose habilitation is checked. For admins."
    ),
    examples=("scelle grant add D-2801 r.durand --identity admin.key",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.argument("name", metavar=_("ACCOUNT"))
@identity_options()
@json_option()
@online
async def add(
    connection: Connection,
    *,
    dossier_id: str,
    name: str,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Open, wrap, sign, send."""
    service, anchor = connection.service, anchored(connection)
    listed = await find_reviewer(service, name)
    procedure = (await service.get_dossier(check_dossier(dossier_id))).procedure
    person = require_scope(believe(anchor, listed), listed.name, procedure)
    fetched = await fetch_grants(service, dossier_id)
    known = keep_judged(connection.known, anchor, fetched)
    issuer = own_identity(connection, identity, passphrase_file)
    given = await give_grants(service, known, dossier_id, issuer=issuer, to=person, now=anchor.now())
    if not given:
        raise AccessProblem(N_("you have no grant on this dossier yourself; ask another admin"))
    _show(given, as_json=as_json)


@grant.command(
    "list", help=_("List who was given a dossier's key. For admins."), examples=("scelle grant list D-2801",)
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def list_(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Print a table."""

    async def page(query: Paging) -> Page[Grant]:
        return await connection.service.list_grants(check_dossier(dossier_id), query)

    _show([item async for item in every(page, Paging())], as_json=as_json)


@grant.command(
    "revoke",
    help=_(
        "End a grant, named by its id: the service hands nothing more to that person. What was fetched "
        "before can still be opened."
    ),
    examples=("scelle grant revoke D-2801 5f0c…",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.argument("grant_id", metavar="ID")
@online
async def revoke(connection: Connection, *, dossier_id: str, grant_id: str) -> None:
    """End it."""
    await connection.service.revoke_grant(check_dossier(dossier_id), grant_id)


@grant.command(
    "fetch",
    help=_("Fetch what opens a dossier for you and keep it, so that scelle open finds it offline."),
    examples=("scelle grant fetch D-2801",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def fetch(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Fetch, judge, keep."""
    anchor = anchored(connection)
    fetched = await fetch_grants(connection.service, check_dossier(dossier_id))
    key = keep_judged(connection.known, anchor, fetched).current_key()
    kept = connection.known.dossier(dossier_id)
    if as_json:
        print_json({"dossier": dossier_id, "grants": len(kept.grants), "generation": key.generation})
        return
    print_pairs(
        [
            (_("dossier"), dossier_id),
            (_("grants"), str(len(kept.grants))),
            (_("generation"), str(key.generation)),
        ]
    )


def _show(found: list[Grant], *, as_json: bool) -> None:
    if as_json:
        print_json([item.model_dump(mode="json", exclude={"statement"}) for item in found])
    elif found:
        print_table(
            [
                (
                    item.id,
                    str(item.generation),
                    _("revoked") if item.revoked else show_time(item.created),
                    item.account or item.grantee,
                )
                for item in found
            ]
        )
