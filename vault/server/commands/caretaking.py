"""The janitor at work inside a server, so that no machine needs another clockwork for it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from vault.server.ports import RecordsError, StoreError
from vault.server.services.janitor import JANITOR, LeaseHeldError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import structlog

    from vault.server.ports import Clock, Records
    from vault.server.services.janitor import Janitor

_LOOK: Final = 60
"""Seconds between two looks whether it is time: what was done by another server or by hand counts."""


@asynccontextmanager
async def caretaken(
    janitor: Janitor,
    records: Records,
    clock: Clock,
    log: structlog.typing.FilteringBoundLogger,
    *,
    every: int,
) -> AsyncIterator[None]:
    """Let the janitor work about every so many seconds, 0 for never, for as long as the block lasts."""
    if not every:
        yield
        return
    working = asyncio.create_task(_work(janitor, records, clock, log, every))
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def _work(
    janitor: Janitor, records: Records, clock: Clock, log: structlog.typing.FilteringBoundLogger, every: int
) -> None:
    while True:
        await asyncio.sleep(min(every, _LOOK))
        try:
            if await _is_due(records, clock, every):
                cleaning = await janitor.run()
                tell = log.warning if cleaning.locks_failed else log.info
                tell("janitor", **cleaning.counts())
        except LeaseHeldError:
            continue  # another server is at it
        except (RecordsError, StoreError) as error:
            log.warning("janitor failed", reason=str(error))


async def _is_due(records: Records, clock: Clock, every: int) -> bool:
    async with records.read() as view:
        started = [run.started_at for run in await view.runs.all() if run.name == JANITOR]
    # A time that is still to come was written by a clock that went wrong.
    return not started or not 0 <= clock.now() - started[0] < every
