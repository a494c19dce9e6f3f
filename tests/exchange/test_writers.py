"""Envelopes by keys that followed those which a seal lists: taken, refused, scrubbed and read."""

import pytest

from client.distrust import Distrusted
from client.dossiers import KnownDossier
from client.records import Dossier
from client.remote.inheriting import say_succession
from keys.keyfile import Use, encode_public
from keys.keyring import Identity
from keys.statements import Succession, momentary, sign_statement
from tests.exchange.acts_of_people import unpack
from tests.exchange.acts_on_dossiers import examine_whole
from tests.exchange.anchors import anchor_of
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.api.models.signin import Challenge
from vault.container.layout import parse_preamble
from vault.container.outcomes import UnknownWriterError
from vault.server.services.scrub import Scrub

pytestmark = pytest.mark.asyncio


class Bench:
    """A container whose seal lists the authority, and who wrote its envelopes since."""

    def __init__(self, sender, listed, container, version) -> None:
        self.sender, self.world, self.admin = sender, sender.world, sender.admin
        self.listed, self.container, self.version = listed, container, version
        self.generation = 1

    async def hand_over(self, old, new):
        """Let the authority's key, or the admin's, hand over to the next one."""
        world, authority = self.world, old.public.use is Use.AUTHORITY
        world.clock.time += 1
        asked = await world.ok("create_challenge", json={"identity": encode_public(new.public)})
        said = say_succession(old, new, Challenge(**asked), origin=world.origin, at=world.clock.now())
        done = await world.ask(
            "succeed_authority" if authority else "succeed_account",
            token=world.root if authority else await world.session(old),
            json=said.model_dump(mode="json"),
        )
        assert done.status == 200, done.body
        world.clock.time += 1
        return new

    def by_anybody(self, _seal):
        """Lead from the first listed key to whoever wrote the envelope: what a writer need not ask itself."""
        return {self.listed[0]: self.writer} if self.generation > 1 else {}

    def head(self, writer):
        key = writer.public.signing_key_id
        return self.world.rewrap(
            self.container, self.sender.dossier, writer, successors=[key], followers=self.by_anybody
        )

    async def put(self, writer):
        """Write the next envelope by a key; the container is then as it is stored."""
        head = self.head(writer)
        answer = await self.world.ask(
            "rewrite_envelope",
            {"evidence": self.version["evidence"], "number": 1},
            token=self.world.root,
            data=head,
            headers={"If-Match": f'"{self.generation}"'},
        )
        if answer.status == 200:
            self.container = head + self.container[parse_preamble(self.container).payload_offset :]
            self.generation, self.writer = self.generation + 1, writer.public.signing_key_id
        return answer

    async def known(self, *more) -> KnownDossier:
        """Return what a client that trusts the first authority is told of the dossier."""
        path = {"dossier": self.sender.dossier.id}
        answer = await self.world.ok("get_dossier_keys", path, token=self.world.root)
        keys, issuers = (tuple(map(unpack, answer[name])) for name in ("keys", "issuers"))
        return KnownDossier(
            anchor_of(self.world), Dossier(self.sender.dossier.id, keys=keys, issuers=(*issuers, *more))
        )

    async def scrub(self):
        found = []
        world = self.world
        ended = await Scrub(world.records, world.store, world.clock, found=found.append).run()
        assert ended.examined == 1
        return [one.kind.value for one in found]


async def make(sender, *more):
    listed = [sender.world.authority.public.signing_key_id, *(one.public.signing_key_id for one in more)]
    container = sender.world.seal(sender.editor.signing, sender.dossier, writers=listed)
    version = await sender.world.kept(sender.session, sender.dossier, container)
    return Bench(sender, listed, container, version)


def refused(answer):
    return (answer.status, answer.code) == (422, "envelope_tampered")


