"""A whole service on loopback, and everybody who uses it, for tests of whole flows.

A real database, real objects, real statements, signatures and containers; only the clock is by hand.
"""

import io
import json
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from sqlalchemy import select

from keys.keyfile import Use
from keys.keyring import Identity
from keys.serverkey import create_server_key
from tests.exchange.acts_of_people import ActsOfPeople
from tests.exchange.acts_on_dossiers import ActsOnDossiers
from tests.suites.samples import ManualClock
from vault.api.route import ACTING_HEADER, CONTAINER
from vault.api.routes import BY_NAME
from vault.server.app import create_app
from vault.server.commands.objects import open_store
from vault.server.commands.watching import watched
from vault.server.logs import logger
from vault.server.metrics import Metrics
from vault.server.migrations.upgrade import upgrade
from vault.server.services.registry import build_services
from vault.server.services.serverkeys import ServerKeys
from vault.server.settings import Settings
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.schema import METADATA
from vault.server.stores.records.store import SqlRecords


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        problem = self.headers.get("Content-Type", "").startswith("application/problem+json")
        return self.json["code"] if problem else None


class World(ActsOfPeople, ActsOnDossiers):
    """The service's side and everybody else's."""

    def __init__(self, *, origin, http, clock, services, records, store, folder, log, metrics) -> None:
        self.origin = origin
        self.address = origin
        self.http = http
        self.clock = clock
        self.services = services
        self.records = records
        self.store = store
        self.folder = folder
        self.log = log
        self.metrics = metrics
        self.authority = Identity.generate(Use.AUTHORITY)
        self.recovery = Identity.generate(Use.RECOVERY)
        self.root = ""
        self._dossiers = 0

    # --- requests ----------------------------------------------------------------------------------------

    async def send(
        self, method, path, *, token=None, acting_for=None, headers=None, at=None, **options
    ) -> Answer:
        """Send a request to the service, or to the one of its servers that is at ``at``."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if acting_for is not None:
            sent[ACTING_HEADER] = acting_for
        async with self.http.request(
            method, (at or self.address) + path, headers=sent, **options
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def ask(self, name, path=(), *, token=None, data=None, **options) -> Answer:
        """Call a route of the table by its name."""
        route = BY_NAME[name]
        headers = dict(options.pop("headers", None) or {})
        if data is not None:
            headers.setdefault("Content-Type", route.sends or CONTAINER)
        return await self.send(
            route.method, route.url(**dict(path)), token=token, data=data, headers=headers, **options
        )

    async def ok(self, name, path=(), **options) -> Any:
        answer = await self.ask(name, path, **options)
        assert answer.status == BY_NAME[name].status, answer.body
        return answer.json if answer.body else None

    # --- what is kept ------------------------------------------------------------------------------------

    async def state(self) -> dict[str, Any]:
        """Return every row of every table that is kept, and every object: what must not change."""
        kept: dict[str, Any] = {}
        async with self.records.read() as view:
            for name, table in METADATA.tables.items():
                if name not in {"failures", "challenges"}:
                    rows = await view.organisations._handle.execute(select(table))
                    kept[name] = sorted(map(repr, rows.fetchall()))
        kept["objects"] = sorted([item.key async for item in self.store.list()])
        kept["staged"] = sorted([item.key async for item in self.store.list_staged()])
        kept["files"] = sorted(str(path) for path in (self.folder / "store").rglob("*") if path.is_file())
        return kept

    async def journal_size(self) -> int:
        async with self.records.read() as view:
            return (await view.journal.checkpoint()).size

    async def last_entry(self) -> Any:
        async with self.records.read() as view:
            size = (await view.journal.checkpoint()).size
            (row,) = await view.journal.entries(size - 1, 1)
        return json.loads(row.entry)


class Server(NamedTuple):
    """A service that runs."""

    origin: str
    services: Any
    records: SqlRecords
    store: Any
    metrics: str


@asynccontextmanager
async def open_server(folder, clock, log, *, around=(), **settings):
    """Run a service on what ``folder`` holds, or on a new folder, with middlewares ``around`` all of it."""
    async with AsyncExitStack() as stack:
        configured = Settings(data=folder, **settings)
        folder.mkdir(exist_ok=True)
        path = configured.server_key_path
        if not path.exists():
            create_server_key(path)
        engine = open_engine(configured.records_url)
        await upgrade(engine)
        records = SqlRecords(engine, clock)
        stack.push_async_callback(records.close)
        store = await stack.enter_async_context(open_store(configured))
        listener = socket.create_server(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        services = build_services(
            settings=configured,
            records=records,
            store=store,
            clock=clock,
            keys=ServerKeys(path),
            origin=origin,
        )
        metrics, shown = Metrics("0"), socket.create_server(("127.0.0.1", 0))
        await stack.enter_async_context(watched(metrics, records, services.health, clock, [shown]))
        app = create_app(services, logger(log), metrics)
        app.middlewares[:0] = around
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        yield Server(origin, services, records, store, f"http://127.0.0.1:{shown.getsockname()[1]}/metrics")


@asynccontextmanager
async def open_world(folder, **settings):
    """Run a service in ``folder`` with an admin and a published authority."""
    clock, log = ManualClock(), io.StringIO()
    async with open_server(folder, clock, log, **settings) as server, aiohttp.ClientSession() as http:
        yield await found_world(server, http, clock, log, folder)


async def found_world(server, http, clock, log, folder) -> World:
    """Return the world of a service that is new: with an admin and a published authority."""
    world = World(
        origin=server.origin,
        http=http,
        clock=clock,
        services=server.services,
        records=server.records,
        store=server.store,
        folder=folder,
        log=log,
        metrics=server.metrics,
    )
    await world.first_admin()
    await world.publish_authority()
    return world
