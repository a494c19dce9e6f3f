"""Deposits that go on while keys are rotated, from several hands, in parts too: all are there and open."""

import asyncio

from client.certificates import Judge
from client.dossiers import KnownDossier
from client.records import Pin
from client.remote.carriage import from_model, read_identity
from client.remote.certificates import fetch_retirement, find_retirement
from client.remote.granting import fetch_grants
from client.remote.rewrapping import Hands, rewrap_all
from client.remote.rotating import end, give_next_key, plan
from client.remote.service import Service
from client.remote.transport import Transport
from client.trust import Anchor
from keys.statements import DossierKey, read_unjudged
from tests.crash.audit import opened
from tests.exchange.acts_of_people import unpack
from tests.exchange.acts_on_dossiers import examine_whole
from vault.container.manifest import CarriedRecipient

WRITERS, UPLOADERS = 3, 2
ROTATIONS = 2
BEFORE = 6


class Writers:
    """Whoever deposits, all with one editor's key, for as long as they are let."""

    def __init__(self, sender) -> None:
        self.sender, self.world = sender, sender.world
        self.contents: dict[str, bytes] = {}
        self.outdated = 0
        self.over = False
        # What every container is opened with to be wrapped anew: the editor's own access.
        self.own = sender.dossier._replace(key=sender.editor)

    async def key(self) -> tuple[int, bytes]:
        """Return generation and public half of the dossier's key, as the editor is told it."""
        path = {"dossier": self.sender.dossier.id}
        keys = await self.world.ok("get_dossier_keys", path, token=self.sender.session)
        said = [read_unjudged(unpack(one), DossierKey) for one in keys["keys"]]
        newest = max(said, key=lambda one: one.generation)
        return newest.generation, newest.public_key

    def seal(self, content, key) -> bytes:
        recipients = (
            CarriedRecipient("dossier", *key),
            CarriedRecipient("reader", 0, self.sender.editor.public.kem),
            CarriedRecipient("recovery", 0, self.world.recovery.public.kem),
        )
        editor = self.sender.editor.signing
        return self.world.seal(editor, self.sender.dossier, content=content, recipients=recipients)

    def rewrapped(self, container, key) -> bytes:
        return self.world.rewrap(container, self.own, self.sender.editor, keys=key, recipients=[])

    def acknowledged(self, answer, content) -> None:
        assert answer.status == 201, answer.body
        self.contents[answer.json["version"]["seal_id"]] = content

    async def deposit(self, content) -> None:
        """Deposit in one request; where the key was rotated meanwhile, seal anew."""
        while True:
            container = self.seal(content, await self.key())
            await asyncio.sleep(0.05)
            answer = await self.world.deposit(self.sender.session, self.sender.dossier, container)
            if answer.code != "dossier_key_outdated":
                return self.acknowledged(answer, content)
            self.outdated += 1

    async def upload(self, content) -> None:
        """Deposit in parts; where the key was rotated meanwhile, send a new envelope and nothing else."""
        sender = self.sender
        while True:
            container = self.seal(content, await self.key())
            begun = await sender.begin(container)
            if begun.code != "dossier_key_outdated":
                break
            self.outdated += 1
        upload = begun.json
        payload = container[len(container_head(container)) :]
        size = examine_whole(container).preamble.payload_length
        sender.parts[upload["id"]] = [
            payload[start : min(start + upload["part_size"], size)]
            for start in range(0, size, upload["part_size"])
        ]
        await sender.put_all(upload)
        await asyncio.sleep(0.1)
        while True:
            done = await sender.ask("complete_upload", upload)
            if done.code != "dossier_key_outdated":
                return self.acknowledged(done, content)
            self.outdated += 1
            envelope = self.rewrapped(container, await self.key())
            renewed = await sender.ask("put_upload_envelope", upload, data=envelope)
            if renewed.status == 200:
                container = envelope + container[len(container_head(container)) :]
            else:
                assert renewed.code == "dossier_key_outdated", renewed.body

    async def go_on(self, number, act) -> None:
        count = 0
        while not self.over:
            count += 1
            await act(b"writer %d, %d" % (number, count))


def container_head(container) -> bytes:
    return container[: examine_whole(container).preamble.payload_offset]


async def anchor_of(service, world) -> Anchor:
    """Return whom the admin trusts, by the clock that the service goes by here."""
    found = await service.get_trust()
    pin = Pin(
        url=service.url,
        origin=found.origin,
        server=read_identity(found.server_identity),
        authority=world.authority.public,
        habilitation=from_model(found.server),
        recovery=from_model(found.recovery),
    )
    return Anchor(pin, clock=world.clock.now)


async def rotate(service, anchor, sender) -> int:
    """Rotate as the command does; return the generation of the key that ended."""
    dossier, admin = sender.dossier.id, sender.admin.identity
    planned = await plan(service, anchor, dossier)
    await give_next_key(service, anchor, dossier, planned, admin)
    known = KnownDossier(anchor, await fetch_grants(service, dossier))
    await rewrap_all(service, known, dossier, Hands(admin, sender.world.authority.signing))
    generation = known.current_key().generation
    await end(service, dossier, generation)
    return generation - 1


async def certified(service, anchor, dossier, ended) -> set[str]:
    """Return the seal ids of a certificate, once all of it is judged."""
    signed, lines = await fetch_retirement(service, await find_retirement(service, dossier, ended))
    judge = Judge(signed, anchor)
    seals = {judge.take(line).seal_id.hex() for line in lines}
    judge.finish()
    return seals


async def test_deposits_made_all_the_while_are_there_and_open(sender):
    writers, dossier = Writers(sender), sender.dossier.id
    for number in range(BEFORE):
        await writers.deposit(b"before %d" % number)
    acts = [writers.deposit] * WRITERS + [writers.upload] * UPLOADERS
    async with Transport(sender.world.origin, token=sender.admin.token) as transport:
        service = Service(transport)
        anchor = await anchor_of(service, sender.world)
        async with asyncio.TaskGroup() as group:
            for number, act in enumerate(acts):
                group.create_task(writers.go_on(number, act))
            told = []
            for _ in range(ROTATIONS):
                before = set(writers.contents)
                ended = await rotate(service, anchor, sender)
                seals = await certified(service, anchor, dossier, ended)
                assert before <= seals, "what was acknowledged before the rotation is certified"
                told.append(seals)
            writers.over = True
        assert told[0] < told[1] <= writers.contents.keys()
        assert writers.outdated, "or nothing was rotated under anybody's hands"
        assert len(writers.contents) > BEFORE + len(acts)
        known = KnownDossier(anchor, await fetch_grants(service, dossier))
        keys = known.opened_by(sender.admin.identity)
    assert keys.keys() == {ROTATIONS + 1}, "all older grants have ended"
    found = []
    async with sender.world.records.read() as view:
        found = await view.evidence.after(-1, dossier_id=dossier, limit=10_000)
    assert {row.seal_id.hex() for row in found} == writers.contents.keys()
    for row in found:
        container = await sender.stored({"evidence": row.proof_id, "number": row.number})
        assert row.dossier_generation == ROTATIONS + 1
        assert opened(container, keys[ROTATIONS + 1]) == writers.contents[row.seal_id.hex()]
