"""Secrets that the server hands out once and keeps as SHA-256: tokens, sessions, codes."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from keys.canonical import encode_binary
from keys.randomness import random_bytes

TOKEN_PREFIX: Final = "scelle_token_"  # noqa: S105 - the name of a kind
SESSION_PREFIX: Final = "scelle_session_"

_TOKEN_BYTES: Final = 32
_CODE_BYTES: Final = 16


class Secret(NamedTuple):
    """A new secret: what is shown once, and what is kept."""

    text: str
    hash: bytes

    def __repr__(self) -> str:
        return "Secret(<redacted>)"


def new_token(prefix: str) -> Secret:
    """Return a token of 256 random bits; its prefix lets scanners of leaked secrets find it."""
    return _secret(prefix + encode_binary(random_bytes(_TOKEN_BYTES)))


def new_code() -> Secret:
    """Return a code of 128 random bits, 22 characters."""
    return _secret(encode_binary(random_bytes(_CODE_BYTES)))


def hash_of(text: str) -> bytes:
    """Return what a secret is found by. 128 random bits and more need no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _secret(text: str) -> Secret:
    return Secret(text, hash_of(text))
