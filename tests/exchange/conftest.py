import pytest
import pytest_asyncio

from tests.exchange.engines import PART, bucket, settings_of
from tests.exchange.everybody import assemble
from tests.exchange.uploading import a_sender
from tests.exchange.world import open_world

__all__ = ["bucket"]


@pytest.fixture(scope="module")
def engine():
    return "embedded"


@pytest.fixture
def settings(request, engine):
    with settings_of(request, engine) as found:
        yield found


@pytest.fixture(scope="module")
def shared_settings(request, engine):
    with settings_of(request, engine) as found:
        yield found


@pytest.fixture
async def world(tmp_path, settings):
    """A service of one's own, with an admin and an authority."""
    async with open_world(tmp_path / "service", **settings) as opened:
        yield opened


@pytest.fixture
def part(engine):
    """How long the parts of an upload are."""
    return PART[engine]


@pytest.fixture
async def sender(world, part):
    """An editor of its own at a service of its own."""
    return await a_sender(world, part)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everybody(tmp_path_factory, shared_settings):
    """All actors at one service that the tests of a module share."""
    async with open_world(tmp_path_factory.mktemp("shared") / "service", **shared_settings) as opened:
        yield await assemble(opened)
