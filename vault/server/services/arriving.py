"""A container on its way in: checked while it streams, its two parts kept apart."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from vault.container.arrival import ArrivalExaminer
from vault.server.failpoints import Failpoint, reach
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from vault.container.examine import Examined, Expectations

_WORTH_A_THREAD: Final = 32 * 1024
"""Fewer bytes are hashed faster than they are handed over."""

_HASHING: Final = ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="scelle-hash")
"""Threads of its own: those that wait for a disk or for a store must not keep hashing waiting."""


class Arrival:
    """Splits what arrives into head (preamble and envelope, at most 256 KiB) and body, examining both.

    ``body`` is read once, to its end; it raises what is wrong before it ends, so whoever stores it never
    keeps a body that is not whole. Hashing is done by a thread: the event loop takes in the next bytes
    meanwhile, as many as the connection's buffer holds.
    """

    def __init__(self, chunks: AsyncIterator[bytes], expected: Expectations) -> None:
        self._chunks = chunks
        self._examiner = ArrivalExaminer(expected)
        self._head = bytearray()
        self._examined: Examined | None = None

    @property
    def examined(self) -> Examined:
        """What arrived, once ``body`` has ended."""
        assert self._examined is not None
        return self._examined

    @property
    def head(self) -> bytes:
        """Preamble and envelope, once ``body`` has ended."""
        return bytes(self._head)

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Yield payload, leaves and seal.

        Raises:
            ContainerError: it is not whole, or not signed.
        """
        async for chunk in self._chunks:
            await self._examine(chunk)
            rest = self._take_head(chunk)
            if rest:
                reach(Failpoint.BODY_BEGUN)
                yield rest
        self._examined = self._examiner.finalize()
        reach(Failpoint.BODY_CHECKED)

    async def _examine(self, chunk: bytes) -> None:
        if len(chunk) < _WORTH_A_THREAD:
            self._examiner.update(chunk)
        else:
            loop = asyncio.get_running_loop()
            await settle(loop.run_in_executor(_HASHING, self._examiner.update, chunk))

    def _take_head(self, chunk: bytes) -> bytes:
        """Keep what belongs to the head and return what follows it."""
        preamble = self._examiner.preamble
        # Without a preamble there are not 22 bytes yet: all of them belong to the head.
        missing = len(chunk) if preamble is None else preamble.payload_offset - len(self._head)
        if not missing:
            return chunk
        self._head += chunk[:missing]
        return chunk[missing:]
