"""Secrets that the server hands out once and keeps as SHA-256: tokens, sessions, codes."""

from __future__ import annotations

from typing import Final, NamedTuple

from keys.canonical import encode_binary
from keys.randomness import random_bytes
from vault.api.tokens import draw, hash_of

SESSION_PREFIX: Final = "scelle_session_"

_CODE_BYTES: Final = 16


class Secret(NamedTuple):
    """A new secret: what is shown once, and what is kept."""

    text: str
    hash: bytes

    def __repr__(self) -> str:
        return "Secret(<redacted>)"


def new_token(prefix: str) -> Secret:
    """Return a token of 256 random bits; its prefix lets scanners of leaked secrets find it."""
    return _secret(draw(prefix))


def new_code() -> Secret:
    """Return a code of 128 random bits, 22 characters."""
    return _secret(encode_binary(random_bytes(_CODE_BYTES)))


def _secret(text: str) -> Secret:
    return Secret(text, hash_of(text))
