"""Clients that go on depositing, replacing, archiving and granting, whatever becomes of the server."""

import asyncio
import hashlib
import random

import aiohttp

from tests.crash.inspection import Fault, Kind
from tests.crash.ledger import Change, Ledger
from tests.crash.town import Prepared, Town, seal_id_of
from tests.exchange.acts_of_people import Person

SMALL = 40_000
"""Most bytes of what is usually sealed."""

LARGE = 2_500_000


class Crowd:
    """What all clients share.

    Attributes:
        grantees: a reviewer for each.
        part_bytes: length of an upload's parts.
        town: the server where it is now.
        up: set while there is one.
        traffic: set while anything new may be begun.
        begun: set once an answer came after traffic was let go.
    """

    def __init__(self, made: Prepared, grantees: list[Person], ledger: Ledger, part_bytes: int) -> None:
        self.made = made
        self.grantees = grantees
        self.ledger = ledger
        self.part_bytes = part_bytes
        self.town: Town = made.town
        self.up = asyncio.Event()
        self.traffic = asyncio.Event()
        self.begun = asyncio.Event()
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def let_go(self, url) -> None:
        """Let everybody begin something, at the server that is at ``url``."""
        self.found(url)
        self.begun.clear()
        self.traffic.set()

    def found(self, url) -> None:
        """Tell everybody where the server is now, so that they may ask again."""
        self.town = self.made.town.at(url)
        self.up.set()

    def halt(self) -> None:
        """Let nobody begin anything, and nobody ask again."""
        self.traffic.clear()
        self.up.clear()

    async def quiet(self) -> None:
        """Wait until everything that was begun is answered."""
        await self._idle.wait()

    async def ask(self, send):
        """Send a request until it is answered, and return the answer and whether it was sent before."""
        await self.traffic.wait()
        self._busy += 1
        self._idle.clear()
        try:
            return await self._persist(send)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def _persist(self, send):
        again = False
        while True:
            try:
                await self.up.wait()
                answer = await send(self.town)
            except aiohttp.ClientError:
                # Whoever served died; it is asked the same again when there is a server.
                again = True
                await asyncio.sleep(0)
                continue
            self.begun.set()
            return answer, again


class Client:
    """One of the crowd; what it begins on, nobody else touches."""

    def __init__(self, crowd: Crowd, number: int, rng: random.Random) -> None:
        self.crowd = crowd
        self.number = number
        self.rng = rng

    @property
    def ledger(self) -> Ledger:
        return self.crowd.ledger

    @property
    def made(self) -> Prepared:
        return self.crowd.made

    async def change(self, what: str, change: Change, send, first: int, repeated=None):
        """Ask for a change, and take what is answered for granted; None: it was refused.

        Args:
            what: for whoever reads of an answer that nobody should get.
            change: what there is then.
            send: sends it, the same each time.
            first: the status of its answer.
            repeated: tells whether another answer says that it was done before.
        """
        await self.crowd.traffic.wait()
        self.ledger.pending[self.number] = change
        answer, again = await self.crowd.ask(send)
        if answer.status == first or (again and repeated is not None and repeated(answer)):
            self.ledger.acknowledge(self.number)
            return answer
        said = f"{what}{' again' if again else ''}: {answer.status} {answer.body[:300]!r}"
        self.ledger.withdraw(self.number, Fault(Kind.ANSWER, said))
        return None

    async def seal(self, size: int, **options) -> tuple[str, bytes]:
        """Seal something new beside the loop, and return seal id and container."""
        content = self.rng.randbytes(size)
        return await asyncio.to_thread(self._seal, content, options)

    def _seal(self, content, options):
        made = self.made
        container = made.town.seal(made.editor.signing, made.dossier, content=content, **options)
        seal_id = seal_id_of(container)
        self.ledger.contents[seal_id] = hashlib.sha256(content).digest()
        return seal_id, container

    async def fetched(self, path, token) -> bytes | None:
        """Return a container that was fetched whole."""

        async def send(town):
            self.ledger.asked += 1
            return await town.ask("fetch_container", path, token=token)

        answer, _ = await self.crowd.ask(send)
        if answer.status != 200:
            self.complain("fetch", answer)
            return None
        self.ledger.fetched += 1
        return answer.body

    def size(self) -> int:
        """Return how much is sealed next."""
        return LARGE if self.rng.random() < 0.03 else self.rng.randrange(1, SMALL)

    def complain(self, what, answer) -> None:
        """Note an answer that nobody should get."""
        said = f"{what}: {answer.status} {answer.body[:300]!r}"
        self.ledger.faults.append(Fault(Kind.ANSWER, said))


def was_deposited(answer) -> bool:
    """Tell whether an answer says that this container was deposited before."""
    return answer.code == "already_deposited"
