"""For how long dossiers of a démarche are kept after they were closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import update

from vault.server.ports import new_id
from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page

if TYPE_CHECKING:
    from vault.server.stores.records.rows import Page


class Retention(NamedTuple):
    """How many days; ``position`` and ``created_at`` are those of the change that set it last."""

    id: str
    procedure: str
    days: int
    position: int
    created_at: int


class Retentions:
    """What was set."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def of(self, procedure: str) -> Retention | None:
        """Return that of a démarche, None where nothing was ever set."""
        table = schema.retentions
        return await self._handle.first(
            Retention, rows_of(Retention, table).where(table.c.procedure == procedure)
        )

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> Page[Retention]:
        """Return a page of all, the last one that was set first; raise `BadCursorError`."""
        table = schema.retentions
        return await page(
            self._handle, Retention, rows_of(Retention, table), table, cursor=cursor, limit=limit
        )


class RetentionChanges(Retentions):
    """What is set."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def set(self, procedure: str, days: int) -> Retention:
        """Set it, for dossiers that are closed already too."""
        table, change = schema.retentions, self._change
        changed = update(table).where(table.c.procedure == procedure)
        values = {"days": days, "position": change.position, "created_at": change.now}
        if not (await change.execute(changed.values(values))).rowcount:
            await change.insert(table, Retention(new_id(), procedure, **values))
        found = await self.of(procedure)
        assert found is not None
        return found
