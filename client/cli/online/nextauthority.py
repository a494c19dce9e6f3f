"""``scelle rotate authority``: the authority's key hands over to the next one."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.asking import load_identity
from client.cli.keygen import next_key_options, write_next_key
from client.cli.online.bulk import agree, dry_option, yes_option
from client.cli.online.connection import online
from client.cli.online.identities import authority_identity
from client.cli.online.trusting import anchored
from client.cli.options import json_option, passphrase_option
from client.cli.output import print_json, print_pairs
from client.cli.style import command
from client.errors import N_, ConflictProblem, UsageProblem
from client.keyfiles import naming
from client.remote.approving import given_for, next_authority, require_approved
from client.remote.inheriting import hand_authority_over
from client.terminal import can_ask, say
from keys.keyfile import Use, require_use
from keys.keyring import Identity
from vault.api.models.approvals import NEEDED, Act

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.remote.service import Service
    from client.trust import Anchor


@command(
    "authority",
    help=_(
        "Give the authority its next key. The present key says that the next one follows it; from then on "
        "it says nothing new, while all that it said stays valid. Clients follow with the next command "
        "that talks to the service, and say so; the fingerprint that people compare stays that of the first "
        "key. The recovery key stays as it is. Destroy the old key once this has ended. Where the service "
        "asks for it, two admins approve the next key first, with scelle approve authority: it is made, "
        "and you go on with --resume. For admins."
    ),
    examples=(
        "scelle rotate authority --authority authority.key -o authority-2027.key --dry-run",
        "scelle rotate authority --authority authority.key -o authority-2027.key",
        "scelle rotate authority --authority authority.key -o authority-2027.key --resume",
    ),
)
@click.option(
    "--authority", "key_file", required=True, metavar=_("FILE"), help=_("The present authority's key file.")
)
@passphrase_option()
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The new key file."))
@next_key_options()
@click.option("--resume", is_flag=True, help=_("Go on with a rotation that did not come to its end."))
@dry_option()
@yes_option()
@json_option()
@online
async def authority(
    connection: Connection,
    *,
    key_file: str,
    passphrase_file: str | None,
    output: str,
    new_passphrase_file: str | None,
    no_passphrase: bool,
    resume: bool,
    dry: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Plan, ask, write the new key, hand over, follow."""
    if dry and resume:
        raise UsageProblem(N_("--dry-run and --resume exclude each other; give one"))
    anchor = await anchored(connection)
    new: Identity | None = None
    if resume:
        new = load_identity(output, new_passphrase_file)
        with naming(output):
            require_use(new.public, Use.AUTHORITY)
    if new is None or anchor.authority != new.public:
        old = authority_identity(anchor, key_file, passphrase_file)
        if dry or (can_ask() and not yes):
            approved = Act.AUTHORITY in (await connection.service.version()).approvals
            _show_plan(anchor, approved=approved, as_json=as_json and dry)
        if dry:
            return
        agree(_("give the authority its next key? [y/N]"), yes=yes)
        if new is None:
            new = Identity.generate(Use.AUTHORITY)
            write_next_key(output, new, new_passphrase_file, no_passphrase=no_passphrase)
        await _require_approved(connection.service, anchor, new, output)
        await hand_authority_over(connection.service, old, new, now=anchor.now())
    _show_end(await anchored(connection), output, as_json=as_json)


async def _require_approved(service: Service, anchor: Anchor, new: Identity, output: str) -> None:
    """Return only if enough admins agreed to the next key, which is on the disk.

    Raises:
        ConflictProblem: with what each who agrees has to type.
    """
    found = await given_for(service, next_authority(anchor.authority, new.public))
    try:
        require_approved(found, Act.AUTHORITY, f"{output}.pub")
    except ConflictProblem:
        text = _("the next key is in {path}, fingerprint {fingerprint}: nothing was handed over yet")
        say(text.format(path=output, fingerprint=new.public.fingerprint))
        say(
            _("give admins {path}, and once two approved it type the same with --resume").format(
                path=f"{output}.pub"
            )
        )
        raise


def _show_plan(anchor: Anchor, *, approved: bool, as_json: bool) -> None:
    present = anchor.authority.fingerprint
    needed = NEEDED if approved else 0
    if as_json:
        print_json(
            {
                "authority_now": present,
                "keys_before": len(anchor.authority_line) - 1,
                "approvals_needed": needed,
            }
        )
        return
    print_pairs(
        [
            (_("speaks as the authority"), present),
            (_("keys before it"), str(len(anchor.authority_line) - 1)),
            (_("approvals needed"), str(needed) if needed else ""),
        ]
    )


def _show_end(anchor: Anchor, output: str, *, as_json: bool) -> None:
    present = anchor.authority
    if as_json:
        print_json(
            {
                "secret": output,
                "public": f"{output}.pub",
                "authority_now": present.fingerprint,
                "key_id": present.signing_key_id.hex(),
            }
        )
        return
    print_pairs([(_("new key"), output), (_("speaks as the authority"), present.fingerprint)])
    say(_("hand out what scelle trust export writes now to whoever reads without the service"))
