"""Kill a rotation, and the server under it, at random; a thousand containers are ``make crash-rotation``."""

import pytest

from tests.crash.pairs import Embedded
from tests.crash.turns import Turns

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTAINERS, KILLS = 20, 5


async def test_a_rotation_goes_on_after_every_kill(nursery, http, pairs):
    figures = await Turns(nursery, http, pairs(Embedded), "a small one").run(CONTAINERS, KILLS)
    assert figures.faults == []
    assert figures.client_kills + figures.server_kills >= KILLS
    assert figures.rotations > 0
    # Every one of them was tried with the key that was withdrawn, and stands in a certificate.
    assert figures.closed >= CONTAINERS
    assert figures.certified >= CONTAINERS
    assert figures.opened > 0
