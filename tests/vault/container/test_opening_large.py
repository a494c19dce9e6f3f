"""Opening what takes threads, and memory that is used again."""

import pytest

from tests.vault.container.forge import READER, File, forge
from tests.vault.container.reading import Trail, assert_refused_inside, open_bytes, outcome_of, reader_of
from tests.vault.container.spec import BLOCK, CHUNK, named
from vault.container.outcomes import Outcome
from vault.container.steps import run


def flip(data, position):
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.fixture(scope="module")
def huge():
    """Large enough for threads and memory that is used again; a second file after the first."""
    return forge(files=[File("0", named("0", 14 * BLOCK + 333)), File("1", named("1", 6 * BLOCK))])


class LendingReader:
    def __init__(self, data):
        self.read_at = reader_of(data)

    def into(self, memory, offset):
        data = self.read_at(offset, len(memory))
        memory[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("lent", [True, False], ids=["lent", "own"])
def test_many_blocks(huge, lent):
    opened = open_bytes(huge.data, READER.kem)
    driver, trail = LendingReader(huge.data), Trail()
    run(opened.read_files(), driver.read_at, trail.take, driver.into if lent else None)
    assert trail.finished == ["0", "1"]
    trail.assert_authentic(huge.true_files)


@pytest.mark.parametrize("block", [0, 8, 9, 10, 13, 14, 19])
def test_many_blocks_one_damaged(huge, block):
    opened = open_bytes(huge.data, READER.kem)
    wrong = flip(huge.data, opened.examined.preamble.payload_offset + block * BLOCK + 17)
    driver, trail = LendingReader(wrong), Trail()
    outcome = outcome_of(run, opened.read_files(), driver.read_at, trail.take, driver.into)
    assert outcome is Outcome.PAYLOAD_DAMAGED
    trail.assert_authentic(huge.true_files)
    assert sum(map(len, trail.released.values())) <= block * BLOCK


def test_damage_inside_a_large_message_though_the_leaves_fit(huge):
    """The decryptor writes into memory that is used again: nothing of the chunk that fails is released."""
    for chunk in (0, 700, 895):

        def hook(forged, chunk=chunk):
            forged.wires[0] = flip(forged.wires[0], 56 + chunk * 16_400 + 9)

        forged = forge(files=huge.files, at_wires=hook)
        trail = assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem)
        trail.assert_authentic(forged.true_files)
        assert len(trail.released["0"]) <= chunk * CHUNK
