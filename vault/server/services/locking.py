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

BATCH: Final = 100
_IN_A_ROW: Final = 5
"""Refusals after which a store is asked no more in this run: it is not about single bodies then."""


class Standing(NamedTuple):
    """How many archived bodies the store keeps from being removed, and how many it should and does not."""

    kept: int
    pending: int


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

    async def count(self) -> int:
        """Return how many bodies are due.

        Raises:
            RecordsError.
        """
        async with self._records.read() as view:
            return await view.locks.count_due(seconds=self._seconds, now=self._clock.now(), again=self._again)

    async def standing(self) -> Standing:
        """Return how it stands.

        Raises:
            RecordsError.
        """
        now = self._clock.now()
        async with self._records.read() as view:
            return Standing(
                await view.locks.count_kept(now=now),
                await view.locks.count_due(seconds=self._seconds, now=now),
            )

    async def batches(self) -> AsyncIterator[tuple[DueLock, ...]]:
        """Yield everything that is due, each once, until the store refuses one after the other.

        Raises:
            RecordsError.
        """
        after = b""
        self._refused = 0
        while self._refused < _IN_A_ROW:
            async with self._records.read() as view:
                due = await view.locks.due(
                    seconds=self._seconds,
                    now=self._clock.now(),
                    after=after,
                    limit=BATCH,
                    again=self._again,
                )
            if not due:
                return
            yield due
            after = due[-1].seal_id

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
