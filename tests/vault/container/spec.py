"""The primitives of the format, written from the specification and not from the code."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC: Final = b"\x89SCL\r\n\x1a\n"
BLOCK: Final = 1 << 20
CHUNK: Final = 16_384
SIGNATURE: Final = 3373


def H(label: str, *parts: bytes) -> bytes:  # noqa: N802 - its name in the specification
    return hashlib.sha256(label.encode() + b"\x00" + b"".join(parts)).digest()


def K(key: bytes, label: str, ctx: bytes, x: bytes = b"") -> bytes:  # noqa: N802 - its name there
    return hmac.digest(key, label.encode() + b"\x00" + ctx + x + b"\x01", "sha512")[:32]


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def named(name: str, length: int) -> bytes:
    """Return bytes that stand for random ones: the same for the same name."""
    return hashlib.shake_256(name.encode()).digest(length)


def message_length(size: int) -> int:
    return 56 + size + 16 * (size // CHUNK + 1)


def cobblestone(key: bytes, context: bytes, plaintext: bytes, *, salt: bytes | None = None) -> bytes:
    """Write a Cobblestone-256 message as C2SP's chunked-encryption says."""
    salt = hashlib.sha256(context + plaintext).digest()[:24] if salt is None else salt
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    first = hmac.digest(key, info + b"\x01", "sha512")
    derived = first + hmac.digest(key, first + info + b"\x02", "sha512")
    aead, base, commitment = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big"), derived[44:76]
    wire = [salt, commitment]
    for number in range(len(plaintext) // CHUNK + 1):
        chunk = plaintext[number * CHUNK : (number + 1) * CHUNK]
        wire.append(aead.encrypt((base ^ number).to_bytes(12, "big"), chunk, None))
    return b"".join(wire)


def leaves_of(payload: bytes) -> list[bytes]:
    return [
        hashlib.sha256(b"\x00" + payload[at : at + BLOCK]).digest() for at in range(0, len(payload), BLOCK)
    ]


def tree(leaves: Sequence[bytes]) -> bytes:
    """Return the RFC 6962 tree hash by its recursive definition."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def padme(length: int) -> int:
    """Return the Padmé size by the formula of the paper."""
    exponent = length.bit_length() - 1
    kept = exponent.bit_length()
    mask = (1 << (exponent - kept)) - 1
    return (length + mask) & ~mask


@cache
def argon2(password: bytes, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
    kdf = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
    return kdf.derive(password)
