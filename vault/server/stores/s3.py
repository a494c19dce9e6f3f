"""The `ObjectStore` port over one bucket of an S3 service.

An object is sent while it arrives: one buffer fills while others are on their way. Small ones are one
request, larger ones a multipart upload that shows nothing before it is completed. All requests are made in
threads, and cancellation waits for them, so that what is undone stays undone.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keys.randomness import random_bytes
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import (
    ListedObject,
    ObjectDamagedError,
    ObjectNotFoundError,
    ObjectUnlockableError,
    StagedPart,
    StoredObject,
    StoreError,
    StoreUnavailableError,
)
from vault.server.stores.s3client import PAGE, Bucket
from vault.server.stores.s3transfers import Buffers, Reading, Sending
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
    from typing import Literal

    from vault.server.stores.s3line import Place

T = TypeVar("T")

SENDING: Final = 4
"""Parts that are sent at once by the whole store: a service needs memory for each."""
THREADS: Final = 16

_KEY_BYTES: Final = 20
_DIGITS: Final = "0123456789abcdef"
_SHARDS: Final = [f"{number:02x}/{number:02x}" for number in range(256)]
_KEY: Final = re.compile(r"[0-9a-f]{40}")
_STAGED: Final = re.compile(r"([0-9a-f]{40})\.([A-Za-z0-9._~=+:|-]{1,1150})")
"""Key and upload; an upload whose id could be taken for a path is nobody's."""


