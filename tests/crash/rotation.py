"""Kills ``scelle rotate dossier``, and the server under it, at random moments: ``make crash-rotation``.

The seed decides when, and which of the two; what they are doing then is for the machine to decide.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

from tests.crash.__main__ import Progress
from tests.crash.pairs import PAIRS
from tests.crash.processes import Nursery
from tests.crash.town import asking
from tests.crash.turns import Figures, Turns
from tests.engines.postgres import Postgres
from tests.engines.seaweed import Seaweed

CONTAINERS, KILLS = 1000, 50


def table(all_figures: list[Figures]) -> str:
    """Return the figures, a line for each and a column for each pair."""
    rows = [asdict(figures) for figures in all_figures]
    lines = []
    for name in rows[0]:
        values = [len(row[name]) if name == "faults" else row[name] for row in rows]
        cells = [f"{round(value) if isinstance(value, float) else value:>18}" for value in values]
        lines.append(f"{name.replace('_', ' '):14}" + "".join(cells))
    return "\n".join(lines)


async def _run(asked: argparse.Namespace, seed: str) -> list[Figures]:
    done, progress = [], Progress()
    kinds = [kind for kind in PAIRS if asked.pair in {"", kind.name}]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scelle-crash-")))
        engines = {}
        if any(kind.engines for kind in kinds):
            seaweed = stack.enter_context(closing(Seaweed(volume_mib=1024)))
            seaweed.start()
            engines = {"postgres": stack.enter_context(closing(Postgres())), "seaweed": seaweed}
        nursery = stack.enter_context(closing(Nursery()))
        for kind in kinds:
            pair = kind(folder / kind.name, *(engines[name] for name in kind.engines))
            async with asking() as http:
                turns = Turns(nursery, http, pair, seed)
                done.append(await turns.run(asked.containers, asked.kills, progress))
    return done


def main() -> int:
    parser = argparse.ArgumentParser(prog="make crash-rotation", description=__doc__.splitlines()[0])
    parser.add_argument("--containers", type=int, default=CONTAINERS)
    parser.add_argument("--kills", type=int, default=KILLS, help="on each pair of engines")
    parser.add_argument("--pair", default="", choices=["", *(kind.name for kind in PAIRS)])
    parser.add_argument("--seed", default="", help="of an earlier run")
    asked = parser.parse_args()
    seed = asked.seed or secrets.token_hex(4)
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    done = asyncio.run(_run(asked, seed))
    for figures in done:
        for fault in figures.faults[:20]:
            sys.stdout.write(f"{figures.pair}: {fault}\n")
    sys.stdout.write(f"\nseed {seed}\n{table(done)}\n")
    return int(any(figures.faults for figures in done))


if __name__ == "__main__":
    sys.exit(main())
