"""Running a server until a signal says that it is enough."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

from vault.server.commands.serving import Started, serving
from vault.server.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from vault.server.settings import Settings

_INTERRUPTED: Final = 130


async def run(settings: Settings, announce: Callable[[Started], None]) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code; a second signal cuts the end short.

    Args:
        settings: of this server.
        announce: called once, when it listens.

    Raises:
        HostProblem, KeyMaterialError, OSError: it cannot start.
    """
    signals = _Signals()
    log = logger(level=settings.log_level, form=settings.log_format)
    async with serving(settings, log, hurry=signals.wait) as started:
        announce(started)
        log.info("started", url=started.url, version=started.version, key=started.key_id)
        name = await signals.wait()
        log.info("stopping", signal=name)
    log.info("stopped")
    return _INTERRUPTED if name == signal.SIGINT.name else 0


class _Signals:
    """SIGINT and SIGTERM from now on, one after the other."""

    def __init__(self) -> None:
        self._names: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._names.put_nowait, number.name)

    async def wait(self) -> str:
        """Return the name of the next one."""
        return await self._names.get()
