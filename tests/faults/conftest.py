"""One server for the series of a module, on engines behind proxies."""

import contextlib

import pytest_asyncio

from tests.crash.pairs import Remote
from tests.crash.processes import Nursery
from tests.faults.stand import stand_on


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory, postgres, seaweed):
    with contextlib.closing(Nursery()) as nursery:
        pair = Remote(tmp_path_factory.mktemp("sites"), postgres, seaweed)
        async with stand_on(nursery, pair, postgres, seaweed) as stand:
            yield stand
