import pytest

from keys.randomness import random_bytes


@pytest.mark.parametrize("length", [0, 1, 16, 32])
def test_length(length):
    assert len(random_bytes(length)) == length


def test_no_two_are_equal():
    assert len({random_bytes(16) for _ in range(1000)}) == 1000
