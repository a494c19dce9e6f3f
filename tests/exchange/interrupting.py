"""A service with a loop of its own that is interrupted anywhere, and started again on what it kept."""

import asyncio
import io
from contextlib import AsyncExitStack, suppress
from functools import partial

import aiohttp
from aiohttp import web

from tests.exchange.world import found_world, open_server
from tests.suites.samples import ManualClock
from vault.server.failpoints import arm


class Interrupter:
    """Lets one request be struck where it waits for the n-th time, whatever it waits for there.

    Attributes:
        idle: set while nothing is being answered.
    """

    def __init__(self):
        self.idle = asyncio.Event()
        self.idle.set()
        self._plan = None

    def plan(self, turns, strike):
        """Call ``strike`` with the task of the next request where it waits for the ``turns``-th time."""
        self._plan = turns, strike

    @web.middleware
    async def around(self, request, handler):
        plan, self._plan = self._plan, None
        if plan is None:
            return await handler(request)
        self.idle.clear()
        try:
            return await _Counted(handler(request), *plan)
        finally:
            self.idle.set()


class _Counted:
    """A coroutine whose waits are counted."""

    def __init__(self, work, turns, strike):
        self._work = work
        self._turns = turns
        self._strike = strike

    def __await__(self):
        steps, left = self._work.__await__(), self._turns
        go_on = partial(next, steps)
        while True:
            try:
                waits_for = go_on()
            except StopIteration as done:
                return done.value
            left -= 1
            if left == 0:
                self._strike(asyncio.current_task())
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - all of it belongs to the coroutine
                go_on = partial(steps.throw, error)
            else:
                go_on = partial(next, steps)


class Site:
    """The service, for tests that have no loop.

    Attributes:
        world: everybody around it.
    """

    def __init__(self, folder, settings):
        self._runner = asyncio.Runner()
        self._folder = folder
        self._settings = settings
        self._clock = ManualClock()
        self._log = io.StringIO()
        self._server = AsyncExitStack()
        self._rest = AsyncExitStack()
        self._interrupter = None
        self.world = None

    def __enter__(self):
        self._runner.__enter__()
        self.run(self._open())
        return self

    def __exit__(self, *_):
        self.run(self._rest.aclose())
        self.run(self._server.aclose())
        self._runner.close()

    def run(self, work):
        """Do something to its end."""
        return self._runner.run(work)

    def restart(self):
        """Close all that the server has open, and open it again on the same data, elsewhere."""
        self.run(self._restart())

    def interrupted(self, request, turns, *, dropped):
        """Send a request, and interrupt it at the server's n-th wait: return the answer, or None.

        Args:
            request: the coroutine that sends it.
            turns: n; a request that ends before is answered.
            dropped: whether the client hangs up, and not the server's task is cancelled.
        """
        return self.run(self._interrupt(request, turns, dropped=dropped))

    def struck(self, request, point, *, cancelled):
        """Send a request, and end it at a failpoint: return the answer, or None, and whether it came there.

        Args:
            request: the coroutine that sends it.
            point: the failpoint.
            cancelled: whether the server's task is cancelled there, which it notices where it waits next, and
                does not end in the very place.
        """
        return self.run(self._strike(request, point, cancelled=cancelled))

    async def _open(self):
        self._interrupter = Interrupter()
        http = await self._rest.enter_async_context(aiohttp.ClientSession())
        # What is lost stays lost: no request is sent twice without being told.
        http._retry_connection = False
        server = await self._serve()
        self.world = await found_world(server, http, self._clock, self._log, self._folder)

    async def _restart(self):
        await self._server.aclose()
        server, world = await self._serve(), self.world
        world.address = world.origin = server.origin
        world.records, world.store, world.services = server.records, server.store, server.services

    async def _serve(self):
        around = [self._interrupter.around]
        return await self._server.enter_async_context(
            open_server(self._folder, self._clock, self._log, around=around, **self._settings)
        )

    async def _interrupt(self, request, turns, *, dropped):
        asking = asyncio.ensure_future(request)
        self._interrupter.plan(turns, lambda answering: (asking if dropped else answering).cancel())
        answer = None
        with suppress(aiohttp.ClientError, asyncio.CancelledError):
            answer = await asking
        # Whoever hung up does not know it, but the server may still be at it.
        await self._interrupter.idle.wait()
        return answer

    async def _strike(self, request, point, *, cancelled):
        reached = []

        def stop(at):
            if at is point and not reached:
                reached.append(at)
                if not cancelled:
                    raise asyncio.CancelledError
                asyncio.current_task().cancel()

        # No wait is struck: it is only known when the server is done.
        self._interrupter.plan(0, None)
        answer = None
        arm(stop)
        try:
            with suppress(aiohttp.ClientError):
                answer = await request
            await self._interrupter.idle.wait()
        finally:
            arm(None)
        return answer, bool(reached)
