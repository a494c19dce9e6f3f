"""Kill the server at every failpoint: what was acknowledged is there, what was not is there whole or not."""

import asyncio

import pytest

from vault.server.failpoints import Failpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("point", Failpoint, ids=lambda point: point.name)
async def test_a_server_killed_there_loses_nothing(stage, point):
    acts = stage.acts_through(point)
    assert acts, "no act comes to it"
    await asyncio.gather(*(stage.die(act, point, everything=act is acts[0]) for act in acts))
