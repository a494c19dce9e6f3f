"""That what a service keeps is what it was sent."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from vault.server.stores.s3answers import TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

Data = bytearray | bytes | memoryview


def md5(data: Data) -> bytes:
    """Return the checksum that S3 takes; it finds what went wrong, not what somebody meant to go wrong."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def checked(digest: bytes) -> dict[str, str]:
    """Return headers by which the service refuses bytes with another checksum."""
    return {"Content-MD5": b64encode(digest).decode(), "Content-Type": "application/octet-stream"}


def compare(headers: Mapping[str, str], digest: bytes) -> None:
    """Compare what was kept with what was sent.

    Raises:
        TransientError: other bytes were kept.
    """
    if not agrees(headers, digest):
        raise TransientError("the object store kept other bytes than it was sent")


def agrees(headers: Mapping[str, str], digest: bytes) -> bool:
    """Whether an answer's tag is that of the bytes; under keys of its own a service has other tags."""
    if headers.get("x-amz-server-side-encryption", "AES256") != "AES256":
        return True
    return headers.get("etag", "").replace('"', "") == digest.hex()
