"""Ranges of one file: any of them, without the rest, and never a byte that was not checked."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.container.forge import READER, File, forge
from tests.vault.container.reading import (
    Trail,
    open_bytes,
    outcome_of,
    reader_of,
)
from tests.vault.container.spec import BLOCK, CHUNK, named
from vault.container.outcomes import MisuseError, Outcome
from vault.container.steps import Plaintext, run


@pytest.fixture(scope="module")
def large():
    """Three blocks and more: a file over several blocks between small ones."""
    files = [
        File("0", b"zero"),
        File("1", named("large", 3 * BLOCK + 12_345)),
        File("2", b""),
        File("3", b"3"),
    ]
    return forge(files=files)


def flip(data, position):
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def ranges(opened, data, path, start, stop):
    pieces = []
    run(opened.read_range(opened.find(path), start, stop), reader_of(data), pieces.append)
    assert all(isinstance(piece, Plaintext) and len(piece.data) <= BLOCK for piece in pieces)
    return b"".join(piece.data for piece in pieces)


def test_ranges_around_the_edges(large):
    opened = open_bytes(large.data, READER.kem)
    truth = large.true_files["1"]
    near = (0, CHUNK, BLOCK, 2 * BLOCK, len(truth))
    edges = sorted({edge + step for edge in near for step in (-1, 0, 1) if 0 <= edge + step <= len(truth)})
    for start, stop in itertools.combinations_with_replacement(edges, 2):
        assert ranges(opened, large.data, "1", start, stop) == truth[start:stop]
    assert ranges(opened, large.data, "2", 0, 0) == b""


@given(st.data())
def test_any_range(large, data):
    opened = open_bytes(large.data, READER.kem)
    truth = large.true_files["1"]
    start = data.draw(st.integers(0, len(truth)))
    stop = data.draw(st.integers(start, min(len(truth), start + BLOCK)))
    assert ranges(opened, large.data, "1", start, stop) == truth[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(-1, 0), (1, 0), (0, 5), (5, 5), (-1, 10), (4, 3)])
def test_what_is_no_range(large, start, stop):
    opened = open_bytes(large.data, READER.kem)
    with pytest.raises(MisuseError):
        ranges(opened, large.data, "0", start, stop)


def test_a_range_reads_only_its_blocks_and_each_is_checked(large):
    opened = open_bytes(large.data, READER.kem)
    file = opened.find("1")
    payload_start = opened.examined.preamble.payload_offset
    asked = set()

    def read_at(offset, length):
        asked.add((offset - payload_start) // BLOCK)
        return large.data[offset : offset + length]

    run(opened.read_range(file, 2 * BLOCK, 2 * BLOCK + 10), read_at)
    # The block of the message's head, and that of the range.
    assert asked == {0, 2}
    for index in (0, 2):
        wrong = flip(large.data, payload_start + index * BLOCK + BLOCK - 1)
        released = []
        steps = opened.read_range(file, 2 * BLOCK, 2 * BLOCK + 10)
        assert outcome_of(run, steps, reader_of(wrong), released.append) is Outcome.PAYLOAD_DAMAGED
        assert released == []
    # A block that the range does not touch is not looked at.
    other = flip(large.data, payload_start + BLOCK + 5)
    run(opened.read_range(file, 2 * BLOCK, 2 * BLOCK + 10), reader_of(other))


def test_a_range_of_a_message_that_is_damaged_though_the_leaves_fit():
    def edit(forged):
        forged.wires[1] = flip(forged.wires[1], 56 + 16_400 + 5)

    forged = forge(files=[File("a"), File("b.bin", named("b", 40_000))], at_wires=edit)
    opened = open_bytes(forged.data, READER.kem)
    truth = forged.true_files["b.bin"]
    assert ranges(opened, forged.data, "b.bin", 0, CHUNK) == truth[:CHUNK]
    assert ranges(opened, forged.data, "b.bin", 2 * CHUNK, len(truth)) == truth[2 * CHUNK :]
    for start, stop in ((CHUNK, CHUNK + 1), (0, len(truth)), (2 * CHUNK - 1, 2 * CHUNK)):
        assert outcome_of(ranges, opened, forged.data, "b.bin", start, stop) is Outcome.PAYLOAD_DAMAGED


def test_files_of_another_container(large):
    opened = open_bytes(large.data, READER.kem)
    other = open_bytes(forge(files=large.files, name="another").data, READER.kem).manifest.files[1]
    moved = opened.manifest.files[1]._replace(offset=2**42)
    for file in (other, moved):
        for steps in (opened.read_range(file, 0, 1), opened.read_files([file])):
            with pytest.raises(MisuseError):
                next(steps)


def test_a_file_asked_for_twice_comes_once(large):
    opened = open_bytes(large.data, READER.kem)
    trail = Trail()
    run(
        opened.read_files([opened.find("1"), opened.find("0"), opened.find("1")]),
        reader_of(large.data),
        trail.take,
    )
    assert trail.finished == ["0", "1"]
    trail.assert_authentic(large.true_files)
