import asyncio
import shutil

import pytest

from tests.suites.samples import ManualClock
from vault.server.migrations.upgrade import upgrade
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty SQLite database with the schema, made once."""
    path = tmp_path_factory.mktemp("migrated") / "records.db"

    async def make() -> None:
        engine = open_engine(sqlite_url(path))
        await upgrade(engine)
        await engine.dispose()

    asyncio.run(make())
    return path


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def database(migrated, tmp_path):
    """The file of a fresh SQLite database, for what only SQLite has."""
    return shutil.copy(migrated, tmp_path / "records.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    """The URL of a fresh database: every suite runs on both engines."""
    if request.param == "sqlite":
        return sqlite_url(request.getfixturevalue("database"))
    return request.getfixturevalue("postgres").url(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def open_records(url, clock):
    opened = []

    async def open_one() -> SqlRecords:
        opened.append(SqlRecords(open_engine(url), clock))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


@pytest.fixture
async def records(open_records):
    return await open_records()
