"""Where the parts of a container stand. Source: docs/FORMAT.md, "Layout"."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from keys.signing import SIGNATURE_LENGTH
from vault.container import limits
from vault.container.outcomes import ContainerError, Outcome

MAGIC: Final = b"\x89SCL\r\n\x1a\n"
"""Like PNG's: a byte above 127, a name, and line ends that a text transfer would spoil."""

VERSION: Final = 1
MEDIA_TYPE: Final = "application/vnd.scelle"
SUFFIX: Final = ".scelle"

BLOCK: Final = limits.MIB
"""A leaf's worth of payload: 1 MiB."""

LEAF: Final = 32
SEAL_HEAD: Final = 4

_PREAMBLE: Final = struct.Struct(">8sHIQ")
PREAMBLE_LENGTH: Final = _PREAMBLE.size


class Preamble(NamedTuple):
    """The first 22 bytes: lengths of the envelope (with its signature) and of the payload, in bytes."""

    envelope_length: int
    payload_length: int

    def encode(self) -> bytes:
        """Return the 22 bytes."""
        return _PREAMBLE.pack(MAGIC, VERSION, self.envelope_length, self.payload_length)

    @property
    def payload_offset(self) -> int:
        """Where the payload, and with it the immutable body, begins."""
        return PREAMBLE_LENGTH + self.envelope_length

    @property
    def leaf_count(self) -> int:
        """One leaf for each block of 1 MiB, the last one short or full."""
        return -(-self.payload_length // BLOCK)

    @property
    def leaves_offset(self) -> int:
        """Where the stored leaves begin."""
        return self.payload_offset + self.payload_length

    @property
    def seal_offset(self) -> int:
        """Where the four bytes of seal_len stand."""
        return self.leaves_offset + LEAF * self.leaf_count

    def total_length(self, seal_length: int) -> int:
        """Return the length of the whole container in bytes, given that of seal_json."""
        return self.seal_offset + SEAL_HEAD + seal_length + SIGNATURE_LENGTH


def parse_preamble(data: bytes) -> Preamble:
    """Read the first 22 bytes (or what there is of them).

    Raises:
        ContainerError: malformed, unsupported_version or limit_exceeded, in this order.
    """
    if not data.startswith(MAGIC):
        raise ContainerError(Outcome.MALFORMED, "this is not a Scellé container")
    if len(data) < PREAMBLE_LENGTH:
        raise ContainerError(Outcome.MALFORMED, "the container ends within its first 22 bytes")
    _, version, envelope_length, payload_length = _PREAMBLE.unpack_from(data)
    if version != VERSION:
        raise ContainerError(
            Outcome.UNSUPPORTED_VERSION, f"the container has version {version}, this program reads {VERSION}"
        )
    if envelope_length > limits.ENVELOPE:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, f"an envelope of {envelope_length} bytes")
    if payload_length > limits.PAYLOAD:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, f"a payload of {payload_length} bytes")
    if envelope_length <= SIGNATURE_LENGTH or payload_length == 0:
        raise ContainerError(Outcome.MALFORMED, "the container has no envelope or no payload")
    return Preamble(envelope_length, payload_length)


def parse_seal_length(data: bytes) -> int:
    """Read the four bytes of seal_len.

    Raises:
        ContainerError: malformed or limit_exceeded.
    """
    if len(data) != SEAL_HEAD:
        raise ContainerError(Outcome.MALFORMED, "the container ends before its seal")
    length = int.from_bytes(data, "big")
    if length > limits.SEAL:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, f"a seal of {length} bytes")
    return length
