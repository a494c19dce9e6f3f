"""One kill after the other: a crowd at work, the server killed from outside, cleaned up, started, audited."""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.crash.audit import listed, opened, receipt_in
from tests.crash.caretaker import clean
from tests.crash.clients import Depositor
from tests.crash.crowd import Crowd
from tests.crash.erasers import Eraser
from tests.crash.inspection import Fault, Kind, Trail, inspect
from tests.crash.ledger import Ledger, picture_below, seen
from tests.crash.pairs import Embedded
from tests.crash.processes import PATIENCE, Nursery, Process
from tests.crash.rotators import Rotator
from tests.crash.town import inhabit, settle
from tests.exchange.acts_on_dossiers import PROCEDURE
from vault.journal import Action
from vault.merkle import root_of

CLIENTS = 8
SAMPLE = 5
"""Versions that are looked at after every kill, beside those that were touched since the last."""

MEAN = 0.4
LONGEST = 2.0
KILLED = -9


@dataclass
class Figures:
    """What came of a series.

    Attributes:
        pair: of engines.
        kills: how often the server was killed.
        acknowledged: changes that were acknowledged.
        broken: requests for a change that the server died over.
        kept: how many of these were done nevertheless, as a whole.
        removed: objects that no row named, removed by the janitor.
        late: objects that the store came to have after the server's death and the janitor's look; the next
            janitor has to remove them.
        erased: dossiers that were opened, filled, closed and erased meanwhile.
        rotated: dossiers of these whose key was rotated to the end before, and one of whose contents was
            re-encrypted.
        opened: containers that were fetched, compared and opened.
        faults: everything that was wrong.
        seconds: that it took.
    """

    pair: str
    kills: int = 0
    acknowledged: int = 0
    broken: int = 0
    kept: int = 0
    removed: int = 0
    late: int = 0
    opened: int = 0
    erased: int = 0
    rotated: int = 0
    faults: list[Fault] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Objects that no row named, after the janitor."""
        return self.count(Kind.ORPHAN)

    def note(self, *faults: Fault) -> None:
        """Keep what is wrong, each once: it is found again after every kill."""
        self.faults += [fault for fault in dict.fromkeys(faults) if fault not in self.faults]

    def count(self, *kinds: Kind) -> int:
        """Return how many faults are of these kinds."""
        return sum(fault.kind in kinds for fault in self.faults)


def random_of(seed) -> random.Random:
    """Return what moments, sizes and acts are chosen with."""
    return random.Random(seed)  # noqa: S311 - no secrets


class Series:
    """Kills on one pair of engines, one history from the first to the last."""

    def __init__(self, nursery: Nursery, http, pair: Embedded, seed: str, *, clients: int = CLIENTS) -> None:
        self._nursery = nursery
        self._http = http
        self._seed = f"{seed} {pair.name}"
        self._site = pair.new()
        part_bytes = {"SCELLE_UPLOAD_PART_BYTES": str(pair.part_bytes)}
        self._variables = {**self._site.variables, **part_bytes}
        self._part_bytes = pair.part_bytes
        self._clients = clients
        self._trail = Trail()
        self._ledger = Ledger()
        self._late: set[Fault] = set()
        self.figures = Figures(pair.name)

    async def run(self, kills: int, progress: Callable[[str], None] = lambda _line: None) -> Figures:
        """Kill the server ``kills`` times, and return what came of it; ``progress`` gets lines to show."""
        begun, figures = time.monotonic(), self.figures
        server = await self._serve()
        town = await settle(self._site, server, self._http)
        self._made, grantees = await inhabit(town, self._clients + 1)
        await town.ok("set_retention", token=town.root, json={"procedure": PROCEDURE, "days": 0})
        self._note(await inspect(self._site, trail=self._trail))
        self._ledger.known = await self._below()
        self._ledger.actions.update(self._trail.actions)
        # One more with every start.
        del self._ledger.actions[Action.SERVER_STARTED.value]
        self._crowd = Crowd(self._made, grantees[1:], self._ledger, self._part_bytes)
        rng = random_of(self._seed)
        clients = [Depositor(self._crowd, number, random_of(rng.random())) for number in range(self._clients)]
        eraser = Eraser(self._crowd, self._clients, random_of(rng.random()))
        rotator = Rotator(self._crowd, self._clients + 1, random_of(rng.random()))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.live()) for client in (*clients, eraser, rotator)]
            for _ in range(kills):
                server = await self._kill(server, rng)
                progress(
                    f"{figures.pair}: {figures.kills} of {kills} kills, {figures.acknowledged} acknowledged, "
                    f"{len(figures.faults)} faults, {time.monotonic() - begun:.0f} s"
                )
            for task in tasks:
                task.cancel()
        progress(f"{figures.pair}: opening all {len(self._ledger.places)} containers once more")
        await self._finish(server)
        figures.erased, figures.rotated = eraser.erased + rotator.erased, rotator.rotated
        figures.seconds = time.monotonic() - begun
        progress(f"{figures.pair}: done in {figures.seconds:.0f} s")
        return figures

    async def _below(self):
        return await picture_below(self._site, self._made.dossier.id)

    async def _serve(self) -> Process:
        return await self._nursery.serve(self._site.folder, self._site.words, self._variables)

    async def _kill(self, server: Process, rng: random.Random) -> Process:
        """Kill the server while the crowd is at work, judge what it left, and return the next."""
        crowd, site = self._crowd, self._site
        crowd.let_go(server.url)
        async with asyncio.timeout(PATIENCE):
            await crowd.begun.wait()
        wait = min(rng.expovariate(1 / MEAN), LONGEST)
        await asyncio.sleep(wait / 2)
        checkpoint = await crowd.town.ok("get_checkpoint", token=crowd.town.root)
        await asyncio.sleep(wait / 2)
        crowd.halt()
        server.kill()
        assert server.code == KILLED
        await site.quiet()
        left = self._note(await inspect(site, trail=self._trail))
        self._check_checkpoint(checkpoint)
        found = await self._below()
        self.figures.note(*self._ledger.compare(found, self._trail.actions))
        self._ledger.count_broken(found)
        await self._clean(left)
        server = await self._serve()
        await self._check_shown(server, found)
        crowd.found(server.url)
        async with asyncio.timeout(PATIENCE):
            await crowd.quiet()
        await self._check_idle()
        self.figures.kills += 1
        return server

    def _note(self, inspected):
        """Keep the faults of an inspection, and return what no row names."""
        faults, left = inspected
        self.figures.note(*faults)
        return left

    def _check_checkpoint(self, seen_before) -> None:
        """The journal is longer than the last that somebody was told of, and begins with it."""
        size, leaves = seen_before["size"], self._trail.leaves
        if len(leaves) < size or root_of(leaves[:size]).hex() != seen_before["root"]:
            self.figures.note(Fault(Kind.JOURNAL, f"it does not go on from {size} entries"))

    async def _clean(self, left) -> None:
        """Let the janitor remove what is left: of that nothing may be there afterwards."""
        await clean(self._nursery, self._site)
        self.figures.removed += len(left)
        after = self._note(await inspect(self._site, trail=self._trail))
        self._late -= set(left.faults)
        self._judge_orphans(after, before=left)

    def _judge_orphans(self, left, before=None) -> None:
        """Note what is left; it may be that the store only had it after the janitor had looked."""
        orphans = set(left.faults)
        came = orphans - self._late - set(before.faults if before is not None else ())
        if self._site.finishes_late:
            self._late |= came
            self.figures.late += len(came)
        self.figures.note(*orphans - self._late)

    async def _check_shown(self, server, found) -> None:
        """What the service shows is what the rows have: nothing is seen by half."""
        shown = seen(await listed(self._made.town.at(server.url), self._made))
        below = {thing: value for thing, value in found.items() if thing[0] == "version"}
        for thing in {key for key in shown | below if shown.get(key) != below.get(key)}:
            what = f"{thing} is shown as {shown.get(thing)} and is {below.get(thing)}"
            self.figures.note(Fault(Kind.HALF, what))

    async def _check_idle(self) -> None:
        """Everything that was begun is answered: it is there, nothing else is, and what is new opens."""
        ledger = self._ledger
        self._judge_orphans(self._note(await inspect(self._site, trail=self._trail)))
        self.figures.note(*ledger.compare(await self._below(), self._trail.actions))
        handed_out = self._trail.actions[Action.EVIDENCE_FETCHED.value]
        if not ledger.fetched <= handed_out <= ledger.asked:
            self.figures.note(Fault(Kind.JOURNAL, f"{handed_out} fetches, not {ledger.fetched}"))
        old = sorted(ledger.places.keys() - ledger.touched)
        chosen = random_of(f"{self._seed} {self.figures.kills}").sample(old, min(SAMPLE, len(old)))
        await self._check_open({*ledger.touched & ledger.places.keys(), *chosen})
        ledger.touched.clear()
        self.figures.acknowledged, self.figures.broken = ledger.acknowledged, ledger.broken
        self.figures.kept = ledger.kept
        self.figures.note(*ledger.faults)
        ledger.faults = []

    async def _check_open(self, seals) -> None:
        for seal_id in sorted(seals):
            if (what := await self._look_into(seal_id)) is not None:
                self.figures.note(Fault(Kind.LOST, f"version {seal_id}: {what}"))
            self.figures.opened += 1

    async def _look_into(self, seal_id: str) -> str | None:
        """Fetch a version, compare it, open it, and compare what is in it and its receipt."""
        ledger, town, made = self._ledger, self._crowd.town, self._made
        evidence, number = ledger.places[seal_id]
        where = {"evidence": evidence, "number": number}
        ledger.asked += 1
        fetched = await town.ask("fetch_container", where, token=made.session)
        if fetched.status != 200:
            return f"{fetched.status} {fetched.body!r}"
        ledger.fetched += 1
        if hashlib.sha256(fetched.body).digest() != ledger.digests[seal_id]:
            return "it is not what was sent"
        content = opened(fetched.body, made.dossier.key)
        if hashlib.sha256(content).digest() != ledger.contents[seal_id]:
            return "it holds something else"
        receipt = await town.ok("get_receipt", where, token=made.session)
        if receipt["receipt"] != ledger.receipts.get(seal_id, receipt["receipt"]):
            return "its receipt is another"
        return None

    async def _finish(self, server: Process) -> None:
        """Look at everything once more, and at the whole journal from its first entry."""
        await self._check_open(self._ledger.places)
        assert await server.stop() == 0
        await self._site.quiet()
        await clean(self._nursery, self._site)
        receipts = [receipt_in({"receipt": one}) for one in self._ledger.receipts.values()]
        left = self._note(await inspect(self._site, receipts=receipts))
        self.figures.note(*left.faults)
