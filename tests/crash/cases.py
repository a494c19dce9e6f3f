"""One act, one place to die at: what was prepared is copied, served, killed, served again and looked at."""

import asyncio
from dataclasses import dataclass

from tests.crash.acts import ACTS, Act, attempt
from tests.crash.audit import Picture, check_whole, look, receipt_in
from tests.crash.caretaker import clean
from tests.crash.inspection import inspect
from tests.crash.pairs import PAIRS, Embedded, Site
from tests.crash.processes import Nursery
from tests.crash.town import Prepared, prepare, settle
from vault.server.failpoints import Failpoint

AT_ONCE = 4
KILLED = -9


@dataclass(frozen=True)
class Way:
    """How an act goes where nothing disturbs it.

    Attributes:
        passes: the failpoints that it comes to, in order.
        commits: that of them where the change is first kept.
        before: what there was.
        after: what there is then.
    """

    passes: tuple[Failpoint, ...]
    commits: Failpoint
    before: Picture
    after: Picture

    @property
    def touched(self) -> set[str]:
        """Seal ids of what is changed."""
        before, after = self.before.versions, self.after.versions
        return {seal for seal in after if before.get(seal) != after[seal]}

    def settled(self, point: Failpoint) -> bool:
        """Tell whether the change was committed when ``point`` is first come to."""
        if self.commits not in self.passes:
            return False
        return self.passes.index(point) >= self.passes.index(self.commits)


async def found(nursery, http, pair) -> tuple[Site, Prepared]:
    """Return a service that was set up and stopped, and all that is ready to be sent to it."""
    site = pair.new()
    server = await nursery.serve(site.folder, site.words, site.variables)
    town = await settle(site, server, http)
    made = await prepare(town, pair.medium, pair.large)
    assert await server.stop() == 0
    return site, made


class Stage:
    """What is prepared for all cases on one pair of engines."""

    def __init__(self, nursery: Nursery, pair: Embedded, prepared: Site, made: Prepared) -> None:
        self.nursery = nursery
        self.pair = pair
        self.prepared = prepared
        self.made = made
        self.ways: dict[str, Way] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    @classmethod
    async def build(cls, nursery, http, pair) -> "Stage":
        stage = cls(nursery, pair, *await found(nursery, http, pair))
        for act in ACTS:
            stage.ways[act.name] = await stage._go(act)
        return stage

    def acts_through(self, point: Failpoint, *, every: bool) -> list[Act]:
        """Return the acts that come to a place; inside the store, which knows none of them, two will do.

        Args:
            point: the place.
            every: whether all of them shall die there, as with `make crash`; otherwise one does, another at
                the next place and on the next pair.
        """
        found = [act for act in ACTS if point in self.ways[act.name].passes]
        if point.startswith(self.pair.modules):
            return found[-2:]
        found = [act for act in found if not act.large]
        if every or not found:
            return found
        turn = list(Failpoint).index(point) + PAIRS.index(type(self.pair))
        return [found[turn % len(found)]]

    async def _serve(self, site: Site, watch=None):
        server = await self.nursery.serve(site.folder, site.words, site.variables, watch)
        return server, self.made.town.at(server.url)

    async def _go(self, act: Act) -> Way:
        """Do an act undisturbed, and note what it passes."""
        site = await self.pair.copy(self.prepared, self.made)
        trigger, notes = site.folder / "trigger", site.folder / "notes"
        watch = {"trigger": str(trigger), "kill_at": "", "note_in": str(notes)}
        server, town = await self._serve(site, watch)
        before = await look(town, self.made, site)
        trigger.touch()
        answer = await attempt(act, town, self.made)
        trigger.unlink()
        assert answer is not None
        assert answer.status == act.first, answer.body
        after = await look(town, self.made, site)
        assert await server.stop() == 0
        faults, left = await inspect(site)
        assert [*faults, *left.faults] == []
        passes = tuple(Failpoint[name] for name in notes.read_text().split())
        await self.pair.remove(site)
        return Way(passes, act.commits, before, after)

    async def die(self, act: Act, point: Failpoint, *, everything: bool) -> None:
        """Kill the server where ``act`` comes to ``point``, and check what it left.

        Args:
            act: what is asked for.
            point: where it dies.
            everything: whether all that was ever deposited is fetched and opened, or what the act is about.
        """
        async with self._room:
            await self._die(act, point, everything=everything)

    async def _die(self, act: Act, point: Failpoint, *, everything: bool) -> None:
        made, way = self.made, self.ways[act.name]
        site = await self.pair.copy(self.prepared, self.made)
        trigger = site.folder / "trigger"
        watch = {"trigger": str(trigger), "kill_at": point.name, "note_in": ""}
        server, town = await self._serve(site, watch)
        trigger.touch()
        answer = await attempt(act, town, made)
        assert answer is None, "it was answered before the place was reached"
        assert await server.death() == KILLED
        # Everything that was not acknowledged is there as a whole, or not at all.
        server, town = await self._serve(site)
        found = await look(town, made, site)
        assert found == (way.after if way.settled(point) else way.before)
        # Asking for the same again is answered as if nothing had happened.
        again = await attempt(act, town, made)
        assert again is not None
        assert act.done(again, made), again.body
        found = await look(town, made, site)
        assert found._replace(journal=way.after.journal) == way.after
        if act.name != "fetch":
            assert found.journal == way.after.journal
        await check_whole(town, made, None if everything else way.touched)
        receipts = [receipt_in(again.json)] if again.status == 201 and "receipt" in again.json else []
        assert await server.stop() == 0
        faults, left = await inspect(site, receipts=receipts)
        assert faults == []
        assert await clean(self.nursery, site) == tuple(map(len, left))
        faults, left = await inspect(site, receipts=receipts)
        assert [*faults, *left.faults] == []
        await self.pair.remove(site)
