"""An object on its way to a bucket, and one on its way from it, in bounded memory."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from vault.server.ports import ObjectDamagedError, StagedPart
from vault.server.stores.s3answers import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vault.server.stores.s3client import Bucket
    from vault.server.stores.s3line import Body

T = TypeVar("T")

MIB: Final = 1024 * 1024
CHUNK: Final = MIB
"""Bytes that a reader gets at once; as many wait for it."""
PART: Final = 5 * MIB
"""Bytes of the first parts, the least that S3 takes; what fits into one is sent with a single request."""
AT_ONCE: Final = 3
"""Parts of one object that are sent while the next one fills, as many as S3's own clients send."""
PARTS_BEFORE_GROWTH: Final = 3400
"""As many parts of the first size hold 16 GiB."""
LARGEST_PART: Final = 256 * MIB
"""Later parts grow fourfold every thousand up to this: 10,000 of them, the most that S3 takes, hold 1 TiB."""
MAX_PARTS: Final = 10_000
REOPENINGS: Final = 3
"""How often a reading is taken up again after a cut without having got on."""


def part_size(number: int) -> int:
    """Return the bytes of one part, the first having the number 1."""
    if number <= PARTS_BEFORE_GROWTH:
        return PART
    return int(min(PART << min(2 + (number - PARTS_BEFORE_GROWTH - 1) // 1000 * 2, 16), LARGEST_PART))


class Buffers:
    """Memory for parts, used again by whoever needs some next: as much as is sent at once is kept.

    Fresh memory costs more than what is copied into it.
    """

    def __init__(self, spare: int) -> None:
        self._most = spare
        self._spare: list[bytearray] = []

    def take(self, size: int) -> bytearray:
        """Return ``size`` bytes; whatever stands in them."""
        return self._spare.pop() if size == PART and self._spare else bytearray(size)

    def give(self, buffer: bytearray) -> None:
        """Take a buffer back that nobody uses any more."""
        if len(buffer) == PART and len(self._spare) < self._most:
            self._spare.append(buffer)


class Workers(Protocol):
    """Where the blocking work is done.

    Attributes:
        sending: held for each part that is being sent.
        buffers: memory for parts.
    """

    sending: asyncio.Semaphore
    buffers: Buffers

    async def run(self, work: Callable[..., T], *words: Any) -> T:
        """Do something in a thread, to its end."""


class Sending:
    """An object on its way: one buffer fills while others are sent."""

    def __init__(self, store: Workers, bucket: Bucket, path: str) -> None:
        self._store = store
        self._bucket = bucket
        self._path = path
        self._upload: str | None = None
        self._parts: list[StagedPart] = []
        self._number = 1
        self._buffer = store.buffers.take(PART)
        self._filled = 0
        self._under_way: deque[asyncio.Task[StagedPart]] = deque()
        self._may_stand = False

    async def feed(self, chunk: bytes) -> None:
        """Take bytes; a full buffer goes on its way when more comes."""
        view = memoryview(chunk)
        while view:
            if self._filled == len(self._buffer):
                await self._send()
            taken = min(len(view), len(self._buffer) - self._filled)
            self._buffer[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]

    async def finish(self) -> int:
        """Send what is left, make the object whole, and return its length."""
        self._may_stand = True
        if self._upload is None:
            with memoryview(self._buffer)[: self._filled] as data:
                async with self._store.sending:
                    await self._store.run(self._bucket.put, self._path, data)
            self._store.buffers.give(self._buffer)
            return self._filled
        await self._send()
        while self._under_way:
            await self._arrived()
        self._store.buffers.give(self._buffer)
        return await self._store.run(self._bucket.complete, self._path, self._upload, self._parts)

    async def give_up(self) -> bool:
        """Remove what was sent in parts; return whether there may be a whole object to be removed."""
        if self._under_way:
            await asyncio.wait(self._under_way)
            for task in self._under_way:
                if not task.cancelled():
                    task.exception()  # taken note of
            self._under_way.clear()
        if self._upload is not None:
            await self._store.run(self._bucket.abort, self._path, self._upload)
        return self._may_stand

    async def _send(self) -> None:
        """Send the buffer once there is room on the way, and go on with another one."""
        if self._number > MAX_PARTS:
            raise ObjectDamagedError("the object is longer than an object store takes")
        if self._upload is None:
            await self._begin()
        # Where parts are large, one on its way is enough: memory counts more.
        most = AT_ONCE if len(self._buffer) == PART else 1
        while len(self._under_way) >= most:
            await self._arrived()
        # Nothing more is received before it is this part's turn: no object has more buffers than these.
        await self._store.sending.acquire()
        self._under_way.append(
            asyncio.ensure_future(self._send_part(self._buffer, self._filled, self._number))
        )
        self._number += 1
        self._buffer = self._store.buffers.take(part_size(self._number))
        self._filled = 0

    async def _begin(self) -> None:
        def keep() -> None:
            self._upload = self._bucket.begin(self._path)

        await self._store.run(keep)

    async def _send_part(self, buffer: bytearray, filled: int, number: int) -> StagedPart:
        try:
            with memoryview(buffer)[:filled] as data:
                return await self._store.run(self._bucket.send, self._path, self._upload, number, data)
        finally:
            self._store.buffers.give(buffer)
            self._store.sending.release()

    async def _arrived(self) -> None:
        """Wait for the part that was sent first."""
        self._parts.append(await asyncio.shield(self._under_way[0]))
        self._under_way.popleft()


class Reading:
    """A range on its way, one chunk ahead of its reader, which a cut line does not end."""

    def __init__(self, store: Workers, bucket: Bucket, path: str, offset: int, length: int | None) -> None:
        self._store = store
        self._bucket = bucket
        self._path = path
        self._offset = offset
        self._length = length
        self._body: Body | None = None
        self._ahead: asyncio.Future[bytes] | None = None
        self._stopped = False

    async def next(self) -> bytes:
        """Return the next chunk, empty at the end."""
        chunk = await asyncio.shield(self._ahead or self._fetch())
        self._ahead = self._fetch() if chunk else None
        return chunk

    def _fetch(self) -> asyncio.Future[bytes]:
        self._ahead = asyncio.ensure_future(self._store.run(self._read))
        return self._ahead

    def _read(self) -> bytes:
        """In a thread: return what comes next, opening the object again where the line was cut."""
        for attempt in range(REOPENINGS):
            try:
                return self._read_on()
            except TransientError:
                self._release()
                if self._stopped or attempt == REOPENINGS - 1:
                    raise
        raise AssertionError  # the loop always ends above

    def _read_on(self) -> bytes:
        if self._length == 0:
            return b""
        if self._body is None:
            try:
                self._body = self._bucket.open(self._path, self._offset, self._length)
            except ObjectDamagedError:
                # What begins exactly where the object ends is empty, and no range to S3.
                if self._length is None and self._bucket.head(self._path).size == self._offset:
                    self._length = 0
                    return b""
                raise
            self._length = self._body.left
            if self._length == 0:
                return b""
        chunk = self._body.read(CHUNK)
        self._offset += len(chunk)
        self._length = self._body.left
        return chunk

    def _release(self) -> None:
        if self._body is not None:
            body, self._body = self._body, None
            body.close()

    async def close(self) -> None:
        """End what is under way, also a read that hangs, and let the connection go."""
        self._stopped = True
        if self._ahead is not None:
            if not self._ahead.done() and self._body is not None:
                self._body.stop()
            await asyncio.wait([self._ahead])
            if not self._ahead.cancelled():
                self._ahead.exception()  # taken note of
        await self._store.run(self._release)
