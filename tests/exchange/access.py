"""Reads the access matrix: who may do what, written down as a table."""

from pathlib import Path
from typing import NamedTuple

MATRIX = Path(__file__).with_name("access_matrix.txt")


class Cell(NamedTuple):
    """One expectation: what this actor gets on this route; "ok" is the route's own success."""

    route: str
    actor: str
    expected: str


def read_matrix() -> list[Cell]:
    lines = [line for line in MATRIX.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    actors = lines[0].split()[1:]
    cells = []
    for line in lines[1:]:
        route, *row = line.split()
        assert len(row) == len(actors), f"{route}: {len(row)} cells for {len(actors)} actors"
        cells += [Cell(route, actor, expected) for actor, expected in zip(actors, row, strict=True)]
    return cells
