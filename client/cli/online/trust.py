"""``scelle trust``: whom one trusts, and handing that on."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.connection import known_service, reach, server_option, wait_for
from client.cli.online.trusting import renew_pin, show_pin
from client.cli.options import force_option, json_option
from client.cli.style import group
from client.errors import N_, AccessProblem
from client.trustfile import write_trust_file

if TYPE_CHECKING:
    from client.profile import ServiceProfile
    from client.records import Pin


@group("trust", help=_("Whom you trust at a service: the authority, and through it everybody else."))
def trust() -> None:
    """Hold the commands."""


@trust.command(
    "show",
    help=_("Show the fingerprints that you confirmed, to be read aloud."),
    examples=("scelle trust show",),
)
@server_option()
@json_option()
def show(*, server: str | None, as_json: bool) -> None:
    """Print the pin."""
    show_pin(_pin(known_service(server)), as_json=as_json)


@trust.command(
    "export",
    help=_(
        "Write what others need in order to trust the same authority without being asked: scelle login "
        "--trust FILE. Nothing in it is secret, but it must not be changed on its way."
    ),
    examples=("scelle trust export -o trust.json",),
)
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The file to make."))
@force_option(_("Overwrite the file if it exists."))
@server_option()
def export(*, output: str, force: bool, server: str | None) -> None:
    """Write the pin."""
    pin = _pin(known_service(server))
    if pin.authority is None:
        raise AccessProblem(
            N_("no authority is trusted at {url} yet; sign in again with scelle login"), url=pin.url
        )
    write_trust_file(output, pin, force=force)


@trust.command(
    "renew",
    help=_(
        "Follow what the authority said since: that it handed over to its next key, or that the service has "
        "another one. Other commands that talk to the service do so too. Whom you trust stays the "
        "one that you confirmed."
    ),
    examples=("scelle trust renew",),
)
@server_option()
@json_option()
def renew(*, server: str | None, as_json: bool) -> None:
    """Ask the service, judge, keep."""
    known = known_service(server)

    async def work() -> Pin:
        async with reach(known) as service:
            return await renew_pin(service, known)

    show_pin(wait_for(work()), as_json=as_json)


def _pin(known: ServiceProfile) -> Pin:
    pin = known.pin
    if pin is None:
        raise AccessProblem(N_("nobody is trusted at {url} yet; begin with scelle login"), url=known.url)
    return pin
