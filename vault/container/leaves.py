"""The leaves: a SHA-256 for each block of 1 MiB, and the tree over them. Source: docs/FORMAT.md, "Leaves"."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final

from vault.container.layout import BLOCK, LEAF
from vault.merkle import TreeHasher

if TYPE_CHECKING:
    from hashlib import _Hash

    from vault.container.lanes import Lane, Result

_AREA: Final = 4 * BLOCK

MAX_ROOM: Final = BLOCK + BLOCK // 8
"""Most bytes of `OutgoingBlocks` that are filled at once."""


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


class OutgoingBlocks:
    """Payload bytes on their way out, in memory that is used again; whole blocks are hashed meanwhile.

    Two areas of some MiB take turns. One is used again when the leaves of all its blocks are known; the
    beginning of a block that is not whole yet moves along.
    """

    def __init__(self, lane: Lane, length: int) -> None:
        """Prepare for a payload of ``length`` bytes, hashed by ``lane`` or by the caller."""
        self._lane = lane
        self._size = min(_AREA, length) + BLOCK + MAX_ROOM
        self._area = bytearray(self._size)
        self._other = bytearray()
        # Of the area in use, and of the other one: jobs whose leaves are not in ``_leaves`` yet.
        self._jobs: list[Result[bytes]] = []
        self._older: list[Result[bytes]] = []
        self._leaves = bytearray()
        self._start = 0
        self._end = 0

    def room(self, size: int) -> memoryview:
        """Return ``size`` bytes of memory, at most `MAX_ROOM`, to be filled and then kept by `keep`."""
        if self._end + size > self._size:
            self._take_turns()
        return memoryview(self._area)[self._end : self._end + size]

    def keep(self, size: int) -> memoryview:
        """Return the first ``size`` bytes of the last `room`; they stay until more room is asked for."""
        start, self._end = self._end, self._end + size
        view = memoryview(self._area)
        while self._end - self._start >= BLOCK:
            block = view[self._start : self._start + BLOCK]
            self._jobs.append(self._lane.offer(partial(leaf_of, block)))
            self._start += BLOCK
        return view[start : self._end]

    def pass_on(self, data: bytes) -> None:
        """Take bytes that stand elsewhere."""
        for offset in range(0, len(data), MAX_ROOM):
            piece = data[offset : offset + MAX_ROOM]
            self.room(len(piece))[:] = piece
            self.keep(len(piece))

    def finalize(self) -> bytes:
        """Return all leaves; the last block is short or full, never empty."""
        if self._end > self._start:
            rest = memoryview(self._area)[self._start : self._end]
            self._jobs.append(self._lane.offer(partial(leaf_of, rest)))
        self._collect(self._older + self._jobs)
        return bytes(self._leaves)

    def _take_turns(self) -> None:
        self._collect(self._older)
        self._older, self._jobs = self._jobs, []
        # A small payload never comes here, and needs one area only.
        target = self._other or bytearray(self._size)
        begun = self._end - self._start
        target[:begun] = memoryview(self._area)[self._start : self._end]
        self._area, self._other = target, self._area
        self._start, self._end = 0, begun

    def _collect(self, jobs: list[Result[bytes]]) -> None:
        for job in jobs:
            self._leaves += job.result()
