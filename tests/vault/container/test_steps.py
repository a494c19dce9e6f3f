"""Driving a reader that does no I/O of its own."""

import pytest

from tests.vault.container.reading import outcome_of
from vault.container.outcomes import ContainerError, Outcome
from vault.container.steps import FileFinished, FileStarted, Plaintext, Read, require, run

DATA = bytes(range(256))


def read_at(offset, length):
    return DATA[offset : offset + length]


def test_sends_the_bytes_that_were_asked_for_and_returns_the_result():
    def reader():
        first = yield Read(3, 4)
        second = yield Read(250, 6)
        return first + second

    assert run(reader(), read_at) == DATA[3:7] + DATA[250:256]


def test_hands_events_on_in_order_and_sends_nothing_for_them():
    events = [FileStarted(None), Plaintext(b"text"), Plaintext(b""), FileFinished(None)]

    def reader():
        data = yield Read(0, 1)
        return data, [(yield events[0]), (yield events[1]), (yield events[2]), (yield events[3])]

    seen = []
    assert run(reader(), read_at, seen.append) == (DATA[:1], [None] * 4)
    assert seen == events
    # Events that nobody asked for are passed over.
    assert run(reader(), read_at) == (DATA[:1], [None] * 4)


@pytest.mark.parametrize("request_", [Read(250, 7), Read(256, 1), Read(10_000, 5)])
def test_missing_bytes_are_malformed(request_):
    def reader():
        yield request_
        pytest.fail("read on")

    assert outcome_of(run, reader(), read_at, match="too early") is Outcome.MALFORMED


@pytest.mark.parametrize("answer", [b"", b"abc", b"abcde"])
def test_a_driver_gives_exactly_what_was_asked(answer):
    assert outcome_of(require, Read(0, 4), answer) is Outcome.MALFORMED
    assert require(Read(0, len(answer)), answer) == answer


class _SinkError(Exception):
    pass


def test_the_reader_is_closed_whatever_happens():
    closed = []

    def reader():
        try:
            yield Read(0, 1)
            yield Plaintext(b"text")
        finally:
            closed.append(True)

    def fail(*_):
        raise _SinkError

    run(reader(), read_at)
    for driver, sink in ((fail, None), (read_at, fail)):
        with pytest.raises(_SinkError):
            run(reader(), driver, sink)
    assert outcome_of(run, reader(), lambda *_: b"") is Outcome.MALFORMED
    assert closed == [True] * 4


def test_what_a_reader_raises_comes_through():
    def reader():
        yield Read(0, 1)
        raise ContainerError(Outcome.SEAL_INVALID, "no")

    assert outcome_of(run, reader(), read_at) is Outcome.SEAL_INVALID


def test_a_driver_may_read_into_memory_that_is_brought():
    memory = bytearray(10)

    def reader():
        lent = yield Read(5, 10, memoryview(memory))
        first = bytes(lent)
        sent = yield Read(0, 2)
        return first, sent

    def read_into(view, offset):
        view[:] = DATA[offset : offset + len(view)]
        return len(view)

    assert run(reader(), read_at, read_into=read_into) == (DATA[5:15], DATA[:2])
    assert memory == DATA[5:15]
    # And it may as well not.
    memory[:] = bytes(10)
    assert run(reader(), read_at) == (DATA[5:15], DATA[:2])
    assert memory == bytes(10)


@pytest.mark.parametrize("count", [0, 9, -1])
def test_missing_bytes_in_memory_that_is_brought_are_malformed(count):
    def reader():
        yield Read(0, 10, memoryview(bytearray(10)))
        pytest.fail("read on")

    assert outcome_of(run, reader(), read_at, read_into=lambda *_: count) is Outcome.MALFORMED
