"""The `ObjectStore` port over a local folder: the one home of ``aiofiles``.

An object is written to ``incoming/``, synced, and renamed into ``objects/`` on the same file system: it is
there whole or not at all, also after a crash. What a crash leaves in ``incoming/`` no one sees, and `sweep`
removes it; what arrives in parts stands there too, until it is assembled. Files are readable by their owner
alone, folders too.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import time
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiofiles

from keys.randomness import random_bytes
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import (
    ListedObject,
    ObjectDamagedError,
    ObjectNotFoundError,
    ObjectUnlockableError,
    StagedPart,
    StoredObject,
    StoreFullError,
    StoreUnavailableError,
)
from vault.server.stores.localparts import Crc, assemble, part_name, pieces_of, remove
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator, Sequence

    from aiofiles.threadpool.binary import AsyncFileIO

    from vault.server.stores.localparts import Piece

CHUNK: Final = 1024 * 1024
"""Bytes that are read or written at once, one visit to a thread each."""

MIN_FREE: Final = 64 * CHUNK
"""Below this the store says that it is full before anything is sent to it."""

_PIECES: Final = 256
"""Most pieces that are written at once; POSIX systems take 1,024."""

_STAGED: Final = ".parts"
_KEY_BYTES: Final = 20
_KEY: Final = re.compile(r"[0-9a-f]{40}")
_SHARD: Final = re.compile(r"[0-9a-f]{2}")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalStore:
    """Objects in ``folder``, which is made if it is not there (mode 0700)."""

    def __init__(self, folder: Path) -> None:
        self._objects = folder / "objects"
        self._incoming = folder / "incoming"
        for path in (folder, self._objects, self._incoming):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def put(self, chunks: AsyncIterable[bytes]) -> StoredObject:
        """See `ObjectStore.put`."""
        key = random_bytes(_KEY_BYTES).hex()
        draft, final = self._incoming / key, self._path(key)
        try:
            size = await self._write(draft, chunks)
            with _translated():
                await settle(asyncio.to_thread(_publish, draft, final))
        except BaseException:
            await settle(asyncio.to_thread(_remove, draft, final))
            raise
        return StoredObject(key, size)

    async def _write(self, draft: Path, chunks: AsyncIterable[bytes]) -> int:
        with _translated():
            file = await _open(draft, "xb")
        reach(Failpoint.DRAFT_MADE)
        try:
            return await _pour(file, chunks)
        finally:
            with _translated():
                await settle(file.close())

    async def get(
        self, key: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See `ObjectStore.get`."""
        with _translated(looking_up=True):
            pieces = await asyncio.to_thread(pieces_of, self._path(key))
        size = sum(piece.size for piece in pieces)
        left = size - offset if length is None else length
        if not 0 <= left <= size - offset:
            raise ObjectDamagedError("the object ends before the range")
        for piece in pieces:
            start, offset = offset, max(0, offset - piece.size)
            if start < piece.size and left:
                async with aclosing(_read(piece, start, min(left, piece.size - start))) as chunks:
                    async for chunk in chunks:
                        left -= len(chunk)
                        yield chunk

    async def size(self, key: str) -> int:
        """See `ObjectStore.size`."""
        with _translated(looking_up=True):
            return sum(piece.size for piece in await asyncio.to_thread(pieces_of, self._path(key)))

    async def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        try:
            path = self._path(key)
        except ObjectNotFoundError:
            return
        with _translated():
            await settle(asyncio.to_thread(remove, path, self._draft()))
        reach(Failpoint.OBJECT_DELETED)

    async def retain(self, key: str, until: int) -> None:
        """See `ObjectStore.retain`: whoever owns a folder can remove what is in it."""
        del key, until
        raise ObjectUnlockableError("a local folder cannot lock objects")

    async def list(self) -> AsyncIterator[ListedObject]:
        """See `ObjectStore.list`."""
        with _translated():
            shards = await asyncio.to_thread(os.listdir, self._objects)
        for shard in sorted(filter(_SHARD.fullmatch, shards)):
            with _translated():
                listed = await asyncio.to_thread(_list_folder, self._objects / shard)
            for entry in listed:
                yield entry

    async def stage(self) -> str:
        """See `ObjectStore.stage`."""
        key = random_bytes(_KEY_BYTES).hex()
        with _translated():
            await settle(asyncio.to_thread(_make_folder, self._staged(key)))
        return key

    async def stage_part(
        self, staged: str, number: int, offset: int, chunks: AsyncIterable[bytes]
    ) -> StagedPart:
        """See `ObjectStore.stage_part`."""
        del offset  # parts stand beside each other, in the order of their numbers
        folder, draft = self._staged(staged), self._draft()
        with _translated(looking_up=True):
            await asyncio.to_thread(folder.stat)
        crc = Crc()
        try:
            size = await self._write(draft, crc.over(chunks))
            tag = f"{crc.value:08x}"
            with _translated(looking_up=True):
                await settle(asyncio.to_thread(_keep_part, draft, folder / part_name(number, tag)))
        except BaseException:
            await settle(asyncio.to_thread(_remove, draft))
            raise
        return StagedPart(number, size, tag)

    async def assemble(self, staged: str, parts: Sequence[StagedPart]) -> StoredObject:
        """See `ObjectStore.assemble`."""
        folder, final = self._staged(staged), self._path(staged)
        with _translated(looking_up=True):
            await settle(
                asyncio.to_thread(assemble, tuple(parts), staged=folder, final=final, publish=_publish)
            )
        return StoredObject(staged, sum(part.size for part in parts))

    async def unstage(self, staged: str) -> None:
        """See `ObjectStore.unstage`."""
        if _KEY.fullmatch(staged):
            with _translated():
                await settle(asyncio.to_thread(remove, self._staged(staged), self._draft()))

    async def list_staged(self) -> AsyncIterator[ListedObject]:
        """See `ObjectStore.list_staged`."""
        with _translated():
            listed = await asyncio.to_thread(_list_folder, self._incoming, _STAGED)
        for entry in listed:
            yield entry

    async def check(self) -> None:
        """See `ObjectStore.check`."""
        with _translated():
            await settle(asyncio.to_thread(self._probe))

    def _probe(self) -> None:
        state = os.statvfs(self._incoming)
        if state.f_bavail * state.f_frsize < MIN_FREE:
            raise OSError(errno.ENOSPC, "little room is left")
        probe = self._draft()
        os.close(_private(str(probe), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        probe.unlink()

    async def sweep(self, *, older_than: int) -> int:
        """Remove what puts that never ended left behind ``older_than`` seconds ago; return how many."""
        with _translated():
            return await settle(asyncio.to_thread(_sweep, self._incoming, time.time() - older_than))

    def _draft(self) -> Path:
        """Return a name that nobody has, for what is not (or no longer) to be seen."""
        return self._incoming / random_bytes(_KEY_BYTES).hex()

    def _staged(self, key: str) -> Path:
        """Return where the parts of an object are that is not whole yet."""
        if not _KEY.fullmatch(key):
            raise ObjectNotFoundError("nothing is staged under this name")
        return self._incoming / (key + _STAGED)

    def _path(self, key: str) -> Path:
        """Return where an object is; only what `put` can have drawn ever becomes part of a path."""
        if not _KEY.fullmatch(key):
            raise ObjectNotFoundError("there is no such object")
        return self._objects / key[:2] / key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


async def _open(path: Path, mode: Any) -> AsyncFileIO:
    opened: AsyncFileIO = await settle(
        aiofiles.open(path, mode, buffering=0, opener=_private), undo=lambda file: file.close()
    )
    return opened


async def _read(piece: Piece, offset: int, length: int) -> AsyncGenerator[bytes, None]:
    """Yield ``length`` bytes of a file, which are known to be there."""
    with _translated(looking_up=True):
        file = await _open(piece.path, "rb")
    try:
        with _translated():
            await settle(file.seek(offset))
        while length:
            with _translated():
                chunk = await settle(file.read(min(CHUNK, length)))
            if not chunk:
                raise ObjectDamagedError("the object ends before the range")
            length -= len(chunk)
            yield chunk
    finally:
        with _translated():
            await settle(file.close())


async def _pour(file: AsyncFileIO, chunks: AsyncIterable[bytes]) -> int:
    """Write all chunks where the file stands, durably, and return how many bytes that were."""
    size = gathered = 0
    waiting: list[bytes] = []
    async for chunk in chunks:  # its own exceptions pass through as they are
        size += len(chunk)
        gathered += len(chunk)
        waiting.append(chunk)
        if gathered >= CHUNK or len(waiting) == _PIECES:
            await _write_pieces(file, waiting)
            waiting, gathered = [], 0
            reach(Failpoint.DRAFT_GROWN)
    await _write_pieces(file, waiting)
    reach(Failpoint.DRAFT_WRITTEN)
    with _translated():
        await settle(asyncio.to_thread(os.fsync, file.fileno()))
    reach(Failpoint.DRAFT_SYNCED)
    return size


async def _write_pieces(file: AsyncFileIO, pieces: list[bytes]) -> None:
    with _translated():
        await settle(asyncio.to_thread(_write_all, file.fileno(), pieces))


def _write_all(descriptor: int, pieces: list[bytes]) -> None:
    """Write pieces one after the other, without copying them into one."""
    views = [memoryview(piece) for piece in pieces if piece]
    while views:
        written = os.writev(descriptor, views)
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if written:
            views[0] = views[0][written:]


def _publish(draft: Path, final: Path) -> None:
    folder = final.parent
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)
    draft.rename(final)
    reach(Failpoint.DRAFT_RENAMED)
    _sync_folder(folder)
    reach(Failpoint.OBJECT_KEPT)


def _make_folder(path: Path) -> None:
    path.mkdir(mode=0o700)
    _sync_folder(path.parent)


def _keep_part(draft: Path, final: Path) -> None:
    draft.rename(final)
    _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(*paths: Path) -> None:
    for path in paths:
        # What went wrong before is what the caller has to hear of.
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue
    reach(Failpoint.DRAFT_REMOVED)


def _list_folder(folder: Path, suffix: str = "") -> list[ListedObject]:
    listed = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                key = entry.name.removesuffix(suffix)
                if _KEY.fullmatch(key) and entry.name == key + suffix:
                    modified = entry.stat(follow_symlinks=False).st_mtime
                    size = sum(piece.size for piece in pieces_of(Path(entry.path)))
                    listed.append(ListedObject(key, size, int(modified)))
            except FileNotFoundError:  # deleted meanwhile
                continue
    return listed


def _sweep(folder: Path, before: float) -> int:
    swept = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_STAGED):
                continue  # its session says when it is forgotten
            try:
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    remove(Path(entry.path), folder / random_bytes(_KEY_BYTES).hex())
                    swept += 1
            except FileNotFoundError:  # its put ended meanwhile
                continue
    return swept


@contextmanager
def _translated(*, looking_up: bool = False) -> Iterator[None]:
    """Turn what the operating system says into the port's errors; paths stay out of the texts."""
    try:
        yield
    except OSError as error:
        if looking_up and error.errno == errno.ENOENT:
            raise ObjectNotFoundError("there is no such object") from None
        reason = os.strerror(error.errno) if error.errno else "the system refused"
        if error.errno in _FULL:
            raise StoreFullError(f"the object store is full: {reason}") from None
        raise StoreUnavailableError(f"the object store failed: {reason}") from None
