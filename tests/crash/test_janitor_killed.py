"""Kill the janitor: nothing is lost that a row names, and the next one ends what was begun."""

import asyncio

import pytest
from sqlalchemy import update

from tests.crash.caretaker import clean
from tests.crash.inspection import inspect
from tests.crash.series import random_of
from vault.server.failpoints import Failpoint
from vault.server.stores.records import schema

pytestmark = pytest.mark.asyncio(loop_scope="module")

KILLED = -9
ANOTHER = 6
"""How the command ends where another janitor is at work."""

PLACES = {"sqlite-folder": Failpoint.OBJECT_DELETED, "postgresql-s3": Failpoint.S3_OBJECT_DELETED}
MOMENTS = 3


async def litter(plant) -> None:
    """Leave behind what broken deposits and uploads would, and an upload that has expired."""

    async def chunks():
        yield b"orphan"

    async with plant.site.store() as store:
        for _ in range(5):
            await store.put(chunks())
            await store.stage()
    expired = plant.uploads[0]["id"]
    await plant.write(update(schema.uploads).where(schema.uploads.c.id == expired).values(expires_at=1))


async def end_lease(plant) -> None:
    """What the time would do, in two minutes."""
    await plant.write(update(schema.leases).values(expires_at=1))


def words_of(site):
    return ["janitor", "--offline", "--json", *site.words]


async def check_finished(plant, nursery) -> None:
    """The next janitor, once it may, removes what is left; everything else is as it was."""
    assert (await inspect(plant.site))[0] == []
    await end_lease(plant)
    await clean(nursery, plant.site)
    faults, left = await inspect(plant.site)
    assert [*faults, *left.faults] == []
    before = {row["id"] for row in plant.uploads}
    await plant.read()
    assert len(before - {row["id"] for row in plant.uploads}) == 1


async def test_one_that_dies_where_it_has_just_removed_something(plant, nursery, prepared):
    await litter(plant)
    site, trigger = plant.site, plant.site.folder / "trigger"
    trigger.touch()
    watch = {"trigger": str(trigger), "kill_at": PLACES[prepared[0].name].name, "note_in": ""}
    janitor = nursery.start(site.folder, words_of(site), site.variables, watch)
    assert await janitor.death() == KILLED
    assert (await inspect(site))[1]
    refused = await nursery.run(site.folder, words_of(site), site.variables)
    assert refused.code == ANOTHER, refused.stderr
    await check_finished(plant, nursery)


@pytest.mark.parametrize("moment", range(MOMENTS))
async def test_one_that_dies_at_any_moment(plant, nursery, moment):
    await litter(plant)
    janitor = nursery.start(plant.site.folder, words_of(plant.site), plant.site.variables)
    await asyncio.sleep(random_of(moment).uniform(0.1, 0.6))
    janitor.kill()
    await plant.site.quiet()
    await check_finished(plant, nursery)
