"""Payload bytes that have been checked against their leaves, read block by block and a little ahead."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from vault.container.lanes import DEPTH, InlineLane, worth_a_thread
from vault.container.layout import BLOCK
from vault.container.leaves import leaf_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vault.container.examine import Sealed
    from vault.container.lanes import Lane, Result
    from vault.container.steps import Read, Steps


class BlockStream:
    """Reads the blocks that ``spans`` touch, each once, and hands out verified bytes in rising order."""

    def __init__(self, sealed: Sealed, spans: Iterable[tuple[int, int]], lane: Lane | None = None) -> None:
        """Prepare to read.

        Args:
            sealed: the container, or its body.
            spans: what will be asked for, as (start, stop) in the payload, rising and not empty.
            lane: who helps to hash, or nobody.
        """
        spans = list(spans)
        self._sealed = sealed
        self._ahead = _touched(spans)
        self._waiting: deque[tuple[int, bytes | memoryview, Result[bytes]]] = deque()
        length = sum(stop - start for start, stop in spans)
        self._lane = InlineLane() if lane is None else lane
        # One more than are waiting: the block that is being handed out.
        self._memory = [bytearray(BLOCK) for _ in range(DEPTH + 1)] if worth_a_thread(length) else []
        self._started = 0
        self._index = -1
        self._block = memoryview(b"")

    def read(self, start: int, stop: int) -> Steps[memoryview]:
        """Return verified payload bytes from ``start``: up to ``stop`` or to the end of the block.

        Raises:
            ContainerError: payload_damaged.
        """
        index, offset = divmod(start, BLOCK)
        while self._index < index:
            yield from self._advance()
        return self._block[offset : offset + stop - start]

    def read_all(self, start: int, stop: int) -> Steps[bytes]:
        """Return all verified payload bytes from ``start`` to ``stop``; they must fit in memory.

        Raises:
            ContainerError: payload_damaged.
        """
        data = bytearray()
        while start + len(data) < stop:
            data += yield from self.read(start + len(data), stop)
        return bytes(data)

    def _advance(self) -> Steps[None]:
        while len(self._waiting) < DEPTH and (index := next(self._ahead, None)) is not None:
            block = yield self._request(index)
            self._waiting.append((index, block, self._lane.offer(partial(leaf_of, block))))
        index, block, leaf = self._waiting.popleft()
        self._sealed.check_block(index, leaf.result())
        self._index, self._block = index, memoryview(block)

    def _request(self, index: int) -> Read:
        request = self._sealed.block_range(index)
        if not self._memory:
            return request
        memory = self._memory[self._started % len(self._memory)]
        self._started += 1
        return request._replace(into=memoryview(memory)[: request.length])


def _touched(spans: list[tuple[int, int]]) -> Iterator[int]:
    """Yield the indices of the blocks that the spans touch, each once."""
    done = -1
    for start, stop in spans:
        for index in range(max(start // BLOCK, done + 1), (stop - 1) // BLOCK + 1):
            yield index
            done = index
