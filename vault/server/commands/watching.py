"""Showing the numbers of a server to whoever watches it, on a port of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from vault.server.asking import Question
from vault.server.metrics import CONTENT_TYPE
from vault.server.ports import RecordsError

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Sequence

    from vault.server.metrics import Metrics
    from vault.server.ports import Clock, Records
    from vault.server.services.health import Health
    from vault.server.stores.records.runs import Run

WATCHED_DAYS: Final = (7, 30)
"""Within how many days habilitations that end are counted; the authority's key has to be fetched for it."""
_DAY: Final = 86_400
_EVERY: Final = 0.25
"""Seconds between two looks at how late the event loop is."""


@asynccontextmanager
async def watched(
    metrics: Metrics, records: Records, health: Health, clock: Clock, sockets: Sequence[socket.socket]
) -> AsyncIterator[None]:
    """Answer ``GET /metrics`` on ``sockets``, if there are any, for as long as the block lasts."""

    async def last_runs() -> tuple[Run, ...] | None:
        try:
            async with records.read() as view:
                return await view.runs.all()
        except RecordsError:
            return None

    async def habilitations() -> dict[int, int] | None:
        now = clock.now()
        try:
            async with records.read() as view:
                return {
                    days: await view.statements.ending(now=now, by=now + days * _DAY) for days in WATCHED_DAYS
                }
        except RecordsError:
            return None

    ending: Question[dict[int, int] | None] = Question(habilitations, None)
    runs: Question[tuple[Run, ...] | None] = Question(last_runs, None)

    async def show(_request: web.Request) -> web.Response:
        missing, found, soon = await asyncio.gather(health.missing(), runs.answer(), ending.answer())
        body = metrics.render(missing=missing, runs=found, ending=soon)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    app = web.Application()
    app.router.add_get("/metrics", show)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    looking = asyncio.create_task(_look(metrics))
    try:
        for one in sockets:
            await web.SockSite(runner, one).start()
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await runner.cleanup()


async def _look(metrics: Metrics) -> None:
    """Note, again and again, how much later than asked for the loop comes back."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _EVERY
        await asyncio.sleep(_EVERY)
        metrics.late(max(0.0, loop.time() - due))
