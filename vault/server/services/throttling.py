"""Counting failures: whoever fails too often at what can be guessed waits.

They are kept in the records, so that restarting or running several servers forgives nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.problems import Code
from vault.api.tokens import hash_of
from vault.server.refusals import RefusedError

if TYPE_CHECKING:
    from vault.server.ports import Clock, Records


class Throttling:
    """Allows a number of failures of one source within a window of time."""

    def __init__(self, records: Records, clock: Clock, *, limit: int, window: int) -> None:
        self._records = records
        self._clock = clock
        self._limit = limit
        self._window = window

    async def check(self, kind: str, source: str) -> None:
        """Return if the source does not have to wait.

        Args:
            kind: what is attempted; each is counted apart.
            source: where from.

        Raises:
            RefusedError: too_many_attempts, with the seconds to wait.
        """
        async with self._records.read() as view:
            failures, end = await view.failures.count(_name(kind, source), now=self._clock.now())
        if failures >= self._limit:
            raise RefusedError(
                Code.TOO_MANY_ATTEMPTS,
                "too many failed attempts; wait and try again",
                retry_after=max(1, end - self._clock.now()),
            )

    async def failed(self, kind: str, source: str) -> None:
        """Count one failure."""
        async with self._records.bookkeeping() as books:
            await books.failures.add(_name(kind, source), now=self._clock.now(), window=self._window)


def _name(kind: str, source: str) -> bytes:
    return hash_of(f"{kind}\x00{source}")
