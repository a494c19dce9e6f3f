"""Deposits that arrive in parts: begun, interrupted, damaged, found again, completed, given up."""

import asyncio
import base64
import hashlib
import random
import tracemalloc

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.cutting import MIB, content_digest, cut, without_payload
from tests.exchange.uploading import PART, a_sender
from tests.exchange.world import open_server, open_world


@pytest.fixture
async def sender(world):
    return await a_sender(world)


async def objects(world) -> list[str]:
    """Return the name of every object, whole or not, and nothing may stand in the folder beside them."""
    store = world.store
    whole = [entry.key async for entry in store.list()]
    staged = [entry.key async for entry in store.list_staged()]
    folder = world.folder / "store"
    found = [*(folder / "objects").glob("*/*"), *(folder / "incoming").iterdir()]
    assert sorted(path.name.removesuffix(".parts") for path in found) == sorted(whole + staged)
    return sorted(whole + staged)


# --- from the beginning to the end -----------------------------------------------------------------------


async def test_parts_in_any_order_and_at_once_become_the_very_container(sender):
    world, container = sender.world, sender.seal()
    upload = await sender.begun(container)
    _, payload, _ = cut(container)
    assert upload["part_size"] == PART
    assert upload["payload_length"] == len(payload)
    assert upload["parts"] == 3
    assert (upload["state"], upload["received"], upload["replaces"]) == ("open", [], None)
    before = await world.journal_size()
    answers = await asyncio.gather(*(sender.put(upload, number) for number in (3, 1, 2)))
    assert [(answer.status, answer.json["size"]) for answer in answers] == [
        (200, len(payload) - 2 * PART),
        (200, PART),
        (200, PART),
    ]
    assert (await sender.ask("get_upload", upload)).json["received"] == [1, 2, 3]
    assert await world.journal_size() == before, "nothing is kept yet that is not forgotten"
    done = await sender.ask("complete_upload", upload)
    assert done.status == 201, done.body
    version = done.json["version"]
    assert done.headers["ETag"] == f'"{version["seal_id"]}"'
    assert (version["seal_id"], version["size"]) == (upload["seal_id"], len(container))
    assert await sender.stored(version) == container
    assert (await world.last_entry())["action"] == "evidence.deposited"
    assert await world.journal_size() == before + 1
    assert len(await objects(world)) == 1, "the body alone is left"
    found = await sender.ask("get_upload", upload)
    assert (found.json["state"], found.json["received"]) == ("completed", [1, 2, 3])


async def test_one_small_part_is_enough(sender):
    container = sender.seal(100)
    upload = await sender.begun(container)
    assert upload["parts"] == 1
    await sender.put_all(upload)
    done = await sender.ask("complete_upload", upload)
    assert await sender.stored(done.json["version"]) == container


async def test_a_portal_deposits_for_its_editor(sender):
    container, acting = sender.seal(100), sender.editor.public.signing_key_id.hex()
    token = sender.portal.token
    upload = await sender.begun(container, token=token, acting_for=acting)
    assert (await sender.put(upload, 1, token=token, acting_for=acting)).status == 200
    done = await sender.ask("complete_upload", upload, token=token)
    assert done.status == 201
    assert done.json["version"]["signer"] == acting


async def test_a_better_proof_replaces_the_first(sender):
    first = await sender.world.kept(sender.session, sender.dossier, sender.seal(100))
    better = sender.seal(supersedes=bytes.fromhex(first["seal_id"]))
    upload = (await sender.replacing(better, first)).json
    assert upload["replaces"] == first["evidence"]
    sender.parts[upload["id"]] = [cut(better)[1][start : start + PART] for start in range(0, 3 * PART, PART)]
    await sender.put_all(upload)
    version = (await sender.ask("complete_upload", upload)).json["version"]
    assert (version["evidence"], version["number"]) == (first["evidence"], 2)
    assert await sender.stored(version) == better


# --- again, and elsewhere --------------------------------------------------------------------------------


async def test_another_process_goes_on_with_what_the_first_one_took(sender):
    world, container = sender.world, sender.seal()
    upload = await sender.begun(container)
    assert (await sender.put(upload, 2)).status == 200
    async with open_server(world.folder, world.clock, world.log) as other:
        world.origin = other.origin
        again = await sender.begun(container)
        assert (again["id"], again["received"]) == (upload["id"], [2])
        assert (await sender.put(upload, 3)).status == 200
        assert (await sender.put(upload, 1)).status == 200
        done = await sender.ask("complete_upload", upload)
    assert await sender.stored(done.json["version"]) == container


