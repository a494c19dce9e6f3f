import pytest
import pytest_asyncio

from tests.crash.cases import Stage, found
from tests.crash.harms import Plant
from tests.crash.pairs import PAIRS
from tests.crash.processes import Nursery
from tests.crash.town import asking


def pytest_addoption(parser):
    """Known where this folder is named, as `make crash` does."""
    parser.addoption(
        "--every-act",
        action="store_true",
        help="kill the server at each place in every act that comes to it, not in a few of them",
    )


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


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PAIRS, ids=lambda kind: kind.name)
async def prepared(request, nursery, http, pairs):
    """A service that was set up and stopped, on each pair of engines."""
    pair = pairs(request.param)
    return pair, *await found(nursery, http, pair)


@pytest_asyncio.fixture(loop_scope="module")
async def plant(prepared):
    """A copy of it, for a test to do harm to."""
    pair, site, made = prepared
    copied = await pair.copy(site, made)
    yield await Plant(copied, made).read()
    await pair.remove(copied)
