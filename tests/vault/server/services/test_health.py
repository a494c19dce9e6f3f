"""Ports that answer, refuse, or never say a word: what is asked of them, and how often."""

import asyncio

import pytest

from vault.server import asking
from vault.server.ports import (
    RecordsUnavailableError,
    SchemaError,
    StoreFullError,
    StoreUnavailableError,
)
from vault.server.refusals import RefusedError
from vault.server.services.health import Health, Part


class Port:
    """A port whose check does what it is told, and counts."""

    def __init__(self):
        self.asked = 0
        self.error = None
        self.hung = asyncio.Event()
        self.hung.set()

    async def check(self):
        self.asked += 1
        await self.hung.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def records():
    return Port()


@pytest.fixture
def store():
    return Port()


@pytest.fixture
def checked(records, store):
    return Health(records, store)


async def names(checked):
    with pytest.raises(RefusedError) as refused:
        await checked.check()
    assert refused.value.code.value == "unavailable"
    assert refused.value.detail == f"not ready: {', '.join(refused.value.extra['not_ready'])}"
    return refused.value.extra["not_ready"]


async def test_all_parts_are_named_where_all_are_ready(checked):
    assert await checked.check() == (Part.DATABASE, Part.SCHEMA, Part.OBJECTS, Part.RUNNING)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ((RecordsUnavailableError("hunter2"), None), ["database"]),
        ((SchemaError("hunter2"), None), ["schema"]),
        ((None, StoreUnavailableError("hunter2")), ["objects"]),
        ((SchemaError("hunter2"), StoreFullError("hunter2")), ["schema", "objects"]),
    ],
)
async def test_the_parts_that_fail_are_named_and_their_words_are_not_repeated(
    checked, records, store, errors, expected
):
    records.error, store.error = errors
    assert await names(checked) == expected


async def test_a_silent_part_is_not_waited_for_and_not_asked_again(checked, records, store, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", 0.02)
    monkeypatch.setattr(asking, "FRESH", 0.0)
    store.hung.clear()
    for _ in range(3):
        assert await names(checked) == ["objects"]
    assert (records.asked, store.asked) == (3, 1)
    records.hung.clear()
    assert await names(checked) == ["database", "objects"]
    for port in (records, store):
        port.hung.set()
    # What was late has been heard by now, and is asked anew.
    await asyncio.sleep(0)
    assert await checked.check() == tuple(Part)


async def test_many_who_ask_at_once_are_one_question(checked, records, store, monkeypatch):
    monkeypatch.setattr(asking, "FRESH", 3600.0)
    records.hung.clear()
    all_of_them = [asyncio.ensure_future(checked.check()) for _ in range(200)]
    await asyncio.sleep(0)
    records.hung.set()
    assert await asyncio.gather(*all_of_them) == [tuple(Part)] * 200
    store.error = StoreUnavailableError("gone meanwhile")
    assert await checked.check() == tuple(Part), "the answer holds for a while"
    assert (records.asked, store.asked) == (1, 1)


async def test_one_who_stops_waiting_takes_nothing_from_the_others(checked, records):
    records.hung.clear()
    impatient, patient = (asyncio.ensure_future(checked.check()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    records.hung.set()
    assert await patient == tuple(Part)
    assert records.asked == 1


async def test_a_server_that_ends_asks_nobody(checked, records, store):
    checked.end()
    assert await names(checked) == ["running"]
    assert (records.asked, store.asked) == (0, 0)


async def test_an_end_that_comes_while_somebody_asks_is_told_at_once(checked, records):
    records.hung.clear()
    asking_now = asyncio.ensure_future(names(checked))
    await asyncio.sleep(0)
    checked.end()
    records.hung.set()
    assert await asking_now == ["running"]