async def test_beginning_again_leaves_nothing_behind(sender):
    container = sender.seal()
    before = await objects(sender.world)
    answers = await asyncio.gather(*(sender.begin(container) for _ in range(6)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len(await objects(sender.world)) == len(before) + 2, "a trailer, and a body that is staged"


async def test_the_same_part_again_changes_nothing(sender):
    container = sender.seal()
    upload = await sender.begun(container)
    await sender.put_all(upload)
    for answer in await asyncio.gather(*(sender.put(upload, number) for number in (1, 3, 1, 3))):
        assert answer.status == 200
    done = await sender.ask("complete_upload", upload)
    assert await sender.stored(done.json["version"]) == container


async def test_completing_again_answers_the_same(sender):
    upload = await sender.begun(sender.seal(100))
    await sender.put_all(upload)
    first, *others = await asyncio.gather(*(sender.ask("complete_upload", upload) for _ in range(5)))
    assert first.status == 201
    size = await sender.world.journal_size()
    for answer in (*others, await sender.ask("complete_upload", upload)):
        assert (answer.status, answer.json) == (201, first.json)
        assert answer.headers["ETag"] == first.headers["ETag"]
    assert await sender.world.journal_size() == size, "it is one deposit"


async def test_what_is_completed_is_found_takes_no_part_and_is_not_given_up(sender):
    container = sender.seal(100)
    upload = await sender.begun(container)
    await sender.put_all(upload)
    done = await sender.ask("complete_upload", upload)
    again = await sender.begin(container)
    assert (again.json["id"], again.json["state"]) == (upload["id"], "completed")
    assert (await sender.put(upload, 1)).code == "conflict"
    envelope = sender.rewrapped(container, sender.dossier, 1)
    assert (await sender.ask("put_upload_envelope", upload, data=envelope)).code == "conflict"
    assert (await sender.ask("abandon_upload", upload)).code == "conflict"
    assert await sender.stored(done.json["version"]) == container
    assert len(await objects(sender.world)) == 1


# --- damage ----------------------------------------------------------------------------------------------


async def test_a_damaged_part_spoils_nothing_that_was_kept(sender):
    container = sender.seal()
    upload = await sender.begun(container)
    await sender.put_all(upload)
    spoiled = bytearray(sender.parts[upload["id"]][1])
    spoiled[3 * MIB + 17] ^= 1
    answer = await sender.put(upload, 2, bytes(spoiled))
    assert (answer.status, answer.code) == (422, "payload_damaged")
    assert "block 11 " in answer.json["detail"]
    done = await sender.ask("complete_upload", upload)
    assert await sender.stored(done.json["version"]) == container


async def test_nothing_of_a_part_is_noted_that_did_not_arrive_well(sender):
    upload = await sender.begun(sender.seal())
    first, second, last = sender.parts[upload["id"]]
    refused = {
        "another part": (await sender.put(upload, 1, second), 422, "payload_damaged"),
        "one byte less": (await sender.put(upload, 1, first[:-1]), 400, "invalid_request"),
        "one byte more": (await sender.put(upload, 3, last + b"\x00"), 400, "invalid_request"),
        "nothing": (await sender.put(upload, 1, b""), 400, "invalid_request"),
        "another digest": (
            await sender.put(upload, 1, digest=content_digest(second)),
            400,
            "digest_mismatch",
        ),
        "no such part": (await sender.put(upload, 4, last), 404, "not_found"),
        "part 0": (await sender.put(upload, 0, last), 404, "not_found"),
        "part 99999": (await sender.put(upload, 99999, last), 404, "not_found"),
    }
    for name, (answer, status, code) in refused.items():
        assert (answer.status, answer.code) == (status, code), name
    assert (await sender.ask("get_upload", upload)).json["received"] == []


@pytest.mark.parametrize(
    "header", ["", "sha-256", "sha-256=abc", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:", "sha-256=:AAAA:"]
)
async def test_a_part_needs_its_sha_256(sender, header):
    upload = await sender.begun(sender.seal(100))
    answer = await sender.put(upload, 1, digest=header or " ")
    assert (answer.status, answer.code, answer.json["field"]) == (400, "invalid_request", "Content-Digest")


async def test_other_digests_may_stand_beside_it(sender):
    upload = await sender.begun(sender.seal(100))
    (part,) = sender.parts[upload["id"]]
    longer = base64.b64encode(hashlib.sha512(part).digest()).decode()
    answer = await sender.put(upload, 1, digest=f"sha-512=:{longer}:, {content_digest(part)}")
    assert answer.status == 200


async def test_a_part_that_does_not_say_how_long_it_is(sender):
    upload = await sender.begun(sender.seal(100))

    async def pieces():
        yield sender.parts[upload["id"]][0]

    headers = {"Content-Digest": content_digest(sender.parts[upload["id"]][0])}
    answer = await sender.world.ask(
        "put_part",
        {"upload": upload["id"], "part": 1},
        token=sender.session,
        data=pieces(),
        headers=headers,
    )
    assert (answer.status, answer.code, answer.json["field"]) == (400, "invalid_request", "Content-Length")


async def test_completing_names_the_parts_that_are_missing(sender):
    upload = await sender.begun(sender.seal())
    await sender.put(upload, 2)
    answer = await sender.ask("complete_upload", upload)
    assert (answer.status, answer.code) == (409, "upload_incomplete")
    assert answer.json["extra"] == {"missing": [1, 3], "count": 2}


# --- what is refused at the beginning --------------------------------------------------------------------


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


async def test_what_is_too_large_is_refused_before_it_is_sent(world):
    sender = await a_sender(world, max_container_bytes=MIB)
    before = await world.state()
    answer = await sender.begin(sender.seal(2 * MIB))
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert await world.state() == before


async def test_open_sessions_count_against_the_quota(world):
    sender = await a_sender(world, quota_bytes=5 * MIB)
    first, second = sender.seal(3 * MIB), sender.seal(3 * MIB)
    upload = await sender.begun(first)
    left = await objects(world)
    answer = await sender.begin(second)
    assert (answer.status, answer.code) == (403, "quota_exceeded")
    assert await objects(world) == left
    assert (await sender.ask("abandon_upload", upload)).status == 204
    assert (await sender.begin(second)).status == 200


# --- what happens meanwhile ------------------------------------------------------------------------------


async def test_a_rotated_key_costs_an_envelope_and_no_upload(sender):
    container = sender.seal()
    upload = await sender.begun(container)
    await sender.put_all(upload)
    rotated = await sender.rotate()
    assert (await sender.ask("complete_upload", upload)).code == "dossier_key_outdated"
    assert (await sender.ask("get_upload", upload)).json["state"] == "open"
    lacking = sender.world.rewrap(container, sender.dossier, sender.editor)
    assert (await sender.ask("put_upload_envelope", upload, data=lacking)).code == "dossier_key_outdated"
    envelope = sender.rewrapped(container, rotated)
    forged = envelope[:-1] + bytes([envelope[-1] ^ 1])
    assert (await sender.ask("put_upload_envelope", upload, data=forged)).code == "envelope_tampered"
    for _ in range(2):
        answer = await sender.ask("put_upload_envelope", upload, data=envelope)
        assert (answer.status, answer.json["generation"]) == (200, 2)
    other = sender.rewrapped(container, rotated)
    assert (await sender.ask("put_upload_envelope", upload, data=other)).code == "conflict"
    old = cut(container)[0]
    assert (await sender.ask("put_upload_envelope", upload, data=old)).code == "envelope_stale"
    done = await sender.ask("complete_upload", upload)
    assert done.status == 201, done.body
    assert done.json["version"]["dossier_generation"] == 2
    assert await sender.stored(done.json["version"]) == envelope + container[len(old) :]


async def test_beginning_again_with_a_newer_envelope_takes_it_over(sender):
    container = sender.seal()
    upload = await sender.begun(container)
    await sender.put_all(upload)
    envelope = sender.rewrapped(container, await sender.rotate())
    assert (await sender.begin(container)).json["generation"] == 1, "it is found, whatever was rotated"
    newer = envelope + cut(container)[2]
    assert (await sender.begin(None, body=newer)).json["generation"] == 2
    assert (await sender.begin(container)).json["generation"] == 2
    assert (await sender.ask("complete_upload", upload)).status == 201


async def test_whoever_replaced_the_proof_meanwhile_was_first(sender):
    first = await sender.world.kept(sender.session, sender.dossier, sender.seal(100))
    active = bytes.fromhex(first["seal_id"])
    upload = (await sender.replacing(slow := sender.seal(100, supersedes=active), first)).json
    sender.parts[upload["id"]] = [cut(slow)[1]]
    await sender.put_all(upload)
    done = await sender.world.ask(
        "replace_evidence",
        {"evidence": first["evidence"]},
        token=sender.session,
        data=sender.seal(100, supersedes=active),
        headers={"If-Match": f'"{first["seal_id"]}"'},
    )
    assert done.status == 200
    before = await sender.world.state()
    for _ in range(2):
        answer = await sender.ask("complete_upload", upload)
        assert (answer.status, answer.code) == (409, "conflict")
        assert answer.json["extra"]["active"] == done.json["version"]["seal_id"]
    after = await sender.world.state()
    assert {name for name in after if after[name] != before[name]} <= {"files", "objects"}
    assert (await sender.ask("abandon_upload", upload)).status == 204
    assert len(await objects(sender.world)) == 2


async def test_a_closed_dossier_takes_nothing_any_more(sender):
    world, container = sender.world, sender.seal(100)
    upload = await sender.begun(container)
    await sender.put_all(upload)
    await world.ok("close_dossier", {"dossier": sender.dossier.id}, token=world.root)
    assert (await sender.begin(container)).code == "dossier_closed"
    assert (await sender.ask("complete_upload", upload)).code == "dossier_closed"


async def test_the_quota_is_asked_again_at_the_end(world):
    sender = await a_sender(world, quota_bytes=2 * MIB)
    upload = await sender.begun(sender.seal(1_200_000))
    await sender.put_all(upload)
    await world.kept(sender.session, sender.dossier, sender.seal(1_000_000))
    answer = await sender.ask("complete_upload", upload)
    assert (answer.status, answer.code) == (403, "quota_exceeded")
    assert (await sender.ask("get_upload", upload)).json["received"] == list(range(1, upload["parts"] + 1))


async def test_it_is_forgotten_a_while_after_its_last_part(tmp_path):
    async with open_world(tmp_path / "service", upload_seconds=900, session_seconds=100_000) as world:
        sender = await a_sender(world)
        container = sender.seal()
        upload = await sender.begun(container)
        world.clock.time += 800
        assert (await sender.put(upload, 1)).status == 200
        world.clock.time += 800
        assert (await sender.put(upload, 2)).status == 200
        world.clock.time += 900
        assert (await sender.put(upload, 3)).code == "not_found"
        for name in ("get_upload", "complete_upload", "abandon_upload"):
            assert (await sender.ask(name, upload)).code == "not_found", name
        again = await sender.begun(container)
        assert again["id"] != upload["id"]
        assert again["received"] == []
        await sender.put_all(again)
        done = await sender.ask("complete_upload", again)
        assert await sender.stored(done.json["version"]) == container


async def test_what_is_given_up_is_gone(sender):
    before = await objects(sender.world)
    upload = await sender.begun(container := sender.seal())
    await sender.put(upload, 1)
    assert (await sender.ask("abandon_upload", upload)).status == 204
    assert await objects(sender.world) == before
    for name in ("get_upload", "complete_upload", "abandon_upload"):
        assert (await sender.ask(name, upload)).code == "not_found", name
    assert (await sender.begin(container)).json["received"] == []


# --- others ----------------------------------------------------------------------------------------------


async def test_nobody_else_sees_it(sender):
    world = sender.world
    upload = await sender.begun(sender.seal(100))
    colleague = await world.session(await world.depositor(sender.portal, sender.dossier))
    abroad = (await a_sender(world)).session
    reviewer = (await world.person("reviewer")).token
    for token, code in ((colleague, "not_found"), (abroad, "not_found"), (reviewer, "forbidden")):
        for name in ("get_upload", "complete_upload", "abandon_upload"):
            assert (await sender.ask(name, upload, token=token)).code == code, name
        assert (await sender.put(upload, 1, token=token)).code == code
    assert (await sender.ask("get_upload", upload)).json["received"] == []


# --- memory ----------------------------------------------------------------------------------------------


async def test_a_part_is_never_in_memory_whole(sender):
    container = sender.seal(PART)
    upload = await sender.begun(container)
    part = sender.parts[upload["id"]][0]

    async def pieces():
        for start in range(0, len(part), 100_000):
            yield part[start : start + 100_000]

    digest = hashlib.sha256(part).digest()
    tracemalloc.start()
    await sender.world.services.parts.put(upload["id"], 1, len(part), pieces(), digest)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MIB
