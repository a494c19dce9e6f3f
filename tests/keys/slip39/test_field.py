"""Arithmetic in GF(256), against tables made from the definition."""

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from keys.slip39.field import interpolate, multiply


def by_hand(left, right):
    """Multiply as on paper: polynomials over GF(2), then the remainder by x^8 + x^4 + x^3 + x + 1."""
    product = reduce(lambda total, bit: total ^ (left << bit if right >> bit & 1 else 0), range(8), 0)
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << bit - 8
    return product


def value(coefficients, at):
    return reduce(lambda total, coefficient: by_hand(total, at) ^ coefficient, reversed(coefficients), 0)


def test_every_product():
    wrong = [(a, b) for a in range(256) for b in range(256) if multiply(a, b) != by_hand(a, b)]
    assert wrong == []
    # FIPS 197, section 4.2.
    assert multiply(0x57, 0x83) == 0xC1


@settings(deadline=None)
@given(
    polynomials=st.lists(st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=1, max_size=40),
    places=st.lists(st.integers(0, 255), min_size=4, max_size=4, unique=True),
)
def test_three_points_give_every_other_one(polynomials, places):
    *known, asked = places
    points = {x: bytes(value(polynomial, x) for polynomial in polynomials) for x in known}
    assert interpolate(points, asked) == bytes(value(polynomial, asked) for polynomial in polynomials)
    for x in known:
        assert interpolate(points, x) == points[x]


def test_first_bytes_of_zero_are_kept():
    points = {0: bytes(8), 1: bytes(7) + b"\x01"}
    assert len(interpolate(points, 255)) == 8
