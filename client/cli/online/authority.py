"""``scelle authority``: the key that everybody trusts, which is kept offline."""

from __future__ import annotations

import time
from gettext import gettext as _
from typing import TYPE_CHECKING, Any

import click

from client.cli.asking import load_identity
from client.cli.keygen import keygen
from client.cli.online.bulk import agree, yes_option
from client.cli.online.confirming import confirm_fingerprint, fingerprint_option
from client.cli.online.connection import online
from client.cli.online.identities import authority_identity
from client.cli.online.trusting import anchored, renew_pin, show_pin
from client.cli.options import json_option, passphrase_option, stacked
from client.cli.style import group
from client.keyfiles import naming, read_public_key
from client.remote.authority import publish, publish_recovery_key
from client.remote.trust import learn
from keys.keyfile import Use, require_use

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.cli.options import Decorator


def _new_key_options() -> Decorator:
    return stacked(
        click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The key file to make.")),
        click.option(
            "--passphrase-file",
            metavar=_("FILE"),
            help=_("File that holds the passphrase; otherwise you are asked."),
        ),
        click.option("--no-passphrase", is_flag=True, help=_("Whoever has the file can use the key.")),
        click.option("--name", default="", metavar=_("TEXT"), help=_("Words shown to people above the key.")),
        json_option(),
    )


@group("authority", help=_("The authority: the one key that everybody trusts, kept offline."))
def authority() -> None:
    """Hold the commands."""


@authority.command(
    "create",
    help=_(
        "Make the authority's key pair: FILE, to be kept offline by one admin, and FILE.pub. Read its "
        "fingerprint to whoever will have to recognise it."
    ),
    examples=("scelle authority create -o authority.key",),
)
@_new_key_options()
@click.pass_context
def create(ctx: click.Context, /, **given: Any) -> None:
    """Make a key for this use."""
    ctx.invoke(keygen, use=Use.AUTHORITY.name.lower(), **given)


@authority.command(
    "publish",
    help=_(
        "Publish the authority on a service, once: with its word on the service's own key and on the "
        "recovery key. Compare the service's fingerprint with the one that it printed when it first started."
    ),
    examples=(
        "scelle authority publish --authority authority.key --recovery recovery.key.pub",
        "scelle authority publish --authority authority.key --recovery recovery.key.pub --fingerprint ABCD-…",
    ),
)
@click.option(
    "--authority", "key_file", required=True, metavar=_("FILE"), help=_("The authority's key file.")
)
@passphrase_option()
@click.option(
    "--recovery", required=True, metavar=_("FILE"), help=_("Public file of the recovery key (FILE.pub).")
)
@fingerprint_option(_("The service's fingerprint, as you were told it; otherwise you are asked."))
@json_option()
@online
async def publish_(
    connection: Connection,
    *,
    key_file: str,
    passphrase_file: str | None,
    recovery: str,
    fingerprint: str | None,
    as_json: bool,
) -> None:
    """Sign three statements and send them."""
    public = read_public_key(recovery)
    with naming(recovery):
        require_use(public, Use.RECOVERY)
    learned = await learn(connection.service)
    confirm_fingerprint(learned.server, _("the service's key"), fingerprint)
    identity = load_identity(key_file, passphrase_file)
    with naming(key_file):
        require_use(identity.public, Use.AUTHORITY)
    pin = await publish(connection.service, identity, learned, public, now=int(time.time()))
    connection.known.keep_pin(pin)
    show_pin(pin, as_json=as_json)


@authority.command(
    "recovery-key",
    help=_(
        "Publish the next recovery key, with the authority's word on it: seals need an access for it from "
        "now on. What was sealed before opens with the shares of the key before, until scelle reencrypt "
        "moves it; keep those shares until then. Clients follow with the next command that talks "
        "to the service, and say so. A recovery key that was given up never comes back. For admins."
    ),
    examples=(
        "scelle authority recovery-key recovery-2027.pub --authority authority.key",
        "scelle authority recovery-key recovery-2027.pub --authority authority.key --yes --json",
    ),
)
@click.argument("recovery", metavar=_("FILE"))
@click.option(
    "--authority", "key_file", required=True, metavar=_("FILE"), help=_("The present authority's key file.")
)
@passphrase_option()
@yes_option()
@json_option()
@online
async def recovery_key(
    connection: Connection,
    *,
    recovery: str,
    key_file: str,
    passphrase_file: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask, sign one statement, send it, follow."""
    public = read_public_key(recovery)
    with naming(recovery):
        require_use(public, Use.RECOVERY)
    anchor = await anchored(connection)
    identity = authority_identity(anchor, key_file, passphrase_file)
    agree(_("let seals carry an access for this recovery key from now on? [y/N]"), yes=yes)
    await publish_recovery_key(connection.service, anchor, identity, public)
    show_pin(await renew_pin(connection.service, connection.known), as_json=as_json)
