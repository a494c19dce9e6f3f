"""``scelle approval``: which admins agreed to what, and taking an approval back."""

from __future__ import annotations

import re
from gettext import gettext as _
from typing import TYPE_CHECKING, Final, get_args

import click

from client.cli.online.approve import show_approval
from client.cli.online.connection import online
from client.cli.online.identities import identity_options, own_identity
from client.cli.online.trusting import anchored
from client.cli.options import json_option
from client.cli.output import print_json, print_table, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, UsageProblem
from client.remote import approving
from client.remote.pages import every
from keys.statements import Reason
from vault.api.models.approvals import ApprovalQuery

if TYPE_CHECKING:
    from client.cli.online.connection import Connection

_ID: Final = re.compile("[0-9a-f]{64}")


@group("approval", help=_("Approvals: which admins agreed to what. To agree, see scelle approve."))
def approval() -> None:
    """Hold the commands."""


@approval.command(
    "list",
    help=_(
        "List approvals, the newest first, with what each is worth now: one counts as long as it stands and "
        "what it names has not changed. For admins."
    ),
    examples=("scelle approval list", "scelle approval list --dossier D-2801 --json"),
)
@click.option("--dossier", "dossier_id", metavar=_("DOSSIER"), help=_("Only of this dossier."))
@json_option()
@online
async def list_(connection: Connection, *, dossier_id: str | None, as_json: bool) -> None:
    """Print a table."""
    query = ApprovalQuery(dossier=check_dossier(dossier_id) if dossier_id else None)
    found = [item async for item in every(connection.service.list_approvals, query)]
    if as_json:
        print_json([item.model_dump(mode="json", exclude={"statement"}) for item in found])
    elif found:
        print_table(
            [
                (item.id, item.act.value, item.state.value, show_time(item.until), item.subject, item.name)
                for item in found
            ]
        )


@approval.command(
    "withdraw",
    help=_(
        "Withdraw an approval that was not used, your own or another admin's: it counts no more. For admins."
    ),
    examples=("scelle approval withdraw 5f0c… --reason mistake",),
)
@click.argument("approval_id", metavar=_("APPROVAL"))
@click.option("--reason", type=click.Choice(get_args(Reason)), default="other", help=_("Why."))
@identity_options()
@json_option()
@online
async def withdraw(
    connection: Connection,
    *,
    approval_id: str,
    reason: Reason,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Sign and send it."""
    if not _ID.fullmatch(approval_id):
        raise UsageProblem(
            N_("{approval}: an approval has an id of 64 hexadecimal digits; see scelle approval list"),
            approval=approval_id,
        )
    own, anchor = own_identity(connection, identity, passphrase_file), await anchored(connection)
    done = await approving.take_back(connection.service, approval_id, own, reason=reason, now=anchor.now())
    show_approval(done, as_json=as_json)
