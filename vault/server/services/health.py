"""Whether the service can do its work: each part asked by itself, side by side, within a time.

Whoever asks often costs nothing: an answer holds for a moment, and while one question is under way everybody
waits for the same answer. A part that does not answer in time is not ready, and is not asked again until it
has answered.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from vault.api.problems import Code
from vault.server.ports import RecordsError, SchemaError, StoreError
from vault.server.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vault.server.ports import ObjectStore, Records

PATIENCE: Final = 5.0
"""Seconds that a part has to answer."""

FRESH: Final = 1.0
"""Seconds that an answer holds."""


class Part(StrEnum):
    """What the service needs, by the name that an answer gives it."""

    DATABASE = "database"
    SCHEMA = "schema"
    OBJECTS = "objects"
    RUNNING = "running"


class _Answer(NamedTuple):
    missing: frozenset[Part]
    until: float


class _Question:
    """One port's check: asked once at a time, answered by which parts are missing."""

    def __init__(self, ask: Callable[[], Awaitable[frozenset[Part]]], silent: Part) -> None:
        self._ask = ask
        self._silent = frozenset({silent})
        self._task: asyncio.Task[frozenset[Part]] | None = None
        self._ends = 0.0
        self._answer = _Answer(frozenset(), 0.0)

    async def missing(self) -> frozenset[Part]:
        """Return what is not ready; the part itself where it stays silent."""
        loop = asyncio.get_running_loop()
        if self._task is None:
            if loop.time() < self._answer.until:
                return self._answer.missing
            self._ends = loop.time() + PATIENCE
            self._task = asyncio.create_task(self._run())
        task = self._task
        # Not cancelled when it is late: a connection that hangs cannot be told to stop, only be left alone.
        await asyncio.wait({task}, timeout=max(0.0, self._ends - loop.time()))
        return task.result() if task.done() else self._silent

    async def _run(self) -> frozenset[Part]:
        try:
            missing = await self._ask()
            self._answer = _Answer(missing, asyncio.get_running_loop().time() + FRESH)
        finally:
            self._task = None
        return missing


class Health:
    """Asks the ports."""

    def __init__(self, records: Records, store: ObjectStore) -> None:
        self._records = records
        self._store = store
        self._questions = (
            _Question(self._ask_records, Part.DATABASE),
            _Question(self._ask_store, Part.OBJECTS),
        )
        self._ending = False

    async def check(self) -> tuple[Part, ...]:
        """Return all parts if all are ready.

        Raises:
            RefusedError: unavailable, naming the parts that are not.
        """
        missing = await self.missing()
        if missing:
            names = [part.value for part in Part if part in missing]
            raise RefusedError(
                Code.UNAVAILABLE, f"not ready: {', '.join(names)}", extra={"not_ready": names}, retry_after=1
            )
        return tuple(Part)

    async def missing(self) -> frozenset[Part]:
        """Return the parts that are not ready."""
        if self._ending:
            return frozenset({Part.RUNNING})
        answers = await asyncio.gather(*(question.missing() for question in self._questions))
        return frozenset().union(*answers)

    def end(self) -> None:
        """Say from now on that this server takes no more work."""
        self._ending = True

    async def _ask_records(self) -> frozenset[Part]:
        try:
            await self._records.check()
        except SchemaError:
            return frozenset({Part.SCHEMA})
        except RecordsError:
            return frozenset({Part.DATABASE})
        return frozenset()

    async def _ask_store(self) -> frozenset[Part]:
        try:
            await self._store.check()
        except StoreError:
            return frozenset({Part.OBJECTS})
        return frozenset()
