"""What SLIP-0039 does to a secret before it is shared out: four Feistel rounds under a passphrase.

Without a passphrase (ours) it protects nothing and is a fixed mixing. Source: SLIP-0039, "Encryption of the
master secret".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from keys.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROUNDS: Final = range(4)
_ITERATIONS: Final = 2500
"""Of PBKDF2 in each round, doubled as often as the exponent says."""
_PRINTABLE: Final = range(32, 127)


def encrypt(secret: bytes, passphrase: bytes, *, exponent: int, salt: bytes) -> bytes:
    """Return the encrypted secret, as long as the secret.

    Args:
        secret: an even number of bytes.
        passphrase: printable ASCII, empty for none.
        exponent: 0 to 15; there are 10,000 · 2^exponent iterations of PBKDF2 in all.
        salt: what stands before each half in PBKDF2's salt.

    Raises:
        MalformedError: a passphrase with other characters.
    """
    return _feistel(secret, passphrase, _ROUNDS, exponent, salt)


def decrypt(encrypted: bytes, passphrase: bytes, *, exponent: int, salt: bytes) -> bytes:
    """Return the secret; every passphrase gives one, and only the right one gives the right one.

    Raises:
        MalformedError: a passphrase with other characters.
    """
    return _feistel(encrypted, passphrase, reversed(_ROUNDS), exponent, salt)


def _feistel(data: bytes, passphrase: bytes, rounds: Iterable[int], exponent: int, salt: bytes) -> bytes:
    if not all(character in _PRINTABLE for character in passphrase):
        raise MalformedError("the passphrase of shares has printable ASCII characters only")
    half = len(data) // 2
    left, right = data[:half], data[half:]
    for number in rounds:
        mask = hashlib.pbkdf2_hmac(
            "sha256", bytes([number]) + passphrase, salt + right, _ITERATIONS << exponent, half
        )
        left, right = right, bytes(a ^ b for a, b in zip(left, mask, strict=True))
    return right + left
