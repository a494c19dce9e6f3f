"""A line to an engine on which a call can be made to fail; what a call is, the engine's own proxy knows."""

import asyncio
import contextlib
import socket
import struct

from tests.faults.fates import Switch

HOST = "127.0.0.1"
DELAY = 0.1
"""Seconds that a slow call is held up: less than the server waits."""
AFTER = 0.3
"""Seconds that a late call comes after the server gave it up."""
_RESET = struct.pack("ii", 1, 0)  # struct linger: do not wait, tell the other side at once
LIMIT = 1 << 20


class BrokenOffError(Exception):
    """One side is gone, in the middle of something."""


class Side:
    """One side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def take(self, length: int) -> bytes:
        try:
            return await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            raise BrokenOffError from None

    async def give(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            raise BrokenOffError from None

    def reset(self) -> None:
        """End it as a machine does that knows nothing of the connection."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


class Proxy:
    """Listens on loopback and passes everything on to ``port``.

    Attributes:
        switch: says what befalls which call.
        port: where it listens.
    """

    def __init__(self, far_port: int) -> None:
        self.switch = Switch()
        self._far_port = far_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._begin, HOST, 0, limit=LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in [*self._tasks, *self._late]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._late, return_exceptions=True)

    async def settle(self) -> None:
        """Wait until everything has come to the engine that was held up."""
        while self._late:
            await asyncio.gather(*self._late)

    def later(self, work) -> None:
        """Do something after the connection that it came on has ended."""
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _begin(self, reader, writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        near = Side(reader, writer)
        try:
            far = Side(*await asyncio.open_connection(HOST, self._far_port, limit=LIMIT))
        except OSError:
            near.reset()
            return
        # Nobody waits for this task; cancelled, it has ended.
        with contextlib.suppress(BrokenOffError, asyncio.CancelledError):
            await self.serve(near, far)
        near.close()

    async def serve(self, near: Side, far: Side) -> None:
        """Pass on one connection until it ends, and end the far side of it."""
        raise NotImplementedError

    @staticmethod
    async def until_gone(near: Side, goodbye: bytes = b"") -> None:
        """Wait until the server gives up, or says goodbye; whatever it sends meanwhile goes nowhere."""
        with contextlib.suppress(OSError):
            while data := await near.reader.read(LIMIT):
                if goodbye and data.endswith(goodbye):
                    return