async def test_the_authority_s_next_keys_write_in_turn(sender):
    bench = await make(sender)
    first = sender.world.authority
    second, third = Identity.generate(Use.AUTHORITY), Identity.generate(Use.AUTHORITY)
    assert refused(await bench.put(second))
    await bench.hand_over(first, second)
    before = await bench.known()
    assert refused(await bench.put(third))
    assert (await bench.put(second)).status == 200
    assert (await bench.scrub(), len((await bench.known()).writers(seal_of(bench)))) == ([], 3)
    examine_whole(bench.container, before.followers)
    # Who knows the container alone is told what is missing.
    with pytest.raises(UnknownWriterError) as caught:
        examine_whole(bench.container)
    assert caught.value.outcome == "envelope_tampered"
    assert second.public.signing_key_id.hex() in caught.value.detail
    await bench.hand_over(second, third)
    # What the second wrote stays written; something new is the third's.
    examine_whole(bench.container, (await bench.known()).followers)
    assert await bench.scrub() == []
    assert refused(await bench.put(second))
    assert (await bench.put(third)).status == 200
    assert await bench.scrub() == []
    examine_whole(bench.container, (await bench.known()).followers)
    with pytest.raises(UnknownWriterError):
        examine_whole(bench.container, before.followers)
    # The listed key may write for good: the seal says so.
    assert (await bench.put(first)).status == 200


def seal_of(bench):
    return examine_whole(bench.container, bench.by_anybody).seal


async def test_forged_branched_and_backward_chains_lead_nowhere(sender):
    bench = await make(sender)
    world, first, second = sender.world, sender.world.authority, Identity.generate(Use.AUTHORITY)
    thief = Identity.generate(Use.AUTHORITY)
    await bench.hand_over(first, second)
    for key in (thief, second):
        assert refused(await bench.put(key)) is (key is thief)
    when = momentary(world.clock.now())
    said = Succession(first.public.signing, **when, old=first.public, new=thief.public)
    branch = sign_statement(said, first.signing)
    with pytest.raises(Distrusted):
        await bench.known(branch._replace(signature=bytes(3373)))
    # One that the first key really signed ends the chain: nobody can tell which was meant.
    both = await bench.known(branch)
    with pytest.raises(UnknownWriterError):
        examine_whole(bench.container, both.followers)
    assert bench.listed[0] in both.writers(seal_of(bench))
    assert not both.writers(seal_of(bench)) & {one.public.signing_key_id for one in (second, thief)}
    # A key that names a listed one as its successor writes nothing for it.
    backward = Succession(thief.public.signing, **when, old=thief.public, new=first.public)
    claim = sign_statement(backward, thief.signing)
    assert thief.public.signing_key_id not in (await bench.known(claim)).writers(seal_of(bench))
    # A forged signature by the right key.
    head = bytearray(bench.head(second))
    head[-1] ^= 1
    answer = await world.ask(
        "rewrite_envelope",
        {"evidence": bench.version["evidence"], "number": 1},
        token=world.root,
        data=bytes(head),
        headers={"If-Match": '"2"'},
    )
    assert refused(answer)


async def test_an_admin_s_next_key_writes_until_it_is_withdrawn(sender):
    old, new = sender.admin.identity, Identity.generate(Use.PERSON)
    bench = await make(sender, old)
    world = sender.world
    body = world.rotation_request(
        world.authority,
        sender.dossier,
        Identity.generate(Use.DOSSIER),
        [old],
        writers=tuple(bench.listed),
    )
    assert refused(await bench.put(new))
    path = {"dossier": sender.dossier.id}
    await world.ok("rotate_dossier_key", path, token=sender.admin.token, json=body)
    await bench.hand_over(old, new)
    state = await bench.put(new)
    assert (state.status, state.code) == (409, "dossier_key_outdated"), "judged, and sealed to the older key"
    known = await bench.known()
    assert new.public.signing_key_id in known.writers(seal_of(bench))
    assert known.followers(seal_of(bench)) == {
        old.public.signing_key_id: new.public.signing_key_id,
    }
    await world.withdraw(sender.admin)
    world.clock.time += 1
    assert refused(await bench.put(new))
    gone = await bench.known()
    assert new.public.signing_key_id not in gone.writers(seal_of(bench))
    # What it wrote before stays readable.
    assert gone.followers(seal_of(bench)) == known.followers(seal_of(bench))


async def test_nobody_else_s_successor_writes(sender):
    bench = await make(sender)
    world, editor = sender.world, sender.editor
    heir = Identity.generate(Use.PERSON)
    said = sign_statement(
        Succession(editor.public.signing, **momentary(world.clock.now()), old=editor.public, new=heir.public),
        editor.signing,
    )
    # The signer has no successors: only listed keys have.
    known = await bench.known(said)
    assert known.followers(seal_of(bench)) == {}
    assert refused(await bench.put(heir))
