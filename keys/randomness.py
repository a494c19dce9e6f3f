"""The one place where our own randomness comes from.

``cryptography`` draws its own for Cobblestone salts, HPKE and ML-DSA; those draws cannot be injected.
"""

from __future__ import annotations

import os


def random_bytes(length: int) -> bytes:
    """Return ``length`` bytes from the operating system's generator (getrandom)."""
    return os.urandom(length)
