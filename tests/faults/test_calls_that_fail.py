"""Calls to PostgreSQL and S3 that fail, one after the other: what a client is told stays true."""

import asyncio
import contextlib

import pytest
import pytest_asyncio

from tests.crash.caretaker import clean
from tests.crash.inspection import inspect
from tests.crash.pairs import Remote
from tests.crash.processes import Nursery
from tests.faults.errands import BY_NAME
from tests.faults.fates import Fate
from tests.faults.stand import stand_on
from tests.faults.trials import Trials

pytestmark = pytest.mark.asyncio(loop_scope="module")

S3 = [
    *(
        (act, fate)
        for act in ("deposit", "replace", "complete an upload")
        for fate in (Fate.RESET, Fate.LOST)
    ),
    ("upload a part", Fate.BUSY),
    ("begin an upload", Fate.GONE),
    ("begin an upload", Fate.LATE),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory, postgres, seaweed):
    with contextlib.closing(Nursery()) as nursery:
        pair = Remote(tmp_path_factory.mktemp("sites"), postgres, seaweed)
        async with stand_on(nursery, pair, postgres, seaweed) as stand:
            yield stand


@pytest.mark.parametrize(("name", "fate"), S3)
async def test_every_call_to_s3(stand, name, fate):
    trials = Trials(stand, "s3", BY_NAME[name])
    await trials.rehearse()
    figures = await trials.run(fate)
    assert figures.faults == []
    assert figures.trials


async def test_a_commit_that_comes_after_it_was_given_up(stand):
    """It was found that the bytes were removed between the two: a proof without bytes came about."""
    trials = Trials(stand, "postgresql", BY_NAME["deposit"])
    await trials.rehearse()
    # The commit is the last call of all, or a rollback comes after it.
    kept = 0
    for number in (trials.calls, trials.calls - 1):
        figures = await trials.run(Fate.LATE, [number])
        assert figures.faults == []
        kept += figures.kept
    assert kept, "no commit was among the calls"


async def test_the_janitor_finds_all_that_was_left(stand):
    faults, left = await inspect(stand.site, receipts=stand.receipts)
    assert faults == []
    assert await clean(stand.nursery, stand.site) == tuple(map(len, left))
    faults, left = await inspect(stand.site, receipts=stand.receipts)
    assert [*faults, *left.faults] == []
    assert await asyncio.wait_for(stand.server.stop(), 60) == 0
