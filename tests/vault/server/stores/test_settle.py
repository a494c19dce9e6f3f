import asyncio

import pytest

from vault.server.stores.settle import settle


async def test_the_result_or_the_error_passes_through() -> None:
    async def work() -> int:
        return 7

    async def fail() -> int:
        raise LookupError

    assert await settle(work()) == 7
    with pytest.raises(LookupError):
        await settle(fail())


@pytest.mark.parametrize("cancellations", [1, 3])
async def test_cancelled_work_is_seen_through_first(cancellations) -> None:
    go, done = asyncio.Event(), []

    async def work() -> None:
        await go.wait()
        done.append("work")

    task = asyncio.create_task(settle(work()))
    for _ in range(cancellations):
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["work"]


async def test_a_result_that_nobody_receives_is_taken_back() -> None:
    go, closed = asyncio.Event(), []

    async def work() -> str:
        await go.wait()
        return "opened"

    async def undo(result: str) -> None:
        closed.append(result)

    task = asyncio.create_task(settle(work(), undo))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["opened"]


async def test_a_failure_after_cancellation_is_no_unheard_error() -> None:
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()
        raise LookupError

    async def undo(_: None) -> None:
        raise AssertionError

    task = asyncio.create_task(settle(work(), undo))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
