"""How long a service may leave a body unread: aiohttp limits the silence of answers only."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def patient(
    pieces: AsyncIterator[bytes] | None, seconds: float
) -> AsyncIterator[AsyncIterator[bytes] | None]:
    """Give a body to send in the block, each piece of which has to be taken within ``seconds``.

    Once all of it is taken, waiting for the answer is limited elsewhere.

    Raises:
        TimeoutError: the next piece was not asked for in time.
    """
    if pieces is None:
        yield None
        return
    async with asyncio.timeout(seconds) as limit:
        yield _watched(pieces, limit, seconds)


async def _watched(
    pieces: AsyncIterator[bytes], limit: asyncio.Timeout, seconds: float
) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    # An answer that came before the body was read has left the block already.
    with suppress(RuntimeError):
        try:
            async for piece in pieces:
                limit.reschedule(clock() + seconds)
                yield piece
        finally:
            limit.reschedule(None)
