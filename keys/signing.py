"""The composite signature: ML-DSA-65 and Ed25519, both always.

Source: draft-ietf-lamps-pq-composite-sigs, id-MLDSA65-Ed25519-SHA512. What is signed is
M' = prefix ‖ label ‖ len(context) ‖ context ‖ SHA-512(M), with the label as ML-DSA's own context. There is no
way to make or check one half alone.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from keys.derivation import key_id
from keys.errors import MalformedError, SignatureError

SEED_LENGTH: Final = 64
PUBLIC_KEY_LENGTH: Final = 1984
SIGNATURE_LENGTH: Final = 3373

_MLDSA_SEED: Final = 32
_MLDSA_PUBLIC: Final = 1952
_MLDSA_SIGNATURE: Final = 3309
_PREFIX: Final = b"CompositeAlgorithmSignatures2025"
_LABEL: Final = b"COMPSIG-MLDSA65-Ed25519-SHA512"
_MAX_CONTEXT: Final = 255


def _representative(context: bytes, message: bytes) -> bytes:
    if len(context) > _MAX_CONTEXT:
        raise MalformedError(f"a signature context of {len(context)} bytes, at most {_MAX_CONTEXT}")
    return _PREFIX + _LABEL + bytes([len(context)]) + context + hashlib.sha512(message).digest()


class VerifyingKey:
    """A public signing key, 1984 bytes: ML-DSA-65 (1952) ‖ Ed25519 (32)."""

    def __init__(self, encoded: bytes) -> None:
        if len(encoded) != PUBLIC_KEY_LENGTH:
            raise MalformedError(f"a signing key of {len(encoded)} bytes instead of {PUBLIC_KEY_LENGTH}")
        self.encoded = encoded
        try:
            self._mldsa = MLDSA65PublicKey.from_public_bytes(encoded[:_MLDSA_PUBLIC])
            self._ed25519 = Ed25519PublicKey.from_public_bytes(encoded[_MLDSA_PUBLIC:])
        except ValueError:
            raise MalformedError("not a signing key") from None

    @property
    def key_id(self) -> bytes:
        """The key's id, 32 bytes."""
        return key_id(self.encoded)

    def verify(self, signature: bytes, message: bytes, *, context: str) -> None:
        """Return only if both halves of ``signature`` verify over ``message`` in ``context``.

        Raises:
            SignatureError: either half does not verify, or the length is wrong.
        """
        if len(signature) != SIGNATURE_LENGTH:
            raise SignatureError("the signature has a wrong length")
        representative = _representative(context.encode("ascii"), message)
        try:
            self._mldsa.verify(signature[:_MLDSA_SIGNATURE], representative, _LABEL)
            self._ed25519.verify(signature[_MLDSA_SIGNATURE:], representative)
        except InvalidSignature:
            raise SignatureError("the signature does not verify") from None

    def __repr__(self) -> str:
        return f"VerifyingKey(key_id={self.key_id.hex()})"


class SigningKey:
    """A private signing key, grown from 64 bytes: ML-DSA-65 seed (32) ‖ Ed25519 seed (32)."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_LENGTH:
            raise MalformedError(f"a signing seed of {len(seed)} bytes instead of {SEED_LENGTH}")
        self._mldsa = MLDSA65PrivateKey.from_seed_bytes(seed[:_MLDSA_SEED])
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(seed[_MLDSA_SEED:])
        self.public_key: Final = (
            self._mldsa.public_key().public_bytes_raw() + self._ed25519.public_key().public_bytes_raw()
        )

    @property
    def key_id(self) -> bytes:
        """The public key's id, 32 bytes."""
        return key_id(self.public_key)

    def sign(self, message: bytes, *, context: str) -> bytes:
        """Return the 3373-byte composite signature over ``message`` in ``context``."""
        representative = _representative(context.encode("ascii"), message)
        return self._mldsa.sign(representative, _LABEL) + self._ed25519.sign(representative)

    def __repr__(self) -> str:
        return "SigningKey(<redacted>)"
