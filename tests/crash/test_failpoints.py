"""Kill the server at every failpoint: what was acknowledged is there, what was not is there whole or not."""

import asyncio

import pytest

from tests.crash.pairs import PAIRS
from vault.server.failpoints import Failpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_ITSELF = "services.locking."
"""Where a janitor comes and no act does: tests/exchange/test_locks.py kills it at each of these."""

CASES = [
    pytest.param(kind, point, id=f"{kind.name}-{point.name}")
    for kind in PAIRS
    for point in Failpoint
    if not point.startswith(BY_ITSELF)
    if not any(point.startswith(other.modules) for other in PAIRS if other is not kind)
]
"""Every place on every pair, but for those inside the store of another pair."""


async def test_every_place_is_among_them():
    elsewhere = {point for point in Failpoint if point.startswith(BY_ITSELF)}
    assert {case.values[1] for case in CASES} | elsewhere == set(Failpoint)


@pytest.mark.parametrize(("stage", "point"), CASES, indirect=["stage"])
async def test_a_server_killed_there_loses_nothing(stage, point, pytestconfig):
    acts = stage.acts_through(point, every=pytestconfig.getoption("--every-act", default=False))
    assert acts, "no act comes to it"
    await asyncio.gather(*(stage.die(act, point, everything=act is acts[0]) for act in acts))
