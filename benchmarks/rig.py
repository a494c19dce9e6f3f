"""What the benchmarks of the server share: a process to measure, people, containers to send."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from array import array
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import psutil

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_on_dossiers import COST
from tests.exchange.world import World
from vault.api.route import CONTAINER
from vault.container.manifest import CarriedRecipient
from vault.container.plan import DeclaredFile
from vault.container.sealing import Sealer, SealRequest
from vault.server.stores.clock import SystemClock
from vault.server.stores.records.engine import sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.exchange.acts_of_people import Person
    from tests.exchange.acts_on_dossiers import DossierAt

MIB = 1024 * 1024

_PATIENCE = 120
_PAGE = 200
_HARDLY = 64 * 1024
"""Less than this is left of a container beside its file: envelope, leaves, seal."""


class Server:
    """A ``scelle serve`` of its own process, whose event loop is watched from inside.

    Attributes:
        url: where it listens.
        process: what to measure.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._lags = folder / "lags"
        self._environment = os.environ | {f"SCELLE_{name.upper()}": text for name, text in settings.items()}
        self._environment["SCELLE_DATA"] = str(folder / "data")
        command = [
            sys.executable,
            "-m",
            "benchmarks.lagging",
            str(self._lags),
            "serve",
            "--port",
            "0",
            "--json",
        ]
        with (folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                command, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._running.stdout is not None
        line = self._running.stdout.readline()
        if not line:
            sys.exit(f"the server does not start:\n{(folder / 'log').read_text()}")
        self.url: str = json.loads(line)["url"]
        self.process = psutil.Process(self._running.pid)

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return self._folder / "data"

    def admin_token(self) -> str:
        """Make an admin, and return its token."""
        command = [str(Path(sys.executable).with_name("scelle")), "admin", "create", "Ada", "--json"]
        made = subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True)
        return str(json.loads(made.stdout)["token"])

    def stop(self) -> None:
        """End it."""
        self._running.terminate()
        try:
            self._running.wait(_PATIENCE)
        finally:
            self._running.kill()

    def lags(self, start: float, stop: float) -> list[float]:
        """Return the loop's delays in seconds between two moments, sorted; it has to have ended."""
        samples = array("d")
        samples.frombytes(self._lags.read_bytes())
        return sorted(
            late for due, late in zip(samples[::2], samples[1::2], strict=True) if start <= due <= stop
        )

    @property
    def records_url(self) -> str:
        """The database's URL."""
        return self._environment.get("SCELLE_DATABASE_URL") or sqlite_url(self.data / "records.db")

    @property
    def resident(self) -> int:
        """Bytes of memory that it has now."""
        return int(self.process.memory_info().rss)


