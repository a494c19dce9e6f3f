import pytest

from tests.exchange.world import open_world


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path / "service") as opened:
        yield opened
