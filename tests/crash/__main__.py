"""Kills the server at random moments, on each pair of engines, and prints what came of it: ``make crash``.

The seed decides what the clients do and how long each server lives; what it is doing when it dies is for the
machine to decide, so that a seed makes a run alike and not the same.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from tests.crash.inspection import Kind
from tests.crash.pairs import PAIRS
from tests.crash.processes import Nursery
from tests.crash.progress import Progress
from tests.crash.series import Figures, Series
from tests.crash.town import asking
from tests.engines.postgres import Postgres
from tests.engines.seaweed import Seaweed

KILLS = 200
_SHOWN = 20
"""Faults that are printed of each pair."""

COLUMNS = {
    "kills": lambda figures: figures.kills,
    "acknowledged": lambda figures: figures.acknowledged,
    "rotated": lambda figures: figures.rotated,
    "erased": lambda figures: figures.erased,
    "opened": lambda figures: figures.opened,
    "cut off": lambda figures: figures.broken,
    "of these done": lambda figures: figures.kept,
    "lost": lambda figures: figures.count(Kind.LOST),
    "half-visible": lambda figures: figures.count(Kind.HALF),
    "other faults": lambda figures: figures.count(Kind.JOURNAL, Kind.COUNT, Kind.ANSWER),
    "orphans removed": lambda figures: figures.removed,
    "come late": lambda figures: figures.late,
    "orphans left": lambda figures: figures.left,
    "seconds": lambda figures: round(figures.seconds),
}


def table(all_figures: list[Figures]) -> str:
    """Return the figures, a line for each and a column for each pair."""
    width = max(map(len, COLUMNS))
    lines = [" ".join([" " * width, *(f"{one.pair:>15}" for one in all_figures)])]
    for name, value in COLUMNS.items():
        lines.append(" ".join([f"{name:{width}}", *(f"{value(one):>15}" for one in all_figures)]))
    return "\n".join(lines)


def verdict(all_figures: list[Figures]) -> int:
    """Return how the command ends: with 0 where nothing was wrong."""
    return int(any(figures.faults for figures in all_figures))


async def _run(seed: str, kills: int) -> list[Figures]:
    done, progress = [], Progress()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scelle-crash-")))
        # Where it need not make a volume in between, it is quick.
        seaweed = stack.enter_context(closing(Seaweed(volume_mib=1024)))
        seaweed.start()
        engines = {"postgres": stack.enter_context(closing(Postgres())), "seaweed": seaweed}
        nursery = stack.enter_context(closing(Nursery()))
        for kind in PAIRS:
            pair = kind(folder / kind.name, *(engines[name] for name in kind.engines))
            async with asking() as http:
                series = Series(nursery, http, pair, seed)
                done.append(await series.run(kills, progress))
    return done


def main() -> int:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=KILLS, help="on each pair of engines")
    parser.add_argument("--seed", default="", help="of an earlier run")
    asked = parser.parse_args()
    seed = asked.seed or secrets.token_hex(4)
    sys.stdout.write(f"seed {seed} (make crash SEED={seed} KILLS={asked.kills})\n")
    sys.stdout.flush()
    done = asyncio.run(_run(seed, asked.kills))
    sys.stderr.write("\n" * sys.stderr.isatty())
    for figures in done:
        for fault in figures.faults[:_SHOWN]:
            sys.stdout.write(f"{figures.pair}: {fault.kind.value}: {fault.what}\n")
    sys.stdout.write(f"\nseed {seed}\n{table(done)}\n")
    return verdict(done)


if __name__ == "__main__":
    sys.exit(main())
