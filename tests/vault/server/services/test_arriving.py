"""A container on its way in: head and body apart, hashed beside the event loop, judged before the end."""

import asyncio
import threading

import pytest

from tests.vault.container.forge import File, forge
from tests.vault.container.reading import examine_bytes
from tests.vault.container.spec import BLOCK, named
from vault.container.arrival import ArrivalExaminer
from vault.container.outcomes import ContainerError, Outcome
from vault.server.services.arriving import Arrival

LARGE = forge(files=[File("a", named("a", 3 * BLOCK + 12_345))])
HEAD = LARGE.preamble + LARGE.envelope_bytes


async def pieces(data, size):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def arrived(data, size, kept=None):
    arrival, kept = Arrival(pieces(data, size), ArrivalExaminer()), bytearray() if kept is None else kept
    async for chunk in arrival.body():
        kept += chunk
    return arrival, kept


@pytest.mark.parametrize("size", [1_000, 31_000, 64 * 1024, BLOCK + 1, 10 * BLOCK])
async def test_head_and_body_are_kept_apart(size):
    arrival, body = await arrived(LARGE.data, size)
    assert (arrival.head, body) == (HEAD, LARGE.data[len(HEAD) :])
    assert arrival.result == examine_bytes(LARGE.data)


@pytest.mark.parametrize("size", [1_000, 64 * 1024, 10 * BLOCK])
@pytest.mark.parametrize("position", [len(HEAD), len(HEAD) + BLOCK, len(LARGE.data) - 5_000])
async def test_what_is_damaged_never_ends_well(size, position):
    data = bytearray(LARGE.data)
    data[position] ^= 1
    kept = bytearray()
    with pytest.raises(ContainerError) as refused:
        await arrived(bytes(data), size, kept)
    assert refused.value.outcome in {Outcome.PAYLOAD_DAMAGED, Outcome.SEAL_INVALID}
    assert len(kept) < len(LARGE.data) - len(HEAD)


async def test_what_is_large_is_hashed_by_another_thread(monkeypatch):
    threads = {}

    def update(self, data, real=ArrivalExaminer.update):
        threads.setdefault(len(data), threading.current_thread())
        real(self, data)

    monkeypatch.setattr(ArrivalExaminer, "update", update)
    await arrived(LARGE.data, BLOCK)
    await arrived(LARGE.data, 1_000)
    assert threads[BLOCK] is not threading.current_thread()
    assert threads[1_000] is threading.current_thread()


async def test_whoever_gives_up_waits_for_the_thread(monkeypatch):
    """Or its memory would go on being read behind the back of whoever counts what is in flight."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def update(self, data, real=ArrivalExaminer.update):
        begun.set()
        go_on.wait(30)
        real(self, data)
        ended.set()

    monkeypatch.setattr(ArrivalExaminer, "update", update)
    task = asyncio.ensure_future(arrived(LARGE.data, BLOCK))
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
