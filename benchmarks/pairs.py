"""Two things timed in interleaved pairs: A B A B …, the ratio A/B taken pair by pair.

A machine that drifts slows both halves of a pair alike; the median ratio is what to quote, and the spread
says how far to trust it.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from functools import partial
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
    run = partial(subprocess.run, check=True, capture_output=True)
    return compare(lambda _: run(ours), lambda _: run(peer), pairs=pairs, before=before)


def compare(
    ours: Callable[[int], object],
    peer: Callable[[int], object],
    *,
    pairs: int,
    before: Callable[[], None] = lambda: None,
) -> Ratio:
    """Do both in turn, ``pairs`` times and once to warm up; they are told how often they ran before."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs + 1):
        for work, taken in zip((ours, peer), times, strict=True):
            before()
            start = time.perf_counter()
            work(number)
            taken.append(time.perf_counter() - start)
    mine, theirs = (taken[1:] for taken in times)
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    return Ratio(
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        statistics.median(mine),
        statistics.median(theirs),
    )
