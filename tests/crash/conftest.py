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


@pytest.fixture(scope="module")
def pairs(request, tmp_path_factory):
    """Pairs of engines by kind, each made for the first who asks for it."""
    made = {}

    def pair_of(kind):
        if kind not in made:
            engines = [request.getfixturevalue(name) for name in kind.engines]
            made[kind] = kind(tmp_path_factory.mktemp("sites"), *engines)
        return made[kind]

    return pair_of


@pytest_asyncio.fixture(loop_scope="module")
async def stage(request, nursery, http, stages, pairs):
    """A prepared service on the pair of engines that is asked for, and how each act passes through it."""
    kind = request.param
    if kind not in stages:
        stages[kind] = await Stage.build(nursery, http, pairs(kind))
    return stages[kind]
