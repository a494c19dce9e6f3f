"""Cobblestone-256 messages: their sizes, and reading any chunk of one without the rest.

Source: C2SP chunked-encryption, instantiated with SHA-512 and AES-256-GCM. A message is written by
``cryptography``'s own class; that class reads front to back only, so ranges are opened here, chunk by chunk.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.derivation import KEY_LENGTH
from vault.container.outcomes import ContainerError, MisuseError, Outcome

CHUNK: Final = 16_384
TAG: Final = 16
WIRE_CHUNK: Final = CHUNK + TAG
HEAD: Final = 56
"""Salt (24) and commitment (32)."""

MIN_LENGTH: Final = HEAD + TAG

_SALT: Final = 24
_NONCE: Final = 12
_INFO: Final = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"


def message_context(label: str, context: bytes, suffix: bytes = b"") -> bytes:
    """Return the Cobblestone context of a message: label ‖ 00 ‖ ctx, then the file id for files."""
    return label.encode("ascii") + b"\x00" + context + suffix


def message_length(size: int) -> int:
    """Return how many bytes a message of ``size`` plaintext bytes takes."""
    return HEAD + size + TAG * (size // CHUNK + 1)


def plaintext_length(length: int) -> int:
    """Return how many plaintext bytes a message of ``length`` bytes holds.

    Raises:
        ContainerError: malformed; no message has this length.
    """
    whole, rest = divmod(length - HEAD, WIRE_CHUNK)
    if length < MIN_LENGTH or rest < TAG:
        raise ContainerError(Outcome.MALFORMED, "no encrypted message has this length")
    return whole * CHUNK + rest - TAG


def wire_range(size: int, start: int, stop: int) -> tuple[int, int]:
    """Return where the chunks that hold plaintext bytes ``start`` to ``stop`` stand in their message.

    The last chunk, always short, is included when ``stop`` is the end: it proves that nothing is missing.
    """
    last = size // CHUNK if stop >= size else (max(stop, start + 1) - 1) // CHUNK
    first = start // CHUNK
    return HEAD + first * WIRE_CHUNK, min(HEAD + (last + 1) * WIRE_CHUNK, message_length(size))


class MessageReader:
    """Opens chunks of one message in any order, having checked its commitment first."""

    def __init__(self, key: bytes, context: bytes, head: bytes) -> None:
        """Derive the message's keys.

        Args:
            key: Cobblestone input key, 32 bytes.
            context: what the message is bound to.
            head: the message's first 56 bytes.

        Raises:
            ContainerError: payload_damaged; the message was made under another key or for another place.
            MisuseError: the key has another length.
        """
        if len(key) != KEY_LENGTH:
            raise MisuseError(f"a key of {len(key)} bytes instead of {KEY_LENGTH}")
        salt, commitment = head[:_SALT], head[_SALT:]
        derived = _expand(key, _INFO + salt + context)
        if not hmac.compare_digest(derived[44:], commitment):
            raise ContainerError(Outcome.PAYLOAD_DAMAGED, "an encrypted message does not belong here")
        self._aead = AESGCM(derived[:32])
        self._nonce = int.from_bytes(derived[32:44], "big")

    def open(self, wire: bytes | memoryview, first_chunk: int) -> bytes:
        """Return the plaintext of whole consecutive chunks, the first numbered ``first_chunk``.

        Raises:
            ContainerError: payload_damaged.
        """
        view = memoryview(wire)
        pieces = []
        for index, offset in enumerate(range(0, len(view), WIRE_CHUNK), first_chunk):
            nonce = (self._nonce ^ index).to_bytes(_NONCE, "big")
            try:
                pieces.append(self._aead.decrypt(nonce, view[offset : offset + WIRE_CHUNK], None))
            except InvalidTag:
                raise ContainerError(Outcome.PAYLOAD_DAMAGED, "a chunk does not open") from None
        return b"".join(pieces)


def open_message(key: bytes, context: bytes, message: bytes) -> bytes:
    """Return the plaintext of a whole message held in memory.

    Raises:
        ContainerError: malformed (no message has this length) or payload_damaged.
    """
    plaintext_length(len(message))
    return MessageReader(key, context, message[:HEAD]).open(memoryview(message)[HEAD:], 0)


def _expand(key: bytes, info: bytes) -> bytes:
    """HKDF-Expand with SHA-512 (RFC 5869) to 76 bytes: key (32) ‖ base nonce (12) ‖ commitment (32)."""
    first = hmac.digest(key, info + b"\x01", "sha512")
    return first + hmac.digest(key, first + info + b"\x02", "sha512")[:12]
