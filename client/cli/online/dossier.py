"""``scelle dossier``: what belongs to one product's démarche."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.acting import acting_option
from client.cli.online.connection import asking, online
from client.cli.online.erasing import erase
from client.cli.online.finding import find_organisation, find_reviewer
from client.cli.online.identities import identity_options, own_identity
from client.cli.online.trusting import anchored
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, UsageProblem
from client.remote.granting import believe, fetch_keys, keep_judged, require_scope
from client.remote.opening import NewDossier, new_dossier_id, open_dossier
from client.remote.pages import every
from keys.derivation import key_id
from vault.api.models.dossiers import DossierQuery, DossierState

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from vault.api.models.base import Page
    from vault.api.models.dossiers import Dossier


@group("dossier", help=_("Dossiers: opened by a portal or an admin, with a key of their own."))
def dossier() -> None:
    """Hold the commands."""


dossier.add_command(erase)


@dossier.command(
    "create",
    help=_(
        "Open a dossier. Its key is made here; the private half goes to the admins and reviewers whom you "
        "name, each checked against the authority that you trust, and is then forgotten. Say at least one "
        "admin: without one nobody could let a later reviewer in."
    ),
    examples=(
        'scelle dossier create --product "MaSanté" --admin a.petit --reviewer r.durand --reviewer r.roy',
        'scelle dossier create D-2801 --product "MaSanté" --version 3.2 --procedure guidé --admin a.petit',
    ),
)
@click.argument("dossier_id", metavar=_("[ID]"), required=False)
@click.option("--product", required=True, metavar=_("TEXT"), help=_("The product's name."))
@click.option("--version", default="", metavar=_("TEXT"), help=_("The product's version."))
@click.option("--procedure", default="", metavar=_("TEXT"), help=_("The démarche."))
@click.option(
    "--admin", multiple=True, metavar=_("ACCOUNT"), help=_("An admin who may open it, by name or id.")
)
@click.option(
    "--reviewer", multiple=True, metavar=_("ACCOUNT"), help=_("A reviewer who may open it, by name or id.")
)
@click.option(
    "--org", metavar=_("ORGANISATION"), help=_("Whose it is; admins name it, a portal's is its own.")
)
@identity_options()
@json_option()
@online
async def create(
    connection: Connection,
    *,
    dossier_id: str | None,
    product: str,
    version: str,
    procedure: str,
    admin: tuple[str, ...],
    reviewer: tuple[str, ...],
    org: str | None,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Make the key, wrap it, send it."""
    if not admin:
        raise UsageProblem(N_("a dossier is granted to at least one admin; add --admin NAME"))
    chosen = check_dossier(dossier_id) if dossier_id else new_dossier_id()
    if chosen in {".", ".."}:
        raise UsageProblem(N_("{dossier}: this cannot be a dossier's id here"), dossier=chosen)
    service, anchor = connection.service, await anchored(connection)
    organisation = (await find_organisation(service, org)).id if org else None
    people = {}
    for name in (*admin, *reviewer):
        listed = await find_reviewer(service, name)
        people[listed.account] = require_scope(believe(anchor, listed), listed.name, procedure)
    issuer = own_identity(connection, identity, passphrase_file)
    about = NewDossier(chosen, product, version, procedure, organisation)
    _show(await open_dossier(service, anchor, issuer, about, list(people.values())), as_json=as_json)


@dossier.command(
    "list",
    help=_("List the dossiers that you may see."),
    examples=("scelle dossier list", "scelle dossier list --state closed --json"),
)
@click.option("--state", type=click.Choice([state.value for state in DossierState]), help=_("Only these."))
@acting_option()
@json_option()
@online
async def list_(connection: Connection, *, state: str | None, acting_for: str | None, as_json: bool) -> None:
    """Print a table."""

    async def page(query: DossierQuery) -> Page[Dossier]:
        return await connection.service.list_dossiers(query, acting_for=acting_for)

    query = asking(DossierQuery, state=DossierState(state) if state else None)
    found = [item async for item in every(page, query)]
    if as_json:
        print_json([item.model_dump(mode="json") for item in found])
    elif found:
        print_table(
            [
                (item.id, item.state.value, show_time(item.created), f"{item.product} {item.version}")
                for item in found
            ]
        )


@dossier.command("show", help=_("Show one dossier."), examples=("scelle dossier show D-2801",))
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def show(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Print it."""
    _show(await connection.service.get_dossier(check_dossier(dossier_id)), as_json=as_json)


@dossier.command(
    "close",
    help=_("Close a dossier: it takes no deposit any more, what it holds stays. For admins."),
    examples=("scelle dossier close D-2801",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def close(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Close it."""
    _show(await connection.service.close_dossier(check_dossier(dossier_id)), as_json=as_json)


@dossier.command(
    "keys",
    help=_("Show a dossier's keys, the oldest first, each judged by the authority that you trust."),
    examples=("scelle dossier keys D-2801 --json",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def keys(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Judge and print."""
    fetched = await fetch_keys(connection.service, check_dossier(dossier_id))
    known = keep_judged(connection.known, await anchored(connection), fetched)
    found = [known.key(generation).statement for generation in known.generations]
    if as_json:
        print_json(
            [
                {
                    "generation": key.generation,
                    "key": key_id(key.public_key).hex(),
                    "issued": key.issued,
                    "issuer": key_id(key.issuer).hex(),
                    "writers": [writer.hex() for writer in key.writers],
                }
                for key in found
            ]
        )
        return
    print_table(
        [(str(key.generation), show_time(key.issued), key_id(key.public_key).hex()) for key in found], right=0
    )


def _show(found: Dossier, *, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    print_pairs(
        [
            (_("dossier"), found.id),
            (_("product"), f"{found.product} {found.version}".strip()),
            (_("procedure"), found.procedure),
            (_("organisation"), found.organisation),
            (_("state"), found.state.value),
            (_("generation"), str(found.generation)),
            (_("opened"), show_time(found.created)),
        ]
    )
