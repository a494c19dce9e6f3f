"""Deposits that arrive in parts: begun, found again elsewhere, completed, forgotten, given up."""

import asyncio

from tests.exchange.cutting import cut
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.uploading import a_sender, objects, split
from tests.exchange.world import open_server, open_world

# --- from the beginning to the end -------------------------------------------------------------------------


async def test_parts_in_any_order_and_at_once_become_the_very_container(sender):
    world, container = sender.world, sender.seal()
    upload = await sender.begun(container)
    _, payload, _ = cut(container)
    assert upload["part_size"] == sender.part
    assert upload["payload_length"] == len(payload)
    assert upload["parts"] == 3
    assert (upload["state"], upload["received"], upload["replaces"]) == ("open", [], None)
    before = await world.journal_size()
    answers = await asyncio.gather(*(sender.put(upload, number) for number in (3, 1, 2)))
    assert [(answer.status, answer.json["size"]) for answer in answers] == [
        (200, len(payload) - 2 * sender.part),
        (200, sender.part),
        (200, sender.part),
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
    sender.parts[upload["id"]] = split(better, upload["part_size"])
    await sender.put_all(upload)
    version = (await sender.ask("complete_upload", upload)).json["version"]
    assert (version["evidence"], version["number"]) == (first["evidence"], 2)
    assert await sender.stored(version) == better


# --- again, and elsewhere ----------------------------------------------------------------------------------


async def test_another_process_goes_on_with_what_the_first_one_took(sender, settings):
    world, container = sender.world, sender.seal()
    upload = await sender.begun(container)
    assert (await sender.put(upload, 2)).status == 200
    async with open_server(world.folder, world.clock, world.log, **settings) as other:
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


# --- forgotten ---------------------------------------------------------------------------------------------


async def test_it_is_forgotten_a_while_after_its_last_part(tmp_path, settings, part):
    lasting = {"upload_seconds": 900, "session_seconds": 100_000}
    async with open_world(tmp_path / "service", **settings, **lasting) as world:
        sender = await a_sender(world, part)
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
