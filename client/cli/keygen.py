"""``scelle keygen``: a key pair in two files."""

from __future__ import annotations

from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from client.cli.asking import pin_for
from client.cli.options import json_option, stacked
from client.cli.output import print_json, print_pairs
from client.cli.style import command
from client.errors import N_, UsageProblem
from client.keyfiles import naming
from client.passwords import read_password
from client.terminal import ask_new_secret, can_ask, escape, say
from keys.files import require_absent, write_pair
from keys.keyfile import Use, decode_secret, encode_public
from keys.keyring import Identity, lock_to_token, unlock_by_token
from keys.store import write_identity

if TYPE_CHECKING:
    from client.cli.options import Decorator

_USES: Final = {use.name.lower(): use for use in Use}


@command(
    "keygen",
    help=_(
        "Make a key pair: FILE, which only you may have, and FILE.pub, which you hand out. What is sealed to "
        "FILE.pub opens with FILE and its passphrase, and with nothing else: keep a copy in a safe place."
    ),
    examples=(
        "scelle keygen -o alice.key",
        'scelle keygen -o portal.key --use service --no-passphrase --name "Portal, production"',
        "scelle keygen -o alice.key --token ALICE",
    ),
)
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The key file to make."))
@click.option(
    "--passphrase-file",
    metavar=_("FILE"),
    help=_("File that holds the passphrase, or the token's PIN; otherwise you are asked."),
)
@click.option("--no-passphrase", is_flag=True, help=_("Whoever has the file can use the key."))
@click.option(
    "--token",
    metavar=_("LABEL"),
    help=_(
        "Lock FILE by a key on this token, instead of a passphrase; SCELLE_PKCS11_MODULE names its library."
    ),
)
@click.option(
    "--token-key",
    metavar=_("LABEL"),
    help=_("The P-384 key on the token that is to lock FILE; otherwise one is made there."),
)
@click.option(
    "--use",
    type=click.Choice(list(_USES)),
    default="person",
    show_default=True,
    help=_("What the key is for; other uses are refused later."),
)
@click.option("--name", default="", metavar=_("TEXT"), help=_("Words shown to people above the key."))
@json_option()
def keygen(
    *,
    output: str,
    passphrase_file: str | None,
    no_passphrase: bool,
    token: str | None,
    token_key: str | None,
    use: str,
    name: str,
    as_json: bool,
) -> None:
    """Generate and write."""
    if token is None and token_key is not None:
        raise UsageProblem(N_("--token-key goes with --token"))
    if token is not None:
        if no_passphrase:
            raise UsageProblem(N_("--token and --no-passphrase exclude each other; give one"))
        identity = _lock_to_token(output, token, token_key, passphrase_file, use=use, name=name)
    else:
        passphrase = choose_passphrase(output, passphrase_file, no_passphrase=no_passphrase)
        identity = Identity.generate(_USES[use])
        with naming(output):
            write_identity(Path(output), identity, passphrase, names=labels_of(name))
    if no_passphrase:
        say(
            _("warning: {path} has no passphrase; whoever has the file has the key").format(
                path=escape(output)
            )
        )
    public = identity.public
    if as_json:
        print_json(
            {
                "secret": output,
                "public": f"{output}.pub",
                "use": use,
                "fingerprint": public.fingerprint,
                "signing_key": public.signing_key_id.hex(),
                "encryption_key": public.kem_key_id.hex(),
            }
        )
        return
    print_pairs([(_("public file"), f"{output}.pub"), (_("fingerprint"), public.fingerprint)])


def _lock_to_token(
    output: str, token: str, token_key: str | None, pin_file: str | None, *, use: str, name: str
) -> Identity:
    """Write a key that a token locks; it was opened once before the files are there."""
    from client.tokens import agree, prepare_key  # noqa: PLC0415 - few have a token

    path = Path(output)
    with naming(output):
        require_absent(path)
    pin = pin_for(token, pin_file)
    key = prepare_key(token, token_key, lambda _label: pin)
    identity = Identity.generate(_USES[use])
    with naming(output):
        locked = lock_to_token(identity, key.point, labels_of(name))
        unlock_by_token(decode_secret(locked), lambda lock: agree(lock, lambda _label: pin))
        write_pair(path, locked, encode_public(identity.public, labels_of(name)))
    return identity


def choose_passphrase(output: str, passphrase_file: str | None, *, no_passphrase: bool) -> str | None:
    """Return the passphrase of a key file that is about to be made; None for one without.

    Raises:
        UsageProblem: both options were given, or neither and nobody can be asked.
    """
    if no_passphrase and passphrase_file:
        raise UsageProblem(N_("--passphrase-file and --no-passphrase exclude each other; give one"))
    if no_passphrase:
        return None
    if passphrase_file:
        return read_password(passphrase_file)
    if not can_ask():
        raise UsageProblem(
            N_("no terminal to ask for a passphrase; give --passphrase-file or --no-passphrase")
        )
    return ask_new_secret(_("passphrase for {path}:").format(path=escape(output)), _("the same again:"))


def next_key_options() -> Decorator:
    """``--new-passphrase-file`` and ``--no-passphrase``, for `write_next_key`."""
    return stacked(
        click.option(
            "--new-passphrase-file",
            metavar=_("FILE"),
            help=_("File that holds the passphrase of the new key file; otherwise you are asked."),
        ),
        click.option(
            "--no-passphrase", is_flag=True, help=_("Whoever has the new key file can use the key.")
        ),
    )


def write_next_key(
    output: str, identity: Identity, passphrase_file: str | None, *, no_passphrase: bool
) -> None:
    """Write the key that is about to follow another one: before anything is sent.

    Raises:
        UsageProblem: as `choose_passphrase`.
        ClientError: see `naming`; such as that the file is there.
    """
    passphrase = choose_passphrase(output, passphrase_file, no_passphrase=no_passphrase)
    with naming(output):
        write_identity(Path(output), identity, passphrase)


def labels_of(name: str) -> dict[str, str]:
    """Return the lines that stand above a key."""
    return {"Name": name} if name else {}
