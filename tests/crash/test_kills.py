"""Kill the server at random moments while many are at work; a long series of the same is ``make crash``."""

import pytest
from sqlalchemy import select

from tests.crash.__main__ import table, verdict
from tests.crash.inspection import Kind
from tests.crash.pairs import PAIRS, Embedded, Site
from tests.crash.series import Series
from vault.server.stores.records import schema

pytestmark = pytest.mark.asyncio(loop_scope="module")

KILLS = CLIENTS = 4


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: kind.name)
async def test_nothing_acknowledged_is_lost_and_nothing_is_there_by_half(kind, nursery, http, pairs):
    figures = await Series(nursery, http, pairs(kind), "a small one", clients=CLIENTS).run(KILLS)
    assert figures.faults == []
    assert verdict([figures]) == 0
    assert (figures.kills, figures.left) == (KILLS, 0)
    # Or all of this would be about nothing.
    assert figures.acknowledged > KILLS
    assert figures.opened > 0
    assert figures.broken > 0


class Robbed(Site):
    """Where an object is taken away once that a version names, while the server is dead."""

    taken = ""

    async def quiet(self) -> None:
        async with self.records() as records, records.read() as view:
            named = select(schema.versions.c.body_key).where(schema.versions.c.erased_at.is_(None))
            keys = await view.evidence._handle.values(named)
        # A server does not even start where none is left.
        if len(keys) > 1 and not self.taken:
            self.taken = keys[0]
            async with self.store() as store:
                await store.delete(self.taken)


class Careless(Embedded):
    """A pair of engines that loses something."""

    name = "careless"

    def new(self) -> Robbed:
        return Robbed(super().new().folder)


async def test_what_is_lost_is_counted(nursery, http, tmp_path):
    figures = await Series(nursery, http, Careless(tmp_path), "robbed", clients=2).run(2)
    assert figures.count(Kind.LOST) > 0
    assert verdict([figures]) == 1
    (line,) = [line.split() for line in table([figures]).splitlines() if line.startswith("lost")]
    assert line == ["lost", str(figures.count(Kind.LOST))]
