"""Hiding the exact size: the payload is brought to a Padmé size. Source: docs/FORMAT.md, "Padding".

Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs
2019, section 4.3) keeps as many leading bits of a length as its exponent has, and rounds the rest up.
"""

from __future__ import annotations

from vault.container.cobblestone import CHUNK, HEAD, MIN_LENGTH, TAG, WIRE_CHUNK


def padme(length: int) -> int:
    """Return the smallest Padmé size that is not below ``length``."""
    if length < 2:  # noqa: PLR2004 - the logarithm of the logarithm begins at 2
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def padding_size(length: int) -> int | None:
    """Return how many zeros a padding message must hold to bring a payload of ``length`` to a Padmé size.

    None means that the payload has such a size already. The padding is a message of its own, at least 72
    bytes, and no message has certain lengths: the next Padmé size that can be reached is taken.
    """
    target = padme(length)
    while target != length:
        room = target - length
        chunks, rest = divmod(room - HEAD, WIRE_CHUNK)
        if room >= MIN_LENGTH and rest >= TAG:
            return chunks * CHUNK + rest - TAG
        target = padme(target + 1)
    return None
