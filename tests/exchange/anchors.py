"""Whom a client trusts, without having asked the service: for what is judged by its statements alone."""

from client.records import Pin
from client.trust import Anchor
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import Habilitation, lasting, sign_statement


def anchor_of(world) -> Anchor:
    """Return one that trusts the world's authority, and a server that it never had, by the world's clock."""
    said = Habilitation(
        world.authority.public.signing,
        **lasting(world.clock.now(), 0),
        subject=Identity.generate(Use.SERVICE).public,
        role="server",
        organisation="GIE",
        scope=(),
    )
    pin = Pin(
        url=world.origin,
        origin=world.origin,
        server=said.subject,
        authority=world.authority.public,
        habilitation=sign_statement(said, world.authority.signing),
    )
    return Anchor(pin, clock=world.clock.now)
