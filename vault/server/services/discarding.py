"""Taking back what was stored for a row that did not come about, or may yet.

A commit whose answer never came may still be carried out: a line that hung comes back, a database that was
paused goes on. So looking whether there is a row is not enough: it may come right after. What is taken back
is condemned, as a janitor does it (docs/decisions/0021); that waits until the database has decided.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vault.server.ports import RecordsError, StoreError, object_key

if TYPE_CHECKING:
    from vault.server.ports import Clock, ObjectStore, Records


class Discarding:
    """Takes back; what cannot be taken back now is left to the janitor."""

    def __init__(self, records: Records, store: ObjectStore, clock: Clock) -> None:
        self._records = records
        self._store = store
        self._clock = clock

    async def unnamed(self, *keys: str, staged: str = "") -> None:
        """Remove what no row can name: none was written, or what wrote it was undone.

        Args:
            keys: of objects.
            staged: the name of what is put together of parts; empty: nothing is.
        """
        with suppress(StoreError):
            if staged:
                await self._store.unstage(staged)
            for key in keys:
                await self._store.delete(key)

    async def undecided(self, *keys: str, staged: str = "") -> None:
        """Remove what no row names, once none will; while that cannot be told, leave it.

        Args:
            keys: of objects.
            staged: the name of what is put together of parts; empty: nothing is.
        """
        parts = {object_key(staged)} if staged else set()
        with suppress(RecordsError):
            async with self._records.bookkeeping() as books:
                condemned = await books.condemning.condemn(parts.union(keys), now=self._clock.now())
            await self.unnamed(*condemned.intersection(keys), staged=staged if parts & condemned else "")
