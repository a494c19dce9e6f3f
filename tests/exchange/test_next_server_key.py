"""The server's key hands over: at a moment that it announced, on all servers at once, and clients follow."""

import pytest

from client.distrust import Distrusted
from client.records import Pin
from client.remote.trust import renew
from client.trust import Anchor
from keys.errors import Refusal
from keys.files import public_path
from keys.keyfile import Use
from keys.keyring import Identity
from keys.serverkey import create_server_key
from keys.statements import Receipt, Succession, momentary, read_unjudged, sign_statement
from tests.exchange.acts_of_people import unpack
from tests.exchange.anchors import pin_of
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.journal import Actor
from vault.server.ports import Origin
from vault.server.refusals import RefusedError
from vault.server.services.nextkey import NextKey
from vault.server.services.serverkeys import next_path, read_held

pytestmark = pytest.mark.asyncio

LEAD = 600
"""Seconds; sessions last longer."""
ORIGIN = Origin(Actor("host", "uid:0"), "")


class Relay:
    """A service whose key hands over to the next one a while after `announce` was called."""

    def __init__(self, world, sender) -> None:
        self.world, self.sender = world, sender
        self.path = world.folder / "server.key"
        self.acts = NextKey(world.records, world.clock)
        self.first = read_held(self.path)

    async def announce(self, *, held=None, new=None, seconds=LEAD):
        if new is None:
            if not next_path(self.path).exists():
                create_server_key(next_path(self.path))
            new = read_held(next_path(self.path)).identity
        await self.acts.announce(held or self.first, new, seconds=seconds, origin=ORIGIN)
        return new

    async def deposit(self):
        world, sender = self.world, self.sender
        container = world.seal(sender.editor.signing, sender.dossier)
        return await world.deposit(sender.session, sender.dossier, container)

    async def receipt(self):
        made = await self.deposit()
        assert made.status == 201, made.body
        return unpack(made.json["receipt"])

    async def pin(self) -> Pin:
        return await pin_of(self.world)

    def anchor(self, pin) -> Anchor:
        return Anchor(pin, clock=self.world.clock.now)

    def renew(self, trusted, learned) -> Pin:
        return renew(trusted, learned, clock=self.world.clock.now)


@pytest.fixture
def relay(world, sender):
    return Relay(world, sender)


async def test_until_then_the_present_key_signs_and_from_then_on_the_next_one(relay):
    world = relay.world
    before, early = await relay.pin(), await relay.receipt()
    size = await world.journal_size()
    new = await relay.announce()
    assert await world.journal_size() == size + 1
    assert (await world.last_entry())["action"] == "server.succeeded"
    announced = relay.renew(before, await relay.pin())
    assert announced.server == relay.first.identity
    world.clock.time += LEAD - 1
    last = await relay.receipt()
    world.clock.time += 1
    late = await relay.receipt()
    signers = [read_unjudged(one, Receipt).issuer for one in (early, last, late)]
    assert signers == [relay.first.identity.signing] * 2 + [new.signing]
    # Whoever heard of it in time needs no network any more; the others follow when they ask.
    followed = relay.renew(before, await relay.pin())
    assert followed.server == new
    for pin in (announced, followed):
        for receipt in (early, last, late):
            relay.anchor(pin).receipt(receipt)
    with pytest.raises(Distrusted) as refused:
        relay.anchor(before).receipt(late)
    assert refused.value.reason is Refusal.NOT_ENTITLED


async def test_checkpoints_change_with_it(relay):
    world = relay.world
    new = await relay.announce()
    pin = relay.renew(await relay.pin(), await relay.pin())
    for seconds, expected in ((0, relay.first.identity), (LEAD, new)):
        world.clock.time += seconds
        found = await world.ok("get_checkpoint", token=world.root)
        statement = relay.anchor(pin).checkpoint(unpack(found["checkpoint"]))
        assert statement.issuer == expected.signing


