"""Whom a client trusts: as a service says it, or unasked, for what is judged by statements alone."""

from client.records import Pin
from client.trust import Anchor
from keys.keyfile import Use, decode_public
from keys.keyring import Identity
from keys.statements import Habilitation, lasting, sign_statement
from tests.exchange.acts_of_people import unpack


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


async def pin_of(world) -> Pin:
    """Return what the world's service says of itself and its authority."""
    found = await world.ok("get_trust")
    return Pin(
        url=world.origin,
        origin=found["origin"],
        server=decode_public(found["server_identity"]),
        authority=decode_public(found["authority"]),
        habilitation=unpack(found["server"]),
        recovery=unpack(found["recovery"]),
        successions=tuple(map(unpack, found["successions"])),
    )