@contextmanager
def serving(folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    folder.mkdir()
    server = Server(folder, settings)
    try:
        yield server
    finally:
        server.stop()


class Place(NamedTuple):
    """Where deposits go, and who makes them and reads them again.

    Attributes:
        dossier: with its key.
        editor: who seals.
        session: the editor's.
        recipients: of every container.
        writers: the authority's key id.
        authority: the authority's identity.
        admin: who was granted the dossier, with its token.
    """

    dossier: DossierAt
    editor: Identity
    session: str
    recipients: tuple[CarriedRecipient, ...]
    writers: tuple[bytes, ...]
    authority: Identity
    admin: Person


class _People(World):
    """Whoever asks a server in another process, which it cannot look into."""

    def __init__(self, server: Server, session: aiohttp.ClientSession) -> None:
        self.origin = self.address = server.url
        self.http, self.folder = session, server.data
        self.clock = SystemClock()
        self.authority, self.recovery = Identity.generate(Use.AUTHORITY), Identity.generate(Use.RECOVERY)
        self._dossiers = 0


async def prepare(server: Server) -> Place:
    """Have an admin, an authority, a portal, a dossier and an editor."""
    async with aiohttp.ClientSession() as session:
        world = _People(server, session)
        world.root = server.admin_token()
        await world.publish_authority()
        organisation = await world.organisation()
        portal = await world.person("portal", organisation=organisation)
        admin = await world.person("admin")
        dossier = await world.dossier(portal, [admin.identity], organisation=organisation)
        editor = await world.depositor(portal, dossier)
        recipients = (
            CarriedRecipient("dossier", 1, dossier.key.public.kem),
            CarriedRecipient("recovery", 0, world.recovery.public.kem),
        )
        writers = (world.authority.public.signing_key_id,)
        token = await world.session(editor)
        return Place(dossier, editor, token, recipients, writers, world.authority, admin)


def seal(path: Path, size: int, place: Place) -> Path:
    """Write a container of one file of zeros to ``path``, about ``size`` bytes in all; return ``path``."""
    request = SealRequest(
        dossier=place.dossier.id,
        evidence_type="aipd",
        sealed_at=SystemClock().now(),
        recipients=place.recipients,
        writers=place.writers,
        cost=COST,
    )
    inside = max(size - _HARDLY, 1)
    with path.open("wb") as out, Sealer(request, [DeclaredFile("a", inside)], place.editor.signing) as sealer:
        out.write(sealer.header)
        zeros = bytes(MIB)
        for _ in range(inside // MIB):
            out.write(sealer.update(zeros))
        out.write(sealer.update(zeros[: inside % MIB]))
        out.write(sealer.end_file())
        for piece in sealer.finalize():
            out.write(piece)
    return path


def deposit(server: Server, place: Place, container: Path) -> Any:
    """Send a container as curl would, and return the version."""
    with connected(server.url) as connection, container.open("rb") as body:
        connection.request(
            "POST",
            f"/v1/dossiers/{place.dossier.id}/evidence",
            body,
            {
                "Authorization": f"Bearer {place.session}",
                "Content-Type": CONTAINER,
                "Content-Length": str(container.stat().st_size),
            },
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != http.client.CREATED:
            sys.exit(f"the deposit was refused: {answer.status} {text.decode()}")
        return json.loads(text)["version"]


def fetch(server: Server, place: Place, version: Any) -> int:
    """Fetch a container and forget it; return how many bytes came."""
    received, memory = 0, memoryview(bytearray(MIB))
    with connected(server.url) as connection:
        path = f"/v1/evidence/{version['evidence']}/versions/{version['number']}/container"
        connection.request("GET", path, headers={"Authorization": f"Bearer {place.session}"})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            sys.exit(f"the fetch was refused: {answer.status} {answer.read().decode()}")
        while count := answer.readinto(memory):
            received += count
    return received


def list_pages(server: Server, place: Place) -> list[bytes]:
    """Return every page of a list of all proofs of the type, as it was answered."""
    pages: list[bytes] = []
    cursor = ""
    with connected(server.url) as connection:
        while True:
            path = f"/v1/dossiers/{place.dossier.id}/evidence?type=aipd&limit={_PAGE}{cursor}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {place.session}"})
            answer = connection.getresponse()
            pages.append(answer.read())
            if answer.status != http.client.OK:
                sys.exit(f"the list was refused: {answer.status} {pages[-1].decode()}")
            following = json.loads(pages[-1])["next"]
            if following is None:
                return pages
            cursor = f"&cursor={following}"


@contextmanager
def bare(folder: Path, pages: Sequence[bytes]) -> Iterator[Callable[[], None]]:
    """Run a bare handler of the same pages, and give what asks for all of them."""
    files = []
    for number, page in enumerate(pages):
        files.append(folder / f"page-{number}")
        files[-1].write_bytes(page)
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", *map(str, files)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"

        def ask() -> None:
            with connected(url) as connection:
                for number in range(len(pages)):
                    connection.request("GET", f"/{number}")
                    json.loads(connection.getresponse().read())

        try:
            yield ask
        finally:
            process.terminate()


@contextmanager
def connected(url: str) -> Iterator[http.client.HTTPConnection]:
    """Have a connection for one request."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(
        str(where.hostname), where.port, timeout=_PATIENCE, blocksize=256 * 1024
    )
    try:
        yield connection
    finally:
        connection.close()
