"""What an erasure leaves to be removed, and what a scrub says of erased dossiers."""

import pytest

from keys.canonical import decode_binary
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.estate import an_estate, scrubbed
from vault.certificates import ERASED_VERSION, LineTree
from vault.server.ports import StoreUnavailableError
from vault.server.services.damage import Kind
from vault.server.services.erasing import AT_ONCE
from vault.server.stores.records import schema


@pytest.fixture
async def estate(world, part):
    return await an_estate(world, part)


async def test_a_dossier_whose_bodies_were_lost_is_erased_as_well(estate):
    for key in await estate.objects():
        await estate.world.store.delete(key)
    seals = schema.seals.delete().where(
        schema.seals.c.seal_id == bytes.fromhex(estate.versions["first"]["seal_id"])
    )
    async with estate.world.records.bookkeeping() as books:
        await books.uploads._handle.execute(seals)
    done = await estate.end()
    assert (done["state"], done["waiting"]) == ("erased", 0)
    page = await estate.world.ok("list_erased", estate.path, token=estate.world.root)
    lines = [LineTree(ERASED_VERSION).read(decode_binary(item, len(item) * 3 // 4)) for item in page["items"]]
    assert [bool(line.root) for line in lines] == [False, True]


class Refusing:
    """A store that removes nothing."""

    def __init__(self, store) -> None:
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def delete(self, key):
        raise StoreUnavailableError("not now")


async def test_a_store_that_is_away_leaves_the_bodies_to_the_next_time(estate, monkeypatch):
    monkeypatch.setattr(estate.world.services.erasing._removing, "_store", Refusing(estate.world.store))
    done = await estate.end()
    assert (done["state"], done["waiting"]) == ("erased", 2)
    monkeypatch.undo()
    assert (await estate.ask(done["root"])).json["waiting"] == 0
    assert len(await estate.objects()) == 1


async def test_the_janitor_comes_to_what_was_left(estate, monkeypatch):
    monkeypatch.setattr(estate.world.services.erasing._removing, "_store", Refusing(estate.world.store))
    monkeypatch.setattr(estate.world.services.erasing, "_store", Refusing(estate.world.store))
    done = await estate.end()
    assert done["waiting"] == 2
    cleaning = await estate.janitor()
    assert cleaning.objects >= 2
    assert (await estate.look())["waiting"] == 0
    assert len(await estate.objects()) == 1
    assert (await estate.janitor()).objects == 0


async def test_one_request_removes_no_more_than_anybody_waits_for(estate, monkeypatch):
    assert AT_ONCE == 100
    monkeypatch.setattr("vault.server.services.erasing.AT_ONCE", 1)
    done = await estate.end()
    assert done["waiting"] == 1
    assert (await estate.ask(done["root"])).json["waiting"] == 0


@pytest.mark.parametrize(
    ("table", "values", "said"),
    [
        (schema.erasure_lines, {"line": b"{}"}, "were changed"),
        (schema.erasure_lines, None, "0 lines about 2 things"),
        (schema.erasures, {"statement": b"{}"}, "statement of the certificate was changed"),
        (schema.erasures, {"position": 1}, "not the one of this dossier"),
        (schema.erasures, None, "is missing"),
        (schema.journal, {"leaf": bytes(32)}, "the journal does not have the entry"),
    ],
)
async def test_a_scrub_finds_a_certificate_that_was_changed(estate, table, values, said):
    await estate.end()
    alter = table.delete() if values is None else table.update().values(values)
    async with estate.world.records.bookkeeping() as books:
        execute = books.uploads._handle.execute
        if table is schema.erasures and values is None:
            await execute(schema.erasure_lines.delete())
        await execute(alter)
    for dossier in (None, estate.path["dossier"]):
        found, _ = await scrubbed(estate, dossier)
        named = [one for one in found if one.kind is Kind.CERTIFICATE_DAMAGED]
        assert [one.dossier for one in named] == [estate.path["dossier"]]
        assert said in named[0].detail
    found, _ = await scrubbed(estate, estate.other.id)
    assert [one for one in found if one.kind is Kind.CERTIFICATE_DAMAGED] == []


async def test_a_scrub_finds_an_envelope_that_was_destroyed_once(estate):
    seal_id = bytes.fromhex(estate.versions["better"]["seal_id"])
    (head,) = [row["head"] for row in await estate.rows(schema.heads) if row["seal_id"] == seal_id]
    await estate.end()
    async with estate.world.records.bookkeeping() as books:
        await books.uploads._handle.execute(schema.heads.insert().values(seal_id=seal_id, head=head))
    found, _ = await scrubbed(estate)
    assert [(one.kind.value, one.seal) for one in found] == [("envelope_differs", seal_id.hex())]
