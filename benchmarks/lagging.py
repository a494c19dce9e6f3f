"""``scelle serve``, its event loop watched from inside: how late it comes to what was due.

    python -m benchmarks.lagging FILE serve --data DIR …

The loop is the ordinary one with one more timer, every 5 ms; when the process ends, each delay stands in
FILE as two doubles: when it was due (``time.monotonic``) and by how many seconds it was late.
"""

from __future__ import annotations

import asyncio
import atexit
import sys
from array import array
from pathlib import Path

from client.cli.main import main

_EVERY = 0.005


class WatchedPolicy(asyncio.DefaultEventLoopPolicy):
    """Gives loops that note how late they are."""

    def __init__(self, samples: array[float]) -> None:
        super().__init__()
        self._samples = samples

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()

        def tick(due: float) -> None:
            now = loop.time()
            self._samples.extend((due, now - due))
            loop.call_at(now + _EVERY, tick, now + _EVERY)

        loop.call_soon(tick, loop.time())
        return loop


if __name__ == "__main__":
    kept: array[float] = array("d")
    target = Path(sys.argv.pop(1))
    atexit.register(lambda: target.write_bytes(kept.tobytes()))
    asyncio.set_event_loop_policy(WatchedPolicy(kept))
    sys.exit(main())
