"""One act, one call that fails, and whether everybody was told the truth: for each call in turn."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

from tests.crash.acts import Act, attempt
from tests.crash.audit import Picture, check_whole, receipt_in
from tests.crash.inspection import Fault, Kind
from tests.crash.processes import PATIENCE
from tests.exchange.world import Answer
from tests.faults.errands import prepared
from tests.faults.fates import Fate
from tests.faults.stand import Stand

MOMENT = 0.1
_UNHEARD = frozenset({Fate.HUNG, Fate.LATE, Fate.FROZEN})
"""After these a database that heard nothing still minds what the server gave up, for as long as it may."""


class Change(NamedTuple):
    """What an act changed, named so that two runs of it are the same.

    Attributes:
        things: how often something went from one value to another.
        journal: what was added to it.
    """

    things: Counter[Any]
    journal: Counter[str]


def change_between(before: Picture, after: Picture) -> Change:
    """Return what changed."""
    things: Counter[Any] = Counter()
    for kind in ("versions", "grants", "uploads"):
        old, new = getattr(before, kind), getattr(after, kind)
        things.update((kind, old.get(name), new.get(name)) for name in old.keys() | new.keys())
    return Change(
        Counter({step: n for step, n in things.items() if step[1] != step[2]}), after.journal - before.journal
    )


@dataclass
class Figures:
    """What came of the trials of one fate.

    Attributes:
        trials: acts over which a call failed.
        acknowledged: those that were answered as if it had not.
        refused: those that were answered with 503.
        broken: fetches that ended before their end.
        kept: changes that were done although they were refused.
        left: objects that no row named afterwards, which a janitor has to remove.
        faults: everything that was wrong.
        seconds: that it took.
    """

    trials: int = 0
    acknowledged: int = 0
    refused: int = 0
    broken: int = 0
    kept: int = 0
    left: int = 0
    faults: list[Fault] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, *kinds: Kind) -> int:
        return sum(fault.kind in kinds for fault in self.faults)


class Trials:
    """Trials of one act on one engine.

    Attributes:
        calls: how many of them the act makes where nothing disturbs it.
        change: what it does then.
    """

    def __init__(self, stand: Stand, engine: str, act: Act) -> None:
        self._stand, self._act = stand, act
        self._line, self._engine = stand.lines[engine], engine
        self.calls = 0
        self.change = Change(Counter(), Counter())

    async def rehearse(self) -> None:
        """Do the act undisturbed: twice, since the first time more is asked of a database."""
        await self._stand.turn_over()
        for _ in range(2):
            made = await prepared(self._act, self._stand.made)
            before = await self._stand.picture()
            self._line.switch.set(None)
            answer = await attempt(self._act, made.town, made)
            self.calls = self._line.switch.calls
            assert answer is not None
            assert answer.status == self._act.first, answer.body
            self._receive(answer)
            self.change = change_between(before, await self._stand.picture())

    async def run(self, fate: Fate, numbers: Iterable[int] | None = None) -> Figures:
        """Try every call from the first to the last, or those with these numbers."""
        figures = Figures()
        await self._stand.turn_over()
        for number in count(1) if numbers is None else numbers:
            if not await self._try(fate, number, figures):
                break
        return figures

    async def _try(self, fate: Fate, number: int, figures: Figures) -> bool:  # noqa: C901, PLR0912 - a list of checks
        """Let one call fail; return whether there was one with this number."""
        act, stand = self._act, self._stand
        found: list[Fault] = []

        def note(kind: Kind, what: object) -> None:
            found.append(Fault(kind, f"{self._engine}, {act.name}, {fate} at call {number}: {what}"))

        made = await prepared(act, stand.made)
        before = await stand.picture()
        self._line.switch.set(fate, number)
        answer = await self._attempt(made)
        struck = self._line.switch.struck
        self._line.switch.set(None)
        await self._line.settle()
        done = change_between(before, await stand.picture())
        acknowledged = answer is not None and (answer.status == act.first or act.done(answer, made))
        if acknowledged:
            self._receive(answer)
            figures.acknowledged += struck
            if not self._is(done):
                note(Kind.LOST, f"answered {answer.status}, there is {done}")
        elif _is_refused(answer):
            figures.refused += struck
        elif answer is None and act.name == "fetch":
            figures.broken += struck
        else:
            note(Kind.ANSWER, answer and (answer.status, answer.body))
        if not acknowledged:
            figures.kept += struck and bool(done.things) and self._is(done)
            if done.things and not self._is(done):
                note(Kind.HALF, f"{done}")
        again = await self._repeat(made, patient=fate in _UNHEARD)
        if again is None or not act.done(again, made):
            note(Kind.ANSWER, f"asked again: {again and (again.status, again.body)}")
        else:
            self._receive(again)
        after = await stand.picture()
        if not self._is(change_between(before, after), twice=True):
            note(Kind.LOST, f"in the end there is {change_between(before, after)}, not {self.change}")
        try:
            await check_whole(made.town, made, made.sealed.keys() & after.versions.keys())
        except AssertionError as error:
            note(Kind.LOST, f"it cannot be had or opened: {error!r}"[:400])
        for line in stand.complaints():
            if not (act.name == "fetch" and answer is None):
                note(Kind.ANSWER, f"logged: {line}"[:900])
        figures.faults += found
        figures.trials += struck
        return struck

    async def _attempt(self, made) -> Answer | None:
        try:
            return await attempt(self._act, made.town, made)
        except TimeoutError:
            return None

    async def _repeat(self, made, *, patient: bool) -> Answer | None:
        """Ask the same again: it works at once, or once a database no longer minds a connection that hung."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self._attempt(made)
                if not (patient and _is_refused(answer)):
                    return answer
                await asyncio.sleep(MOMENT)

    def _is(self, change: Change, *, twice: bool = False) -> bool:
        """Tell whether that is what the act does; every download is recorded, also one that broke off."""
        if self._act.name == "fetch":
            return change.things == self.change.things and change.journal.keys() == self.change.journal.keys()
        return change == self.change

    def _receive(self, answer: Answer) -> None:
        if answer.status in {200, 201} and answer.headers.get("Content-Type", "").startswith(
            "application/json"
        ):
            said = answer.json
            if "receipt" in said:
                self._stand.receipts.append(receipt_in(said))


def _is_refused(answer: Answer | None) -> bool:
    return (
        answer is not None
        and (answer.status, answer.code) == (503, "unavailable")
        and int(answer.headers["Retry-After"]) > 0
    )