async def test_a_server_without_the_file_signs_nothing_and_goes_on_once_it_is_there(relay):
    world = relay.world
    new = await relay.announce()
    aside = relay.path.with_name("aside")
    next_path(relay.path).rename(aside)
    before = await relay.receipt()
    world.clock.time += LEAD
    refused = await relay.deposit()
    assert (refused.status, refused.code) == (503, "unavailable")
    listed = await world.ok("list_evidence", {"dossier": relay.sender.dossier.id}, token=relay.sender.session)
    assert len(listed["items"]) == 1
    assert read_unjudged(before, Receipt).issuer == relay.first.identity.signing
    aside.rename(next_path(relay.path))
    assert read_unjudged(await relay.receipt(), Receipt).issuer == new.signing


async def test_it_hands_over_again(relay):
    world, first = relay.world, await relay.pin()
    second = await relay.announce()
    world.clock.time += LEAD
    held = read_held(next_path(relay.path))
    next_path(relay.path).replace(relay.path)
    public_path(next_path(relay.path)).unlink()
    third = await relay.announce(held=held)
    assert third not in {second, relay.first.identity}
    world.clock.time += LEAD
    receipt = await relay.receipt()
    pin = relay.renew(first, await relay.pin())
    assert pin.server == third
    assert relay.anchor(pin).receipt(receipt).issuer == third.signing


async def test_what_is_not_announced(relay):
    world = relay.world
    stranger = Identity.generate(Use.SERVICE)
    size = await world.journal_size()
    create_server_key(next_path(relay.path))
    other = read_held(next_path(relay.path))
    for held, new, code in (
        (other, stranger.public, "conflict"),
        (relay.first, relay.first.identity, "statement_invalid"),
        (relay.first, Identity.generate(Use.PERSON).public, "statement_invalid"),
    ):
        with pytest.raises(RefusedError) as refused:
            await relay.announce(held=held, new=new)
        assert refused.value.code.value == code
    assert await world.journal_size() == size
    await relay.announce()
    for new in (other.identity, stranger.public):
        with pytest.raises(RefusedError) as refused:
            await relay.announce(new=new)
        assert refused.value.code.value == "conflict", "a key names one successor"
    world.clock.time += LEAD
    with pytest.raises(RefusedError) as refused:
        await relay.announce(held=other, new=relay.first.identity)
    assert refused.value.code.value == "statement_invalid", "nobody goes back"


async def test_clients_follow_nothing_that_is_forged_disputed_or_taken_back(relay):
    world = relay.world
    before = await relay.pin()
    thief = Identity.generate(Use.SERVICE)
    now = world.clock.now()

    def said(old, by, new):
        statement = Succession(by.public_key, **momentary(now), old=old, new=new)
        return sign_statement(statement, by)

    own = said(thief.public, thief.signing, Identity.generate(Use.SERVICE).public)
    named = said(relay.first.identity, relay.first.key, thief.public)
    forged = named._replace(signature=own.signature)
    for more in ((own,), (forged,)):
        with pytest.raises(Distrusted):
            relay.renew(before, before._replace(server=thief.public, successions=before.successions + more))
    await relay.announce()
    announced = relay.renew(before, await relay.pin())
    disputed = announced._replace(successions=(*announced.successions, named), server=thief.public)
    with pytest.raises(Distrusted):
        relay.renew(announced, disputed)
    world.clock.time += LEAD + 301
    with pytest.raises(Distrusted):
        relay.renew(announced, before)


async def test_clocks_that_differ_a_little_do_not_matter(relay):
    world, before = relay.world, await relay.pin()
    new = await relay.announce()
    world.clock.time += LEAD
    learned = await relay.pin()
    assert learned.server == new
    for skew in (-299, 299):
        renew(before, learned, clock=lambda skew=skew: world.clock.now() + skew)
    with pytest.raises(Distrusted):
        renew(before, learned, clock=lambda: world.clock.now() - 301)
