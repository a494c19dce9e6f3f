"""A container on its way in: checked while it streams, its two parts kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.container.arrival import ArrivalExaminer
from vault.server.failpoints import Failpoint, reach

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.container.examine import Examined, Expectations


class Arrival:
    """Splits what arrives into head (preamble and envelope, at most 256 KiB) and body, examining both.

    ``body`` is read once, to its end; it raises what is wrong before it ends, so whoever stores it never
    keeps a body that is not whole.
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

    async def body(self) -> AsyncIterator[bytes]:
        """Yield payload, leaves and seal.

        Raises:
            ContainerError: it is not whole, or not signed.
        """
        async for chunk in self._chunks:
            self._examiner.update(chunk)
            rest = self._take_head(chunk)
            if rest:
                reach(Failpoint.BODY_BEGUN)
                yield bytes(rest)
        self._examined = self._examiner.finalize()
        reach(Failpoint.BODY_CHECKED)

    def _take_head(self, chunk: bytes) -> memoryview:
        """Keep what belongs to the head and return what follows it."""
        preamble = self._examiner.preamble
        # Without a preamble there are not 22 bytes yet: all of them belong to the head.
        missing = len(chunk) if preamble is None else preamble.payload_offset - len(self._head)
        view = memoryview(chunk)
        self._head += view[:missing]
        return view[missing:]
