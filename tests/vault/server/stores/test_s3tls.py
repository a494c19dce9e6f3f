"""The store over TLS, on a real SeaweedFS whose certificate an authority of the tests issued."""

import asyncio
import contextlib
import socket
from itertools import count

import pytest

from tests.engines.authority import Authority
from tests.engines.seaweed import HOST, Seaweed
from tests.suites.object_store import MIB, collect, keys, stream
from vault.server.ports import ObjectNotFoundError, StoreUnavailableError
from vault.server.stores.s3 import S3Store
from vault.server.stores.s3line import Place
from vault.server.stores.s3tls import Distrust, DistrustedError, speaks_tls

NAME = "s3.test"
"""What the service is called; the names of its buckets are before it."""
_LOOK_UP = socket.getaddrinfo


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(authority):
    """A service that speaks TLS alone."""
    files = authority.file.with_name("server.pem"), authority.file.with_name("server.key")
    authority.issue(*files, [HOST, NAME, f"*.{NAME}"])
    server = Seaweed(tls=files, ca_file=authority.file)
    server.start()
    yield server
    server.close()


@pytest.fixture
def place(secure, authority, monkeypatch):
    def look_up(host, *words, **more):
        # No resolver knows the names of our buckets.
        ours = isinstance(host, str) and (host == NAME or host.endswith(f".{NAME}"))
        return _LOOK_UP(HOST if ours else host, *words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return Place(
        host=f"{NAME}:{secure.port}",
        secure=True,
        bucket=secure.new_bucket(),
        region=secure.region,
        access_key=secure.access_key,
        secret_key=secure.secret_key,
        ca_file=str(authority.file),
    )


@contextlib.asynccontextmanager
async def store_at(place):
    store = S3Store(place)
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.parametrize("virtual_host", [False, True], ids=["the path", "the host's name"])
async def test_a_store_works_with_the_buckets_name_in(place, secure, virtual_host):
    large = bytes(range(256)) * 4096 * 9 + b"tail"
    async with store_at(place._replace(virtual_host=virtual_host)) as store:
        await store.check()
        small, big = await store.put(stream(b"0123456789")), await store.put(stream(large))
        assert await collect(store.get(small.key, offset=3, length=4)) == b"3456"
        assert await collect(store.get(big.key)) == large
        assert await keys(store) == {small.key, big.key}
        staged = await store.stage()
        parts = [
            await store.stage_part(staged, 2, 5 * MIB, stream(b"end")),
            await store.stage_part(staged, 1, 0, stream(large[: 5 * MIB])),
        ]
        assert {one.key async for one in store.list_staged()} == {staged}
        joined = await store.assemble(staged, parts)
        assert await collect(store.get(joined.key)) == large[: 5 * MIB] + b"end"
        given_up = await store.stage()
        await store.stage_part(given_up, 1, 0, stream(b"x"))
        await store.unstage(given_up)
        for one in (small, big, joined):
            await store.delete(one.key)
        with pytest.raises(ObjectNotFoundError):
            await store.size(small.key)
    client = secure.client()
    assert list(client.list_objects(place.bucket, recursive=True)) == []
    assert client._list_multipart_uploads(place.bucket).uploads == []


@pytest.mark.parametrize("moment", [1, 5, 9])
async def test_nothing_is_left_of_what_was_cancelled(place, secure, moment):
    async def endless():
        for number in count():
            await asyncio.sleep(0)
            if number == 2 * moment:
                task.cancel()
            yield bytes(MIB)

    async with store_at(place) as store:
        task = asyncio.create_task(store.put(endless()))
        with pytest.raises(asyncio.CancelledError):
            await task
    client = secure.client()
    assert list(client.list_objects(place.bucket, recursive=True)) == []
    assert client._list_multipart_uploads(place.bucket).uploads == []


async def refusal(place):
    """Return why a store does not speak there, whatever it is asked."""
    reasons = set()
    async with store_at(place) as store:
        for work in (
            store.check(),
            store.put(stream(b"x")),
            collect(store.get("0" * 40)),
            store.size("0" * 40),
            store.stage(),
        ):
            with pytest.raises(DistrustedError) as caught:
                await work
            reasons.add(caught.value.reason)
            assert str(caught.value) == caught.value.reason.value
            assert caught.value.__suppress_context__
    assert len(reasons) == 1
    return reasons.pop()


async def test_an_authority_that_the_system_does_not_know(place):
    assert await refusal(place._replace(ca_file=None)) is Distrust.AUTHORITY


async def test_another_authority(place, tmp_path):
    other = Authority(tmp_path, "another")
    assert await refusal(place._replace(ca_file=str(other.file))) is Distrust.AUTHORITY


async def test_an_authority_of_the_same_name_and_another_key(place, tmp_path):
    forger = Authority(tmp_path)
    assert await refusal(place._replace(ca_file=str(forger.file))) is Distrust.AUTHORITY


async def test_another_name_than_the_certificates(place, secure):
    assert await refusal(place._replace(host=f"localhost:{secure.port}")) is Distrust.NAME


async def test_a_certificate_that_is_not_for_the_names_of_buckets(place, secure):
    deep = place._replace(host=f"deep.{place.host}", virtual_host=True)
    assert await refusal(deep) is Distrust.NAME


async def test_a_service_that_speaks_no_tls(place, seaweed):
    assert await refusal(place._replace(host=seaweed.host)) is Distrust.NO_TLS


async def test_a_certificate_that_has_expired(place, secure, authority):
    files = authority.file.with_name("server.pem"), authority.file.with_name("server.key")
    authority.issue(*files, [HOST, NAME, f"*.{NAME}"], ended=True)
    try:
        secure.kill()
        secure.start()
        assert await refusal(place) is Distrust.TIME
    finally:
        authority.issue(*files, [HOST, NAME, f"*.{NAME}"])
        secure.kill()
        secure.start()
    async with store_at(place) as store:
        await store.check()


async def test_plain_http_to_a_port_for_tls(place, secure, seaweed):
    async with store_at(place._replace(secure=False)) as store:
        for work in (store.check(), store.put(stream(b"x")), store.stage()):
            with pytest.raises(StoreUnavailableError):
                await work
    assert speaks_tls(HOST, secure.port)
    assert not speaks_tls(HOST, seaweed.port)
