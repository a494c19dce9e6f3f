import pytest
import pytest_asyncio

from tests.exchange.engines import database_of
from tests.exchange.everybody import assemble
from tests.exchange.world import open_world


@pytest.fixture(scope="module")
def engine():
    return "sqlite"


@pytest.fixture
def database(request, engine):
    with database_of(request, engine) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database(request, engine):
    with database_of(request, engine) as url:
        yield url


@pytest.fixture
async def world(tmp_path, database):
    """A service of one's own, with an admin and an authority."""
    async with open_world(tmp_path / "service", database_url=database) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everybody(tmp_path_factory, shared_database):
    """All actors at one service that the tests of a module share."""
    async with open_world(
        tmp_path_factory.mktemp("shared") / "service", database_url=shared_database
    ) as opened:
        yield await assemble(opened)
