"""The store over S3, on a real SeaweedFS, and on a service that lies where no real one does."""

import asyncio
import io
import json
import time
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from itertools import count

import pytest

from tests.engines.liar import lying
from tests.suites.object_store import MIB, ObjectStoreSuite, collect, keys, stream
from tests.suites.object_store_staged import StagedSuite
from vault.server.logs import logger, naming
from vault.server.ports import (
    ObjectDamagedError,
    ObjectLockedError,
    ObjectNotFoundError,
    ObjectUnlockableError,
    StoreFullError,
    StoreUnavailableError,
)
from vault.server.stores import s3, s3client
from vault.server.stores.s3 import S3Store
from vault.server.stores.s3calls import SKEW, Calls
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


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        ("checksum tag", StoreUnavailableError),
        ("busy", StoreUnavailableError),
        ("rubbish", StoreUnavailableError),
        ("full", StoreFullError),
    ],
)
async def test_what_a_service_does_not_keep_is_an_error_and_leaves_nothing(lie, error):
    with lying(*lie.split()) as server:
        async with liars_store(server) as store:
            for size in (10, 9 * MIB):
                with pytest.raises(error) as caught:
                    await store.put(stream(bytes(size)))
                for secret in ("hunter2", server.host, "a secret of its own"):
                    assert secret not in str(caught.value)
                assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert (server.objects, server.parts) == ({}, {})


async def test_a_range_that_is_not_answered_is_never_taken_for_one():
    with lying() as server:
        async with liars_store(server) as store:
            stored = await store.put(stream(b"0123456789"))
            server.lies.add("range")
            with pytest.raises(StoreUnavailableError):
                await collect(store.get(stored.key, offset=3, length=4))
            server.lies.remove("range")
            server.lies.add("short")
            with pytest.raises(ObjectDamagedError):
                await collect(store.get(stored.key, offset=0, length=10))


async def test_a_service_that_is_gone_is_unavailable(seaweed):
    with lying() as server:
        gone = server.host
    async with liars_store(None, gone) as store:
        for work in (
            store.put(stream(b"x")),
            store.size("0" * 40),
            collect(store.get("0" * 40)),
            store.delete("0" * 40),
            store.check(),
            store.stage(),
            keys(store),
        ):
            with pytest.raises(StoreUnavailableError) as caught:
                await work
            assert gone not in str(caught.value)


@asynccontextmanager
async def liars_store(server, host=None):
    place = Place(
        host=host or server.host,
        secure=False,
        bucket="evidence",
        region="us-east-1",
        access_key="who",
        secret_key="hunter2",
    )
    store = S3Store(place)
    try:
        yield store
    finally:
        await store.close()


async def test_only_what_is_ours_is_listed(store, place, seaweed):
    stored = await store.put(stream(b"x"))
    client = seaweed.client()
    for name in ("a/prefix/objects/notes.txt", f"a/prefix/objects/{'c' * 40}", f"objects/cc/{'c' * 40}"):
        client._put_object(place.bucket, name, b"by hand", {})
    assert await keys(store) == {stored.key}
    async with aclosing(store.list_staged()) as staged:
        client._create_multipart_upload(place.bucket, "a/prefix/objects/notes.txt", {})
        assert [one async for one in staged] == []


async def test_lists_go_on_where_a_page_ends(store, again, monkeypatch):
    monkeypatch.setattr(s3client, "PAGE", 3)
    monkeypatch.setattr(s3, "PAGE", 3)
    stored = {(await store.put(stream(b"x"))).key for _ in range(8)}
    staged = {await store.stage() for _ in range(8)}
    assert await keys(again) == stored
    found = [one.key async for one in again.list_staged()]
    assert (set(found), len(found)) == (staged, 8)
    parts = [await store.stage_part(found[0], n, 0, stream(bytes(5 * MIB))) for n in range(1, 6)]
    assert (await again.assemble(found[0], parts)).size == 25 * MIB


async def test_nothing_is_left_in_the_bucket_after_a_cancelled_put(store, place, seaweed):
    started = asyncio.Event()

    async def endless():
        for number in count():
            await asyncio.sleep(0)
            if number == 20:
                started.set()
            yield bytes(MIB)

    task = asyncio.create_task(store.put(endless()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    client = seaweed.client()
    assert list(client.list_objects(place.bucket, recursive=True)) == []
    assert client._list_multipart_uploads(place.bucket).uploads == []


class TestLocks:
    @pytest.fixture
    def place(self, place, seaweed):
        return place._replace(bucket=seaweed.new_bucket(object_lock=True))

    @pytest.mark.parametrize("mode", ["governance", "compliance"])
    async def test_what_is_retained_is_not_removed(self, place, seaweed, mode):
        store = S3Store(place, object_lock=mode)
        try:
            kept = await store.put(stream(b"archived"))
            until = int(time.time()) + 3600
            await store.retain(kept.key, until)
            with pytest.raises(ObjectLockedError):
                await store.delete(kept.key)
            assert await collect(store.get(kept.key)) == b"archived"
            await store.retain(kept.key, until + 60)
            with pytest.raises(ObjectNotFoundError):
                await store.retain("0" * 40, until)
        finally:
            await store.close()

    async def test_it_is_removed_with_its_version_once_the_time_is_over(self, place, seaweed):
        store = S3Store(place, object_lock="governance")
        try:
            kept = await store.put(stream(b"archived"))
            await store.retain(kept.key, int(time.time()) + 2)
            with pytest.raises(ObjectLockedError):
                await store.delete(kept.key)
            while True:
                try:
                    await store.delete(kept.key)
                    break
                except ObjectLockedError:
                    await asyncio.sleep(0.2)
            assert await keys(store) == set()
        finally:
            await store.close()
        left = seaweed.client().list_objects(place.bucket, recursive=True, include_version=True)
        assert list(left) == []

    async def test_one_that_comes_to_its_time_right_after_it_was_refused_is_still_named_locked(
        self, place, monkeypatch
    ):
        asked = Calls.is_retained

        def late(calls, name, version, since):
            while asked(calls, name, version, datetime.now(UTC) + SKEW):
                time.sleep(0.1)
            return asked(calls, name, version, since)

        monkeypatch.setattr(Calls, "is_retained", late)
        store = S3Store(place, object_lock="governance")
        try:
            kept = await store.put(stream(b"archived"))
            await store.retain(kept.key, int(time.time()) + 2)
            with pytest.raises(ObjectLockedError):
                await store.delete(kept.key)
        finally:
            await store.close()

    async def test_what_was_never_locked_leaves_no_version(self, place, seaweed, store):
        small, large = await store.put(stream(b"x")), await store.put(stream(bytes(9 * MIB)))
        await store.delete(small.key)
        await store.delete(large.key)
        left = seaweed.client().list_objects(place.bucket, recursive=True, include_version=True)
        assert list(left) == []

    async def test_a_store_that_is_not_set_up_for_it_says_so(self, store):
        kept = await store.put(stream(b"x"))
        with pytest.raises(ObjectUnlockableError):
            await store.retain(kept.key, 2**31)


async def test_what_is_logged_in_its_threads_bears_the_id_of_the_request(store):
    stream = io.StringIO()
    log = logger(stream)
    with naming("request-1"):
        await store.run(log.info, "in a thread")
    await store.run(log.info, "for nobody")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["request_id"] == "request-1"
    assert "request_id" not in second
