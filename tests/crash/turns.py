"""Rotations that are killed: ``scelle rotate dossier`` or the server, at random moments, until they end.

After every kill somebody who may opens something; after every rotation every container opens with the
dossier's key, and with none of those before.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from client.certificates import Judge
from client.dossiers import KnownDossier
from client.remote.certificates import fetch_retirement, find_retirement
from client.remote.granting import fetch_grants
from client.remote.service import Service
from client.remote.transport import Transport
from client.remote.trust import learn
from client.trust import Anchor
from client.trustfile import write_trust_file
from keys.keyring import Identity
from keys.store import write_identity
from tests.crash.audit import opened
from tests.crash.pairs import Embedded
from tests.crash.processes import Nursery, Process
from tests.crash.series import KILLED, random_of
from tests.crash.town import fresh, inhabit, settle
from tests.exchange.acts_of_people import Person
from vault.container.heads import read_outline
from vault.container.outcomes import ContainerError, Outcome
from vault.container.unlocking import unlock
from vault.server.stores.records.retiring import PAGE

SAMPLE = 3
"""Containers that are fetched and opened after every kill; at the end of all, ten times as many."""

FIRST, LONGEST = 0.2, 2.5
"""Seconds that a kill comes after the command began, at random between the two."""

_CONTENT = 600


class Key(NamedTuple):
    """A dossier's key as `tests.crash.audit.opened` takes it."""

    identity: Identity

    @property
    def decapsulation(self):
        return self.identity.decapsulation


