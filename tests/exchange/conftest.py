import pytest
import pytest_asyncio

from tests.exchange.everybody import assemble
from tests.exchange.world import open_world


@pytest.fixture
async def world(tmp_path):
    """A service of one's own, with an admin and an authority."""
    async with open_world(tmp_path / "service") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everybody(tmp_path_factory):
    """All actors at one service that the tests of a module share."""
    async with open_world(tmp_path_factory.mktemp("shared") / "service") as opened:
        yield await assemble(opened)
