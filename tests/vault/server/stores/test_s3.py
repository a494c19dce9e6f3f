"""The store over S3, on a real SeaweedFS."""

import pytest

from tests.suites.object_store import ObjectStoreSuite
from tests.suites.object_store_staged import StagedSuite
from vault.server.stores.s3 import S3Store
from vault.server.stores.s3line import Place


@pytest.fixture
def place(seaweed):
    return Place(
        host=seaweed.host,
        secure=False,
        bucket=seaweed.new_bucket(),
        region=seaweed.region,
        access_key=seaweed.access_key,
        secret_key=seaweed.secret_key,
    )


@pytest.fixture
async def store(place):
    store = S3Store(place, prefix="a/prefix")
    yield store
    await store.close()


@pytest.fixture
async def again(place):
    store = S3Store(place, prefix="a/prefix")
    yield store
    await store.close()


class TestS3Store(ObjectStoreSuite, StagedSuite):
    pass
