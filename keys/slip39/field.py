"""Polynomials over GF(256), many bytes at a time: what Shamir's scheme computes with.

Bytes of a secret are only ever added to each other and multiplied by numbers that everybody may know (they
follow from the places of the shares). So nothing here looks a secret up in a table or branches on one: bytes
lie side by side in one Python integer, which is shifted, masked and added. What remains is that CPython's
integers are shorter when their first bytes are zero.

Source: SLIP-0039, "Shamir's secret sharing"; the field is that of AES (FIPS 197, section 4).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDUCTION: Final = 0x1B
"""x^8 = x^4 + x^3 + x + 1."""
_INVERSE_POWER: Final = 254
"""a^254 = 1/a, because a^255 = 1 for every a but 0."""


def interpolate(points: Mapping[int, bytes], at: int) -> bytes:
    """Return the value at ``at`` of the polynomials of least degree through ``points``, one for each byte.

    Args:
        points: for each place x (0 to 255) the values there; all of one length.
        at: a place, 0 to 255.
    """
    length = len(next(iter(points.values())))
    ones = int.from_bytes(b"\x01" * length, "big")
    total = 0
    for place, values in points.items():
        others = [other for other in points if other != place]
        above = reduce(multiply, (at ^ other for other in others), 1)
        below = reduce(multiply, (place ^ other for other in others), 1)
        total ^= _scale(int.from_bytes(values, "big"), multiply(above, _invert(below)), ones)
    return total.to_bytes(length, "big")


def multiply(left: int, right: int) -> int:
    """Return the product of two field elements, 0 to 255."""
    return _scale(left, right, 1)


def _scale(lanes: int, factor: int, ones: int) -> int:
    """Multiply each byte of ``lanes`` by ``factor``, which is public; ``ones`` has 01 in each byte."""
    total = 0
    for bit in range(8):
        if factor >> bit & 1:
            total ^= lanes
        carried = lanes >> 7 & ones
        # Times x: up by one, and what leaves a byte comes back reduced into the same one.
        lanes = (lanes ^ carried << 7) << 1 ^ carried * _REDUCTION
    return total


def _invert(element: int) -> int:
    return reduce(multiply, [element] * _INVERSE_POWER, 1)
