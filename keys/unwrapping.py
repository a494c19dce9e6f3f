"""Opening what was wrapped to a public key: the half that holds the secret. The server never imports it."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import MLKEM1024P384PrivateKey

from keys.derivation import key_id
from keys.kemseed import expand_kem_seed
from keys.recipients import SUITE, WRAPPED_LENGTH


class DecapsulationKey:
    """A private key of MLKEM1024-P384, grown from a 32-byte seed (see ``kemseed``)."""

    def __init__(self, seed: bytes) -> None:
        pair = expand_kem_seed(seed)
        self._key = MLKEM1024P384PrivateKey(pair.post_quantum, pair.elliptic)
        self.public_key: Final = pair.public_key

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
