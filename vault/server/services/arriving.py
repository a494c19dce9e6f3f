"""A container on its way in: checked while it streams, its two parts kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from vault.server.failpoints import Failpoint, reach
from vault.server.services.hashing import hashed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from vault.container.intake import Intake

T = TypeVar("T")


class Arrival(Generic[T]):
    """Splits what arrives into head (preamble and envelope, at most 256 KiB) and the rest, examining both.

    ``body`` is read once, to its end; it raises what is wrong before it ends, so whoever stores it never
    keeps a body that is not whole. Hashing is done by a thread: the event loop takes in the next bytes
    meanwhile, as many as the connection's buffer holds.
    """

    def __init__(self, chunks: AsyncIterator[bytes], examiner: Intake[T]) -> None:
        self._chunks = chunks
        self._examiner = examiner
        self._head = bytearray()
        self._result: T | None = None

    @property
    def result(self) -> T:
        """What arrived, as the examiner returns it, once ``body`` has ended."""
        assert self._result is not None
        return self._result

    @property
    def head(self) -> bytes:
        """Preamble and envelope, once ``body`` has ended."""
        return bytes(self._head)

    @property
    def announced(self) -> int:
        """The least that the whole container can have, in bytes, by its preamble; 0 while that is missing."""
        preamble = self._examiner.preamble
        return 0 if preamble is None else preamble.total_length(0)

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Yield what follows the head: of a whole container payload, leaves and seal.

        Raises:
            ContainerError: it is not whole, or not signed.
        """
        async for chunk in self._chunks:
            await hashed(chunk, self._examiner.update)
            rest = self._take_head(chunk)
            if rest:
                reach(Failpoint.BODY_BEGUN)
                yield rest
        self._result = self._examiner.finalize()
        reach(Failpoint.BODY_CHECKED)

    def _take_head(self, chunk: bytes) -> bytes:
        """Keep what belongs to the head and return what follows it."""
        preamble = self._examiner.preamble
        # Without a preamble there are not 22 bytes yet: all of them belong to the head.
        missing = len(chunk) if preamble is None else preamble.payload_offset - len(self._head)
        if not missing:
            return chunk
        self._head += chunk[:missing]
        return chunk[missing:]
