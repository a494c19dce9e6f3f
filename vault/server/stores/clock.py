"""The `Clock` port over the machine's clock."""

from __future__ import annotations

import time


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return UTC seconds."""
        return int(time.time())
