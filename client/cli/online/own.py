"""``scelle template own`` and ``passwd``: what editors do with the templates that they were given."""

# pathlib would cost start-up time.
# ruff: noqa: PTH110
from __future__ import annotations

import os
from contextlib import suppress
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from client.cli.asking import checked_username, chosen_or_generated, password_for
from client.cli.online.connection import known_service, reach, server_option, wait_for
from client.cli.online.trusting import trust_by_template
from client.cli.options import json_option, new_password_options, stacked, username_options
from client.cli.output import print_json, print_pairs
from client.cli.style import command
from client.cli.who import template_policy
from client.errors import N_, UsageProblem
from client.exchange.takeover import Takeover, open_held
from client.exchange.targets import AtomicFile, require_free
from client.passwords import read_password
from client.policies import asked_of
from client.remote.granting import fetch_keys
from client.remote.owning import Owning
from client.remote.problems import ServiceProblem, TransportProblem
from client.remote.relocking import relock
from client.remote.signin import sign_in
from client.terminal import say
from client.trust import Anchor
from vault.container.slots import PasswordAccess

if TYPE_CHECKING:
    from client.cli.options import Decorator
    from client.exchange.takeover import Held
    from client.profile import ServiceProfile
    from client.remote.owning import Owned
    from client.remote.relocking import Relocked

_SECRET_MODE: Final = 0o600


class _Chosen(NamedTuple):
    """A new password, and where it goes."""

    username: str
    password: str
    generated: bool
    out: str | None

    def __repr__(self) -> str:
        return f"_Chosen({self.username}, <redacted>)"


class _Given(NamedTuple):
    """What was typed about user name and passwords."""

    username: str | None
    password_file: str | None
    new_password_file: str | None
    ask_password: bool
    password_out: str | None

    def access(self) -> PasswordAccess:
        """Return the user name and the present password.

        Raises:
            UsageProblem: no user name, or options that do not go together.
        """
        if not self.username:
            raise UsageProblem(N_("say whose password to change: --username NAME"))
        if self.password_out and (self.new_password_file or self.ask_password):
            raise UsageProblem(
                N_("--password-out is for a password that is made for you; give one or the other")
            )
        name = checked_username(self.username)
        return PasswordAccess(name, password_for(name, self.password_file))

    def choose(self, access: PasswordAccess, policy: str | None, *, again: bool) -> _Chosen:
        """Return the new password.

        Args:
            access: the present one.
            policy: what is asked of new ones.
            again: whether an earlier command may have written its file, which then says what it is.

        Raises:
            UsageProblem: it is the present one, or the policy takes no such password.
            ConflictProblem: the file where it is to go is there.
        """
        if self.password_out and again and os.path.exists(self.password_out):
            password, generated = read_password(self.password_out), False
        else:
            if self.password_out:
                require_free(self.password_out, force=False)
            password, generated = chosen_or_generated(
                access.username, self.new_password_file, ask=self.ask_password, policy=policy
            )
        if password == access.password:
            raise UsageProblem(N_("the new password is the old one; choose another"))
        return _Chosen(access.username, password, generated, self.password_out)


def _password_options() -> Decorator:
    """Take the template, its user name and its passwords."""
    return stacked(
        click.argument("template", metavar=_("TEMPLATE")),
        username_options(),
        new_password_options(),
        click.option(
            "--password-out", metavar=_("FILE"), help=_("Write the password there instead of showing it.")
        ),
        server_option(),
        json_option(),
    )


@command(
    "own",
    help=_(
        "Take over the template that you were given: a new password, and a new key that nobody else ever "
        "knew. The old key signs that the new one follows it, so your mandate and what you deposited go "
        "along, and nobody else has to do anything. From then on the old password opens no template, and the "
        "old key signs in nowhere. Deposit first what you sealed with it. What you deposited before stays "
        "valid, and opens with the old password until you change that: scelle passwd --dossier. If the "
        "command is interrupted, type it again, with the old password."
    ),
    examples=(
        "scelle template own dossier.scelle --username a.martin",
        "scelle template own dossier.scelle --username a.martin --ask-password",
        "scelle template own dossier.scelle -u a.martin --password-file old.txt --password-out new.txt",
    ),
)
@_password_options()
def own(*, template: str, server: str | None, as_json: bool, **options: Any) -> None:
    """Take over here and there, hand out the password, forget what lay beside."""
    given = _Given(**options)
    access = given.access()
    known = known_service(server)
    takeover = Takeover(template, access)
    if takeover.begun:
        say(_("going on with what an earlier command began"))
    dossier = takeover.held.seal.dossier
    # Once begun, the profile knows; and the file may open with the new password already.
    if takeover.begun:
        policy = asked_of(dossier)
    else:
        wait_for(_learn_policy(known, takeover.held))
        policy = template_policy(template, access, dossier)
    chosen = given.choose(access, policy, again=takeover.begun)
    owned = wait_for(_take_over(known, takeover, access, chosen.password))
    document = {"depositor": owned.depositor.hex(), "former": owned.former.hex()}
    _hand_out(template, chosen, document, stored=owned.template is not None, as_json=as_json)
    # Only now: until the password was handed out, the old one has to open what lies beside the template.
    takeover.end()


