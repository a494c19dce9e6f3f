"""Admins who agree to something dangerous, at a service that asks for that."""

from client.remote.inheriting import say_succession
from keys.keyfile import encode_public
from keys.statements import Approval, lasting, sign_statement
from tests.exchange.acts_of_people import carry
from vault.api.models.signin import Challenge

DAY = 86_400


def approval(world, identity, act, subject, digest, **changes):
    """Return a signed approval, for three days."""
    said = {
        "issuer": identity.public.signing,
        **lasting(world.clock.now(), 3 * DAY),
        "service": world.origin,
        "act": act,
        "subject": subject,
        "digest": digest,
    }
    return sign_statement(Approval(**said | changes), identity.signing)


async def send(world, person, signed, **options):
    return await world.ask("approve", token=person.token, json={"statement": carry(signed)}, **options)


async def approve(world, person, act, subject, digest, **changes):
    """Let somebody agree, and return the answer's document."""
    answer = await send(world, person, approval(world, person.identity, act, subject, digest, **changes))
    assert answer.status == 201, answer.body
    return answer.json


async def withdraw(world, person, approval_id, signed, **options):
    body, path = {"statement": carry(signed)}, {"approval": approval_id}
    return await world.ask("withdraw_approval", path, token=person.token, json=body, **options)


async def listed(world, **params):
    """Return states by account, the newest approval first."""
    found = await world.ok("list_approvals", token=world.root, params=params)
    return [(one["account"], one["state"]) for one in found["items"]]


async def hand_over(world, person, heir):
    """Let somebody's account have another key."""
    said = await _succession(world, person.identity, heir)
    session = await world.session(person.identity)
    await world.ok("succeed_account", token=session, json=said)


async def crown(world, admin, heir):
    """Let the authority hand over, as an admin sends it."""
    said = await _succession(world, world.authority, heir)
    return await world.ask("succeed_authority", token=admin.token, json=said)


async def _succession(world, old, heir):
    challenge = Challenge(**await world.ok("create_challenge", json={"identity": encode_public(heir.public)}))
    said = say_succession(old, heir, challenge, origin=world.origin, at=world.clock.now())
    return said.model_dump(mode="json")
