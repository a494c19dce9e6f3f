"""A container on disk as a body that can be sent, from the start, as often as it takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from client.remote.transport import Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from client.exchange.containers import ContainerFile

    Advance = Callable[[int], None]

PIECE = 1024 * 1024


def upload_file(file: ContainerFile, advance: Advance = lambda _count: None) -> Upload:
    """Return ``file`` as a body, see `upload_span`."""
    return upload_span(file, 0, file.size, advance)


def upload_span(file: ContainerFile, offset: int, length: int, advance: Advance) -> Upload:
    """Return ``length`` bytes of ``file`` from ``offset`` as a body, of which 1 MiB is in memory at a time.

    Args:
        file: an open container; it stays open until the call is over.
        offset: the first byte.
        length: how many.
        advance: called with the number of bytes handed to the network since the last call; a negative number
            takes back what a new attempt sends again.
    """
    done = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal done
        advance(-done)
        done = 0
        while done < length:
            piece = await asyncio.to_thread(file.read_at, offset + done, min(PIECE, length - done))
            if not piece:
                # The service notices the missing bytes and refuses.
                return
            yield piece
            done += len(piece)
            advance(len(piece))

    return Upload(length, pieces)


def upload_bytes(data: bytes) -> Upload:
    """Return what is in memory as a body."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]

    return Upload(len(data), pieces)
