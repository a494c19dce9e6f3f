"""``scelle approve``: an admin looks at what would be done, and agrees to exactly that."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.bulk import agree, dry_option, yes_option
from client.cli.online.confirming import confirm_fingerprint, fingerprint_option
from client.cli.online.connection import online
from client.cli.online.erasing import show_approvals, show_erasure
from client.cli.online.identities import identity_options, own_identity
from client.cli.online.trusting import anchored
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, show_size, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, ConflictProblem
from client.keyfiles import naming, read_public_key
from client.remote import approving
from client.remote.approving import Agreed, given_for, next_authority
from client.remote.granting import fetch_keys, keep_judged
from client.terminal import can_ask, say
from keys.derivation import key_id
from keys.keyfile import Use, require_use
from vault.api.models.approvals import NEEDED, Act
from vault.api.models.dossiers import DossierState

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from keys.keyfile import PublicIdentity
    from keys.keyring import Identity
    from keys.statements import DossierKey
    from vault.api.models.approvals import Approval, Approvals
    from vault.api.models.reencryption import Reencryption


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


@approve.command(
    "authority",
    help=_(
        "Agree that the key whose public half is in FILE follows the authority's. Whoever made it reads its "
        "fingerprint to you; you are asked for it. For admins."
    ),
    examples=(
        "scelle approve authority authority-2027.key.pub --dry-run",
        "scelle approve authority authority-2027.key.pub",
    ),
)
@click.argument("path", metavar=_("FILE"))
@fingerprint_option(_("The fingerprint that was read to you; otherwise you are asked."))
@dry_option()
@identity_options()
@json_option()
@online
async def authority(
    connection: Connection,
    *,
    path: str,
    fingerprint: str | None,
    dry: bool,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Show both keys, have the next one's fingerprint named, sign."""
    new = read_public_key(path)
    with naming(path):
        require_use(new, Use.AUTHORITY)
    anchor = await anchored(connection)
    if new == anchor.authority:
        raise ConflictProblem(N_("{path}: this key speaks as the authority already"), path=path)
    agreed = next_authority(anchor.authority, new)
    if dry:
        _show_next(anchor.authority, new, await given_for(connection.service, agreed), as_json=as_json)
        return
    own = own_identity(connection, identity, passphrase_file)
    confirm_fingerprint(new, path, fingerprint)
    await sign(connection, own, agreed, yes=True, as_json=as_json)


def _show_next(
    present: PublicIdentity, new: PublicIdentity, found: Approvals | None, *, as_json: bool
) -> None:
    if as_json:
        approvals = found.model_dump(mode="json") if found else None
        print_json({"authority_now": present.fingerprint, "next": new.fingerprint, "approvals": approvals})
        return
    print_pairs(
        [
            (_("speaks as the authority"), present.fingerprint),
            (_("would follow"), new.fingerprint),
            (_("approvals"), show_approvals(found)),
        ]
    )


@approve.command(
    "reencrypt",
    help=_(
        "Agree that what a dossier holds is re-encrypted to its present key, and the originals are erased. "
        "Rotate its key first: an approval is of one key. For admins."
    ),
    examples=("scelle approve reencrypt D-2801 --dry-run", "scelle approve reencrypt D-2801"),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@dry_option()
@yes_option()
@identity_options()
@json_option()
@online
async def reencrypt(
    connection: Connection,
    *,
    dossier_id: str,
    dry: bool,
    yes: bool,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Show how much it is, ask, sign the present key, judged by the authority."""
    service, dossier = connection.service, check_dossier(dossier_id)
    fetched = await fetch_keys(service, dossier)
    present = keep_judged(connection.known, await anchored(connection), fetched).current_key()
    state = await service.get_reencryption(dossier)
    if dry:
        _show_reencryption(state, present, as_json=as_json)
        return
    own = own_identity(connection, identity, passphrase_file)
    if not yes and can_ask():
        _show_reencryption(state, present, as_json=False)
    agreed = Agreed(Act.REENCRYPT, dossier, key_id(present.public_key))
    await sign(connection, own, agreed, yes=yes, as_json=as_json)


def _show_reencryption(state: Reencryption, present: DossierKey, *, as_json: bool) -> None:
    key = key_id(present.public_key).hex()
    if as_json:
        print_json(state.model_dump(mode="json") | {"key": key})
        return
    print_pairs(
        [
            (_("dossier"), state.dossier),
            (_("present key"), f"{present.generation} {key}"),
            (_("containers to re-encrypt"), f"{state.left} / {state.versions}"),
            (_("to be fetched"), show_size(state.left_bytes)),
            (_("originals not erased"), str(state.originals)),
            (_("approvals"), show_approvals(state.approvals)),
        ]
    )


async def sign(connection: Connection, own: Identity, agreed: Agreed, *, yes: bool, as_json: bool) -> None:
    """Ask, sign what was shown, and say what came of it.

    Raises:
        UsageProblem: nobody can be asked, or the answer was no.
        ServiceProblem: the service would do something else by now.
    """
    agree(_("approve exactly this? [y/N]"), yes=yes)
    anchor = await anchored(connection)
    done = await approving.approve(connection.service, agreed, own, now=anchor.now())
    found = await given_for(connection.service, agreed)
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
