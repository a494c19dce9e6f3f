"""``scelle template own``: an editor takes over the template that it was given."""

from __future__ import annotations

from contextlib import suppress
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.asking import checked_username, chosen_or_generated, password_for
from client.cli.online.connection import known_service, reach, server_option, wait_for
from client.cli.online.trusting import trust_by_template
from client.cli.options import json_option, new_password_options, username_options
from client.cli.output import print_json, print_pairs
from client.cli.style import command
from client.errors import N_, UsageProblem
from client.exchange.takeover import Takeover
from client.exchange.targets import AtomicFile, require_free
from client.remote.owning import Owning
from client.remote.problems import ServiceProblem, TransportProblem
from client.terminal import say
from client.trust import Anchor
from vault.container.slots import PasswordAccess

if TYPE_CHECKING:
    from client.profile import ServiceProfile
    from client.remote.owning import Owned

_SECRET_MODE = 0o600


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
@click.argument("template", metavar=_("TEMPLATE"))
@username_options()
@new_password_options()
@click.option("--password-out", metavar=_("FILE"), help=_("Write the password there instead of showing it."))
@server_option()
@json_option()
def own(
    *,
    template: str,
    username: str | None,
    password_file: str | None,
    new_password_file: str | None,
    ask_password: bool,
    password_out: str | None,
    server: str | None,
    as_json: bool,
) -> None:
    """Take over here and there, hand out the password, forget what lay beside."""
    if not username:
        raise UsageProblem(N_("say whose password to change: --username NAME"))
    if password_out:
        if new_password_file or ask_password:
            raise UsageProblem(
                N_("--password-out is for a password that is made for you; give one or the other")
            )
        require_free(password_out, force=False)
    name = checked_username(username)
    access = PasswordAccess(name, password_for(name, password_file))
    known = known_service(server)
    takeover = Takeover(template, access)
    if takeover.begun:
        say(_("going on with what an earlier command began"))
    chosen, generated = chosen_or_generated(name, new_password_file, ask=ask_password)
    if chosen == access.password:
        raise UsageProblem(N_("the new password is the old one; choose another"))
    owned = wait_for(_take_over(known, takeover, access, chosen))
    if password_out:
        with AtomicFile(password_out, mode=_SECRET_MODE) as file:
            file.write(chosen.encode() + b"\n")
            file.commit()
    shown = chosen if generated and not password_out else ""
    _show(owned, takeover.path, name, shown, password_out, as_json=as_json)
    # Only now: until the password was handed out, the old one has to open what lies beside the template.
    takeover.end()


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


def _show(
    owned: Owned, path: str, username: str, password: str, password_out: str | None, *, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "template": path,
                "depositor": owned.depositor.hex(),
                "former": owned.former.hex(),
                "stored": owned.template is not None,
                "username": username,
                "password": password or None,
                "password_file": password_out,
            }
        )
        return
    print_pairs(
        [
            (_("template"), path),
            (_("key"), owned.depositor.hex()),
            (_("user name"), username if password or password_out else ""),
            (_("password"), password),
            (_("password in"), password_out or ""),
        ]
    )
    if owned.template is None:
        say(_("note: the service keeps this template no more, so its link is dead; keep this file"))
    if password:
        say(_("write the password down now: it is shown this once, and nobody can recover it"))
    say(_("other copies of this template are of no use any more; copy this one to where you need it"))
