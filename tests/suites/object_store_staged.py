"""What every object store must do with objects that arrive in parts; used as the suite beside this one is."""

import asyncio

import pytest

from tests.suites.object_store import MIB, collect, keys, stream
from vault.server.ports import ObjectDamagedError, ObjectNotFoundError, StagedPart

PART = 5 * MIB
RUBBISH = [
    "",
    ".",
    "..",
    "../../etc/passwd",
    "a" * 40,
    "a" * 40 + ".",
    "a" * 40 + ".\n",
    "b" * 40 + ".up/../x",
]


def block(number: int, size: int = PART) -> bytes:
    return bytes([number]) * size


async def staged_names(store) -> set[str]:
    return {entry.key async for entry in store.list_staged()}


async def stage_three(store, staged: str) -> list[StagedPart]:
    sizes = [PART, PART, 1000]
    return [
        await store.stage_part(staged, number, (number - 1) * PART, stream(block(number, size)))
        for number, size in enumerate(sizes, 1)
    ]


WHOLE = block(1) + block(2) + block(3, 1000)


class StagedSuite:
    async def test_parts_become_one_object(self, store) -> None:
        staged = await store.stage()
        assert len(staged) <= 1200
        parts = await stage_three(store, staged)
        assert [(part.number, part.size) for part in parts] == [(1, PART), (2, PART), (3, 1000)]
        assert all(len(part.tag) <= 128 for part in parts)
        assert await keys(store) == set()
        stored = await store.assemble(staged, parts)
        assert stored.size == len(WHOLE)
        assert await collect(store.get(stored.key)) == WHOLE
        assert await collect(store.get(stored.key, offset=PART - 3, length=6)) == b"\1\1\1\2\2\2"
        assert await collect(store.get(stored.key, offset=2 * PART - 1)) == b"\2" + block(3, 1000)
        assert await store.size(stored.key) == len(WHOLE)
        assert {(one.key, one.size) async for one in store.list()} == {tuple(stored)}
        assert await staged_names(store) == set()
        await store.delete(stored.key)
        with pytest.raises(ObjectNotFoundError):
            await store.size(stored.key)
        assert await keys(store) == set()

    @pytest.mark.parametrize(("offset", "length"), [(2 * PART + 999, 2), (2 * PART + 1001, 0), (0, 2**40)])
    async def test_a_range_beyond_the_last_part_is_damage(self, store, offset, length) -> None:
        staged = await store.stage()
        stored = await store.assemble(staged, await stage_three(store, staged))
        with pytest.raises(ObjectDamagedError):
            await collect(store.get(stored.key, offset=offset, length=length))

    async def test_one_small_part_is_an_object(self, store) -> None:
        staged = await store.stage()
        part = await store.stage_part(staged, 1, 0, stream(b"sm", b"", b"all"))
        stored = await store.assemble(staged, [part])
        assert await collect(store.get(stored.key)) == b"small"

    async def test_parts_come_in_any_order_and_several_at_once(self, store) -> None:
        staged = await store.stage()
        parts = await asyncio.gather(
            *(
                store.stage_part(staged, number, (number - 1) * PART, stream(block(number)))
                for number in (4, 2, 3, 1)
            )
        )
        stored = await store.assemble(staged, parts)
        assert await collect(store.get(stored.key)) == b"".join(map(block, (1, 2, 3, 4)))

    async def test_another_handle_on_the_store_goes_on_with_it(self, store, again) -> None:
        staged = await store.stage()
        first = await store.stage_part(staged, 1, 0, stream(block(1)))
        second = await again.stage_part(staged, 2, PART, stream(b"end"))
        stored = await again.assemble(staged, [first, second])
        assert await collect(store.get(stored.key)) == block(1) + b"end"

    async def test_the_same_part_again_changes_nothing(self, store) -> None:
        staged = await store.stage()
        parts = await stage_three(store, staged)
        second = await store.stage_part(staged, 2, PART, stream(block(2)))
        stored = await store.assemble(staged, [parts[0], second, parts[2]])
        assert await collect(store.get(stored.key)) == WHOLE

    async def test_the_same_part_twice_at_once(self, store) -> None:
        staged = await store.stage()
        made = await asyncio.gather(
            *(store.stage_part(staged, 1, 0, stream(block(1))) for _ in range(4)),
        )
        assert {part.size for part in made} == {PART}
        last = await store.stage_part(staged, 1, 0, stream(block(1)))
        stored = await store.assemble(staged, [last])
        assert await collect(store.get(stored.key)) == block(1)

    @pytest.mark.parametrize("error", [ValueError("rubbish"), OSError("hung up"), KeyboardInterrupt()])
    async def test_a_source_that_fails_leaves_the_part_that_was_kept_before(self, store, error) -> None:
        staged = await store.stage()
        parts = await stage_three(store, staged)

        async def failing():
            yield b"x" * MIB * 3
            raise error

        with pytest.raises(type(error)) as caught:
            await store.stage_part(staged, 2, PART, failing())
        assert caught.value is error
        stored = await store.assemble(staged, parts)
        assert await collect(store.get(stored.key)) == WHOLE

    @pytest.mark.parametrize("turns", range(0, 30, 4))
    async def test_cancelled_at_any_moment_leaves_the_part_that_was_kept_before(self, store, turns) -> None:
        staged = await store.stage()
        first = await store.stage_part(staged, 1, 0, stream(block(1)))

        async def slow():
            for _ in range(10):
                await asyncio.sleep(0)
                yield block(1, MIB // 2)

        task = asyncio.create_task(store.stage_part(staged, 1, 0, slow()))
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or task.result().size == PART
        stored = await store.assemble(staged, [first])
        assert await collect(store.get(stored.key)) == block(1)

    async def test_assembling_again_returns_the_same(self, store) -> None:
        staged = await store.stage()
        parts = await stage_three(store, staged)
        stored = await store.assemble(staged, parts)
        assert await store.assemble(staged, parts) == stored
        assert await collect(store.get(stored.key)) == WHOLE

    async def test_assembled_twice_at_once_it_is_one_object(self, store) -> None:
        staged = await store.stage()
        parts = await stage_three(store, staged)
        made = await asyncio.gather(*(store.assemble(staged, parts) for _ in range(4)))
        assert len(set(made)) == 1
        assert await collect(store.get(made[0].key)) == WHOLE

    async def test_the_order_in_which_parts_are_named_does_not_matter(self, store) -> None:
        staged = await store.stage()
        parts = await stage_three(store, staged)
        stored = await store.assemble(staged, parts[::-1])
        assert await collect(store.get(stored.key)) == WHOLE

    async def test_a_part_that_never_came_is_damage(self, store) -> None:
        staged = await store.stage()
        parts = await stage_three(store, staged)
        for wrong in (
            [parts[0], parts[2]],
            [*parts, StagedPart(4, PART, parts[0].tag)],
            [parts[0], parts[1]._replace(size=PART - 1), parts[2]],
            [parts[0], parts[1]._replace(tag="0" * 32), parts[2]],
            [],
        ):
            with pytest.raises(ObjectDamagedError):
                await store.assemble(staged, wrong)
        assert await keys(store) == set()
        stored = await store.assemble(staged, parts)
        assert await collect(store.get(stored.key)) == WHOLE

    async def test_given_up_it_is_gone_and_giving_up_again_is_fine(self, store) -> None:
        kept, gone = await store.stage(), await store.stage()
        parts = await stage_three(store, gone)
        await store.unstage(gone)
        await store.unstage(gone)
        assert await staged_names(store) == {kept}
        with pytest.raises(ObjectNotFoundError):
            await store.stage_part(gone, 1, 0, stream(block(1)))
        with pytest.raises(ObjectNotFoundError):
            await store.assemble(gone, parts)
        assert await keys(store) == set()

    async def test_an_assembled_object_is_not_given_up(self, store) -> None:
        staged = await store.stage()
        stored = await store.assemble(staged, await stage_three(store, staged))
        await store.unstage(staged)
        assert await collect(store.get(stored.key)) == WHOLE
        with pytest.raises(ObjectNotFoundError):
            await store.stage_part(staged, 1, 0, stream(block(1)))

    async def test_what_is_staged_is_listed_and_is_no_object(self, store) -> None:
        names = {await store.stage() for _ in range(5)}
        for name in names:
            await store.stage_part(name, 1, 0, stream(b"part"))
        listed = [entry async for entry in store.list_staged()]
        assert {entry.key for entry in listed} == names
        assert len(listed) == len(names)
        assert all(entry.modified > 1_600_000_000 for entry in listed)
        assert await keys(store) == set()

    @pytest.mark.parametrize("name", RUBBISH)
    async def test_what_is_no_name_of_ours_names_nothing(self, store, name) -> None:
        with pytest.raises(ObjectNotFoundError):
            await store.stage_part(name, 1, 0, stream(b"x"))
        with pytest.raises(ObjectNotFoundError):
            await store.assemble(name, [StagedPart(1, 1, "0" * 32)])
        await store.unstage(name)
