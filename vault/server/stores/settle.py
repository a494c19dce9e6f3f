"""Waiting that cancellation cannot cut short: for work in a thread, which goes on whether awaited or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


async def settle(work: Awaitable[T]) -> T:
    """Return the result of ``work``; if cancelled meanwhile, wait for its end and then be cancelled.

    Without it, cleaning up would race with a thread that is still writing.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:  # cancelled once more: the thread still does not stop for it
                continue
        if not task.cancelled():
            task.exception()  # taken note of; the cancellation is what the caller hears of
        raise
