"""Until when the object store keeps archived bodies from being removed, and which it was not told of yet.

A version says since when it is archived, a lock what the store has taken. So what is pending is seen by
comparing the two, also after `object_lock` was switched on or the time was made longer, and nothing has to be
written where a proof is archived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, delete, func, insert, or_, select

from vault.server.stores.records import schema
from vault.server.stores.records.publishing import ARCHIVED
from vault.server.stores.records.rows import DueLock

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Select

    from vault.server.stores.records.handle import Handle


class Locks:
    """What the object store was told to keep."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def due(
        self, *, seconds: int, now: int, after: bytes, limit: int, again: bool = False
    ) -> tuple[DueLock, ...]:
        """Return archived versions whose body the store should keep for longer than it was told to.

        Args:
            seconds: how long after it was archived a body is kept.
            now: UTC seconds; what need not be kept any more is not due.
            after: only seal ids that come after this one; empty for the first.
            limit: how many at most, by seal id.
            again: whether those are due as well that the store was told of.
        """
        table, until = schema.versions, _until(seconds)
        columns = (table.c.seal_id, table.c.proof_id, table.c.number, table.c.body_key, until)
        chosen = _chosen(select(*columns), seconds, now, again=again).where(table.c.seal_id > after)
        return await self._handle.all(DueLock, chosen.order_by(table.c.seal_id).limit(limit))

    async def count_due(self, *, seconds: int, now: int, again: bool = False) -> int:
        """Return how many are due, as `due` has it."""
        counted: int = await self._handle.value(_chosen(select(func.count()), seconds, now, again=again))
        return counted

    async def count_kept(self, *, now: int) -> int:
        """Return how many bodies the store may not remove at ``now``, UTC seconds."""
        table = schema.locks
        counted: int = await self._handle.value(
            select(func.count()).select_from(table).where(table.c.until > now)
        )
        return counted


class LockChanges(Locks):
    """What the object store was told, to be written down once it has taken it."""

    async def keep(self, taken: Collection[DueLock]) -> None:
        """Write down what the store keeps from now on, a few hundred at most."""
        if not taken:
            return
        table = schema.locks
        await self._handle.execute(delete(table).where(table.c.seal_id.in_([one.seal_id for one in taken])))
        rows = [{"seal_id": one.seal_id, "until": one.until} for one in taken]
        await self._handle.execute(insert(table).values(rows))


def _until(seconds: int) -> ColumnElement[int]:
    """Until when a body is kept: a time that the store has taken is never made shorter."""
    ends = schema.versions.c.archived_at + seconds
    return case((schema.locks.c.until > ends, schema.locks.c.until), else_=ends)


def _chosen(query: Select[Any], seconds: int, now: int, *, again: bool) -> Select[Any]:
    versions, locks = schema.versions, schema.locks
    missing = or_(locks.c.until.is_(None), locks.c.until < versions.c.archived_at + seconds)
    return query.select_from(versions.outerjoin(locks, locks.c.seal_id == versions.c.seal_id)).where(
        and_(versions.c.state == ARCHIVED, _until(seconds) > now, *([] if again else [missing]))
    )
