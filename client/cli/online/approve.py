"""``scelle approve``: an admin looks at what would be done, and agrees to exactly that."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.bulk import agree, dry_option, yes_option
from client.cli.online.connection import anchored, online
from client.cli.online.erasing import show_erasure
from client.cli.online.identities import identity_options, own_identity
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, ConflictProblem
from client.remote import approving
from client.remote.approving import Agreed
from client.terminal import can_ask, say
from vault.api.models.approvals import NEEDED, Act
from vault.api.models.dossiers import DossierState

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from keys.keyring import Identity
    from vault.api.models.approvals import Approval


@group(
    "approve",
    help=_(
        "Agree to something dangerous that a service does only where two admins approve it: see the plan, "
        "then sign it with your key. An approval is of exactly what was shown, for seven days; where that "
        "changes it counts for nothing. Whoever does it may be one of the two. See also scelle approval."
    ),
)
def approve() -> None:
    """Hold the commands."""


@approve.command(
    "erase",
    help=_("Agree that a dossier is erased, with what it holds now. For admins."),
    examples=("scelle approve erase D-2801 --dry-run", "scelle approve erase D-2801"),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@dry_option()
@yes_option()
@identity_options()
@json_option()
@online
async def erase(
    connection: Connection,
    *,
    dossier_id: str,
    dry: bool,
    yes: bool,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Show the plan, ask, sign its root."""
    plan = await connection.service.get_erasure(check_dossier(dossier_id))
    if plan.state is DossierState.ERASED:
        raise ConflictProblem(N_("{dossier}: the dossier is erased"), dossier=plan.dossier)
    if dry:
        show_erasure(plan, as_json=as_json)
        return
    own = own_identity(connection, identity, passphrase_file)
    if not yes and can_ask():
        show_erasure(plan, as_json=False)
    await sign(
        connection,
        own,
        Agreed(Act.ERASE, plan.dossier, bytes.fromhex(plan.root)),
        yes=yes,
        as_json=as_json,
    )


async def sign(connection: Connection, own: Identity, agreed: Agreed, *, yes: bool, as_json: bool) -> None:
    """Ask, sign what was shown, and say what came of it.

    Raises:
        UsageProblem: nobody can be asked, or the answer was no.
        ServiceProblem: the service would do something else by now.
    """
    agree(_("approve exactly this? [y/N]"), yes=yes)
    anchor = anchored(connection)
    done = await approving.approve(connection.service, agreed, own, now=anchor.now())
    found = await approving.given_for(connection.service, agreed)
    show_approval(done, as_json=as_json)
    if found is None:
        say(_("note: this service does it without approvals"))
    else:
        text = _("{given} of {needed} approvals are there")
        say(text.format(given=min(found.given, NEEDED), needed=found.needed))


def show_approval(found: Approval, *, as_json: bool) -> None:
    """Print one."""
    if as_json:
        print_json(found.model_dump(mode="json", exclude={"statement"}))
        return
    print_pairs(
        [
            (_("approval"), found.id),
            (_("of"), found.act.value),
            (_("subject"), found.subject),
            (_("digest"), found.digest),
            (_("by"), found.name),
            (_("until"), show_time(found.until)),
            (_("state"), found.state.value),
        ]
    )