async def _learn_policy(known: ServiceProfile, held: Held) -> None:
    """Ask what is asked of new passwords now: what the profile and the template say may be old."""
    async with reach(known) as service:
        await trust_by_template(service, known, held)
        # Why the service refuses is told by what comes next.
        with suppress(ServiceProblem):
            await sign_in(service, held.identity)
            try:
                found = await fetch_keys(service, held.seal.dossier)
                known.keep_policy(held.seal.dossier, found.passwords)
            finally:
                with suppress(TransportProblem):
                    await service.delete_session()


async def _take_over(
    known: ServiceProfile, takeover: Takeover, access: PasswordAccess, password: str
) -> Owned:
    async with reach(known) as service:
        pin = await trust_by_template(service, known, takeover.held)
        try:
            owning = Owning(service, known, Anchor(pin), takeover, access=access)
            return await owning.take_over(password)
        finally:
            if service.signed_in:
                with suppress(ServiceProblem, TransportProblem):
                    await service.delete_session()


@command(
    "passwd",
    help=_(
        "Change the password of your template, here and behind its link. The key in it stays, so whoever "
        "opened it before can still deposit in your name: where that may be, scelle template own ends it. If "
        "the command is interrupted, type it again, with the old password."
    ),
    examples=(
        "scelle template passwd dossier.scelle --username a.martin",
        "scelle template passwd dossier.scelle -u a.martin --ask-password",
    ),
)
@_password_options()
def passwd(*, template: str, server: str | None, as_json: bool, **options: Any) -> None:
    """Change it there, hand it out, change it here."""
    given = _Given(**options)
    access = given.access()
    known = known_service(server)
    held = open_held(template, access)
    wait_for(_learn_policy(known, held))
    chosen = given.choose(access, template_policy(template, access, held.seal.dossier), again=False)
    relocked = wait_for(_relock(known, template, held, access, chosen.password))
    _hand_out(template, chosen, {}, stored=relocked.template is not None, as_json=as_json)
    # Last: until the password was handed out, the old one has to open this file.
    with AtomicFile(template, force=True, mode=_SECRET_MODE) as file:
        file.write(relocked.container)
        file.commit()


async def _relock(
    known: ServiceProfile, template: str, held: Held, access: PasswordAccess, password: str
) -> Relocked:
    async with reach(known) as service:
        await trust_by_template(service, known, held)
        await sign_in(service, held.identity)
        try:
            return await relock(service, template, held.identities, access=access, password=password)
        finally:
            with suppress(ServiceProblem, TransportProblem):
                await service.delete_session()


def _hand_out(
    template: str, chosen: _Chosen, document: dict[str, str], *, stored: bool, as_json: bool
) -> None:
    """Write or show the password, and say what was done."""
    if chosen.out and not os.path.exists(chosen.out):
        with AtomicFile(chosen.out, mode=_SECRET_MODE) as file:
            file.write(chosen.password.encode() + b"\n")
            file.commit()
    shown = chosen.password if chosen.generated and not chosen.out else ""
    if as_json:
        password = {"username": chosen.username, "password": shown or None, "password_file": chosen.out}
        print_json({"template": template, "stored": stored, **document, **password})
        return
    print_pairs(
        [
            (_("template"), template),
            (_("key"), document.get("depositor", "")),
            (_("user name"), chosen.username),
            (_("password"), shown),
            (_("password in"), chosen.out or ""),
        ]
    )
    if not stored:
        say(_("note: the service keeps this template no more, so its link is dead; keep this file"))
    if shown:
        say(_("write the password down now: it is shown this once, and nobody can recover it"))
    say(_("other copies of this template are of no use any more; copy this one to where you need it"))
