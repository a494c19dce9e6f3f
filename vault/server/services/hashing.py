"""Hashing beside the event loop, which takes in the next bytes meanwhile."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_WORTH_A_THREAD: Final = 32 * 1024
"""Fewer bytes are hashed faster than they are handed over."""

_THREADS: Final = ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="scelle-hash")
"""Threads of its own: those that wait for a disk or for a store must not keep hashing waiting."""


async def hashed(data: bytes, work: Callable[[bytes], T]) -> T:
    """Return ``work(data)``, done by a thread where that is worth it; cancelled, wait for its end."""
    if len(data) < _WORTH_A_THREAD:
        return work(data)
    return await settle(asyncio.get_running_loop().run_in_executor(_THREADS, work, data))
