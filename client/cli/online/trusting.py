"""Deciding whom to trust: shown and asked on a terminal, taken from a file in a pipe."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Protocol

import click

from client import distrust
from client.cli.online.confirming import confirm
from client.cli.online.connection import known_service
from client.cli.output import print_json, print_pairs
from client.distrust import Distrusted
from client.errors import N_, AccessProblem, UsageProblem
from client.remote.trust import learn, name_authority, renew
from client.terminal import can_ask, say
from client.trust import Anchor
from client.trustfile import read_trust_file
from keys.derivation import key_id
from keys.errors import Refusal

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.cli.options import Decorator
    from client.profile import ServiceProfile
    from client.records import Pin
    from client.remote.service import Service
    from keys.keyring import Identity
    from vault.container.seal import Seal


def trust_option() -> Decorator:
    """``--trust``."""
    return click.option(
        "--trust",
        metavar=_("FILE"),
        help=_("Whom to trust: what an admin's scelle trust export wrote; otherwise you are asked."),
    )


def offline_anchor(trust: str | None, server: str | None) -> Anchor:
    """Return whom to trust without asking anybody: by a file, or as it was confirmed for a service.

    Raises:
        AccessProblem: nobody ever decided that.
        UsageProblem: not such a file.
    """
    if trust is not None:
        return Anchor(read_trust_file(trust))
    return kept_anchor(known_service(server))


def kept_anchor(known: ServiceProfile) -> Anchor:
    """Return what may be believed at a service by what is kept: offline, or where one has just signed in.

    Raises:
        AccessProblem: nobody ever decided whom to trust there.
    """
    if known.pin is None:
        raise AccessProblem(
            N_("whom to trust at {url} is not known yet; sign in again with scelle login"), url=known.url
        )
    return Anchor(known.pin)


async def settle_trust(service: Service, known: ServiceProfile, trust: str | None) -> Pin:
    """Return whom to trust at a service and keep it, or refuse.

    What was decided before stands, and only the authority's own word changes it.

    Raises:
        Distrusted: the service names another authority than the one that is trusted.
        UsageProblem: nobody can be asked, and no file was given.
        AccessProblem: the person said no.
    """
    learned = await learn(service)
    before = known.pin
    if before is not None and before.authority is not None:
        pin = renew(before, learned)
        _tell(before, pin)
    elif trust is not None:
        file = read_trust_file(trust, url=known.url)
        pin = renew(file, learned)
        _tell(file, pin)
    elif learned.authority is None:
        say(_("note: no authority is published here yet, so nothing that the service hands on is believed"))
        pin = learned
    else:
        _ask(learned)
        pin = learned
    if trust is not None and before is not None and before.authority is not None:
        # It was typed, so it is meant: what is kept and what is in the file have to be the same.
        renew(read_trust_file(trust, url=known.url), learned)
    known.keep_pin(pin)
    return pin


async def renew_pin(service: Service, known: ServiceProfile) -> Pin:
    """Follow what the trusted authority said since, keep it, and tell where it handed over.

    Raises:
        AccessProblem: nobody ever decided whom to trust there.
        Distrusted: the service names another authority than the one that is trusted.
    """
    before = known.pin
    if before is None or before.authority is None:
        raise AccessProblem(
            N_("whom to trust at {url} is not known yet; sign in again with scelle login"), url=known.url
        )
    pin = renew(before, await learn(service))
    if pin != before:
        known.keep_pin(pin)
        _tell(before, pin)
    return pin


async def anchored(connection: Connection) -> Anchor:
    """Return what may be believed at this service now.

    Whoever goes on with a service token signs in nowhere, and would not hear otherwise of a key that follows.

    Raises:
        AccessProblem: nobody ever decided whom to trust here.
        Distrusted: the service names another authority than the one that is trusted.
    """
    return Anchor(await renew_pin(connection.service, connection.known))


def _tell(before: Pin, after: Pin) -> None:
    """Say that the authority, or the service, goes by another key than before."""
    assert after.authority is not None
    present = Anchor(after).authority
    if Anchor(before).authority != present:
        say(
            _("note: the authority handed over to its next key, {fingerprint}").format(
                fingerprint=present.fingerprint
            )
        )
    if Anchor(before).recovery_key() != Anchor(after).recovery_key():
        say(
            _("note: seals carry an access for another recovery key from now on, {key}").format(
                key=key_id(Anchor(after).recovery_key()).hex()
            )
        )
    if before.server != after.server:
        say(
            _("note: the service has another key than before, {fingerprint}").format(
                fingerprint=after.server.fingerprint
            )
        )


class Named(Protocol):
    """As much of an opened template as trust is learned from."""

    @property
    def seal(self) -> Seal:
        """The template's."""

    @property
    def identity(self) -> Identity:
        """The depositor."""


async def trust_by_template(service: Service, known: ServiceProfile, template: Named) -> Pin:
    """Trust the authority that an opened template names, unless another one is trusted already, and keep it.

    Whoever made the template knew its password, and its seal is by the key that the password unlocks: the
    editor was told the password by whom it trusts.

    Raises:
        Distrusted: the service has another authority.
    """
    if template.seal.signer != template.identity.public.signing or not template.seal.writers:
        raise Distrusted(distrust.AUTHORITY, Refusal.NOT_ENTITLED)
    learned = await learn(service)
    pin = name_authority(learned, template.seal.writers[0])
    before = known.pin
    if before is not None and before.authority is not None:
        pin = renew(before, learned)
        _tell(before, pin)
    known.keep_pin(pin)
    return pin


def _ask(learned: Pin) -> None:
    if not can_ask():
        raise UsageProblem(
            N_("no terminal to ask whom to trust; give --trust FILE, made by an admin: scelle trust export")
        )
    assert learned.authority is not None
    say(_("the service at {url}").format(url=learned.url))
    say(_("  authority {fingerprint}").format(fingerprint=learned.authority.fingerprint))
    say(_("  service   {fingerprint}").format(fingerprint=learned.server.fingerprint))
    say(_("compare them with what an admin reads to you"))
    if not confirm(_("are they the same? [y/N]")):
        raise AccessProblem(N_("nobody is trusted, and nothing was sent"))


def show_pin(pin: Pin, *, as_json: bool) -> None:
    """Print whom a person trusts."""
    authority = pin.authority.fingerprint if pin.authority else None
    anchor = Anchor(pin) if pin.authority else None
    present = anchor.authority.fingerprint if anchor else None
    recovery = key_id(anchor.recovery_key()).hex() if anchor else None
    if as_json:
        print_json(
            {
                "url": pin.url,
                "authority": authority,
                "authority_now": present,
                "authority_key": pin.authority.signing_key_id.hex() if pin.authority else None,
                "server": pin.server.fingerprint,
                "server_key": pin.server.signing_key_id.hex(),
                "recovery_key": recovery,
            }
        )
        return
    print_pairs(
        [
            (_("service"), pin.url),
            (_("authority"), authority or _("none is published yet")),
            (_("speaks as the authority"), present if present and present != authority else ""),
            (_("service's key"), pin.server.fingerprint),
            (_("recovery key"), recovery or ""),
        ]
    )
