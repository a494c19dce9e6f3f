import asyncio

import pytest

from keys.statements import Checkpoint, read_unjudged
from tests.exchange.targets import fresh_proof
from tests.exchange.test_main_job import unpack
from vault.container.layout import parse_preamble
from vault.journal import JournalVerifier
from vault.merkle import verify_consistency

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def where(everybody):
    return {"evidence": everybody.proof["evidence"], "number": 1}


async def test_envelope_and_body_make_the_container(everybody, where):
    world, token = everybody.world, everybody.people["reviewer"].token
    envelope = await world.ask("fetch_envelope", where, token=token)
    body = await world.ask("fetch_body", where, token=token)
    assert envelope.body + body.body == everybody.container
    assert len(envelope.body) == parse_preamble(everybody.container).payload_offset
    assert envelope.headers["ETag"] == '"1"'
    assert body.headers["ETag"] == f'"{everybody.proof["seal_id"]}"'
    whole = await world.ask("fetch_container", where, token=token)
    assert whole.headers["ETag"] == f'"{everybody.proof["seal_id"]}.1"'


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=5-99999999", 5, None),
        ("bytes=-99999999", 0, None),
    ],
)
async def test_a_range_of_the_body(everybody, where, asked, start, stop):
    world, token = everybody.world, everybody.people["reviewer"].token
    body = everybody.container[parse_preamble(everybody.container).payload_offset :]
    answer = await world.ask("fetch_body", where, token=token, headers={"Range": asked})
    assert answer.body == body[start:stop]
    first = len(body) + start if start < 0 else start
    assert answer.status == (200 if len(answer.body) == len(body) else 206)
    if answer.status == 206:
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.body) - 1}/{len(body)}"
    entry = await world.last_entry()
    details = {detail["name"]: detail["value"] for detail in entry["details"]}
    assert entry["action"] == "evidence.fetched"
    assert (details["offset"], details["length"]) == (str(first), str(len(answer.body)))


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=-", "lines=1-2", "bytes=x"])
async def test_what_is_no_single_range_gets_everything(everybody, where, asked):
    answer = await everybody.world.ask(
        "fetch_body", where, token=everybody.people["reviewer"].token, headers={"Range": asked}
    )
    assert answer.status == 200


async def test_a_range_of_something_that_changed_gets_everything(everybody, where):
    headers = {"Range": "bytes=0-3", "If-Range": '"' + "0" * 64 + '"'}
    answer = await everybody.world.ask(
        "fetch_body", where, token=everybody.people["reviewer"].token, headers=headers
    )
    assert answer.status == 200


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=9-3", "bytes=-0"])
async def test_a_range_outside_is_refused_and_not_in_the_journal(everybody, where, asked):
    world = everybody.world
    before = await world.journal_size()
    answer = await world.ask(
        "fetch_body", where, token=everybody.people["reviewer"].token, headers={"Range": asked}
    )
    assert (answer.status, answer.code) == (416, "range_not_satisfiable")
    assert await world.journal_size() == before


async def test_a_lost_object_is_no_download(everybody):
    world = everybody.world
    kept = {item.key async for item in world.store.list()}
    proof, _ = await fresh_proof(everybody)
    (lost,) = {item.key async for item in world.store.list()} - kept
    await world.store.delete(lost)
    where = {"evidence": proof["evidence"], "number": 1}
    before = await world.journal_size()
    answer = await world.ask("fetch_body", where, token=everybody.people["reviewer"].token)
    assert answer.status == 500
    assert await world.journal_size() == before


async def test_nobody_waits_for_a_store_that_hangs_but_who_fetches(everybody, where, monkeypatch):
    world, token = everybody.world, everybody.people["reviewer"].token
    asked, awake, size = asyncio.Event(), asyncio.Event(), world.store.size

    async def hang(key):
        asked.set()
        await awake.wait()
        return await size(key)

    monkeypatch.setattr(world.store, "size", hang)
    fetching = asyncio.create_task(world.ask("fetch_body", where, token=token))
    await asked.wait()
    before = await world.journal_size()
    async with asyncio.timeout(5):
        assert (await world.ask("fetch_envelope", where, token=token)).status == 200
    assert await world.journal_size() == before + 1
    assert not fetching.done()
    awake.set()
    assert (await fetching).status == 200
    assert await world.journal_size() == before + 2


async def test_bytes_that_go_missing_halfway_break_the_answer_off(everybody, where, monkeypatch):
    world = everybody.world
    whole = world.store.get

    async def half(key, *, offset=0, length=None):
        async for chunk in whole(key, offset=offset, length=length // 2):
            yield chunk
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(world.store, "get", half)
    with pytest.raises(Exception, match="payload"):
        await world.ask("fetch_body", where, token=everybody.people["reviewer"].token)
    assert "the disk is gone" not in world.log.getvalue()
    assert '"broken_off"' in world.log.getvalue()


async def test_the_journal_holds_what_happened_and_verifies(everybody, where):
    world, auditor = everybody.world, everybody.people["auditor"].token
    old = await world.ok("get_checkpoint", token=auditor)
    await world.ask("fetch_body", where, token=everybody.people["reviewer"].token)
    new = await world.ok("get_checkpoint", token=auditor)
    assert new["size"] == old["size"] + 1
    said = read_unjudged(unpack(new["checkpoint"]), Checkpoint)
    assert (said.size, said.root.hex(), said.origin) == (new["size"], new["root"], world.origin)
    verifier, start = JournalVerifier(), 0
    while start is not None:
        page = await world.ok("list_journal", token=auditor, params={"start": start, "limit": 7})
        for item in page["items"]:
            entry = item["entry"]
            verifier.add(unpack({"statement": entry, "signature": "A" * 4498})[0])
        start = page.get("next")
    assert verifier.checkpoint == (new["size"], bytes.fromhex(new["root"]))
    sizes = {"first": str(old["size"]), "second": str(new["size"])}
    proof = await world.ok("get_consistency", token=auditor, params=sizes)
    verify_consistency(
        old_size=old["size"],
        old_root=bytes.fromhex(old["root"]),
        new_size=new["size"],
        new_root=bytes.fromhex(new["root"]),
        proof=[bytes.fromhex(digest) for digest in proof["proof"]],
    )


@pytest.mark.parametrize("sizes", [("2", "1"), ("1", "99999"), ("-1", "1")])
async def test_sizes_that_the_journal_never_had(everybody, sizes):
    params = dict(zip(("first", "second"), sizes, strict=True))
    answer = await everybody.world.ask(
        "get_consistency", token=everybody.people["auditor"].token, params=params
    )
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_two_replacements_at_once_leave_one_active(everybody):
    world, session, editor = everybody.world, everybody.sessions["editor"], everybody.editor
    proof, _ = await fresh_proof(everybody)
    seal_id, kept = proof["seal_id"], len([item async for item in world.store.list()])
    path, headers = {"evidence": proof["evidence"]}, {"If-Match": f'"{seal_id}"'}
    better = [
        world.seal(editor.signing, everybody.dossier, supersedes=bytes.fromhex(seal_id)) for _ in range(4)
    ]
    answers = await asyncio.gather(
        *(world.ask("replace_evidence", path, token=session, data=data, headers=headers) for data in better)
    )
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]
    assert len([item async for item in world.store.list()]) == kept + 1
