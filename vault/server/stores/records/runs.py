"""How the last run of each kind of upkeep ended: written by the commands, read by whoever watches."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import insert, update

from vault.server.stores.records import schema
from vault.server.stores.records.handle import Handle, rows_of


class Ended(NamedTuple):
    """A run of upkeep that ended.

    Attributes:
        name: janitor, locks or scrub.
        started_at: UTC seconds.
        ended_at: UTC seconds.
        outcome: ``done``; ``stopped`` before its end, by a signal or another process; ``failed``.
        examined: how many objects, or versions, it looked at.
        removed: how many it removed.
        damaged: how many damages it found.
    """

    name: str
    started_at: int
    ended_at: int
    outcome: str
    examined: int = 0
    removed: int = 0
    damaged: int = 0


class Run(NamedTuple):
    """The last run of a name, as `Ended`, with how many there were and what they removed together."""

    name: str
    started_at: int
    ended_at: int
    outcome: str
    examined: int
    removed: int
    damaged: int
    runs: int
    removed_total: int


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
