"""``scelle enrol``: tying a key to an account."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.asking import load_identity
from client.cli.online.connection import known_service, reach, server_option, wait_for
from client.cli.options import json_option, passphrase_option
from client.cli.output import print_json, print_pairs
from client.cli.style import command
from client.errors import N_, UsageProblem
from client.passwords import read_password
from client.profile import Profile
from client.remote.problems import RequestRefused
from client.remote.signin import enrol as enrol_
from client.terminal import ask_secret, can_ask

if TYPE_CHECKING:
    from keys.keyring import Identity
    from vault.api.models.people import Account


@command(
    "enrol",
    help=_(
        "Tie your key to the account that an admin made for you, with the code that the admin gave you. Then "
        "read your fingerprint to the admin, who cannot know otherwise that the key is yours. A portal's "
        "key is made with scelle keygen --use service."
    ),
    examples=(
        "scelle enrol --server https://vault.example.org --identity me.key --code-file code.txt",
        "scelle enrol --server https://vault.example.org --identity me.key",
    ),
)
@click.option("-i", "--identity", required=True, metavar=_("FILE"), help=_("Your key file."))
@passphrase_option()
@click.option("--code", metavar=_("CODE"), help=_("The code; others on this machine may see it here."))
@click.option("--code-file", metavar=_("FILE"), help=_("File that holds the code; otherwise you are asked."))
@server_option()
@json_option()
def enrol(
    *,
    identity: str,
    passphrase_file: str | None,
    code: str | None,
    code_file: str | None,
    server: str | None,
    as_json: bool,
) -> None:
    """Prove both halves of the key."""
    known = known_service(server)
    text = _code(code, code_file)
    key = load_identity(identity, passphrase_file)

    async def work() -> Account:
        async with reach(known) as service:
            try:
                return await enrol_(service, text, key)
            except RequestRefused as error:
                if error.field != "identity":
                    raise
                raise UsageProblem(
                    N_(
                        "{path}: not the kind of key that this account needs; a portal's is made with scelle "
                        "keygen --use service, anybody else's without --use"
                    ),
                    path=identity,
                ) from None

    account = wait_for(work())
    if Profile.default().current is None:
        Profile.default().use(known.url)
    _show(account, key, as_json=as_json)


def _code(code: str | None, code_file: str | None) -> str:
    if code and code_file:
        raise UsageProblem(N_("--code and --code-file exclude each other; give one"))
    if code_file:
        return read_password(code_file).strip()
    if code:
        return code
    if not can_ask():
        raise UsageProblem(N_("no terminal to ask for the code; give --code-file"))
    return ask_secret(_("enrolment code:")).strip()


def _show(account: Account, key: Identity, *, as_json: bool) -> None:
    if as_json:
        print_json(account.model_dump(mode="json"))
        return
    print_pairs(
        [
            (_("account"), account.id),
            (_("name"), account.name),
            (_("role"), account.role.value),
            (_("fingerprint"), key.public.fingerprint),
        ]
    )
