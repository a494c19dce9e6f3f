"""What a server costs over what it stands on, and what it holds on to: every line with its limit.

    python -m benchmarks.server [PART…] [--engine real|embedded] [--pairs N] [--size MIB] [--stored N]

The parts are ``transfers``, ``load``, ``list`` and ``growth``; all of them unless some are named. The server
is a ``scelle serve`` of its own process, over a real SeaweedFS and a real PostgreSQL, or over the embedded
SQLite and folder. Clients, stores and server share one machine, and so do both halves of every pair.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import rig
from benchmarks.engines import Embedded, Real
from benchmarks.growth import fill
from benchmarks.pairs import Ratio, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.engines import Engines
    from benchmarks.rig import Place, Server

MIB = rig.MIB

DEPOSIT = 0.7
"""Of the S3 client's own throughput, at least."""
FETCH = 0.6
LIST_RATIO = 40.0
"""Times as long as a bare handler that answers with the same bytes takes, at most; 95th percentile."""
MEMORY = 16
"""MiB for each transfer in flight, at most."""
LAG = 0.020
"""Seconds that the event loop may be late; 99th percentile."""
GROWTH = 1.2
"""Times as long as with 1,000 proofs stored, at most."""

PARALLEL = 16
PARALLEL_MIB = 64
LISTED = 1_000
LISTINGS = 60
SMALL = 256 * 1024


class Options(NamedTuple):
    """What is asked for."""

    parts: Sequence[str]
    engine: str
    pairs: int
    size: int
    stored: int


class Report:
    """Prints findings, and remembers whether a limit was exceeded."""

    def __init__(self) -> None:
        self.exceeded = False

    def line(self, name: str, text: str, limit: str = "", *, kept: bool = True) -> None:
        """Print one finding."""
        verdict = f"   limit {limit}: {'kept' if kept else 'EXCEEDED'}" if limit else ""
        print(f"{name:28} {text}{verdict}", flush=True)
        self.exceeded = self.exceeded or not kept


def main() -> None:
    """Print all findings; end with 1 where one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all by default")
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--size", type=int, default=256, help="of what is transferred, in MiB")
    parser.add_argument("--stored", type=int, default=100_000, help="proofs of the server that has grown")
    asked = parser.parse_args()
    options = Options(asked.parts or list(PARTS), asked.engine, asked.pairs, asked.size, asked.stored)
    report = Report()
    for name, engines in ENGINES.items():
        if options.engine in (name, "both"):
            print(f"— {engines.name}")
            folder = Path(tempfile.mkdtemp(prefix="scelle-bench-"))
            try:
                with engines.started() as running:
                    for part in options.parts:
                        PARTS[part](running, folder / part, options, report)
            finally:
                shutil.rmtree(folder)
    sys.exit(int(report.exceeded))


# --- transfers -------------------------------------------------------------------------------------------


def transfers(engines: Engines, folder: Path, options: Options, report: Report) -> None:
    """Deposit and fetch through the server, against the same bytes put and got straight."""
    folder.mkdir()
    with rig.serving(folder / "server", engines.settings()) as server:
        place = asyncio.run(rig.prepare(server))
        sealed = [
            rig.seal(folder / f"{number}", options.size * MIB, place) for number in range(options.pairs + 1)
        ]
        kept: list[Any] = []
        straight = engines.straight()
        ratio = compare(
            lambda number: straight.put(sealed[number]),
            lambda number: kept.append(rig.deposit(server, place, sealed[number])),
            pairs=options.pairs,
            # Or each would wait for the disk to take what the one before left to it.
            before=os.sync,
        )
        _throughput(report, f"deposit {options.size} MiB", ratio, DEPOSIT if engines.limited else None)
        ratio = compare(
            lambda number: straight.get(sealed[number]),
            lambda number: rig.fetch(server, place, kept[number]),
            pairs=options.pairs,
        )
        _throughput(report, f"fetch {options.size} MiB", ratio, FETCH if engines.limited else None)
    shutil.rmtree(folder)


def _throughput(report: Report, name: str, ratio: Ratio, limit: float | None) -> None:
    text = (
        f"{ratio.median:.2f} of straight ({ratio.lowest:.2f} to {ratio.highest:.2f})"
        f"   {ratio.peer:.3f} s against {ratio.ours:.3f} s"
    )
    if limit is None:
        report.line(name, text)
    else:
        report.line(name, text, f"{limit} at least", kept=ratio.median >= limit)


# --- load ------------------------------------------------------------------------------------------------


def load(engines: Engines, folder: Path, _: Options, report: Report) -> None:
    """Sixteen at once: what memory they take, and how late the event loop comes meanwhile."""
    folder.mkdir()
    with rig.serving(folder / "server", engines.settings()) as server:
        place = asyncio.run(rig.prepare(server))
        containers = [
            rig.seal(folder / f"{number}", PARALLEL_MIB * MIB, place) for number in range(PARALLEL + 1)
        ]
        first = rig.deposit(server, place, containers.pop())
        rig.fetch(server, place, first)
        with watched(server) as depositing:
            kept = at_once(partial(rig.deposit, server, place), containers)
        with watched(server) as fetching:
            at_once(partial(rig.fetch, server, place), kept)
    for name, peak in (("deposits", depositing), ("fetches", fetching)):
        each = peak.grown / PARALLEL / MIB
        report.line(
            f"memory, {PARALLEL} {name}",
            f"{peak.base / MIB:.0f} MiB and {each:.1f} MiB each",
            f"{MEMORY} MiB each",
            kept=each <= MEMORY,
        )
        lags = server.lags(peak.start, peak.stop)
        middle, late = lags[len(lags) // 2], lags[int(len(lags) * 0.99)]
        report.line(
            f"event loop, {PARALLEL} {name}",
            f"late by {late * 1000:.1f} ms (p99; p50 {middle * 1000:.1f}, most {lags[-1] * 1000:.1f},"
            f" {len(lags)} samples in {peak.stop - peak.start:.1f} s)",
            f"{LAG * 1000:.0f} ms",
            kept=late < LAG,
        )
    shutil.rmtree(folder)


class Peak:
    """What a server was seen to take.

    Attributes:
        base: bytes of memory before.
        grown: how many more there were at most.
        start: when it began, ``time.monotonic``.
        stop: when it ended.
    """

    def __init__(self, base: int) -> None:
        self.base, self.grown = base, 0
        self.start = self.stop = time.monotonic()


@contextmanager
def watched(server: Server) -> Iterator[Peak]:
    """Look at the server's memory every 20 ms for as long as the block lasts."""
    peak, ended = Peak(server.resident), threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            peak.grown = max(peak.grown, server.resident - peak.base)

    watcher = threading.Thread(target=look)
    watcher.start()
    peak.start = time.monotonic()
    try:
        yield peak
    finally:
        peak.stop = time.monotonic()
        ended.set()
        watcher.join()


