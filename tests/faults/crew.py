"""Many series at once, in processes: each has engines and a server of its own."""

import asyncio
import math
import multiprocessing
import queue
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from tests.crash.caretaker import clean
from tests.crash.inspection import Fault, Kind, inspect
from tests.crash.pairs import Remote
from tests.crash.processes import Nursery
from tests.engines.postgres import Postgres
from tests.engines.seaweed import Seaweed
from tests.faults.errands import BY_NAME
from tests.faults.fates import Fate
from tests.faults.stand import Stand, stand_on
from tests.faults.trials import Figures, Trials

_MOMENT = 1.0
"""Seconds after which a crew is looked after in which nobody says anything."""


class Series(NamedTuple):
    """One act on one engine, and what befalls its calls one after the other.

    Attributes:
        step: 1 for every call, more for one in as many.
    """

    engine: str
    act: str
    fates: tuple[Fate, ...]
    step: int = 1


class Outcome(NamedTuple):
    """What came of a series.

    Attributes:
        calls: to the engine, that the act makes.
        figures: of each fate.
        faults: because it did not come to its end.
    """

    series: Series
    calls: int
    figures: dict[Fate, Figures]
    faults: list[Fault]


class Ended(NamedTuple):
    """A process of the crew has come to its end, or to the end of one server.

    Attributes:
        faults: in what was left behind, after the janitor.
    """

    faults: list[Fault]


class _Engines:
    """What a process of the crew works with, as long as it lives."""

    def __init__(self, stack: ExitStack) -> None:
        self.seaweed = stack.enter_context(closing(Seaweed(volume_mib=1024)))
        self.seaweed.start()
        self.postgres = stack.enter_context(closing(Postgres()))
        self.nursery = stack.enter_context(closing(Nursery()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scelle-faults-")))
        self.pair = Remote(folder, self.postgres, self.seaweed)

    def stand(self):
        return stand_on(self.nursery, self.pair, self.postgres, self.seaweed)


async def try_series(stand: Stand, series: Series, tell: Callable[[int], None]) -> Outcome:
    """Try every call in every way; a series that does not come to its end is a fault."""
    trials, figures = Trials(stand, series.engine, BY_NAME[series.act]), {}
    try:
        await trials.rehearse()
        for fate in series.fates if trials.calls else ():
            figures[fate] = await trials.run(fate, trials.spread(series.step), tell=tell)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault, and others go on
        broken = f"{series.engine}, {series.act}: broke off after {list(figures)}: {error!r}"
        return Outcome(series, trials.calls, figures, [Fault(Kind.ANSWER, broken[:900])])
    finally:
        stand.lines[series.engine].switch.set(None)
    return Outcome(series, trials.calls, figures, [])


async def audit(stand: Stand) -> list[Fault]:
    """Return what is wrong with all that was left behind, before the janitor and after it."""
    before, _ = await inspect(stand.site, receipts=stand.receipts)
    await clean(stand.nursery, stand.site)
    after, left = await inspect(stand.site, receipts=stand.receipts)
    return [*before, *after, *left.faults]


async def _try_all(engines: _Engines, orders, answers) -> bool:
    """Try what is ordered, on one server; return whether more is to come, for another one."""
    async with engines.stand() as stand:
        broken = False
        while not broken and (series := orders.get()) is not None:
            outcome = await try_series(stand, series, answers.put)
            broken = bool(outcome.faults)
            answers.put(outcome)
        answers.put(Ended(await audit(stand)))
        return broken


def _work(orders, answers) -> None:
    """Try what is ordered until nothing is."""
    # Ctrl-C reaches all; who ordered the work ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        engines = _Engines(stack)
        while asyncio.run(_try_all(engines, orders, answers)):
            pass
    answers.put(None)


def run(all_series: list[Series], workers: int, seconds: float | None) -> Iterator[int | Outcome | Ended]:
    """Yield the number of each call that was tried, what came of each series, and what was left behind.

    Args:
        all_series: in the order in which they are begun.
        workers: how many processes try them.
        seconds: after which none is begun any more; None: all are.
    """
    context = multiprocessing.get_context("spawn")
    orders, answers = context.Queue(), context.Queue()
    crew = [context.Process(target=_work, args=(orders, answers)) for _ in range(workers)]
    end = math.inf if seconds is None else time.monotonic() + seconds
    waiting = iter([*all_series, *[None] * workers])
    living = workers
    try:
        for one in crew:
            one.start()
            orders.put(next(waiting))
        while living:
            try:
                answer = answers.get(timeout=_MOMENT)
            except queue.Empty:
                if any(one.exitcode for one in crew):
                    raise RuntimeError("a process of the crew died") from None
                continue
            if answer is None:
                living -= 1
                continue
            if isinstance(answer, Outcome):
                orders.put(next(waiting) if time.monotonic() < end else None)
            yield answer
    finally:
        for one in crew:
            # One that said its last word ends by itself.
            if living:
                one.terminate()
            one.join()
