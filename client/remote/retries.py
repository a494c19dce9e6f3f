"""Trying again, where that is safe: how often, and how long to wait in between."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True, slots=True)
class Retries:
    """At most ``attempts`` in all; the n-th pause is up to ``first · 2^(n-1)`` seconds, at most ``longest``.

    Half of each pause is drawn at random, so that many clients do not come back together.
    """

    attempts: int = 4
    first: float = 0.25
    longest: float = 8.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def pause(self, attempt: int) -> None:
        """Wait after the failed ``attempt``, counted from 1."""
        full = min(self.longest, self.first * 2 ** (attempt - 1))
        await self.sleep(full / 2 + random.uniform(0, full / 2))  # noqa: S311 - a pause, not a key


NO_RETRIES = Retries(attempts=1)

LASTING = Retries(attempts=7, first=0.5, longest=15.0)
"""For transfers that take long anyway: over half a minute of silence before they give up."""


class Endurance:
    """Bears failures of one long piece of work for as long as it gets any further in between."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._attempt = 1
        self._furthest = 0

    async def bear(self, error: Exception, reached: int) -> None:
        """Wait after a failure, or raise it if too many followed one another.

        Args:
            error: the failure.
            reached: how far the work is, as a number that grows.
        """
        if reached > self._furthest:
            self._furthest, self._attempt = reached, 1
        if self._attempt >= self._retries.attempts:
            raise error
        await self._retries.pause(self._attempt)
        self._attempt += 1
