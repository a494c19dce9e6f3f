"""One act, one call that fails, and whether everybody was told the truth: for each call in turn."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from tests.crash.acts import Act, attempt
from tests.crash.audit import contents_of, listed, receipt_in
from tests.crash.inspection import Fault, Kind
from tests.crash.processes import PATIENCE
from tests.crash.town import Prepared
from tests.exchange.world import Answer
from tests.faults.errands import prepared
from tests.faults.fates import Fate
from tests.faults.sight import Change, Picture, change_between
from tests.faults.stand import Stand
from vault.container.layout import parse_preamble

MOMENT = 0.1


@dataclass
class Figures:
    """What came of the trials of one fate.

    Attributes:
        trials: acts over which a call failed.
        acknowledged: those that were answered as if it had not.
        refused: those that were answered with 503.
        broken: fetches that ended before their end.
        kept: changes that were done although they were refused.
        faults: everything that was wrong.
    """

    trials: int = 0
    acknowledged: int = 0
    refused: int = 0
    broken: int = 0
    kept: int = 0
    faults: list[Fault] = field(default_factory=list)


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
            before = await self._look(made)
            self._line.switch.set(None)
            answer = await self._attempt(made)
            self.calls = self._line.switch.calls
            assert answer is not None
            assert answer.status == self._act.first, answer.body
            self._receive(answer)
            self.change = change_between(before, await self._look(made))

    async def run(
        self, fate: Fate, numbers: Iterable[int] | None = None, *, tell: Callable[[int], None] | None = None
    ) -> Figures:
        """Try every call from the first to the last, or those with these numbers; ``tell`` hears of each."""
        figures = Figures()
        await self._stand.turn_over()
        for number in count(1) if numbers is None else numbers:
            if not await self._try(fate, number, figures):
                break
            if tell:
                tell(number)
        shown = await listed(self._stand.made.town, self._stand.made)
        there = (await self._look(self._stand.made)).versions
        if shown.keys() != there.keys():
            what = f"{self._act.name}, {fate}: {len(shown)} proofs are shown, {len(there)} are there"
            figures.faults.append(Fault(Kind.HALF, what))
        return figures

    def spread(self, step: int) -> Iterable[int]:
        """Return every ``step``-th call from the first on, and the last ones: a commit is among them."""
        if step == 1:
            return count(1)
        return sorted({*range(1, self.calls, step), *range(max(1, self.calls - 2), self.calls + 1)})

    async def _try(self, fate: Fate, number: int, figures: Figures) -> bool:
        """Let one call fail; return whether there was one with this number."""
        act, stand = self._act, self._stand
        made = await prepared(act, stand.made)
        before = await self._look(made)
        self._line.switch.set(fate, number)
        answer = await self._attempt(made)
        struck = self._line.switch.struck
        self._line.switch.set(None)
        await self._line.settle()
        done = change_between(before, await self._look(made))
        found = self._judge(answer, made, done, figures if struck else Figures())
        again = await self._repeat(made)
        if again is None or not act.done(again, made):
            found.append((Kind.ANSWER, f"asked again: {again and (again.status, again.body)}"))
        else:
            self._receive(again)
        after = await self._look(made)
        if not self._is(change_between(before, after)):
            told = f"in the end there is {change_between(before, after)}, not {self.change}"
            found.append((Kind.LOST, told))
        found += [(Kind.LOST, what) for what in await self._not_whole(made, after)]
        complaints = stand.complaints()
        if not (act.name == "fetch" and answer is None):
            found += [(Kind.ANSWER, f"logged: {line}"[:900]) for line in complaints]
        about = f"{self._engine}, {act.name}, {fate} at call {number}"
        figures.faults += [Fault(kind, f"{about}: {what}") for kind, what in found]
        figures.trials += struck
        return struck

    def _judge(
        self, answer: Answer | None, made: Prepared, done: Change, figures: Figures
    ) -> list[tuple[Kind, str]]:
        """Count an answer, and name what is wrong with it and with what was done."""
        act, found = self._act, []
        if answer is not None and (answer.status == act.first or act.done(answer, made)):
            self._receive(answer)
            figures.acknowledged += 1
            if not self._is(done):
                found.append((Kind.LOST, f"answered {answer.status}, there is {done}"))
            return found
        if _is_refused(answer):
            figures.refused += 1
        elif answer is None and act.name == "fetch":
            figures.broken += 1
        else:
            found.append((Kind.ANSWER, f"answered {answer and (answer.status, answer.body)}"))
        if done.things:
            if self._is(done):
                figures.kept += 1
            else:
                found.append((Kind.HALF, f"{done}"))
        return found

    async def _look(self, made: Prepared) -> Picture:
        return await self._stand.sight.look(made.dossier.id)

    async def _attempt(self, made: Prepared) -> Answer | None:
        try:
            return await attempt(self._act, made.town, made)
        except TimeoutError:
            return None

    async def _repeat(self, made: Prepared) -> Answer | None:
        """Ask the same again, as one is told to: a database minds what hung for as long as it may."""
        answer = await self._attempt(made)
        async with asyncio.timeout(PATIENCE):
            while _is_refused(answer):
                await asyncio.sleep(MOMENT)
                answer = await self._attempt(made)
        return answer

    @staticmethod
    async def _not_whole(made: Prepared, after: Picture) -> list[str]:
        """Name what cannot be had as it was sent, or does not open."""
        found = []
        for seal_id in made.sealed.keys() & after.versions.keys():
            evidence, number = after.versions[seal_id]
            where = {"evidence": evidence, "number": number}
            fetched = await made.town.ask("fetch_container", where, token=made.session)
            sealed = made.sealed[seal_id]
            body = sealed[parse_preamble(sealed).payload_offset :]
            if fetched.status != 200 or fetched.body not in {sealed, made.ready["head"] + body}:
                found.append(f"{seal_id} is fetched with {fetched.status}, {len(fetched.body)} bytes")
            elif contents_of(fetched.body, made.dossier.key) != made.contents[seal_id]:
                found.append(f"{seal_id} holds something else")
        return found

    def _is(self, change: Change) -> bool:
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
