"""Lets every call of every act to each engine fail in every way, and prints what came of it."""

import argparse
import contextlib
import sys
import time
from dataclasses import fields

from tests.crash.progress import Progress
from tests.faults.crew import Ended, Outcome, Series, run
from tests.faults.errands import ACT_NAMES
from tests.faults.fates import Fate
from tests.faults.stand import ENGINES
from tests.faults.trials import Figures

WORKERS = 6
"""More than a machine has cores: most of them wait for a server that waits for its engine."""

STEP = 10
"""One in so many calls to PostgreSQL meets what is not `_ALWAYS`; 1 for every one."""

_TOGETHER = (
    (Fate.LOST,),
    (Fate.RESET,),
    (Fate.TORN, Fate.LATE),
    (Fate.HUNG, Fate.BUSY, Fate.ERROR),
    (Fate.GONE, Fate.FROZEN, Fate.REFUSING, Fate.SLOW),
)
"""What one series tries: those that say most come first."""

_ALWAYS = frozenset({Fate.LOST, Fate.RESET})
"""What every call meets, also where the others are spread."""

_SHOWN = 100
"""Faults that are printed."""


def plan(engines: list[str], acts: list[str], fates: list[Fate], step: int) -> list[Series]:
    """Return all series; those of an engine to which few calls are made are never spread."""
    return [
        Series(engine, act, chosen, 1 if engine == "s3" or _ALWAYS.issuperset(chosen) else step)
        for together in _TOGETHER
        if (chosen := tuple(fate for fate in together if fate in fates))
        for act in acts
        for engine in engines
    ]


def table(engine: str, outcomes: list[Outcome]) -> str:
    """Return how many calls were tried of each act, a column for each fate; faults stand behind them."""
    fates = [fate for fate in Fate if any(fate in one.figures for one in outcomes)]
    wide = max(map(len, ACT_NAMES))
    lines = [f"{engine:{wide}} calls " + " ".join(f"{fate:>9}" for fate in fates)]
    sums: dict[Fate, list[int]] = {fate: [0] * len(_COUNTS) for fate in fates}
    for act in ACT_NAMES:
        own = [one for one in outcomes if one.series.act == act]
        if not own:
            continue
        figures = {fate: of for one in own for fate, of in one.figures.items()}
        cells = [_cell(figures.get(fate)) for fate in fates]
        lines.append(f"{act:{wide}} {max(one.calls for one in own):5} " + " ".join(cells))
        for fate, of in figures.items():
            counts = [getattr(of, name) for name in _COUNTS]
            counts[-1] = len(of.faults)
            sums[fate] = [sum(pair) for pair in zip(sums[fate], counts, strict=True)]
    for place, name in enumerate(_COUNTS):
        lines.append(f"{name:{wide}}       " + " ".join(f"{sums[fate][place]:9}" for fate in fates))
    return "\n".join(lines)


_COUNTS = [one.name for one in fields(Figures)]
assert _COUNTS[-1] == "faults"


def _cell(figures: Figures | None) -> str:
    if figures is None:
        return f"{'-':>9}"
    return f"{figures.trials}{f' ({len(figures.faults)}!)' if figures.faults else ''}".rjust(9)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--act", choices=ACT_NAMES, action="append")
    parser.add_argument("--fate", choices=[*Fate], type=Fate, action="append")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--step", type=int, default=STEP, help="let one in so many calls to PostgreSQL fail")
    parser.add_argument("--minutes", type=float, help="after which no series is begun any more")
    asked = parser.parse_args()
    all_series = plan(
        asked.engine or list(ENGINES), asked.act or ACT_NAMES, asked.fate or list(Fate), asked.step
    )
    outcomes: list[Outcome] = []
    faults, tried, progress, start = [], 0, Progress(), time.monotonic()
    # Whoever has no time left wants to know what was found until then.
    with contextlib.suppress(KeyboardInterrupt):
        for one in run(all_series, asked.workers, asked.minutes and 60 * asked.minutes):
            if isinstance(one, Outcome):
                outcomes.append(one)
                faults += [*one.faults, *(fault for of in one.figures.values() for fault in of.faults)]
            elif isinstance(one, Ended):
                faults += one.faults
            else:
                tried += 1
            minutes = (time.monotonic() - start) / 60
            progress(
                f"{len(outcomes)} of {len(all_series)} series, {tried} calls, {len(faults)} faults, "
                f"{minutes:.1f} minutes"
            )
    for fault in faults[:_SHOWN]:
        sys.stdout.write(f"{fault.kind.value}: {fault.what}\n")
    for engine in ENGINES:
        if own := [one for one in outcomes if one.series.engine == engine]:
            sys.stdout.write(f"\n{table(engine, own)}\n")
    sys.stdout.write(f"\nfaults in all, what was left behind included: {len(faults)}\n")
    if left := len(all_series) - len(outcomes):
        sys.stdout.write(f"\n{left} series were not tried to their end\n")
    return int(bool(faults or left))


if __name__ == "__main__":
    sys.exit(main())
