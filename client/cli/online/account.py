"""``scelle account``: people and programs that the service knows by name."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.connection import asking, online
from client.cli.online.finding import find_account, find_organisation
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.style import group
from client.errors import N_, UsageProblem
from client.remote.pages import every
from vault.api.models.base import Paging
from vault.api.models.people import AccountChange, AccountIssued, AccountRequest
from vault.api.models.signin import Role

if TYPE_CHECKING:
    from client.cli.online.connection import Connection


@group("account", help=_("Accounts of portals, reviewers, admins and auditors. For admins."))
def account() -> None:
    """Hold the commands."""


@account.command(
    "create",
    help=_(
        "Make an account, and a code with which its owner ties a key to it, once: scelle enrol. Hand the "
        "code to nobody else. A portal belongs to an organisation, nobody else does."
    ),
    examples=(
        "scelle account create convergence --role portal --org Éditeur",
        "scelle account create r.durand --role reviewer --json",
    ),
)
@click.argument("name", metavar=_("NAME"))
@click.option(
    "--role", required=True, type=click.Choice([role.value for role in Role]), help=_("What it may be.")
)
@click.option("--org", metavar=_("ORGANISATION"), help=_("A portal's organisation, by name or id."))
@json_option()
@online
async def create(connection: Connection, *, name: str, role: str, org: str | None, as_json: bool) -> None:
    """Make it and show the code."""
    if (role == Role.PORTAL) != (org is not None):
        raise UsageProblem(
            N_("a portal belongs to an organisation, nobody else does: --org goes with --role portal")
        )
    organisation = (await find_organisation(connection.service, org)).id if org else None
    request = asking(AccountRequest, name=name, role=Role(role), organisation=organisation)
    _show(await connection.service.create_account(request), as_json=as_json)


@account.command("list", help=_("List all accounts."), examples=("scelle account list --json",))
@json_option()
@online
async def list_(connection: Connection, *, as_json: bool) -> None:
    """Print a table."""
    found = [item async for item in every(connection.service.list_accounts, Paging())]
    if as_json:
        print_json([item.model_dump(mode="json") for item in found])
        return
    rows = [(item.id, item.role.value, _state(item.disabled, item.fingerprint), item.name) for item in found]
    if rows:
        print_table(rows)


@account.command(
    "disable",
    help=_("Disable an account: all its tokens and sessions end at once. With --undo, enable it again."),
    examples=("scelle account disable r.durand",),
)
@click.argument("name", metavar=_("ACCOUNT"))
@click.option("--undo", is_flag=True, help=_("Enable it again."))
@json_option()
@online
async def disable(connection: Connection, *, name: str, undo: bool, as_json: bool) -> None:
    """Disable or enable."""
    found = await find_account(connection.service, name)
    _show(
        await connection.service.change_account(found.id, asking(AccountChange, disabled=not undo)),
        as_json=as_json,
    )


@account.command(
    "code",
    help=_("Make a new enrolment code for an account; the one before ends."),
    examples=("scelle account code r.durand",),
)
@click.argument("name", metavar=_("ACCOUNT"))
@json_option()
@online
async def code(connection: Connection, *, name: str, as_json: bool) -> None:
    """Make a code and show it."""
    found = await find_account(connection.service, name)
    change = asking(AccountChange, new_enrolment_code=True)
    _show(await connection.service.change_account(found.id, change), as_json=as_json)


def _state(disabled: bool, fingerprint: str | None) -> str:
    if disabled:
        return _("disabled")
    return fingerprint or _("not enrolled")


def _show(issued: AccountIssued, *, as_json: bool) -> None:
    if as_json:
        print_json(issued.model_dump(mode="json"))
        return
    found = issued.account
    print_pairs(
        [
            (_("account"), found.id),
            (_("name"), found.name),
            (_("role"), found.role.value),
            (_("state"), _state(found.disabled, found.fingerprint)),
            (_("enrolment code"), issued.enrolment_code or ""),
            (_("valid until"), show_time(issued.code_expires or 0)),
        ]
    )
