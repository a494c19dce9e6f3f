"""The parts of an upload: every block is compared with its leaf before the store sees it."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import aclosing
from typing import TYPE_CHECKING

from vault.api.models.uploads import UploadPart
from vault.api.problems import Code
from vault.container.layout import BLOCK, LEAF
from vault.container.leaves import leaf_of
from vault.container.outcomes import ContainerError, Outcome
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import HiddenError
from vault.server.ports import ObjectNotFoundError, OutdatedError
from vault.server.refusals import RefusedError
from vault.server.services.hashing import hashed
from vault.server.services.parting import part_count, part_leaves, part_length, trailer_of
from vault.server.stores.records.uploads import OPEN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from vault.server.ports import Clock, ObjectStore, Records
    from vault.server.stores.records.rows import Upload


class Parts:
    """Takes parts, in any order and several at once."""

    def __init__(self, records: Records, store: ObjectStore, clock: Clock, *, lifetime: int) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._lifetime = lifetime

    async def put(
        self, upload_id: str, number: int, length: int | None, chunks: AsyncIterator[bytes], digest: bytes
    ) -> UploadPart:
        """Store one part; the same again changes nothing.

        Args:
            upload_id: of the session.
            number: from 1.
            length: how many bytes are announced, None if that is not said.
            chunks: the bytes.
            digest: their SHA-256.

        Raises:
            ContainerError: payload_damaged, naming the block.
            RefusedError: invalid_request; digest_mismatch; conflict. What was stored before stays.
        """
        async with self._records.read() as view:
            upload = await view.uploads.get(upload_id, now=self._clock.now())
        if upload is None or not part_length(upload, number):
            raise HiddenError("there is nothing here that you may see")
        _check_request(upload, number, length)
        try:
            async with aclosing(self._verified(upload, number, chunks, digest)) as blocks:
                part = await self._store.stage_part(
                    upload.staged, number, (number - 1) * upload.part_size, blocks
                )
            reach(Failpoint.UPLOAD_PART_STORED)
            async with self._records.bookkeeping() as tx:
                now = self._clock.now()
                await tx.uploads.keep_part(upload.id, part, now=now, until=now + self._lifetime)
        except (ObjectNotFoundError, OutdatedError):
            raise _ended() from None
        reach(Failpoint.UPLOAD_PART_RECORDED)
        return UploadPart(number=number, size=part_length(upload, number))

    async def _verified(
        self, upload: Upload, number: int, chunks: AsyncIterator[bytes], digest: bytes
    ) -> AsyncGenerator[bytes, None]:
        """Yield the part block by block, and after the last one of all leaves and seal."""
        leaves = await part_leaves(self._store, upload, number)
        whole, done = hashlib.sha256(), 0
        async with aclosing(_blocks(chunks)) as blocks:
            async for block in blocks:
                await hashed(block, whole.update)
                if await hashed(block, leaf_of) != leaves[LEAF * done : LEAF * (done + 1)]:
                    index = (number - 1) * upload.part_size // BLOCK + done
                    raise ContainerError(Outcome.PAYLOAD_DAMAGED, f"block {index} of the payload was changed")
                yield block
                done += 1
        if not hmac.compare_digest(whole.digest(), digest):
            raise RefusedError(
                Code.DIGEST_MISMATCH, "the part is not what Content-Digest says", field="Content-Digest"
            )
        if number == part_count(upload):
            async with aclosing(trailer_of(self._store, upload)) as trailer:
                async for chunk in trailer:
                    yield chunk


def _check_request(upload: Upload, number: int, length: int | None) -> None:
    expected = part_length(upload, number)
    if length != expected:
        raise RefusedError(
            Code.INVALID_REQUEST,
            f"part {number} has {expected} bytes, announced beforehand",
            field="Content-Length",
        )
    if upload.state != OPEN:
        raise _ended()


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield blocks of 1 MiB, the last one of what is left."""
    gathered: list[bytes] = []
    missing = BLOCK
    async for chunk in chunks:
        rest = chunk
        while len(rest) >= missing:
            yield b"".join((*gathered, rest[:missing]))
            rest, gathered, missing = rest[missing:], [], BLOCK
        if rest:
            gathered.append(rest)
            missing -= len(rest)
    if gathered:
        yield b"".join(gathered)


def _ended() -> RefusedError:
    return RefusedError(Code.CONFLICT, "the upload is completed or given up: it takes no part any more")