@dataclass
class Figures:
    """What came of it.

    Attributes:
        pair: of engines.
        containers: in the dossier at the end.
        rotations: that came to their end.
        client_kills: of the command.
        server_kills: of the server under it.
        resumed: commands that went on with what another had begun.
        opened: containers that were fetched, compared and opened in between and at the end.
        closed: times that an older key was tried on a container of that moment, and did not open it.
        certified: lines of certificates, all verified.
        faults: everything that was wrong.
        seconds: that it took, the deposits left out.
    """

    pair: str
    containers: int = 0
    rotations: int = 0
    client_kills: int = 0
    server_kills: int = 0
    resumed: int = 0
    opened: int = 0
    closed: int = 0
    certified: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Turns:
    """One dossier, rotated and killed until enough kills were made and every rotation came to its end."""

    def __init__(self, nursery: Nursery, http, pair: Embedded, seed: str) -> None:
        self._nursery = nursery
        self._http = http
        self._site = pair.new()
        self._rng = random_of(f"{seed} {pair.name}")
        self._contents: dict[str, bytes] = {}
        self._keys: dict[int, Identity] = {}
        self.figures = Figures(pair.name)

    async def run(
        self, containers: int, kills: int, progress: Callable[[str], None] = lambda _line: None
    ) -> Figures:
        """Return what came of it; ``progress`` gets lines to show."""
        figures = self.figures
        await self._settle(containers)
        progress(f"{figures.pair}: {containers} containers are there")
        begun = time.monotonic()
        while self._kills < kills:
            await self._rotate(kills)
            progress(
                f"{figures.pair}: {self._kills} of {kills} kills, {figures.rotations} rotations, "
                f"{len(figures.faults)} faults, {time.monotonic() - begun:.0f} s"
            )
        await self._open(self._reader, SAMPLE * 10)
        await self._refuse_the_withdrawn()
        figures.containers, figures.seconds = len(self._contents), time.monotonic() - begun
        assert await self._server.stop() == 0
        return figures

    @property
    def _kills(self) -> int:
        return self.figures.client_kills + self.figures.server_kills

    # --- the place ---------------------------------------------------------------------------------------

    async def _settle(self, containers: int) -> None:
        """Start a server on a port that it keeps, and have people, a dossier and deposits there."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._server = await self._serve()
        town = await settle(self._site, self._server, self._http)
        self._made, (self._withdrawn,) = await inhabit(town, 1)
        self._reader, self._dossier = self._made.reviewer, self._made.dossier
        self._keys[1] = self._dossier.key
        for number in range(containers):
            seal_id, container = self._made.seal(fresh(_CONTENT, f"turn {number}"))
            await town.kept(self._made.session, self._dossier, container)
            self._contents[seal_id] = self._made.contents[seal_id]
        self._folder = self._site.folder / "admin"
        self._folder.mkdir()
        write_identity(self._folder / "my.key", self._made.admin.identity, None)
        write_identity(self._folder / "authority.key", town.authority, None)
        async with Transport(self._server.url) as transport:
            write_trust_file(str(self._folder / "trust.json"), await learn(Service(transport)))
        await self._type("login", self._server.url, "--identity", "my.key", "--trust", "trust.json")

    async def _serve(self) -> Process:
        words = ["--port", str(self._port), *self._site.words]
        return await self._nursery.serve(self._site.folder, words, self._site.variables)

    @property
    def _variables(self) -> dict[str, str]:
        return {"SCELLE_HOME": str(self._folder / "profile")}

    async def _type(self, *words: str) -> str:
        done = await self._nursery.run(self._folder, words, self._variables)
        assert done.code == 0, (words, done)
        return done.stdout

    # --- a rotation --------------------------------------------------------------------------------------

    async def _rotate(self, kills: int) -> None:
        """Rotate once, killing on the way as long as there are kills left, and look at what it came to."""
        before = (await self._progress()).generation
        while (now := await self._progress()).generation == before or now.outdated or now.grants:
            begun = now.generation > before
            self.figures.resumed += begun
            words = ["rotate", "dossier", self._dossier.id, "--identity", "my.key", "--yes", "--json"]
            words += ["--authority", "authority.key"]
            if begun:
                words.append("--resume")
            elif before == 1:
                words += ["--without", self._withdrawn.account]
            command = self._nursery.start(self._folder, words, self._variables)
            if self._kills < kills:
                await self._kill(command)
                await self._open(self._reader, SAMPLE)
            else:
                await command.rest()
                if command.wait() != 0:
                    self.figures.faults.append(f"not resumed: {command.errors.read_text()[-500:]}")
                    return
        self.figures.rotations += 1
        await self._open(self._reader, SAMPLE)
        await self._look_at_all(before + 1)
        await self._certified(before)

    async def _kill(self, command: Process) -> None:
        """Kill the command, or the server under it, and have both ended and a server again."""
        await self._sleep()
        if self._rng.random() < 0.5:
            command.kill()
            # It may have ended just before.
            self.figures.client_kills += command.code == KILLED
            return
        self._server.kill()
        self.figures.server_kills += 1
        await command.rest()
        command.wait()
        await self._site.quiet()
        self._server = await self._serve()

    async def _sleep(self) -> None:
        await asyncio.sleep(self._rng.uniform(FIRST, LONGEST))

    async def _progress(self):
        async with self._service(self._made.admin) as transport:
            return await Service(transport).get_rotation(self._dossier.id)

    def _service(self, who: Person) -> Transport:
        return Transport(self._server.url, token=who.token)

    # --- what must be true -------------------------------------------------------------------------------

    async def _open(self, who: Person, count: int) -> None:
        """Fetch and open some containers with what somebody who may is granted, however far it is."""
        async with self._service(who) as transport:
            service = Service(transport)
            known = KnownDossier(Anchor(await learn(service)), await fetch_grants(service, self._dossier.id))
            keys = known.opened_by(who.identity)
        self._keys |= keys
        town = self._made.town
        listed = await town.ok(
            "list_evidence", {"dossier": self._dossier.id}, token=who.token, params={"limit": "200"}
        )
        for version in self._rng.sample(listed["items"], min(count, len(listed["items"]))):
            where = {"evidence": version["evidence"], "number": version["number"]}
            fetched = await town.ask("fetch_container", where, token=who.token)
            if fetched.status != 200 or not self._holds(fetched.body, keys, version["seal_id"]):
                self.figures.faults.append(f"not opened: {version['seal_id']}: {fetched.status}")
            self.figures.opened += 1

    def _holds(self, container: bytes, keys: dict[int, Identity], seal_id: str) -> bool:
        for key in keys.values():
            try:
                return opened(container, Key(key)) == self._contents[seal_id]
            except ContainerError as error:
                if error.outcome is not Outcome.NO_ACCESS:
                    raise
        return False

    async def _look_at_all(self, generation: int) -> None:
        """Try the dossier's key, and all that it had before, on what the service holds at this moment."""
        older = [key.decapsulation for number, key in self._keys.items() if number < generation]
        current, last, count = self._keys[generation].decapsulation, b"", 0
        async with self._site.records() as records, records.read() as view:
            while page := await view.retirements.held(self._dossier.id, after=last):
                ends = await view.evidence.ends([held.seal_id for held in page])
                for held in page:
                    outline = read_outline(*ends[held.seal_id])
                    unlock(outline, current)
                    for key in older:
                        self._try_in_vain(outline, key, held.seal_id)
                count, last = count + len(page), page[-1].seal_id
                assert len(page) <= PAGE
        if count != len(self._contents):
            self.figures.faults.append(f"{count} containers, not {len(self._contents)}")

    def _try_in_vain(self, outline, key, seal_id: bytes) -> None:
        try:
            unlock(outline, key)
        except ContainerError as error:
            if error.outcome is Outcome.NO_ACCESS:
                self.figures.closed += 1
                return
        self.figures.faults.append(f"an older key opens {seal_id.hex()}")

    async def _certified(self, ended: int) -> None:
        """The certificate is about all of them, and every line counts."""
        async with self._service(self._made.admin) as transport:
            service = Service(transport)
            found = await find_retirement(service, self._dossier.id, ended)
            assert found is not None
            signed, lines = await fetch_retirement(service, found)
            judge = Judge(signed, Anchor(await learn(service)))
        seals = {judge.take(line).seal_id.hex() for line in lines}
        judge.finish()
        if seals != self._contents.keys():
            self.figures.faults.append(f"the certificate of key {ended} is about other containers")
        self.figures.certified += len(lines)

    async def _refuse_the_withdrawn(self) -> None:
        """Whoever was left out is handed nothing."""
        town, path = self._made.town, {"dossier": self._dossier.id}
        for name in ("get_my_grants", "list_evidence"):
            answer = await town.ask(name, path, token=self._withdrawn.token)
            if answer.status != 404:
                self.figures.faults.append(f"{name} for whoever was left out: {answer.status}")
