"""Pairs of engines that a server runs on: what was prepared once on them is copied for each case."""

import shutil
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select

from vault.server.stores.clock import SystemClock
from vault.server.stores.local import LocalStore
from vault.server.stores.records import schema
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords


class Site:
    """Where one server keeps everything.

    Attributes:
        folder: what the server is told to keep its data in, and what it writes.
    """

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
        return {path.name for path in (self.data / "store" / "incoming").iterdir()}

    async def janitor(self, nursery) -> None:
        """Remove what no row names, the server being stopped."""
        async with self.records() as records, records.read() as view:
            rows = await view.evidence._handle.execute(select(schema.versions.c.body_key))
            named = {key for (key,) in rows}
        async with self.store() as store:
            for one in [one async for one in store.list() if one.key not in named]:
                await store.delete(one.key)
            await store.sweep(older_than=-1)

    def remove(self) -> None:
        shutil.rmtree(self.folder)


class Embedded:
    """SQLite and a folder."""

    name = "sqlite-folder"
    modules = ("stores.local",)
    """Modules of the server whose failpoints only this pair comes to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def new(self) -> Site:
        self._number += 1
        return Site(self._folder / str(self._number))

    async def copy(self, prepared: Site) -> Site:
        """Return a site with all that a server kept that was stopped."""
        site = self.new()
        shutil.copytree(prepared.data, site.data)
        return site
