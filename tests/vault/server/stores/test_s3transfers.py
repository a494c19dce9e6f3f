"""An object on its way to a bucket: how many parts are sent at once, in which memory, and what ends it."""

import asyncio
from collections import Counter

import pytest

from vault.server.ports import StagedPart, StoreUnavailableError
from vault.server.stores import s3transfers
from vault.server.stores.s3transfers import (
    AT_ONCE,
    LARGEST_PART,
    MAX_PARTS,
    PART,
    Buffers,
    Sending,
    part_size,
)


class Shelf:
    """A bucket whose parts arrive when the test lets them, the last one first."""

    def __init__(self, broken=()):
        self.kept = {}
        self.order = []
        self.aborted = False
        self.broken = broken

    def begin(self, _path):
        return "upload"

    def put(self, _path, data):
        self.kept[0] = bytes(data)

    def send(self, _path, _upload, number, data):
        if number in self.broken:
            raise StoreUnavailableError("broken")
        self.order.append(number)
        self.kept[number] = bytes(data)
        return StagedPart(number, len(data), "tag")

    def complete(self, _path, _upload, parts):
        assert [part.number for part in parts] == sorted(self.kept)
        return sum(part.size for part in parts)

    def abort(self, _path, _upload):
        self.aborted = True


class Desk:
    """Does the work in the loop, later parts sooner, and counts what is under way."""

    def __init__(self, sending=4):
        self.sending = asyncio.Semaphore(sending)
        self.buffers = Buffers(sending)
        self.under_way = Counter()
        self.most = 0

    async def run(self, work, *words):
        name = getattr(work, "__name__", "")
        self.under_way[name] += 1
        self.most = max(self.most, self.under_way["send"])
        for _ in range(20 if name == "send" and words[2] % 2 else 1):
            await asyncio.sleep(0)
        self.under_way[name] -= 1
        return work(*words)


def content(length):
    return b"".join(number.to_bytes(8, "big") for number in range(length // 8 + 1))[:length]


async def send(desk, shelf, data, piece=700_001):
    sending = Sending(desk, shelf, "name")
    for start in range(0, len(data), piece):
        await sending.feed(data[start : start + piece])
    return sending, await sending.finish()


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of 1,000 bytes, four times as long from the fourth on."""
    monkeypatch.setattr(s3transfers, "PART", 1_000)
    monkeypatch.setattr(s3transfers, "PARTS_BEFORE_GROWTH", 3)


@pytest.mark.parametrize("length", [0, 1, 999, 1_000])
async def test_what_fits_into_one_part_is_one_request(small_parts, length):
    shelf = Shelf()
    _, size = await send(Desk(), shelf, content(length), 300)
    assert (size, shelf.kept) == (length, {0: content(length)})


@pytest.mark.parametrize("length", [1_001, 2_000, 2_999, 3_000, 3_001, 7_000, 15_500])
@pytest.mark.parametrize("piece", [1, 333, 1_000, 20_000])
async def test_parts_hold_the_object_whatever_order_they_arrive_in(small_parts, length, piece):
    desk, shelf = Desk(), Shelf()
    _, size = await send(desk, shelf, content(length), piece)
    assert size == length
    assert b"".join(shelf.kept[number] for number in sorted(shelf.kept)) == content(length)
    *full, last = (len(shelf.kept[number]) for number in sorted(shelf.kept))
    assert full == [1_000, 1_000, 1_000, *[4_000] * 3][: len(full)]
    assert last > 0


async def test_so_many_are_sent_at_once_and_no_more(small_parts):
    desk, shelf = Desk(), Shelf()
    await send(desk, shelf, content(3_000))
    assert desk.most == AT_ONCE
    assert shelf.order == [2, 1, 3]


async def test_the_whole_store_sends_no_more_than_it_may(small_parts):
    desk = Desk(sending=3)
    shelves = [Shelf() for _ in range(8)]
    await asyncio.gather(*(send(desk, shelf, content(3_000)) for shelf in shelves))
    assert desk.most == 3
    assert all(b"".join(shelf.kept[n] for n in (1, 2, 3)) == content(3_000) for shelf in shelves)


async def test_a_part_that_breaks_ends_it_after_the_others(small_parts):
    desk, shelf = Desk(), Shelf(broken={1})
    sending = Sending(desk, shelf, "name")
    with pytest.raises(StoreUnavailableError):
        await sending.feed(content(20_000))
    await sending.give_up()
    assert shelf.aborted
    assert not desk.under_way["send"]
    assert desk.sending._value == 4


async def test_memory_is_used_again(small_parts):
    desk = Desk()
    taken = [desk.buffers.take(1_000) for _ in range(6)]
    for buffer in taken:
        desk.buffers.give(buffer)
    again = [desk.buffers.take(1_000) for _ in range(6)]
    known = {id(buffer) for buffer in taken}
    assert sum(id(buffer) in known for buffer in again) == 4
    desk.buffers.give(bytearray(4_000))
    assert len(desk.buffers.take(1_000)) == 1_000


def test_parts_grow_late_and_hold_a_tebibyte():
    sizes = [part_size(number) for number in range(1, MAX_PARTS + 1)]
    assert sizes == sorted(sizes)
    assert {size % s3transfers.MIB for size in sizes} == {0}
    assert (sizes[0], sizes[-1]) == (PART, LARGEST_PART)
    assert sum(size for size in sizes if size == PART) >= 16 * 1024**3
    assert sum(sizes) >= 1024**4
