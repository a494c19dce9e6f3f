"""Containers cut into what an upload in parts sends."""

from __future__ import annotations

import base64
import hashlib
import struct

MIB = 1024 * 1024


def cut(container: bytes) -> tuple[bytes, bytes, bytes]:
    """Return preamble and envelope, the payload, leaves and seal: by the layout of docs/FORMAT.md."""
    envelope, payload = struct.unpack_from(">IQ", container, 10)
    start = 22 + envelope
    return container[:start], container[start : start + payload], container[start + payload :]


def without_payload(container: bytes) -> bytes:
    """Return what begins an upload."""
    head, _, trailer = cut(container)
    return head + trailer


def content_digest(data: bytes) -> str:
    """Return the header of RFC 9530."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
