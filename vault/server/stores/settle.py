"""Waiting that cancellation cannot cut short: for work in a thread, which goes on whether awaited or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def settle(work: Awaitable[T], undo: Callable[[T], Awaitable[object]] | None = None) -> T:
    """Return the result of ``work``; if cancelled meanwhile, wait for its end and then be cancelled.

    Without it, cleaning up would race with a thread that is still writing.

    Args:
        work: what is to be seen through.
        undo: takes the result back if nobody is left to receive it, such as closing what was opened.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _outlast(task)
        # A failure is taken note of here; the cancellation is what the caller hears of.
        if not task.cancelled() and task.exception() is None and undo is not None:
            await _outlast(asyncio.ensure_future(undo(task.result())))
        raise


async def _outlast(task: asyncio.Future[T]) -> None:
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:  # cancelled once more: the thread still does not stop for it
            continue
