"""Until when the object store keeps archived bodies from being removed, and which it was not told of yet.

A version says since when it is archived, a lock what the store has taken. So what is due is seen by comparing
the two, also after `object_lock` was switched on or the time was made longer, and nothing has to be written
where a proof is archived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import delete, insert, select

from vault.server.stores.records import schema
from vault.server.stores.records.publishing import ARCHIVED
from vault.server.stores.records.rows import DueLock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vault.server.stores.records.handle import Handle

PAGE: Final = 200
"""Archived versions that are compared at once."""


class LockPage(NamedTuple):
    """A part of all archived versions.

    Attributes:
        examined: how many of them the store has to keep.
        due: those that it was not told of, or not for long enough.
        after: where the next part begins, None where this was the last one.
    """

    examined: int
    due: tuple[DueLock, ...]
    after: bytes | None


class Locks:
    """What the object store was told to keep."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def page(self, *, seconds: int, now: int, after: bytes = b"", again: bool = False) -> LockPage:
        """Return the next archived versions by seal id, whatever the engine knows of how many there are.

        Args:
            seconds: how long after it was archived a body is kept; what the store has taken is never made
                shorter.
            now: UTC seconds; what need not be kept any more is left out.
            after: where the part before ended; empty for the first one.
            again: whether those are due as well that the store was told of.
        """
        table, locks = schema.versions, schema.locks
        columns = (table.c.seal_id, table.c.proof_id, table.c.number, table.c.body_key, table.c.archived_at)
        # Joined as a whole, engines sort everything for each page.
        some = (
            select(*columns)
            # What was re-encrypted is about to be erased: nothing new is kept of it.
            .where(
                table.c.state == ARCHIVED,
                table.c.number > 0,
                table.c.erased_at.is_(None),
                table.c.seal_id > after,
            )
            .order_by(table.c.seal_id)
            .limit(PAGE)
            .subquery()
        )
        query = (
            select(some, locks.c.until)
            .select_from(some.outerjoin(locks, locks.c.seal_id == some.c.seal_id))
            .order_by(some.c.seal_id)
        )
        rows: Sequence[Any] = (await self._handle.execute(query)).all()
        examined, due = 0, []
        for seal_id, proof_id, number, body_key, archived_at, taken in rows:
            ends = archived_at + seconds
            until = max(ends, taken or 0)
            if until <= now:
                continue
            examined += 1
            if again or taken is None or taken < ends:
                due.append(DueLock(seal_id, proof_id, number, body_key, until))
        return LockPage(examined, tuple(due), rows[-1].seal_id if len(rows) == PAGE else None)


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
