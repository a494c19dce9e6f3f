"""``scelle login``, ``scelle logout`` and ``scelle whoami``."""

from __future__ import annotations

import contextlib
import os
import time
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from client.cli.asking import load_identity
from client.cli.online.connection import known_service, online, reach, server_option, wait_for
from client.cli.online.ending import ending_soon
from client.cli.online.trusting import settle_trust, trust_by_template, trust_option
from client.cli.options import json_option, passphrase_option, username_options
from client.cli.output import print_json, print_pairs, show_time
from client.cli.style import command
from client.cli.who import Who, open_template
from client.errors import N_, UsageProblem
from client.passwords import read_password
from client.profile import Profile
from client.remote.problems import SignInRefused
from client.remote.signin import sign_in, sign_in_with_token
from client.terminal import say

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.profile import ServiceProfile
    from client.records import Session
    from vault.api.models.signin import Me


class _Given(NamedTuple):
    token_file: str | None
    identity: str | None
    passphrase_file: str | None
    template: str | None
    username: str | None
    password_file: str | None
    trust: str | None


@command(
    "login",
    help=_(
        "Sign in to a service: with a key, for one hour; with a service token; or with a template, whose "
        "password is asked for. The first time you are shown whom you are about to trust; in a pipe --trust "
        "says it. A template says it too."
    ),
    examples=(
        "scelle login https://vault.example.org --identity me.key",
        "scelle login https://vault.example.org --token-file portal.token --trust trust.json",
        "scelle login https://vault.example.org --template dossier.scelle --username a.martin",
    ),
)
@click.argument("url", metavar="URL")
@click.option("--token-file", metavar=_("FILE"), help=_("File that holds a service token."))
@click.option("-i", "--identity", metavar=_("FILE"), help=_("Your key file."))
@passphrase_option()
@click.option("--template", metavar=_("FILE"), help=_("Template that holds your key."))
@username_options()
@trust_option()
@json_option()
def login(*, url: str, as_json: bool, **options: Any) -> None:
    """Settle whom to trust, then sign in."""
    given = _Given(**options)
    if given.identity:
        # Later commands may be typed elsewhere.
        given = given._replace(identity=os.path.abspath(given.identity))  # noqa: PTH100 - as everywhere here
    if sum(way is not None for way in (given.token_file, given.identity, given.template)) != 1:
        raise UsageProblem(
            N_("say how you sign in, one of: --identity FILE, --token-file FILE, --template FILE")
        )
    known = known_service(url)
    me = wait_for(_login(known, given))
    Profile.default().use(known.url)
    _show(me, known, as_json=as_json)


async def _login(known: ServiceProfile, given: _Given) -> Me:
    async with reach(known) as service:
        if given.template is not None:
            who = Who(
                username=given.username,
                password_file=given.password_file,
                identity=(),
                passphrase_file=None,
                template=given.template,
                grant=(),
            )
            template = open_template(given.template, who)
            await trust_by_template(service, known, template)
            signed = await sign_in(service, template.identity)
        elif given.token_file is not None:
            token = read_password(given.token_file)
            await settle_trust(service, known, given.trust)
            signed = await sign_in_with_token(service, token)
        else:
            assert given.identity is not None
            await settle_trust(service, known, given.trust)
            signed = await sign_in(service, load_identity(given.identity, given.passphrase_file))
        known.keep_session(signed.session._replace(identity=given.identity or ""))
        return signed.me


@command("logout", help=_("End the session and forget it."), examples=("scelle logout",))
@server_option()
def logout(*, server: str | None) -> None:
    """End the session there and here."""
    known = known_service(server)
    session = known.session
    known.forget_session()
    if session is not None and session.kind == "session":
        wait_for(_logout(known, session))


async def _logout(known: ServiceProfile, session: Session) -> None:
    async with reach(known, session.token) as service:
        # A session that is over already is what was asked for.
        with contextlib.suppress(SignInRefused):
            await service.delete_session()


@command("whoami", help=_("Show who you are to the service."), examples=("scelle whoami --json",))
@json_option()
@online
async def whoami(connection: Connection, *, as_json: bool) -> None:
    """Ask the service."""
    _show(await connection.service.get_me(), connection.known, as_json=as_json)


def _show(me: Me, known: ServiceProfile, *, as_json: bool) -> None:
    if warning := ending_soon(me.habilitated_until or 0, int(time.time())):
        say(warning)
    if as_json:
        print_json({"url": known.url, **me.model_dump(mode="json")})
        return
    print_pairs(
        [
            (_("service"), known.url),
            (_("role"), me.role),
            (_("name"), me.name or ""),
            (_("account"), me.account or ""),
            (_("organisation"), me.organisation or ""),
            (_("key"), me.key_id or ""),
            (_("habilitated"), _("yes") if me.habilitated else ""),
            (_("habilitated until"), show_time(me.habilitated_until or 0)),
            (_("until"), show_time(me.expires or 0)),
        ]
    )
