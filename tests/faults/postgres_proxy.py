"""A line to PostgreSQL: a call is whatever the server sends before it waits for an answer.

That is a packet that begins a connection, a password, a query, or messages up to a Sync or a Flush: see
"Message Flow" in PostgreSQL's manual.
"""

import asyncio
import contextlib
import struct
from typing import NamedTuple

from tests.faults.fates import Fate
from tests.faults.proxy import AFTER, DELAY, BrokenOffError, Proxy, Side

_WAITS = frozenset(b"QSHp")
_GOODBYE = b"X\0\0\0\x04"
_SSL, _CANCEL = 80877103, 80877102
_OUT_OF_MEMORY, _TOO_MANY = "53200", "53300"


class Call(NamedTuple):
    """What is sent before an answer is waited for.

    Attributes:
        kind: the last message's, or what begins a connection.
    """

    kind: str
    data: bytes


class PostgresProxy(Proxy):
    """Takes a call whole; answers go on as they come, or are held back."""

    async def serve(self, near: Side, far: Side) -> None:
        await _Session(self, near, far).run()


class _Session:
    """One connection."""

    def __init__(self, proxy: PostgresProxy, near: Side, far: Side) -> None:
        self._proxy, self._near, self._far = proxy, near, far
        self._answer: asyncio.Future[bytes] | None = None
        """Where the answer goes that must not go on by itself."""
        self._awaited = ""
        self._begun = False

    async def run(self) -> None:
        back = asyncio.create_task(self._pass_back())
        late = False
        try:
            while (call := await self._next()) is not None:
                fate = self._proxy.switch.call()
                late = fate is Fate.LATE
                if not await self._call(call, fate):
                    return
        finally:
            back.cancel()
            if not late:
                self._far.close()

    async def _next(self) -> Call | None:
        """Return the next call; None: the server said goodbye."""
        near, data = self._near, b""
        if not self._begun:
            length = await near.take(4)
            data = length + await near.take(int.from_bytes(length, "big") - 4)
            (code,) = struct.unpack_from(">I", data, 4)
            self._begun = code != _SSL
            return Call({_SSL: "ssl", _CANCEL: "cancel"}.get(code, "startup"), data)
        while True:
            head = await near.take(5)
            data += head + await near.take(int.from_bytes(head[1:], "big") - 4)
            if head == _GOODBYE:
                return None
            if head[0] in _WAITS:
                return Call(head[:1].decode(), data)

    async def _call(self, call: Call, fate: Fate | None) -> bool:
        """Do one call; return whether the connection goes on."""
        near, far = self._near, self._far
        if fate is Fate.RESET:
            near.reset()
            return False
        if fate in {Fate.HUNG, Fate.LATE}:
            await self._proxy.until_gone(near, _GOODBYE)
            if fate is Fate.LATE:
                self._proxy.later(self._send_late(call))
            return False
        if fate in {Fate.ERROR, Fate.BUSY}:
            return await self._fail(call, fate)
        if fate is Fate.SLOW:
            await asyncio.sleep(DELAY)
        if fate in {None, Fate.SLOW}:
            await far.give(call.data)
            return True
        answer = await self._ask(call)
        if fate is Fate.TORN:
            await near.give(answer[: len(answer) // 2])
            near.close()
        else:
            near.reset()
        return False

    async def _ask(self, call: Call) -> bytes:
        """Return the whole answer to a call, which does not go on by itself."""
        self._awaited = call.kind
        self._answer = asyncio.get_running_loop().create_future()
        await self._far.give(call.data)
        return await self._answer

    async def _fail(self, call: Call, fate: Fate) -> bool:
        """Let the engine itself fail, in the state that it is in; return whether the connection goes on."""
        if call.kind in {"ssl", "cancel"}:
            self._near.reset()
            return False
        if call.kind not in {"Q", "S", "H"}:
            await self._near.give(_error("FATAL", _TOO_MANY))
            self._near.close()
            return False
        if fate is Fate.BUSY:
            # As an operator's restart does: it says 57P01 and ends the connection.
            await self._far.give(_query("SELECT pg_terminate_backend(pg_backend_pid())"))
            await self._proxy.until_gone(self._near)
            return False
        words = f"DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '{_OUT_OF_MEMORY}'; END $$"
        answer = await self._ask(Call("Q", _query(words)))
        if call.kind != "H":
            await self._near.give(answer)
            return True
        # It says that it is ready once the Sync has come, which every driver sends then.
        error, ready = answer[:-6], answer[-6:]
        await self._near.give(error)
        assert (await self._next()) is not None
        await self._near.give(ready)
        return True

    async def _send_late(self, call: Call) -> None:
        await asyncio.sleep(AFTER)
        with contextlib.suppress(BrokenOffError, asyncio.CancelledError):
            await self._far.give(call.data)
            await asyncio.sleep(AFTER)
        self._far.close()

    async def _pass_back(self) -> None:
        """Pass on what comes from the engine; what is asked for by `_ask` is gathered instead."""
        gathered = b""
        try:
            while True:
                piece = await self._message()
                if self._answer is None:
                    await self._near.give(piece)
                    continue
                gathered += piece
                if _ends(self._awaited, piece):
                    self._answer.set_result(gathered)
                    self._answer, gathered = None, b""
        except BrokenOffError:
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(gathered)
            self._near.close()

    async def _message(self) -> bytes:
        mark = await self._far.take(1)
        if not self._begun:
            return mark
        length = await self._far.take(4)
        return mark + length + await self._far.take(int.from_bytes(length, "big") - 4)


def _ends(kind: str, message: bytes) -> bool:
    """Tell whether a message ends the answer to a call of this kind."""
    mark = message[:1]
    if kind == "ssl":
        return True
    if kind in {"startup", "p"}:
        # Until more is asked of whoever connects; 0 says that it is who it says.
        return mark in b"ZE" or (mark == b"R" and message[5:9] not in {b"\0\0\0\0", b"\0\0\0\x0c"})
    if kind == "H":
        return mark in b"TnE"
    return mark == b"Z"


def _query(words: str) -> bytes:
    data = words.encode() + b"\0"
    return b"Q" + struct.pack(">I", len(data) + 4) + data


def _error(severity: str, state: str) -> bytes:
    fields = f"S{severity}\0V{severity}\0C{state}\0Mthe proxy says so\0\0".encode()
    return b"E" + struct.pack(">I", len(fields) + 4) + fields
