"""Removing the bodies of erased versions: condemned before, as all that a janitor removes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vault.server.failpoints import Failpoint, reach
from vault.server.ports import ObjectLockedError, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from vault.server.ports import Clock, ObjectStore, Records
    from vault.server.stores.records.erasing import Removal
    from vault.server.stores.records.transactions import Bookkeeping


async def remove(store: ObjectStore, batch: Iterable[Removal]) -> AsyncIterator[Removal]:
    """Remove bodies one by one, and yield those that are gone; one that the store keeps stays.

    Doing it twice is the same as once, so a crash before `note` costs a repetition.

    Raises:
        StoreUnavailableError: what follows was not tried.
    """
    for one in batch:
        try:
            await store.delete(one.body_key)
        except ObjectLockedError:
            continue
        reach(Failpoint.ERASED_BODY_REMOVED)
        yield one


async def note(books: Bookkeeping, gone: Iterable[Removal], *, now: int) -> None:
    """Write down what is gone, UTC seconds being ``now``."""
    await books.erasures.removed([one.seal_id for one in gone], at=now)
    reach(Failpoint.ERASED_BODIES_NOTED)


class Removing:
    """Removes what one dossier left, beside the janitor, who comes to all of it in its time."""

    def __init__(self, records: Records, store: ObjectStore, clock: Clock) -> None:
        self._records = records
        self._store = store
        self._clock = clock

    async def some(self, dossier_id: str, *, limit: int) -> None:
        """Remove up to so many bodies; those that cannot be removed now are left to the next time.

        Raises:
            RecordsError.
        """
        now, gone = self._clock.now(), []
        async with self._records.read() as view:
            batch = await view.erasures.removals(now=now, dossier_id=dossier_id, limit=limit)
        with suppress(StoreError):
            async for one in remove(self._store, batch):
                gone.append(one)  # noqa: PERF401 - what is gone counts, also where the store fails then
        if gone:
            async with self._records.bookkeeping() as books:
                await note(books, gone, now=now)
