"""Opening what was wrapped to a public key: the half that holds the secret. The server never imports it."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.hpke import MLKEM1024P384PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.derivation import KEY_LENGTH, key_id
from keys.errors import MalformedError
from keys.recipients import SUITE, WRAPPED_LENGTH

_MLKEM_SEED: Final = 64
_SCALAR: Final = 48
# Order of P-384 (FIPS 186-5 by way of SP 800-186, section 3.2.1.4).
_P384_ORDER: Final = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
)


class DecapsulationKey:
    """A private key grown from a 32-byte seed: SHAKE256(seed, 112) = ML-KEM-1024 d ‖ z ‖ P-384 scalar.

    Source: draft-ietf-hpke-pq, the seed format of MLKEM1024-P384. A scalar of 0 or not below the order is
    refused; it happens with probability 2^-194.
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_LENGTH:
            raise MalformedError(f"a seed of {len(seed)} bytes instead of {KEY_LENGTH}")
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED + _SCALAR)
        scalar = int.from_bytes(expanded[_MLKEM_SEED:], "big")
        if not 0 < scalar < _P384_ORDER:
            raise MalformedError("this seed gives no key; make another")
        post_quantum = mlkem.MLKEM1024PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED])
        elliptic = ec.derive_private_key(scalar, ec.SECP384R1())
        self._key = MLKEM1024P384PrivateKey(post_quantum, elliptic)
        self.public_key: Final = post_quantum.public_key().public_bytes_raw() + (
            elliptic.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )

    @property
    def key_id(self) -> bytes:
        """The public key's id, 32 bytes."""
        return key_id(self.public_key)

    def unwrap(self, wrapped: bytes, info: bytes) -> bytes | None:
        """Return the 32-byte secret, or None: not for this key, for another purpose, or damaged.

        A wrong key is a normal outcome, and HPKE cannot tell it from damage.
        """
        if len(wrapped) != WRAPPED_LENGTH:
            return None
        try:
            return SUITE.decrypt(wrapped, self._key, info)
        except (InvalidTag, ValueError):
            # ValueError: the encapsulated point is not on the curve.
            return None

    def __repr__(self) -> str:
        return "DecapsulationKey(<redacted>)"
