"""A service with people, a dossier, proofs and everything signed and sealed that is about to be sent.

All of it is prepared once; a case starts a server on a copy and goes on from there.
"""

import copy
import io
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from keys.keyring import Identity
from tests.crash.processes import PATIENCE
from tests.exchange.acts_of_people import Person, carry
from tests.exchange.acts_on_dossiers import DossierAt
from tests.exchange.world import World
from vault.api.route import IDEMPOTENCY_HEADER
from vault.container.examine import examine
from vault.container.steps import run
from vault.server.stores.clock import SystemClock

MIB = 1024 * 1024
LARGE = 2 * MIB + 4321
"""Content of what is deposited while the server dies: written in more than one piece."""


class Town(World):
    """The people's side alone; the server is another process."""

    def __init__(self, *, origin, http, folder) -> None:
        super().__init__(
            origin=origin,
            http=http,
            clock=SystemClock(),
            services=None,
            records=None,
            store=None,
            folder=folder,
            log=None,
            metrics=None,
        )

    async def ask(self, name, path=(), *, data=None, **options):
        # Bytes as a file: aiohttp sends them piece by piece.
        return await super().ask(name, path, data=None if data is None else io.BytesIO(data), **options)

    def at(self, url) -> "Town":
        """Return the same people as they speak to the server at another address."""
        moved = copy.copy(self)
        moved.origin = url
        return moved


@asynccontextmanager
async def asking():
    """Open what requests are made with: a connection for each, since servers come and go."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        yield http


@dataclass
class Prepared:
    """What there is at the service, and what is ready to be sent.

    Attributes:
        sealed: every container by its seal id, hexadecimal, as it was deposited or will be.
        contents: what was sealed, by seal id.
        proofs: what was deposited, as the service shows it, by what will be done with it.
        ready: what will be sent.
    """

    town: Town
    dossier: DossierAt
    editor: Identity
    session: str
    admin: Person
    reviewer: Person
    sealed: dict[str, bytes] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    proofs: dict[str, dict] = field(default_factory=dict)
    ready: dict[str, object] = field(default_factory=dict)

    def seal(self, content, **options) -> tuple[str, bytes]:
        """Return seal id and container, and remember both."""
        container = self.town.seal(self.editor.signing, self.dossier, content=content, **options)
        seal_id = seal_id_of(container)
        self.sealed[seal_id] = container
        self.contents[seal_id] = content
        return seal_id, container


def seal_id_of(container) -> str:
    return examined_of(container).seal.seal_id.hex()


def examined_of(container):
    return run(examine(len(container)), lambda at, length: container[at : at + length])


def fresh(size, mark) -> bytes:
    """Return content of that size; the mark makes it another one each time."""
    return (mark.encode() + b"\0").ljust(size, b"e")[:size]


async def prepare(town: Town) -> Prepared:
    """Make everybody, deposit what the acts begin from, and seal what they send."""
    organisation = await town.organisation(quota_bytes=10**12)
    portal = await town.person("portal", organisation=organisation)
    admin = await town.person("admin")
    reviewer, leaver, newcomer = [await town.person("reviewer") for _ in range(3)]
    granted = [admin.identity, reviewer.identity, leaver.identity]
    dossier = await town.dossier(portal, granted, organisation=organisation)
    editor = await town.depositor(portal, dossier)
    session = await town.session(editor)
    made = Prepared(town, dossier, editor, session, admin, reviewer)
    for what in ("replaced", "archived", "rewritten"):
        _, container = made.seal(fresh(1000, what))
        made.proofs[what] = await town.kept(session, dossier, container)
    _, repeated = made.seal(fresh(1000, "repeated"))
    key = {IDEMPOTENCY_HEADER: "repeated-key"}
    made.proofs["repeated"] = await town.kept(session, dossier, repeated, headers=key)
    made.ready["repeated"] = repeated
    _, made.ready["new"] = made.seal(fresh(LARGE, "new"))
    supersedes = bytes.fromhex(made.proofs["replaced"]["seal_id"])
    _, made.ready["better"] = made.seal(fresh(LARGE, "better"), supersedes=supersedes)
    before = made.sealed[made.proofs["rewritten"]["seal_id"]]
    made.ready["head"] = town.rewrap(before, dossier, editor)
    grant = town.grant(admin.identity, dossier.id, dossier.key, newcomer.identity)
    made.ready["grant"] = {"statement": carry(grant)}
    grants = await town.ok("list_grants", {"dossier": dossier.id}, token=town.root)
    made.ready["leaver"] = next(row["id"] for row in grants["items"] if row["account"] == leaver.account)
    return made
