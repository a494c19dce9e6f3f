"""How the last run of each kind of upkeep ended: written by the commands, read by whoever watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, update

from vault.server.stores.records import schema
from vault.server.stores.records.handle import Handle, rows_of
from vault.server.stores.records.rows import Run

if TYPE_CHECKING:
    from vault.server.stores.records.rows import Ended


class Runs:
    """The last runs, one for each name."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def all(self) -> tuple[Run, ...]:
        """Return the last run of every name, by name."""
        table = schema.runs
        return await self._handle.all(Run, rows_of(Run, table).order_by(table.c.name))


class RunChanges(Runs):
    """The last runs, to be written: by the command itself, when its work has ended."""

    async def keep(self, ended: Ended) -> None:
        """Keep a run as the last of its name, and count it."""
        table = schema.runs
        values = ended._asdict()
        again = (
            update(table)
            .where(table.c.name == ended.name)
            .values(**values, runs=table.c.runs + 1, removed_total=table.c.removed_total + ended.removed)
        )
        if not (await self._handle.execute(again)).rowcount:
            first = insert(table).values(**values, runs=1, removed_total=ended.removed)
            await self._handle.execute(first)
