"""Pairs of engines that a server runs on: what was prepared once on them is copied for each case."""

import asyncio
import shutil
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import select, text, update

from tests.crash.processes import PATIENCE
from tests.crash.town import Prepared
from tests.engines.postgres import Postgres
from tests.engines.seaweed import Seaweed
from vault.container.layout import parse_preamble
from vault.server.commands.objects import open_bucket
from vault.server.settings import Settings
from vault.server.stores.clock import SystemClock
from vault.server.stores.local import LocalStore
from vault.server.stores.records import schema
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords

MIB = 1024 * 1024

MOMENT = 0.1
"""Seconds between two looks at what goes on in an engine."""


class Site:
    """Where one server keeps everything.

    Attributes:
        folder: what the server is told to keep its data in, and what it writes.
        finishes_late: whether the store may keep something that it was still taking when the server died.
    """

    finishes_late = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    @property
    def words(self) -> list[str]:
        """What is typed after the name of any command."""
        return ["--data", str(self.data)]

    @property
    def variables(self) -> dict[str, str]:
        return {}

    @property
    def records_url(self) -> str:
        return sqlite_url(self.data / "records.db")

    @asynccontextmanager
    async def records(self):
        """Open the records beside the server."""
        records = SqlRecords(open_engine(self.records_url), SystemClock())
        try:
            yield records
        finally:
            await records.close()

    @asynccontextmanager
    async def store(self):
        """Open the objects beside the server."""
        yield LocalStore(self.data / "store")

    async def drafts(self) -> set[str]:
        """Return what was on its way into the store, and never came to its end."""
        incoming = (self.data / "store" / "incoming").iterdir()
        return {path.name for path in incoming if path.suffix != ".parts"}

    async def quiet(self) -> None:
        """Wait until nothing is under way any more that a server began which is dead."""


class Embedded:
    """SQLite and a folder."""

    name = "sqlite-folder"
    engines = ()
    """Fixtures that it is made of."""
    modules = ("stores.local.",)
    """Modules of the server whose failpoints only this pair comes to."""
    medium = large = 2 * MIB + 4321
    """Bytes that the store writes in more than one piece."""
    part_bytes = MIB
    """Least length of an upload's parts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def new(self) -> Site:
        self._number += 1
        return Site(self._folder / str(self._number))

    async def copy(self, prepared: Site, _made: Prepared) -> Site:
        """Return a site with all that a server kept that was stopped."""
        site = self.new()
        shutil.copytree(prepared.data, site.data)
        return site

    async def remove(self, site: Site) -> None:
        shutil.rmtree(site.folder)


class RemoteSite(Site):
    """A database, and a bucket under a prefix of its own.

    The folder holds nothing but the server's key.
    """

    finishes_late = True

    def __init__(self, folder: Path, url: str, database: str, variables: dict[str, str]) -> None:
        super().__init__(folder)
        self.database = database
        self._url = url
        self._variables = variables

    @property
    def variables(self) -> dict[str, str]:
        return {**self._variables, "SCELLE_DATABASE_URL": self._url}

    @property
    def records_url(self) -> str:
        return self._url

    @asynccontextmanager
    async def store(self):
        settings = {name.removeprefix("SCELLE_").lower(): value for name, value in self._variables.items()}
        store = open_bucket(Settings(data=self.data, **settings))
        try:
            yield store
        finally:
            await store.close()

    async def drafts(self) -> set[str]:
        return set()

    async def quiet(self) -> None:
        # What had arrived when the server died is still seen through: a commit, an object.
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        async with asyncio.timeout(PATIENCE), self.store() as store:
            while True:
                async with self.records() as records, records.read() as view:
                    if not (await view.evidence._handle.execute(others)).scalar_one():
                        break
                await asyncio.sleep(MOMENT)
            before = None
            while (now := await _there(store)) != before:
                before = now
                await asyncio.sleep(MOMENT)


async def _there(store) -> tuple[set[str], set[str]]:
    return {one.key async for one in store.list()}, {one.key async for one in store.list_staged()}


class Remote:
    """PostgreSQL and SeaweedFS."""

    name = "postgresql-s3"
    engines = ("postgres", "seaweed")
    modules = ("stores.s3.", "stores.s3client.")
    medium = 1000
    large = 9 * MIB
    part_bytes = 5 * MIB

    def __init__(self, folder: Path, postgres: Postgres, seaweed: Seaweed) -> None:
        self._folder = folder
        self._postgres = postgres
        self._seaweed = seaweed
        self._bucket = seaweed.new_bucket()
        self._numbers = count(1)
        self._objects: dict[str, bytes] = {}

    def new(self) -> RemoteSite:
        return self._site(self._postgres.new_database())

    def _site(self, database: str) -> RemoteSite:
        number = next(self._numbers)
        variables = {**self._seaweed.environment(self._bucket), "SCELLE_S3_PREFIX": f"site-{number}"}
        return RemoteSite(self._folder / str(number), self._postgres.url(database), database, variables)

    async def copy(self, prepared: RemoteSite, made: Prepared) -> RemoteSite:
        """Return a site with all that a server kept that was stopped."""
        site = self._site(f"copy_{next(self._numbers)}")
        site.data.mkdir(parents=True)
        shutil.copy(prepared.data / "server.key", site.data)
        words = f"CREATE DATABASE {site.database} TEMPLATE {prepared.database} STRATEGY FILE_COPY"
        await asyncio.to_thread(self._postgres.run, "psql", "-c", words, "postgres")
        if not self._objects:
            async with prepared.store() as store:
                keys = [one.key async for one in store.list()]
                self._objects = {key: b"".join([data async for data in store.get(key)]) for key in keys}
        async with site.store() as store, site.records() as records:
            puts = (
                store.run(store._bucket.put, store._path(key), data) for key, data in self._objects.items()
            )
            await asyncio.gather(*puts, _stage_again(store, records, made))
        return site

    async def remove(self, site: RemoteSite) -> None:
        await asyncio.to_thread(self._postgres.drop, site.database)
        async with site.store() as store:
            for key in [one.key async for one in store.list()]:
                await store.delete(key)
            for staged in [one.key async for one in store.list_staged()]:
                await store.unstage(staged)
        shutil.rmtree(site.folder)


async def _stage_again(store, records, made) -> None:
    """Give every upload parts under the new prefix: nobody can copy what is not whole."""
    async with records.bookkeeping() as tx:
        execute = tx.uploads._handle.execute
        for row in (await execute(select(schema.uploads))).mappings().all():
            staged = await store.stage()
            values = update(schema.uploads).where(schema.uploads.c.id == row["id"]).values(staged=staged)
            await execute(values)
            filled = await execute(
                select(schema.upload_parts).where(schema.upload_parts.c.upload_id == row["id"])
            )
            for part in filled.mappings().all():
                container = made.sealed[row["seal_id"].hex()]
                body = container[parse_preamble(container).payload_offset :]
                kept = await store.stage_part(staged, part["number"], 0, _once(body))
                assert (kept.size, kept.tag) == (part["size"], part["tag"])


async def _once(data):
    yield data


PAIRS = (Embedded, Remote)
