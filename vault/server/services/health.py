"""Whether the service can do its work: each part asked by itself, side by side, within a time.

Whoever asks often costs nothing: an answer holds for a moment, and while one question is under way everybody
waits for the same answer. A part that does not answer in time is not ready, and is not asked again until it
has answered.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING

from vault.api.problems import Code
from vault.server.asking import Question
from vault.server.ports import RecordsError, SchemaError, StoreError
from vault.server.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vault.server.ports import ObjectStore, Records


class Part(StrEnum):
    """What the service needs, by the name that an answer gives it."""

    DATABASE = "database"
    SCHEMA = "schema"
    OBJECTS = "objects"
    RUNNING = "running"


class Health:
    """Asks the ports."""

    def __init__(self, records: Records, store: ObjectStore) -> None:
        self._records = records
        self._store = store
        self._questions = (
            Question(self._ask_records, frozenset({Part.DATABASE})),
            Question(self._ask_store, frozenset({Part.OBJECTS})),
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
        answers = () if self._ending else await self._ask()
        # The end may have begun meanwhile.
        return frozenset({Part.RUNNING}) if self._ending else frozenset().union(*answers)

    def end(self) -> None:
        """Say from now on that this server takes no more work."""
        self._ending = True

    async def _ask(self) -> Sequence[frozenset[Part]]:
        return await asyncio.gather(*(question.answer() for question in self._questions))

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
