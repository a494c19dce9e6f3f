"""Has the object store keep archived bodies until their time: docs/decisions/0029 says how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vault.server.failpoints import Failpoint, reach
from vault.server.ports import StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vault.server.ports import Clock, ObjectStore, Records
    from vault.server.stores.records.rows import DueLock
    from vault.server.stores.records.transactions import Bookkeeping

LOCKS: Final = "locks"
"""Name of the runs."""

_IN_A_ROW: Final = 5
"""Refusals after which a store is asked no more in this run: it is not about single bodies then."""


class Batch(NamedTuple):
    """A part of what is archived: how many bodies the store has to keep, and those it has to be told of."""

    examined: int
    due: tuple[DueLock, ...]


class Locking:
    """Tells the store what to keep, and what it took is written down in batches.

    Telling it twice is the same as once, so a crash in between costs a repetition.
    """

    def __init__(
        self, records: Records, store: ObjectStore, clock: Clock, *, seconds: int, again: bool = False
    ) -> None:
        """Build it.

        Args:
            records: which bodies are archived, and what the store was told.
            store: it keeps them; it has to be able to.
            clock: where the time comes from.
            seconds: for how long after they were archived.
            again: whether it is told of all once more, such as after a restore into another bucket.
        """
        self._records = records
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._again = again
        self._refused = 0

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield everything that is archived, each once, until the store refuses one after the other.

        Raises:
            RecordsError.
        """
        after: bytes | None = b""
        self._refused = 0
        while after is not None and self._refused < _IN_A_ROW:
            async with self._records.read() as view:
                examined, due, after = await view.locks.page(
                    seconds=self._seconds, now=self._clock.now(), after=after, again=self._again
                )
            yield Batch(examined, due)

    async def take(self, due: DueLock) -> str | None:
        """Have the store keep one body, and return why it does not if it does not."""
        if self._refused >= _IN_A_ROW:
            return "not tried: the object store refused those before"
        try:
            await self._store.retain(due.body_key, due.until)
        except StoreUnavailableError as error:
            self._refused += 1
            return str(error)
        except StoreError as error:
            return str(error)
        self._refused = 0
        reach(Failpoint.LOCK_TAKEN)
        return None

    async def keep(self, books: Bookkeeping, taken: Sequence[DueLock]) -> None:
        """Write down what the store took.

        Raises:
            RecordsError.
        """
        await books.locks.keep(taken)
        reach(Failpoint.LOCKS_WRITTEN)
