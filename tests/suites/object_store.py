"""What every object store must do. A test module subclasses the suite and gives it the fixture ``store``."""

import asyncio
import re
from contextlib import aclosing

import pytest

from vault.server.ports import ObjectDamagedError, ObjectNotFoundError

MIB = 1024 * 1024
NOWHERE = "0" * 40


async def stream(*chunks):
    for chunk in chunks:
        yield chunk


async def collect(chunks) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def keys(store) -> set[str]:
    return {entry.key async for entry in store.list()}


class ObjectStoreSuite:
    async def test_what_was_put_is_got(self, store) -> None:
        stored = await store.put(stream(b"first ", b"", b"second"))
        assert stored.size == 12
        assert await collect(store.get(stored.key)) == b"first second"
        assert await store.size(stored.key) == 12

    async def test_an_object_may_be_empty(self, store) -> None:
        stored = await store.put(stream())
        assert stored.size == 0
        assert await collect(store.get(stored.key)) == b""

    async def test_large_objects_come_in_chunks_of_at_most_a_mebibyte(self, store) -> None:
        data = bytes(range(256)) * 4096 * 3 + b"tail"
        stored = await store.put(stream(data[:5], data[5 : 2 * MIB], data[2 * MIB :]))
        chunks = [chunk async for chunk in store.get(stored.key)]
        assert max(map(len, chunks)) <= MIB
        assert b"".join(chunks) == data

    @pytest.mark.parametrize(
        ("offset", "length"), [(0, 0), (0, 10), (3, 4), (9, 1), (10, 0), (10, None), (4, None)]
    )
    async def test_any_range(self, store, offset, length) -> None:
        data = b"0123456789"
        stored = await store.put(stream(data))
        end = len(data) if length is None else offset + length
        assert await collect(store.get(stored.key, offset=offset, length=length)) == data[offset:end]

    async def test_a_range_across_chunks(self, store) -> None:
        data = bytes(MIB) + b"middle" + bytes(MIB)
        stored = await store.put(stream(data))
        assert await collect(store.get(stored.key, offset=MIB - 1, length=8)) == b"\0middle\0"

    @pytest.mark.parametrize(("offset", "length"), [(0, 11), (11, 0), (11, None), (9, 2), (0, -1)])
    async def test_a_range_that_the_object_does_not_have_is_damage(self, store, offset, length) -> None:
        stored = await store.put(stream(b"0123456789"))
        with pytest.raises(ObjectDamagedError):
            await collect(store.get(stored.key, offset=offset, length=length))

    async def test_a_key_is_ours_random_and_never_the_same(self, store) -> None:
        drawn = [(await store.put(stream(b"same"))).key for _ in range(8)]
        assert len(set(drawn)) == 8
        assert all(re.fullmatch("[0-9a-f]{40}", key) for key in drawn)

    async def test_what_is_not_there_is_not_found(self, store) -> None:
        with pytest.raises(ObjectNotFoundError):
            await collect(store.get(NOWHERE))
        with pytest.raises(ObjectNotFoundError):
            await store.size(NOWHERE)
        await store.delete(NOWHERE)

    @pytest.mark.parametrize(
        "key",
        [
            "",
            ".",
            "..",
            "../../etc/passwd",
            "/etc/passwd",
            "a" * 39,
            "A" * 40,
            "a" * 40 + "\n",
            "a" * 38 + "/x",
        ],
    )
    async def test_what_is_no_key_of_ours_names_nothing(self, store, key) -> None:
        with pytest.raises(ObjectNotFoundError):
            await collect(store.get(key))
        with pytest.raises(ObjectNotFoundError):
            await store.size(key)
        await store.delete(key)

    async def test_deleted_is_gone_and_deleting_again_is_fine(self, store) -> None:
        kept, gone = await store.put(stream(b"kept")), await store.put(stream(b"gone"))
        await store.delete(gone.key)
        await store.delete(gone.key)
        with pytest.raises(ObjectNotFoundError):
            await collect(store.get(gone.key))
        assert await keys(store) == {kept.key}

    async def test_the_list_names_every_object_with_its_size(self, store) -> None:
        stored = [await store.put(stream(bytes(size))) for size in range(5)]
        listed = [entry async for entry in store.list()]
        assert {(entry.key, entry.size) for entry in listed} == set(stored)
        assert all(entry.modified > 1_600_000_000 for entry in listed)

    async def test_nothing_shows_before_the_end(self, store) -> None:
        seen = []

        async def watching():
            yield bytes(2 * MIB)
            seen.append(await keys(store))
            yield b"end"

        stored = await store.put(watching())
        assert seen == [set()]
        assert await keys(store) == {stored.key}

    @pytest.mark.parametrize("error", [ValueError("rubbish"), OSError("hung up"), KeyboardInterrupt()])
    async def test_a_source_that_fails_leaves_nothing_and_its_error_passes_through(
        self, store, error
    ) -> None:
        async def failing():
            yield bytes(2 * MIB)
            raise error

        with pytest.raises(type(error)) as caught:
            await store.put(failing())
        assert caught.value is error
        assert await keys(store) == set()

    @pytest.mark.parametrize("turns", range(0, 40, 3))
    async def test_cancelled_at_any_moment_leaves_nothing(self, store, turns) -> None:
        async def endless():
            while True:
                await asyncio.sleep(0)
                yield bytes(MIB // 2)

        task = asyncio.create_task(store.put(endless()))
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await keys(store) == set()

    async def test_a_reader_may_stop_early_or_be_cancelled(self, store) -> None:
        stored = await store.put(stream(bytes(3 * MIB)))
        async with aclosing(store.get(stored.key)) as chunks:
            assert len(await anext(chunks)) == MIB

        async def read() -> None:
            async for _ in store.get(stored.key):
                await asyncio.sleep(60)

        task = asyncio.create_task(read())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(await collect(store.get(stored.key))) == 3 * MIB

    async def test_many_at_once(self, store) -> None:
        stored = await asyncio.gather(*(store.put(stream(bytes([n]) * 1000)) for n in range(16)))
        got = await asyncio.gather(*(collect(store.get(one.key)) for one in stored))
        assert got == [bytes([n]) * 1000 for n in range(16)]

    async def test_it_says_when_it_works(self, store) -> None:
        await store.check()
        assert await keys(store) == set()
