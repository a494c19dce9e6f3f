"""The leaves: a SHA-256 for each block of 1 MiB, and the tree over them. Source: docs/FORMAT.md, "Leaves"."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vault.container.layout import BLOCK, LEAF
from vault.merkle import TreeHasher

if TYPE_CHECKING:
    from hashlib import _Hash


def leaf_of(block: bytes | memoryview) -> bytes:
    """Return H(00 ‖ block), the leaf of one block (RFC 6962, section 2.1)."""
    state = hashlib.sha256(b"\x00")
    state.update(block)
    return state.digest()


def root_of_leaves(leaves: bytes) -> bytes:
    """Return the RFC 6962 tree hash over stored leaves, 32 bytes each."""
    tree = TreeHasher()
    for offset in range(0, len(leaves), LEAF):
        tree.append(leaves[offset : offset + LEAF])
    return tree.root()


class LeafHasher:
    """Leaves of a payload that arrives in pieces of any size."""

    def __init__(self) -> None:
        self.leaves = bytearray()
        """The leaves of all blocks that are complete."""
        self._state: _Hash | None = None
        self._filled = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the payload."""
        view = memoryview(data)
        while view:
            if self._state is None:
                self._state = hashlib.sha256(b"\x00")
            piece = view[: BLOCK - self._filled]
            self._state.update(piece)
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == BLOCK:
                self._close_block()

    def finalize(self) -> bytes:
        """Return all leaves; the last block is short or full, never empty."""
        if self._state is not None:
            self._close_block()
        return bytes(self.leaves)

    def _close_block(self) -> None:
        assert self._state is not None
        self.leaves += self._state.digest()
        self._state, self._filled = None, 0
