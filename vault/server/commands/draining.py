"""Letting what is under way come to its end before the server does.

aiohttp (3.14.5) throws away every byte that arrives after its own shutdown has begun, and an upload would
wait for them in vain. So it is told to shut down only when no request is under way any more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Traffic:
    """The requests under way in an application that has not been started yet."""

    def __init__(self, app: web.Application) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._ending = False
        app.middlewares.insert(0, self._through)
        app.on_response_prepare.append(self._prepare)

    async def drain(self) -> None:
        """Wait until no request is under way; from now on every answer is the last on its connection."""
        self._ending = True
        await self._none.wait()

    @web.middleware
    async def _through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._count += 1
        self._none.clear()
        try:
            return await handler(request)
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def _prepare(self, _request: web.Request, response: web.StreamResponse) -> None:
        if self._ending:
            response.force_close()
