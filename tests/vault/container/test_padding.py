"""The padding law: the smallest Padmé size that a message of its own can reach, at most 10 % from 2 KB on."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.vault.container.spec import message_length
from tests.vault.container.spec import padme as padme_of_the_paper
from vault.container import limits
from vault.container.padding import padding_size, padme


def padded(length):
    size = padding_size(length)
    return length if size is None else length + message_length(size)


def reachable(room):
    """Whether some message has exactly this length, found by trying."""
    return any(
        message_length(size) == room
        for size in range(max(room - 56 - 16 * (room // 16_384 + 2), 0), max(room - 71, 0))
    )


def test_sizes_of_the_paper():
    # Table of PURBs, section 4.3, and the definition worked by hand.
    assert [padme(length) for length in range(1, 18)] == [*range(1, 9), 10, 10, 12, 12, 14, 14, 16, 16, 18]
    assert padme(1_000_000) == 1_015_808
    assert padme(0) == 0


def test_padme_is_the_papers_formula():
    for length in range(2, 100_000):
        assert padme(length) == padme_of_the_paper(length) >= length


@given(st.integers(2, limits.PAYLOAD))
def test_padme_is_a_fixed_point_and_monotonous(length):
    size = padme(length)
    assert padme(size) == size
    assert padme(length - 1) <= size <= padme(length + 1)
    # All lengths that give one size are indistinguishable: at most 12 % and O(log log) bits leak.
    assert size <= length * 1.12


def test_law_for_every_small_payload():
    for length in range(88 + 72, 1 << 17):
        total = padded(length)
        assert padme(total) == total
        assert total == length or total - length >= 72
        if length >= 2_000:
            assert total <= length * 1.10


@given(st.integers(2_000, limits.PAYLOAD))
@example(limits.PAYLOAD)
@example(2**20 - 71)
@example(2**41 + 1)
def test_law_for_any_payload(length):
    total = padded(length)
    assert padme(total) == total
    assert length <= total <= length * 1.10


@pytest.mark.parametrize("start", [160, 2_000, 16_384, 65_536, 200_000])
def test_the_smallest_size_is_taken(start):
    for length in range(start, start + 400):
        target = padme(length)
        while target != length and not reachable(target - length):
            target = padme(target + 1)
        assert padded(length) == target


def test_no_padding_is_different_from_an_empty_one():
    assert padding_size(padme(5_000)) is None
    lengths = {padding_size(length) for length in range(5_000, 10_000)}
    assert 0 in lengths
