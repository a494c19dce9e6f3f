"""A stored body against the seal that its row names, without a key: which part of it is not what was sealed.

A deposit's arrival asks whether a container is good (`vault.container.arrival`). Here it was good once, so
what it was is known, and the question is where it differs. The leaves stored with it tell which block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.signing import SIGNATURE_LENGTH
from vault.container.layout import BLOCK, LEAF, SEAL_HEAD
from vault.container.leaves import LeafHasher, root_of_leaves
from vault.container.outcomes import ContainerError
from vault.container.seal import parse_stored_seal, seals_at_end, verify_seal
from vault.server.services.damage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vault.container.seal import SignedSeal

_HEAD_AND_SIGNATURE: Final = SEAL_HEAD + SIGNATURE_LENGTH


def leaf_count(seal: SignedSeal) -> int:
    """Return how many blocks the payload has."""
    return -(-seal.seal.payload_length // BLOCK)


def body_size(seal: SignedSeal) -> int:
    """Return the length in bytes of payload, leaves and seal together."""
    return seal.seal.payload_length + LEAF * leaf_count(seal) + _HEAD_AND_SIGNATURE + len(seal.json)


def read_seal(data: bytes, seal_id: bytes) -> SignedSeal | None:
    """Return a stored seal, if it is the one of that id; its signature is not checked."""
    try:
        seal = parse_stored_seal(data)
    except ContainerError:
        return None
    return seal if seal.seal_id == seal_id else None


def find_seal(end: bytes, seal_id: bytes) -> SignedSeal | None:
    """Return the seal of that id that a body ends with, knowing nothing else of it.

    Args:
        end: the last bytes of the body, or all of it.
        seal_id: what is looked for.
    """
    return next((seal for seal in seals_at_end(end) if seal.seal_id == seal_id), None)


class BodyCheck:
    """Takes a body front to back; memory is 64 bytes for each MiB, and one seal."""

    def __init__(self, seal: SignedSeal) -> None:
        """Expect the body that ``seal`` was made for: `body_size` bytes."""
        self._seal = seal
        self._hasher = LeafHasher()
        self._left = seal.seal.payload_length
        self._trailer = bytearray()

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        payload = view[: self._left]
        self._left -= len(payload)
        self._hasher.update(payload)
        self._trailer += view[len(payload) :]

    def findings(self) -> Iterator[Finding]:
        """Yield what differs, once all bytes are there."""
        end = LEAF * leaf_count(self._seal)
        stored, seal = bytes(self._trailer[:end]), bytes(self._trailer[end:])
        computed, root = self._hasher.finalize(), self._seal.seal.root
        if root_of_leaves(stored) == root:
            yield from _blocks(stored, computed)
        else:
            yield Finding(Kind.LEAVES_DAMAGED, "the leaves do not give the root that was sealed")
            if root_of_leaves(computed) != root:
                yield Finding(
                    Kind.PAYLOAD_DAMAGED,
                    "the payload was changed; without the leaves nobody knows which block",
                )
        if not _is_good(seal, self._seal.seal_id):
            yield Finding(Kind.SEAL_DAMAGED, "the seal at the end of the object was changed")


def _is_good(data: bytes, seal_id: bytes) -> bool:
    seal = read_seal(data, seal_id)
    return seal is not None and is_signed(seal)


def is_signed(seal: SignedSeal) -> bool:
    """Tell whether the signature of a seal's signer verifies."""
    try:
        verify_seal(seal)
    except ContainerError:
        return False
    return True


def _blocks(stored: bytes, computed: bytes) -> Iterator[Finding]:
    """Yield the blocks whose leaves differ, neighbours together."""
    count = len(stored) // LEAF
    first: int | None = None
    for index in range(count + 1):
        at = slice(index * LEAF, (index + 1) * LEAF)
        differs = index < count and stored[at] != computed[at]
        if differs and first is None:
            first = index
        elif not differs and first is not None:
            yield _damaged(first, index - first)
            first = None


def _damaged(first: int, number: int) -> Finding:
    which = f"block {first}" if number == 1 else f"blocks {first} to {first + number - 1}"
    return Finding(Kind.BLOCK_DAMAGED, f"{which} of the payload was changed", block=first, blocks=number)
