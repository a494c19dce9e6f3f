"""Whole commands timed in interleaved pairs: A B A B …, the ratio A/B taken pair by pair.

A machine that drifts slows both halves of a pair alike; the median ratio is what to quote, and the spread
says how far to trust it.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Ratio(NamedTuple):
    """A/B over all pairs, and the median seconds of each."""

    median: float
    lowest: float
    highest: float
    ours: float
    peer: float

    def __str__(self) -> str:
        return (
            f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"
            f"   {self.ours:.3f} s against {self.peer:.3f} s"
        )


def measure(
    ours: Sequence[str], peer: Sequence[str], *, pairs: int, before: Callable[[], None] = lambda: None
) -> Ratio:
    """Run both commands ``pairs`` times in turn after one warm-up of each, ``before`` ahead of every run."""
    times: tuple[list[float], list[float]] = ([], [])
    for pair in range(-1, pairs):
        for command, taken in zip((ours, peer), times, strict=True):
            before()
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if pair >= 0:
                taken.append(time.perf_counter() - start)
    ratios = [mine / theirs for mine, theirs in zip(*times, strict=True)]
    return Ratio(
        statistics.median(ratios), min(ratios), max(ratios), *(statistics.median(taken) for taken in times)
    )
