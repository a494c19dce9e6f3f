"""The lock of a key file whose key is on a token: what it says, and what both ends make of it.

The token holds a P-384 key that never leaves it. Whoever writes the file makes a second, uses it once and
forgets it; only the token can come to the same shared secret again. Source: docs/FORMAT.md, "Key files".
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.canonical import Binary, Constant, Record
from keys.derivation import KEY_LENGTH
from keys.errors import MalformedError

POINT_LENGTH: Final = 97
"""A point of P-384, uncompressed."""

SHARED_LENGTH: Final = 48
"""What ECDH on P-384 gives: the x-coordinate, with its leading zeros."""

CURVE: Final = "P-384"
_LABEL: Final = b"scelle/1 token key"


class TokenLock(NamedTuple):
    """Which key on a token opens a file.

    Attributes:
        key: its public half, 97 bytes; nothing else says which token is meant.
        ephemeral: the public half of the key that was used once, 97 bytes.
    """

    key: bytes
    ephemeral: bytes
    token: str = CURVE


TOKEN_LOCK: Final = Record(
    TokenLock, token=Constant(CURVE), key=Binary(POINT_LENGTH), ephemeral=Binary(POINT_LENGTH)
)


class NewLock(NamedTuple):
    """A lock that was just made, and the secret that it shares with the token (48 bytes)."""

    lock: TokenLock
    shared: bytes

    def __repr__(self) -> str:
        return f"NewLock({self.lock!r}, shared=<redacted>)"


def make_lock(token_key: bytes) -> NewLock:
    """Return a lock to the key on a token with this public half, 97 bytes.

    Raises:
        MalformedError: it is not a point of P-384.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - costs start-up time

    public = _point(token_key)
    ephemeral = ec.generate_private_key(ec.SECP384R1())
    encoded = ephemeral.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return NewLock(TokenLock(token_key, encoded), ephemeral.exchange(ec.ECDH(), public))


def check_lock(lock: TokenLock) -> None:
    """Refuse points that are not on the curve: a token that does not look would give its key away by them.

    Raises:
        MalformedError: one is not.
    """
    _point(lock.key)
    _point(lock.ephemeral)


def box_key(lock: TokenLock, shared: bytes, salt: bytes) -> bytes:
    """Return the key of the box, 32 bytes of HKDF with SHA-384 (RFC 5869).

    Args:
        lock: bound in whole.
        shared: what ECDH gave, 48 bytes.
        salt: of the key file.

    Raises:
        MalformedError: a shared secret of another length.
    """
    if len(shared) != SHARED_LENGTH:
        raise MalformedError(f"a shared secret of {len(shared)} bytes instead of {SHARED_LENGTH}")
    info = _LABEL + b"\x00" + lock.key + lock.ephemeral
    return HKDF(hashes.SHA384(), KEY_LENGTH, salt, info).derive(shared)


def _point(encoded: bytes) -> ec.EllipticCurvePublicKey:
    if len(encoded) != POINT_LENGTH:
        raise MalformedError(f"a key on a token of {len(encoded)} bytes instead of {POINT_LENGTH}")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), encoded)
    except ValueError:
        raise MalformedError("not a key on P-384") from None