def at_once(work: Callable[[Any], Any], inputs: Sequence[Any]) -> list[Any]:
    """Do all at the same time."""
    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(work, inputs))


# --- lists and growth ------------------------------------------------------------------------------------


def listing(engines: Engines, folder: Path, _: Options, report: Report) -> None:
    """All rows of a type in a dossier, page by page, against a bare handler that answers with the same."""
    folder.mkdir()
    with grown(engines, folder / "server", LISTED) as (server, place):
        pages = rig.list_pages(server, place)
        with rig.bare(folder, pages) as bare:
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(LISTINGS):
                for ask, taken in ((partial(rig.list_pages, server, place), times[0]), (bare, times[1])):
                    start = time.perf_counter()
                    ask()
                    taken.append(time.perf_counter() - start)
    ours, theirs = (statistics.quantiles(taken, n=20)[18] for taken in times)
    middle = [statistics.median(taken) for taken in times]
    report.line(
        f"list {LISTED} rows by type",
        f"{ours / theirs:.1f} of a bare handler (p95, {ours * 1000:.0f} ms against {theirs * 1000:.1f};"
        f" median {middle[0] / middle[1]:.1f}) in {len(pages)} pages",
        f"{LIST_RATIO:g}",
        kept=ours / theirs <= LIST_RATIO,
    )


def growth(engines: Engines, folder: Path, options: Options, report: Report) -> None:
    """One deposit where few proofs are stored, against one where many are."""
    folder.mkdir()
    count = options.pairs * 8
    with ExitStack() as stack:
        few = stack.enter_context(grown(engines, folder / "few", LISTED))
        many = stack.enter_context(grown(engines, folder / "many", options.stored))
        sealed = {
            name: [rig.seal(folder / f"{name}-{n}", SMALL, place) for n in range(count + 1)]
            for name, (_, place) in (("few", few), ("many", many))
        }
        ratio = compare(
            lambda number: rig.deposit(*many, sealed["many"][number]),
            lambda number: rig.deposit(*few, sealed["few"][number]),
            pairs=count,
        )
    against = ratio.ours / ratio.peer
    report.line(
        f"deposit, {options.stored:,} stored",
        f"{ratio.median:.2f} of one with {LISTED:,} (median of {count} pairs, medians {against:.2f};"
        f" {ratio.ours * 1000:.1f} ms against {ratio.peer * 1000:.1f})",
        f"{GROWTH}",
        kept=ratio.median <= GROWTH,
    )
    shutil.rmtree(folder)


@contextmanager
def grown(engines: Engines, folder: Path, stored: int) -> Iterator[tuple[Server, Place]]:
    """Run a server that has ``stored`` proofs."""
    settings = engines.settings()
    with rig.serving(folder, settings) as server:
        place = asyncio.run(rig.prepare(server))
        first = rig.deposit(server, place, rig.seal(folder / "first", SMALL, place))
        asyncio.run(fill(server.records_url, bytes.fromhex(first["seal_id"]), stored))
        yield server, place


PARTS: dict[str, Callable[[Engines, Path, Options, Report], None]] = {
    "transfers": transfers,
    "load": load,
    "list": listing,
    "growth": growth,
}
ENGINES: dict[str, type[Engines]] = {"real": Real, "embedded": Embedded}

if __name__ == "__main__":
    main()
