"""Verified blocks: each read once, a little ahead, nothing handed out that did not match its leaf."""

from contextlib import closing

import pytest

from tests.vault.container.forge import File, forge
from tests.vault.container.reading import examine_bytes, outcome_of, reader_of
from tests.vault.container.spec import BLOCK, named
from vault.container.blocks import BlockStream
from vault.container.lanes import DEPTH, InlineLane, ThreadLane
from vault.container.outcomes import Outcome
from vault.container.steps import Read, run


@pytest.fixture(scope="module")
def container():
    """About twelve blocks."""
    return forge(files=[File("large", named("large", 11 * BLOCK + 5_000)), File("small", b"text")])


@pytest.fixture(scope="module")
def examined(container):
    return examine_bytes(container.data)


class Driver:
    """Reads from bytes and keeps what was asked for."""

    def __init__(self, container, damaged=()):
        data = bytearray(container.data)
        self.start = len(container.preamble + container.envelope_bytes)
        for position in damaged:
            data[self.start + position] ^= 1
        self.read_at = reader_of(bytes(data))
        self.indices = []

    def __call__(self, offset, length):
        assert (offset - self.start) % BLOCK == 0
        self.indices.append((offset - self.start) // BLOCK)
        return self.read_at(offset, length)


@pytest.mark.parametrize(
    ("span", "indices"),
    [
        ((0, 1), [0]),
        ((0, BLOCK), [0]),
        ((0, BLOCK + 1), [0, 1]),
        ((BLOCK - 1, BLOCK + 1), [0, 1]),
        ((BLOCK, BLOCK + 1), [1]),
        ((3 * BLOCK + 5, 7 * BLOCK), [3, 4, 5, 6]),
    ],
)
def test_only_the_touched_blocks_are_read(container, examined, span, indices):
    driver = Driver(container)
    blocks = BlockStream(examined, [span])
    assert run(blocks.read_all(*span), driver) == container.payload[slice(*span)]
    assert driver.indices == indices


def test_each_block_is_read_once_for_many_spans(container, examined):
    spans = [(10, 20), (30, 40), (BLOCK - 5, BLOCK + 5), (BLOCK + 5, BLOCK + 6), (4 * BLOCK, 4 * BLOCK + 9)]
    driver = Driver(container)
    blocks = BlockStream(examined, spans)
    for span in spans:
        assert run(blocks.read_all(*span), driver) == container.payload[slice(*span)]
    assert driver.indices == [0, 1, 4]


def test_a_read_ends_with_its_block(container, examined):
    driver = Driver(container)
    blocks = BlockStream(examined, [(BLOCK - 7, BLOCK + 100)])
    assert bytes(run(blocks.read(BLOCK - 7, BLOCK + 100), driver)) == container.payload[BLOCK - 7 : BLOCK]
    assert bytes(run(blocks.read(BLOCK, BLOCK + 100), driver)) == container.payload[BLOCK : BLOCK + 100]


def test_reads_a_little_ahead_and_no_more(container, examined):
    length = len(container.payload)
    driver = Driver(container)
    seen = 0
    with closing(ThreadLane()) as lane:
        blocks = BlockStream(examined, [(0, length)], lane)
        while seen < length:
            piece = run(blocks.read(seen, length), driver)
            seen += len(piece)
            assert len(driver.indices) <= (seen - 1) // BLOCK + DEPTH
    assert driver.indices == list(range(examined.preamble.leaf_count))


@pytest.mark.parametrize("make_lane", [ThreadLane, InlineLane])
@pytest.mark.parametrize("damaged", [0, 1, 5, 11])
def test_nothing_of_a_damaged_block_is_handed_out(container, examined, damaged, make_lane):
    length = len(container.payload)
    for offset in (0, 1, BLOCK - 1):
        if damaged * BLOCK + offset >= length:
            continue
        driver = Driver(container, damaged=[damaged * BLOCK + offset])
        seen = 0
        with closing(make_lane()) as lane:
            blocks = BlockStream(examined, [(0, length)], lane)
            while seen < damaged * BLOCK:
                seen += len(run(blocks.read(seen, length), driver))
            refused = outcome_of(run, blocks.read(seen, length), driver, match=f"block {damaged} ")
        assert refused is Outcome.PAYLOAD_DAMAGED


def test_swapped_blocks(container, examined):
    """Whole authentic blocks in each other's places."""
    payload = bytearray(container.payload)
    payload[:BLOCK], payload[BLOCK : 2 * BLOCK] = payload[BLOCK : 2 * BLOCK], payload[:BLOCK]
    start = len(container.preamble + container.envelope_bytes)

    def read_at(offset, length):
        return bytes(payload[offset - start : offset - start + length])

    for index in (0, 1):
        span = (index * BLOCK, index * BLOCK + 1)
        blocks = BlockStream(examined, [span])
        assert outcome_of(run, blocks.read_all(*span), read_at) is Outcome.PAYLOAD_DAMAGED


def test_last_block_is_asked_for_in_its_own_length(container, examined):
    last = examined.preamble.leaf_count - 1
    start = examined.preamble.payload_offset
    assert examined.block_range(0) == Read(start, BLOCK)
    assert examined.block_range(last) == Read(start + last * BLOCK, len(container.payload) - last * BLOCK)


class LendingDriver(Driver):
    """Reads into the memory that a request brings, and keeps which memory that was."""

    def __init__(self, container, damaged=()):
        super().__init__(container, damaged)
        self.memories = []

    def into(self, memory, offset):
        data = self(offset, len(memory))
        memory[: len(data)] = data
        self.memories.append(id(memory.obj))
        return len(data)


def read_lent(blocks, length, driver, seen=0):
    """Read on block by block, copying what is handed out before the next step."""
    pieces = []
    while seen < length:
        pieces.append(bytes(run(blocks.read(seen, length), driver, read_into=driver.into)))
        seen += len(pieces[-1])
    return b"".join(pieces)


def test_memory_that_is_used_again_holds_the_right_block(container, examined):
    length = len(container.payload)
    driver = LendingDriver(container)
    blocks = BlockStream(examined, [(0, length)])
    assert read_lent(blocks, length, driver) == container.payload
    assert driver.indices == list(range(examined.preamble.leaf_count))
    assert len(set(driver.memories)) == DEPTH + 1 < len(driver.memories)


def test_a_block_keeps_its_bytes_while_it_is_handed_out(container, examined):
    """Reading ahead for the next block never writes into the memory of the present one."""
    length = len(container.payload)
    driver = LendingDriver(container)
    blocks = BlockStream(examined, [(0, length)])
    for index in range(examined.preamble.leaf_count):
        for part in (10, BLOCK // 2, BLOCK - 3):
            start = index * BLOCK + part
            if start < length:
                view = run(blocks.read(start, min(start + 3, length)), driver, read_into=driver.into)
                assert bytes(view) == container.payload[start : start + 3]


@pytest.mark.parametrize("damaged", [0, 1, 9, 10, 11])
def test_nothing_of_a_damaged_block_is_handed_out_of_lent_memory(container, examined, damaged):
    length = len(container.payload)
    driver = LendingDriver(container, damaged=[damaged * BLOCK])
    blocks = BlockStream(examined, [(0, length)])
    assert read_lent(blocks, damaged * BLOCK, driver) == container.payload[: damaged * BLOCK]
    steps = blocks.read(damaged * BLOCK, length)
    refused = outcome_of(run, steps, driver, read_into=driver.into, match=f"block {damaged} ")
    assert refused is Outcome.PAYLOAD_DAMAGED


def test_a_short_reading_into_memory_is_malformed(container, examined):
    blocks = BlockStream(examined, [(0, len(container.payload))])
    steps = blocks.read(0, 10)
    for count in (0, BLOCK - 1, -1):
        refused = outcome_of(run, steps, reader_of(b""), read_into=lambda memory, offset: count)  # noqa: B023
        assert refused is Outcome.MALFORMED
        steps = blocks.read(0, 10)


def test_small_spans_bring_no_memory(container, examined):
    blocks = BlockStream(examined, [(0, 100)])
    request = next(blocks.read(0, 100))
    assert request.into is None
