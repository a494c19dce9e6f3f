"""``scelle grant``: who can open what lies in a dossier."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.bulk import dry_option, yes_option
from client.cli.online.connection import online
from client.cli.online.finding import find_reviewer
from client.cli.online.granting import Wanted, add_many, revoke_many
from client.cli.online.identities import identity_options, own_identity
from client.cli.online.trusting import anchored
from client.cli.options import json_option, quiet_option, stacked
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, ConflictProblem
from client.remote.bulkgrants import generations_of, grants_of, no_grant
from client.remote.granting import believe, fetch_grants, give_grants, keep_judged, require_scope

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.cli.options import Decorator
    from vault.api.models.dossiers import Grant


def _many_options() -> Decorator:
    return stacked(
        click.option(
            "--procedure", metavar=_("TEXT"), help=_("All dossiers of this démarche, in place of DOSSIER.")
        ),
        click.option(
            "--group",
            "group_name",
            metavar=_("GROUP"),
            help=_("All members of your group of this name; see scelle group."),
        ),
        dry_option(),
        yes_option(),
    )


@group("grant", help=_("Grants: a dossier's key, wrapped to one person."))
def grant() -> None:
    """Hold the commands."""


@grant.command(
    "add",
    help=_(
        "Let one more reviewer or admin open a dossier: your own grants are opened here and wrapped to that "
        "person, whose habilitation is checked. A démarche stands for all its dossiers, a group for all its "
        "members: then you are shown what is going to be done, and what is there is skipped, so the same "
        "line typed again goes on. For admins."
    ),
    examples=(
        "scelle grant add D-2801 r.durand --identity admin.key",
        "scelle grant add D-2801 --group experts",
        "scelle grant add --procedure guidé --group experts --dry-run",
    ),
)
@click.argument("named", metavar=_("[DOSSIER] [ACCOUNT]"), nargs=-1)
@_many_options()
@identity_options()
@quiet_option()
@json_option()
@online
async def add(
    connection: Connection,
    *,
    named: tuple[str, ...],
    procedure: str | None,
    group_name: str | None,
    dry: bool,
    yes: bool,
    identity: str | None,
    passphrase_file: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Open, wrap, sign, send."""
    wanted = Wanted(named, procedure, group_name)
    wanted.check()
    issuer = own_identity(connection, identity, passphrase_file)
    if wanted.many or dry:
        await add_many(connection, wanted, issuer, dry=dry, yes=yes, quiet=quiet, as_json=as_json)
        return
    service, anchor = connection.service, await anchored(connection)
    assert wanted.dossier is not None
    assert wanted.account is not None
    listed = await find_reviewer(service, wanted.account)
    about = await service.get_dossier(wanted.dossier)
    person = require_scope(believe(anchor, listed), listed.name, about.procedure)
    there = await generations_of(service, about.id, listed.kem_key_id)
    known = keep_judged(connection.known, anchor, await fetch_grants(service, about.id))
    if not known.opened_by(issuer):
        raise no_grant()
    given = await give_grants(
        service, known, about.id, issuer=issuer, to=person, now=anchor.now(), there=there
    )
    if not given:
        raise ConflictProblem(
            N_("{name} has every grant on this dossier that you could give"), name=listed.name
        )
    _show(given, as_json=as_json)


@grant.command(
    "list", help=_("List who was given a dossier's key. For admins."), examples=("scelle grant list D-2801",)
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def list_(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Print a table."""
    _show(await grants_of(connection.service, check_dossier(dossier_id)), as_json=as_json)


@grant.command(
    "revoke",
    help=_(
        "End a grant, named by its id, or all that an account or a group has on a dossier or on those of a "
        "démarche: the service hands nothing more to them. What was fetched before can still be opened."
    ),
    examples=(
        "scelle grant revoke D-2801 5f0c…",
        "scelle grant revoke D-2801 r.durand",
        "scelle grant revoke --procedure guidé --group experts --dry-run",
    ),
)
@click.argument("named", metavar=_("[DOSSIER] [ID]"), nargs=-1)
@_many_options()
@quiet_option()
@json_option()
@online
async def revoke(
    connection: Connection,
    *,
    named: tuple[str, ...],
    procedure: str | None,
    group_name: str | None,
    dry: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """End one, or many."""
    wanted = Wanted(named, procedure, group_name)
    wanted.check()
    await revoke_many(connection, wanted, dry=dry, yes=yes, quiet=quiet, as_json=as_json)


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
    anchor = await anchored(connection)
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
