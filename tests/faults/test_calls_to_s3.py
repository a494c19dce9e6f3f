"""Calls to S3 that fail, one after the other: what a client is told stays true."""

import asyncio

import pytest

from tests.faults.crew import audit
from tests.faults.errands import BY_NAME
from tests.faults.fates import Fate
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
    ("erase", Fate.LOST),
    ("deposit of much", Fate.GONE),
]


@pytest.mark.parametrize(("name", "fate"), S3)
async def test_every_call_to_s3(stand, name, fate):
    trials = Trials(stand, "s3", BY_NAME[name])
    await trials.rehearse()
    figures = await trials.run(fate)
    assert figures.faults == []
    assert figures.trials


async def test_the_janitor_finds_all_that_was_left(stand):
    assert await audit(stand) == []
    assert await asyncio.wait_for(stand.server.stop(), 60) == 0
