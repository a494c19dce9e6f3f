"""Upload sessions and their parts: forgotten when they expire, so none of it stands in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from vault.server.ports import QuotaExceededError, StagedPart, object_key
from vault.server.stores.records import schema
from vault.server.stores.records.condemning import check_spared
from vault.server.stores.records.handle import Handle, rows_of
from vault.server.stores.records.rows import Upload, UploadObjects

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

OPEN = "open"
COMPLETED = "completed"


class Uploads:
    """Sessions. One that has expired is not there, whether or not it was removed."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, upload_id: str, *, now: int) -> Upload | None:
        """Return one."""
        table = schema.uploads
        return await self._handle.first(
            Upload, rows_of(Upload, table).where(table.c.id == upload_id, table.c.expires_at > now)
        )

    async def by_seal(self, seal_id: bytes, *, now: int) -> Upload | None:
        """Return the one for this seal: there is one at most."""
        table = schema.uploads
        return await self._handle.first(
            Upload, rows_of(Upload, table).where(table.c.seal_id == seal_id, table.c.expires_at > now)
        )

    async def parts(self, upload_id: str) -> tuple[StagedPart, ...]:
        """Return the parts that are stored, by number."""
        table = schema.upload_parts
        return await self._handle.all(
            StagedPart,
            rows_of(StagedPart, table).where(table.c.upload_id == upload_id).order_by(table.c.number),
        )

    async def count_expired(self, *, now: int) -> int:
        """Return how many nobody can go on with any more."""
        table = schema.uploads
        counted: int = await self._handle.value(
            select(func.count()).select_from(table).where(table.c.expires_at <= now)
        )
        return counted

    async def expired(self, *, now: int, limit: int) -> tuple[UploadObjects, ...]:
        """Return some that nobody can go on with any more, for whoever removes them."""
        table = schema.uploads
        query = rows_of(UploadObjects, table).where(table.c.expires_at <= now)
        return await self._handle.all(UploadObjects, query.order_by(table.c.expires_at).limit(limit))


class UploadChanges(Uploads):
    """Sessions, to be changed."""

    async def begin(self, upload: Upload, organisation_id: str) -> None:
        """Store a session, in the place of one for the same seal that has expired.

        Raises:
            ObjectCondemnedError: what it names waited too long for this row.
            AlreadyExistsError: there is one for this seal.
            QuotaExceededError: with what is stored and what other sessions announce, it is too much.
        """
        table, now = schema.uploads, upload.created_at
        await take_turn(self._handle, organisation_id)
        for old in await self._handle.values(
            select(table.c.id).where(table.c.seal_id == upload.seal_id, table.c.expires_at <= now)
        ):
            await self.delete(old)
        await check_spared(self._handle, upload.trailer_key, object_key(upload.staged))
        await self._handle.insert(table, upload)
        over = await self._handle.value(
            select(schema.organisations.c.used_bytes + announced(organisation_id, now)).where(
                schema.organisations.c.id == organisation_id,
                schema.organisations.c.used_bytes + announced(organisation_id, now)
                > schema.organisations.c.quota_bytes,
            )
        )
        if over is not None:
            self._handle.doomed = True
            raise QuotaExceededError("what is stored and announced is over the organisation's quota")

    async def renew(self, before: Upload, *, head: bytes, generation: int, now: int) -> None:
        """Put a newer envelope in the place of that of ``before``.

        Raises:
            OutdatedError: the session is not open any more, or has another envelope by now.
        """
        table = schema.uploads
        await self._handle.swap(
            update(table)
            .where(*_open(before.id, now), table.c.generation == before.generation)
            .values(head=head, generation=generation, size=before.size - len(before.head) + len(head)),
            "the upload's envelope",
        )

    async def keep_part(self, upload_id: str, part: StagedPart, *, now: int, until: int) -> None:
        """Note a part that is stored, once or again; the session waits for the next one until ``until``.

        Raises:
            OutdatedError: the session is not open any more.
        """
        # This also makes parts of one session wait for each other, so that the same one is noted once.
        await self._handle.swap(
            update(schema.uploads).where(*_open(upload_id, now)).values(expires_at=until), "the upload"
        )
        table, values = schema.upload_parts, {"size": part.size, "tag": part.tag}
        again = update(table).where(table.c.upload_id == upload_id, table.c.number == part.number)
        if not (await self._handle.execute(again.values(values))).rowcount:
            await self._handle.execute(
                insert(table).values(upload_id=upload_id, number=part.number, **values)
            )

    async def complete(self, upload_id: str, *, body_key: str, now: int) -> None:
        """Say that what was uploaded is published, and forget its parts.

        Raises:
            OutdatedError: the session is not open any more.
        """
        await self._handle.swap(
            update(schema.uploads).where(*_open(upload_id, now)).values(state=COMPLETED, body_key=body_key),
            "the upload",
        )
        await self._forget_parts(upload_id)

    async def abandon(self, upload_id: str, *, now: int) -> None:
        """Remove an open session and its parts.

        Raises:
            OutdatedError: it is not open any more.
        """
        await self._forget_parts(upload_id)
        table = schema.uploads
        await self._handle.swap(delete(table).where(*_open(upload_id, now)), "the upload")

    async def delete(self, upload_id: str) -> None:
        """Remove a session and its parts, whatever became of it."""
        await self._forget_parts(upload_id)
        await self._handle.execute(delete(schema.uploads).where(schema.uploads.c.id == upload_id))

    async def _forget_parts(self, upload_id: str) -> None:
        table = schema.upload_parts
        await self._handle.execute(delete(table).where(table.c.upload_id == upload_id))


def _open(upload_id: str, now: int) -> tuple[ColumnElement[bool], ...]:
    table = schema.uploads
    return table.c.id == upload_id, table.c.state == OPEN, table.c.expires_at > now


async def take_turn(handle: Handle, organisation_id: str) -> None:
    """Let transactions that count bytes of one organisation wait here for each other, where several write."""
    table = schema.organisations
    await handle.execute(select(table.c.id).where(table.c.id == organisation_id).with_for_update())


def announced(organisation_id: str, now: int, *, but: bytes = b"") -> ColumnElement[int]:
    """Return what the open sessions of an organisation will store, except the one for the seal ``but``."""
    uploads, dossiers = schema.uploads, schema.dossiers
    return (
        select(func.coalesce(func.sum(uploads.c.size), 0))
        .where(
            uploads.c.dossier_id == dossiers.c.id,
            dossiers.c.organisation_id == organisation_id,
            uploads.c.state == OPEN,
            uploads.c.expires_at > now,
            uploads.c.seal_id != but,
        )
        .scalar_subquery()
    )
