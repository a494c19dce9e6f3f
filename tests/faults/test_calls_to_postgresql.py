"""Calls to PostgreSQL that fail, one after the other: what a client is told stays true."""

import asyncio

import pytest

from tests.faults.crew import audit
from tests.faults.errands import BY_NAME
from tests.faults.fates import Fate
from tests.faults.trials import Trials

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEP = 30
"""One in so many calls, where not every one is tried; `make faults` tries them all."""

EVERY = [("deposit", Fate.RESET), *((name, Fate.LOST) for name in ("deposit", "replace", "archive", "grant"))]
SOME = {
    "deposit": [fate for fate in Fate if fate not in {Fate.RESET, Fate.LOST}],
    "replace": [Fate.RESET, Fate.TORN, Fate.HUNG, Fate.SLOW],
    "archive": [Fate.RESET, Fate.TORN, Fate.HUNG],
    "grant": [Fate.RESET, Fate.TORN, Fate.HUNG],
    "rotate": [Fate.LOST],
    "erase": [Fate.LOST],
    "hand a mandate over": [Fate.LOST],
    "take a template over": [Fate.LOST],
    "rewrite a template": [Fate.LOST],
}


@pytest.mark.parametrize(("name", "fate"), EVERY)
async def test_every_call_to_postgresql(stand, name, fate):
    trials = Trials(stand, "postgresql", BY_NAME[name])
    await trials.rehearse()
    figures = await trials.run(fate)
    assert figures.faults == []
    assert figures.trials >= trials.calls
    if fate is Fate.LOST:
        assert figures.kept, "no commit was among the calls"


@pytest.mark.parametrize("name", SOME)
async def test_some_calls_to_postgresql(stand, name):
    trials = Trials(stand, "postgresql", BY_NAME[name])
    await trials.rehearse()
    for fate in SOME[name]:
        figures = await trials.run(fate, trials.spread(STEP))
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
    assert await audit(stand) == []
    assert await asyncio.wait_for(stand.server.stop(), 60) == 0
