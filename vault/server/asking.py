"""Asking something that may not answer: once at a time, within a time, and not more often than needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds in which it has to answer."""

FRESH: Final = 1.0
"""Seconds that an answer holds."""


class Question(Generic[T]):
    """One question: while it is under way all wait for the same answer, which then holds for a moment."""

    def __init__(self, ask: Callable[[], Awaitable[T]], silent: T) -> None:
        """Take the question, and what stands for an answer that does not come in time."""
        self._ask = ask
        self._silent = silent
        self._task: asyncio.Task[T] | None = None
        self._ends = 0.0
        self._answer: T = silent
        self._until = 0.0

    async def answer(self) -> T:
        """Return the answer. One that is late is not asked for again until it has come."""
        loop = asyncio.get_running_loop()
        if self._task is None:
            if loop.time() < self._until:
                return self._answer
            self._ends = loop.time() + PATIENCE
            self._task = asyncio.create_task(self._run())
        task = self._task
        # Not cancelled when it is late: a connection that hangs cannot be told to stop, only be left alone.
        await asyncio.wait({task}, timeout=max(0.0, self._ends - loop.time()))
        return task.result() if task.done() else self._silent

    async def _run(self) -> T:
        try:
            self._answer = await self._ask()
            self._until = asyncio.get_running_loop().time() + FRESH
        finally:
            self._task = None
        return self._answer
