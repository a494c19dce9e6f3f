"""A line to an S3 service: a call is one HTTP request, with its answer."""

import asyncio
import contextlib

from tests.faults.fates import Fate
from tests.faults.proxy import AFTER, DELAY, BrokenOffError, Proxy, Side

_CODES = {Fate.ERROR: (500, "InternalError"), Fate.BUSY: (503, "SlowDown")}


class S3Proxy(Proxy):
    """Takes a request whole, and its answer whole, before either goes on."""

    async def serve(self, near: Side, far: Side) -> None:
        late = False
        try:
            while True:
                head, body = await _message(near)
                fate = self.switch.call()
                method = head.split(b" ", 1)[0]
                if fate is Fate.LATE:
                    await self.until_gone(near)
                    late = True
                    self.later(_send_late(far, head + body, method))
                    return
                if not await self._call(near, far, head + body, method, fate):
                    return
        finally:
            if not late:
                far.close()

    async def _call(self, near: Side, far: Side, request: bytes, method: bytes, fate: Fate | None) -> bool:
        """Do one call; return whether the connection goes on."""
        if fate is Fate.RESET:
            near.reset()
            return False
        if fate is Fate.HUNG:
            await self.until_gone(near)
            return False
        if fate in _CODES:
            await near.give(_refusal(*_CODES[fate], with_body=method != b"HEAD"))
            return True
        if fate is Fate.SLOW:
            await asyncio.sleep(DELAY)
        await far.give(request)
        head, body = await _message(far, answers=method)
        if fate is Fate.LOST:
            near.reset()
            return False
        answer = head + body
        if fate is Fate.TORN:
            # Of an answer without a body half of its head arrives.
            await near.give(head + body[: len(body) // 2] if body else head[: len(head) // 2])
            return False
        await near.give(answer)
        return True


async def _send_late(far: Side, request: bytes, method: bytes) -> None:
    await asyncio.sleep(AFTER)
    with contextlib.suppress(BrokenOffError):
        await far.give(request)
        await _message(far, answers=method)
    far.close()


def _refusal(status: int, code: str, *, with_body: bool) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>not now</Message></Error>".encode()
    head = (
        f"HTTP/1.1 {status} Refused\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


async def _message(side: Side, *, answers: bytes | None = None) -> tuple[bytes, bytes]:
    """Return head and body, as they came, of a request, or of an answer to one of this method."""
    try:
        head = await side.reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError):
        raise BrokenOffError from None
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if answers is not None and (answers == b"HEAD" or first.split(" ")[1] in {"204", "304"}):
        return head, b""
    if "chunked" in fields.get("transfer-encoding", ""):
        return head, await _chunks(side)
    return head, await side.take(int(fields.get("content-length", "0")))


async def _chunks(side: Side) -> bytes:
    """Return a chunked body as it came."""
    pieces = []
    while True:
        line = await side.reader.readuntil(b"\r\n")
        length = int(line.split(b";")[0], 16)
        pieces += [line, await side.take(length + 2)]
        if not length:
            return b"".join(pieces)
