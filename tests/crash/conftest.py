import pytest
import pytest_asyncio

from tests.crash.cases import Stage
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


@pytest.fixture(scope="module")
def stages():
    """What was prepared already, by pair: cases of both come in turn."""
    return {}


@pytest_asyncio.fixture(loop_scope="module")
async def stage(request, nursery, http, stages, tmp_path_factory):
    """A prepared service on the pair of engines that is asked for, and how each act passes through it."""
    kind = request.param
    if kind not in stages:
        engines = [request.getfixturevalue(name) for name in kind.engines]
        pair = kind(tmp_path_factory.mktemp("sites"), *engines)
        stages[kind] = await Stage.build(nursery, http, pair)
    return stages[kind]
