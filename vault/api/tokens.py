"""What a service token looks like: who draws one and what a service keeps of it.

A new token is drawn by the service, or, where one takes another's place, by the client, which writes it down
before it asks: an answer that is lost then loses no token.
"""

from __future__ import annotations

import hashlib
from typing import Final

from keys.canonical import encode_binary
from keys.randomness import random_bytes

TOKEN_PREFIX: Final = "scelle_token_"  # noqa: S105 - the name of a kind
"""Lets scanners of leaked secrets find a token."""

_TOKEN_BYTES: Final = 32
_TEXT_LENGTH: Final = 43
"""Characters of 32 bytes in base64url."""
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def draw(prefix: str = TOKEN_PREFIX) -> str:
    """Return a secret of 256 random bits after its prefix."""
    return prefix + encode_binary(random_bytes(_TOKEN_BYTES))


def hash_of(text: str) -> bytes:
    """Return what a secret is found by, 32 bytes. 128 random bits and more need no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a service token."""
    drawn = text.removeprefix(TOKEN_PREFIX)
    return text.startswith(TOKEN_PREFIX) and len(drawn) == _TEXT_LENGTH and _ALPHABET.issuperset(drawn)