class S3Store:
    """Objects in a bucket, under a prefix.

    Args:
        place: the bucket.
        prefix: before every name, without a slash at its end; may be empty.
        object_lock: how `retain` binds: not at all, until somebody with the right lifts it, or for good.

    Raises:
        StoreUnavailableError, ValueError: see `Bucket`.
    """

    def __init__(
        self,
        place: Place,
        *,
        prefix: str = "",
        object_lock: Literal["off", "governance", "compliance"] = "off",
    ) -> None:
        self._bucket = Bucket(place)
        self._prefix = f"{prefix}/objects/" if prefix else "objects/"
        self._object_lock = object_lock
        self._versioned: bool | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        self.sending = asyncio.Semaphore(SENDING)
        self.buffers = Buffers(SENDING)

    async def close(self) -> None:
        """Wait for what is under way and close the connections."""
        await settle(asyncio.to_thread(self._threads.shutdown))
        self._bucket.close()

    async def run(self, work: Callable[..., T], *words: Any) -> T:
        """Do something in a thread, to its end."""
        return await settle(self._begin(work, *words))

    def _begin(self, work: Callable[..., T], *words: Any) -> asyncio.Future[T]:
        # What is logged there bears the id of the request that it is done for.
        inherited = partial(copy_context().run, work, *words)
        return asyncio.get_running_loop().run_in_executor(self._threads, inherited)

    # --- whole objects ---------------------------------------------------------------------------------

    async def put(self, chunks: AsyncIterable[bytes]) -> StoredObject:
        """See `ObjectStore.put`."""
        key = random_bytes(_KEY_BYTES).hex()
        sending = Sending(self, self._bucket, self._path(key))
        try:
            async for chunk in chunks:  # its own exceptions pass through as they are
                await sending.feed(chunk)
            size = await sending.finish()
        except BaseException:
            await settle(self._undo(sending, key))
            raise
        return StoredObject(key, size)

    async def _undo(self, sending: Sending, key: str) -> None:
        """Take back what was sent; what went wrong before is what the caller has to hear of."""
        try:
            if await sending.give_up():
                await self.delete(key)
        except StoreError:
            return

    async def get(
        self, key: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See `ObjectStore.get`."""
        path = self._path(key)
        if offset < 0 or (length is not None and length <= 0):
            size = (await self.run(self._bucket.head, path)).size
            if length != 0 or not 0 <= offset <= size:
                raise ObjectDamagedError("the object ends before the range")
            return
        reading = Reading(self, self._bucket, path, offset, length)
        try:
            while chunk := await reading.next():
                yield chunk
        finally:
            await settle(reading.close())

    async def size(self, key: str) -> int:
        """See `ObjectStore.size`."""
        return (await self.run(self._bucket.head, self._path(key))).size

    async def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        try:
            path = self._path(key)
        except ObjectNotFoundError:
            return
        versioned = await self._keeps_versions()
        await self.run(lambda: self._bucket.delete(path, versioned=versioned))
        reach(Failpoint.S3_OBJECT_DELETED)

    async def list(self) -> AsyncIterator[ListedObject]:
        """See `ObjectStore.list`."""
        after = ""
        while True:
            page = await self.run(self._bucket.objects, self._prefix, after)
            for one in page:
                key = self._key(one.key)
                if key is not None:
                    yield one._replace(key=key)
            if len(page) < PAGE:
                return
            after = page[-1].key

    async def locks(self) -> bool:
        """Return whether the bucket was made so that `retain` can bind it.

        Raises:
            StoreUnavailableError.
        """
        return await self.run(self._bucket.locks)

    async def retain(self, key: str, until: int) -> None:
        """See `ObjectStore.retain`."""
        path = self._path(key)
        if self._object_lock == "off":
            raise ObjectUnlockableError("this object store is not set up to lock objects")
        compliance = self._object_lock == "compliance"
        await self.run(lambda: self._bucket.retain(path, until, compliance=compliance))

    async def check(self) -> None:
        """See `ObjectStore.check`: begins an upload and gives it up, which leaves not even a version."""
        path = self._path(random_bytes(_KEY_BYTES).hex())
        await settle(self._probe(path))

    async def _probe(self, path: str) -> None:
        upload = await self.run(self._bucket.begin, path)
        await self.run(self._bucket.abort, path, upload)

    # --- objects in parts ------------------------------------------------------------------------------

    async def stage(self) -> str:
        """See `ObjectStore.stage`."""
        key = random_bytes(_KEY_BYTES).hex()
        path = self._path(key)
        begun = self._begin(self._bucket.begin, path)
        upload = await settle(begun, undo=lambda upload: self.run(self._bucket.abort, path, upload))
        staged = f"{key}.{upload}"
        if not _STAGED.fullmatch(staged):
            await self.run(self._bucket.abort, path, upload)
            raise StoreUnavailableError("the object store names its uploads in a way that cannot be kept")
        return staged

    async def stage_part(
        self, staged: str, number: int, offset: int, chunks: AsyncIterable[bytes]
    ) -> StagedPart:
        """See `ObjectStore.stage_part`. The part is in memory, whole, until it is sent."""
        del offset  # the number says where it stands
        key, upload = _staged(staged)
        gathered = bytearray()
        async for chunk in chunks:
            gathered += chunk
        async with self.sending:
            return await self.run(self._bucket.send, self._path(key), upload, number, gathered)

    async def assemble(self, staged: str, parts: Sequence[StagedPart]) -> StoredObject:
        """See `ObjectStore.assemble`."""
        key, upload = _staged(staged)
        ordered = sorted(parts)
        if not ordered or [part.number for part in ordered] != list(range(1, len(ordered) + 1)):
            raise ObjectDamagedError("a part is missing")
        size = await self.run(self._bucket.complete, self._path(key), upload, ordered)
        return StoredObject(key, size)

    async def unstage(self, staged: str) -> None:
        """See `ObjectStore.unstage`."""
        try:
            key, upload = _staged(staged)
        except ObjectNotFoundError:
            return
        await self.run(self._bucket.abort, self._path(key), upload)

    async def list_staged(self) -> AsyncIterator[ListedObject]:
        """See `ObjectStore.list_staged`."""
        # Markers mean other things to SeaweedFS: what does not fit into one page is split by prefix.
        prefixes = [self._prefix]
        while prefixes:
            prefix = prefixes.pop()
            page = await self.run(self._bucket.uploads, prefix)
            if len(page) >= PAGE and len(prefix) < len(self._path("0" * 40)):
                shards = [f"{number:02x}/{number:02x}" for number in range(256)]
                prefixes += [
                    prefix + more for more in (shards if prefix == self._prefix else "0123456789abcdef")
                ]
                continue
            for one in page:
                name, _, upload = one.key.partition("\n")
                key = self._key(name)
                if key is not None:
                    yield one._replace(key=f"{key}.{upload}")

    # --- names -----------------------------------------------------------------------------------------

    async def _keeps_versions(self) -> bool:
        if self._versioned is None:
            self._versioned = await self.run(self._bucket.keeps_versions)
        return self._versioned

    def _path(self, key: str) -> str:
        """Return the name of an object in the bucket; only what we can have drawn becomes part of one."""
        if not _KEY.fullmatch(key):
            raise ObjectNotFoundError("there is no such object")
        return f"{self._prefix}{key[:2]}/{key}"

    def _key(self, path: str) -> str | None:
        """Return the key of an object in the bucket, None for what is not ours."""
        key = path.rpartition("/")[2]
        return key if _KEY.fullmatch(key) and path == self._path(key) else None


def _staged(staged: str) -> tuple[str, str]:
    found = _STAGED.fullmatch(staged)
    if found is None:
        raise ObjectNotFoundError("nothing is staged under this name")
    return found[1], found[2]
