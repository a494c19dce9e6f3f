import pytest
import pytest_asyncio

from tests.crash.cases import Stage
from tests.crash.pairs import PAIRS, Embedded, Remote
from tests.crash.processes import Nursery
from tests.crash.town import asking


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nursery():
    """Where all servers of a module come from."""
    kept = Nursery()
    yield kept
    kept.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http():
    async with asking() as session:
        yield session


@pytest.fixture(scope="module", params=PAIRS, ids=lambda kind: kind.name)
def pair(request, tmp_path_factory):
    """Both engines that a server keeps everything in."""
    folder = tmp_path_factory.mktemp("sites")
    if request.param is Embedded:
        return Embedded(folder)
    return Remote(folder, request.getfixturevalue("postgres"), request.getfixturevalue("seaweed"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(nursery, http, pair):
    """A prepared service, and how each act passes through it undisturbed."""
    return await Stage.build(nursery, http, pair)
