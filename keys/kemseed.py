"""What a seed of the hybrid KEM grows into, and its public key. Nothing here can open anything.

Apart from ``unwrapping``, so that a server can write a whole identity for itself (of which it uses the
signing half only) without importing the code that unwraps.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.derivation import KEY_LENGTH
from keys.errors import MalformedError

_MLKEM_SEED: Final = 64
_SCALAR: Final = 48
# Order of P-384 (FIPS 186-5 by way of SP 800-186, section 3.2.1.4).
_P384_ORDER: Final = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
)


class KemPair(NamedTuple):
    """The two private keys of one hybrid key; never shown."""

    post_quantum: mlkem.MLKEM1024PrivateKey
    elliptic: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> bytes:
        """ML-KEM-1024 (1568) ‖ P-384 uncompressed (97): 1665 bytes."""
        return self.post_quantum.public_key().public_bytes_raw() + self.elliptic.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )

    def __repr__(self) -> str:
        return "KemPair(<redacted>)"


def expand_kem_seed(seed: bytes) -> KemPair:
    """Return the keys of a 32-byte seed: SHAKE256(seed, 112) = ML-KEM-1024 d ‖ z (64) ‖ P-384 scalar (48).

    Source: draft-ietf-hpke-pq, the seed format of MLKEM1024-P384. A scalar of 0 or not below the order is
    refused; it happens with probability 2^-194.

    Raises:
        MalformedError: a wrong length, or the seed gives no key.
    """
    if len(seed) != KEY_LENGTH:
        raise MalformedError(f"a seed of {len(seed)} bytes instead of {KEY_LENGTH}")
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED + _SCALAR)
    scalar = int.from_bytes(expanded[_MLKEM_SEED:], "big")
    if not 0 < scalar < _P384_ORDER:
        raise MalformedError("this seed gives no key; make another")
    return KemPair(
        mlkem.MLKEM1024PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED]),
        ec.derive_private_key(scalar, ec.SECP384R1()),
    )
