"""Wrapping to a public key: the half that needs no secret.

HPKE base mode (RFC 9180) with MLKEM1024-P384 (0x0051, draft-ietf-hpke-pq), HKDF-SHA384 and AES-256-GCM, no
AAD; everything that a wrapped secret must be bound to goes into ``info``.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM1024P384PublicKey, Suite

from keys.derivation import KEY_LENGTH, key_id
from keys.errors import MalformedError

PUBLIC_KEY_LENGTH: Final = 1665
WRAPPED_LENGTH: Final = 1713
"""An encapsulation (1665) and 32 bytes under AES-256-GCM (48)."""

MLKEM_PUBLIC_LENGTH: Final = 1568
SUITE: Final = Suite(KEM.MLKEM1024_P384, KDF.HKDF_SHA384, AEAD.AES_256_GCM)


class Recipient:
    """A public key to wrap 32-byte secrets to, 1665 bytes: ML-KEM-1024 (1568) ‖ P-384 uncompressed (97)."""

    def __init__(self, encoded: bytes) -> None:
        if len(encoded) != PUBLIC_KEY_LENGTH:
            raise MalformedError(f"a public key of {len(encoded)} bytes instead of {PUBLIC_KEY_LENGTH}")
        self.encoded = encoded
        try:
            self._key = MLKEM1024P384PublicKey(
                mlkem.MLKEM1024PublicKey.from_public_bytes(encoded[:MLKEM_PUBLIC_LENGTH]),
                # Checks that the point is on the curve.
                ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), encoded[MLKEM_PUBLIC_LENGTH:]),
            )
        except ValueError:
            raise MalformedError("not a public key") from None

    @property
    def key_id(self) -> bytes:
        """The key's id, 32 bytes."""
        return key_id(self.encoded)

    def wrap(self, secret: bytes, info: bytes) -> bytes:
        """Return ``secret`` (32 bytes) wrapped to this key and bound to ``info``: 1713 bytes."""
        if len(secret) != KEY_LENGTH:
            raise MalformedError(f"a secret of {len(secret)} bytes instead of {KEY_LENGTH}")
        return SUITE.encrypt(secret, self._key, info)

    def __repr__(self) -> str:
        return f"Recipient(key_id={self.key_id.hex()})"
