"""What no upload is begun for, and who may not touch one: told before any byte of payload."""

import io
import random

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.cutting import MIB, without_payload
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.uploading import a_sender, objects


async def test_what_begins_it_is_not_taken_with_a_bit_changed(sender):
    """A typed problem each time, and nothing is left; every byte is flipped in `test_announcement`."""
    world, good = sender.world, without_payload(sender.seal(10))
    before, random_bit = await world.state(), random.Random(20)  # noqa: S311 - which bit is no secret

    async def flipped(position):
        body = bytearray(good)
        body[position] ^= 1 << random_bit.randrange(8)
        return await sender.begin(None, body=bytes(body))

    for position in range(0, len(good), 61):
        answer = await flipped(position)
        assert answer.status in {413, 422}, answer.body
    assert await world.state() == before


@pytest.mark.parametrize("length", [0, 1, 22, 5_000, -1])
async def test_and_it_has_to_be_whole(sender, length):
    good = without_payload(sender.seal(10))
    before = await sender.world.state()
    answer = await sender.world.ask(
        "begin_upload", {"dossier": sender.dossier.id}, token=sender.session, data=good[:length]
    )
    assert (answer.status, answer.code) == (422, "malformed")
    assert await sender.world.state() == before


async def test_what_a_deposit_is_refused_for(sender):
    world = sender.world
    stranger = Identity.generate(Use.PERSON)
    kept = sender.seal(50)
    await world.kept(sender.session, sender.dossier, kept)
    before = await world.state()
    refused = {
        "another dossier": (sender.seal(10, name="autre"), "wrong_dossier"),
        "no mandate": (world.seal(stranger.signing, sender.dossier), "unknown_signer"),
        "type": (sender.seal(10, evidence_type="ethique"), "type_not_allowed"),
        "key": (sender.seal(10, generation=2), "dossier_key_outdated"),
        "writers": (sender.seal(10, writers=()), "writer_missing"),
        "supersedes": (sender.seal(10, supersedes=bytes(range(32))), "conflict"),
        "deposited": (kept, "already_deposited"),
    }
    for name, (container, code) in refused.items():
        assert (await sender.begin(container)).code == code, name
    assert await world.state() == before


async def test_what_is_too_large_is_refused_before_it_is_sent(world, part):
    sender = await a_sender(world, part, max_container_bytes=MIB)
    before = await world.state()
    answer = await sender.begin(sender.seal(2 * MIB))
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert await world.state() == before


async def test_open_sessions_count_against_the_quota(world, part):
    sender = await a_sender(world, part, quota_bytes=5 * MIB)
    first, second = sender.seal(3 * MIB), sender.seal(3 * MIB)
    upload = await sender.begun(first)
    left = await objects(world)
    answer = await sender.begin(second)
    assert (answer.status, answer.code) == (403, "quota_exceeded")
    assert await objects(world) == left
    deposited = await world.deposit(sender.session, sender.dossier, io.BytesIO(second))
    assert (deposited.status, deposited.code) == (403, "quota_exceeded")
    assert await objects(world) == left
    assert (await sender.ask("abandon_upload", upload)).status == 204
    assert (await sender.begin(second)).status == 200


async def test_the_quota_is_asked_again_at_the_end(world, part):
    sender = await a_sender(world, part, quota_bytes=2 * MIB)
    upload = await sender.begun(sender.seal(1_200_000))
    await sender.put_all(upload)
    path = {"organisation": sender.organisation}
    await world.ok("change_organisation", path, token=world.root, json={"quota_bytes": MIB})
    answer = await sender.ask("complete_upload", upload)
    assert (answer.status, answer.code) == (403, "quota_exceeded")
    assert (await sender.ask("get_upload", upload)).json["received"] == list(range(1, upload["parts"] + 1))


async def test_nobody_else_sees_it(sender):
    world = sender.world
    upload = await sender.begun(sender.seal(100))
    colleague = await world.session(await world.depositor(sender.portal, sender.dossier))
    abroad = (await a_sender(world, sender.part)).session
    reviewer = (await world.person("reviewer")).token
    for token, code in ((colleague, "not_found"), (abroad, "not_found"), (reviewer, "forbidden")):
        for name in ("get_upload", "complete_upload", "abandon_upload"):
            assert (await sender.ask(name, upload, token=token)).code == code, name
        assert (await sender.put(upload, 1, token=token)).code == code
    assert (await sender.ask("get_upload", upload)).json["received"] == []
