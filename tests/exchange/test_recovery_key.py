"""Another recovery key: by the authority's word alone, for what is sealed from then on."""

import pytest

from client.distrust import Distrusted
from client.remote.inheriting import say_succession
from client.remote.trust import renew
from client.trust import Anchor
from keys.errors import Refusal
from keys.keyfile import Use, encode_public
from keys.keyring import Identity
from keys.statements import RecoveryKey, lasting, sign_statement
from tests.exchange.acts_of_people import carry
from tests.exchange.anchors import pin_of
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.reencrypted import Home
from vault.api.models.signin import Challenge

pytestmark = pytest.mark.asyncio


async def publish(world, recovery, issuer=None, *, token=None, signed=None, **options):
    signed = signed or world.recovery_statement(recovery, issuer, **options)
    body = {"statement": carry(signed)}
    return await world.ask("publish_recovery_key", token=token or world.root, json=body)


def follow(world, before, after) -> bytes:
    clock = world.clock.now
    return Anchor(renew(before, after, clock=clock), clock=clock).recovery_key()


async def test_what_is_sealed_from_then_on_is_for_the_new_one(sender):
    home, world = Home(sender), sender.world
    await home.fill()
    early = world.seal(sender.editor.signing, sender.dossier, content=b"early")
    before, size = await pin_of(world), await world.journal_size()
    former, present = world.recovery, Identity.generate(Use.RECOVERY)
    world.clock.time += 1
    done = await publish(world, present)
    assert done.status == 200, done.body
    assert await world.journal_size() == size + 1
    assert (await world.last_entry())["action"] == "authority.recovery_key"
    after = await pin_of(world)
    assert follow(world, before, after) == present.public.kem
    refused = await world.deposit(sender.session, sender.dossier, early)
    assert (refused.status, refused.code) == (422, "recovery_slot_missing")
    # What was sealed before is there, and left to be re-encrypted.
    path = {"dossier": sender.dossier.id}
    state = await world.ok("get_reencryption", path, token=sender.admin.token)
    assert (state["versions"], state["left"]) == (2, 2)
    again = await home.send(home.first, home.again(home.containers[home.first["seal_id"]]))
    assert (again.status, again.code) == (422, "recovery_slot_missing")
    world.recovery = present
    await world.kept(sender.session, sender.dossier, world.seal(sender.editor.signing, sender.dossier))
    answer = await home.send(home.first, home.again(home.containers[home.first["seal_id"]]))
    assert answer.status == 201, answer.body
    state = await world.ok("get_reencryption", path, token=sender.admin.token)
    assert (state["versions"], state["left"], state["originals"]) == (3, 1, 1)
    # Nobody goes back: the service refuses it, and no client that knows better believes a service that does.
    world.clock.time += 1
    for key in (former, present):
        back = await publish(world, key)
        assert (back.status, back.code) == (409, "already_exists")
    with pytest.raises(Distrusted) as caught:
        follow(world, after, before)
    assert caught.value.reason is Refusal.SUPERSEDED


async def test_nobody_but_the_authority_says_it(sender):
    world = sender.world
    present, state = Identity.generate(Use.RECOVERY), await world.state()
    world.clock.time += 1
    forged = world.recovery_statement(present)._replace(signature=bytes(3373))
    ended = RecoveryKey(
        world.authority.public.signing, **lasting(world.clock.now(), 60), public_key=present.public.kem
    )
    for options in (
        {"signed": forged},
        {"issuer": sender.admin.identity},
        {"issuer": Identity.generate(Use.AUTHORITY)},
        {"at": world.clock.now() + 1},
        {"at": world.clock.now() - 1},
        {"signed": sign_statement(ended, world.authority.signing)},
        {"signed": world.habilitation(sender.editor, "reviewer")},
    ):
        refused = await publish(world, present, **options)
        assert (refused.status, refused.code) == (422, "statement_invalid"), (options, refused.body)
    assert (await publish(world, present, token=sender.portal.token)).status == 403
    assert await world.state() == state


async def test_the_authority_of_before_says_it_no_more(sender):
    world, heir = sender.world, Identity.generate(Use.AUTHORITY)
    before = await pin_of(world)
    world.clock.time += 1
    asked = await world.ok("create_challenge", json={"identity": encode_public(heir.public)})
    said = say_succession(
        world.authority, heir, Challenge(**asked), origin=world.origin, at=world.clock.now()
    )
    await world.ok("succeed_authority", token=world.root, json=said.model_dump(mode="json"))
    world.clock.time += 1
    present = Identity.generate(Use.RECOVERY)
    for at in (world.clock.now(), world.clock.now() - 2):
        refused = await publish(world, present, at=at)
        assert (refused.status, refused.code) == (422, "statement_invalid")
    assert follow(world, before, await pin_of(world)) == world.recovery.public.kem
    assert (await publish(world, present, heir)).status == 200
    assert follow(world, before, await pin_of(world)) == present.public.kem
