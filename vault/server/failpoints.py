"""Named places where a test stops the server dead: between any two steps that a crash could come between.

In a running service nothing is armed and `reach` does nothing; there is no setting that arms it. A test arms
it from inside the process, so that every name that stands here can be enumerated, reached and killed at.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Failpoint(StrEnum):
    """One name for each step; the value says where the process would stop."""


_armed: Callable[[Failpoint], None] | None = None


def arm(stop: Callable[[Failpoint], None] | None) -> None:
    """Call ``stop`` at every place from now on; None: nothing is called any more."""
    global _armed  # noqa: PLW0603 - one process has one set of places to stop at
    _armed = stop


def reach(point: Failpoint) -> None:
    """Say that the work has come to ``point``; returns at once unless a test wants it otherwise."""
    if _armed is not None:
        _armed(point)
