"""The audit is worth something: each thing that may not be, done on purpose, is found and named."""

import pytest

from tests.crash.audit import check_whole
from tests.crash.harms import HARMS
from tests.crash.inspection import Kind, Leftovers, Trail, inspect
from tests.crash.pairs import Embedded
from tests.crash.town import damaged
from vault.server.ports import object_key

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_unharmed_service_has_no_fault(plant):
    receipt = await plant.receipt()
    faults, left = await inspect(plant.site, receipts=[receipt])
    assert (faults, left) == ([], Leftovers(set(), set(), set()))
    assert not left


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
async def test_each_harm_is_named(plant, harm):
    expected = await harm(plant)
    faults, _ = await inspect(plant.site)
    assert expected in faults


async def test_an_orphan_is_named(plant):
    async def chunks():
        yield b"orphan"

    async with plant.site.store() as store:
        orphan, staged = (await store.put(chunks())).key, await store.stage()
    faults, left = await inspect(plant.site)
    assert (faults, left.objects, left.staged) == ([], {orphan}, {staged})
    assert [fault.what for fault in left.faults] == [f"object {orphan}", f"staged {staged}"]


async def test_what_an_upload_is_put_together_to_is_no_orphan(plant):
    """Between the store's act and the rows' it is there and not published: its upload still names it."""
    upload = plant.made.proofs["completed"]["id"]
    (row,) = [row for row in plant.uploads if row["id"] == upload]
    async with plant.site.records() as records, records.read() as view:
        parts = await view.uploads.parts(upload)
    async with plant.site.store() as store:
        await store.assemble(row["staged"], parts)
        assert object_key(row["staged"]) in {one.key async for one in store.list()}
    assert await inspect(plant.site) == ([], Leftovers(set(), set(), set()))


@pytest.mark.parametrize("prepared", [Embedded], indirect=True, ids=lambda kind: kind.name)
async def test_a_draft_is_named(plant):
    (plant.site.data / "store" / "incoming" / ("ab" * 20)).touch()
    assert (await inspect(plant.site))[1].drafts == {"ab" * 20}


@pytest.mark.parametrize("prepared", [Embedded], indirect=True, ids=lambda kind: kind.name)
async def test_a_body_that_was_altered_is_noticed_by_whoever_fetches_it(plant, nursery):
    key = plant.victim["body_key"]
    path = plant.site.data / "store" / "objects" / key[:2] / key
    path.write_bytes(damaged(path.read_bytes()))
    server = await nursery.serve(plant.site.folder, plant.site.words)
    town = plant.made.town.at(server.url)
    await check_whole(town, plant.made, [plant.other["seal_id"].hex()])
    with pytest.raises(AssertionError):
        await check_whole(town, plant.made, [plant.seal.hex()])
    assert await server.stop() == 0


async def test_a_journal_that_is_shorter_than_it_was_is_named(plant):
    trail = Trail()
    assert (await inspect(plant.site, trail=trail))[0] == []
    size = len(trail.leaves)
    trail.leaves += (bytes(32),)
    assert (Kind.JOURNAL, f"{size} entries where there were {size + 1}") in (
        await inspect(plant.site, trail=trail)
    )[0]


async def test_a_receipt_that_nothing_is_kept_of_is_named(plant):
    receipt = await plant.receipt()
    unknown, altered = receipt._replace(seal_id=bytes(32)), receipt._replace(size=receipt.size + 1)
    faults, _ = await inspect(plant.site, receipts=[unknown, altered])
    assert faults == [
        (Kind.LOST, f"version {bytes(32).hex()}, which was receipted"),
        (Kind.LOST, f"the receipt of {plant.seal.hex()} that was handed out"),
    ]
