import pytest

from tests.suites.records_erasing import ErasingSuite, RetentionSuite, close, erase
from tests.suites.samples import add_dossier, add_template, change, deposit_of, publish
from vault.api.models.dossiers import Grant, MyGrants
from vault.api.routes import ROUTES
from vault.server.stores.records import erasing
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords

SECRET = b"a key, wrapped to somebody: 5c1d"


class TestRetentions(RetentionSuite):
    pass


class TestErasing(ErasingSuite):
    pass


@pytest.fixture
async def embedded(database, clock):
    """Records in SQLite alone."""
    records = SqlRecords(open_engine(sqlite_url(database)), clock)
    yield records
    await records.close()


def written(database) -> list[str]:
    """Return the files of the database that have the secret in them."""
    files = database.parent.glob(f"{database.name}*")
    return sorted(path.name.removeprefix(database.name) for path in files if SECRET in path.read_bytes())


async def test_nothing_of_an_envelope_is_left_in_the_files_of_sqlite(embedded, database):
    dossier = await change(embedded, add_dossier)
    await change(embedded, add_template, dossier.id, head=SECRET * 20)
    await publish(embedded, deposit_of(dossier.id, head=SECRET * 200))
    assert await embedded.purge()
    assert written(database) == [""]
    await publish(embedded, deposit_of(dossier.id, head=SECRET * 9))
    assert "-wal" in written(database)
    await change(embedded, close, dossier.id)
    await change(embedded, erase, dossier)
    assert written(database) == ["", "-wal"]
    assert await embedded.purge()
    assert written(database) == []


def test_every_answer_that_carries_a_grant_is_known():
    carrying = {route.name for route in ROUTES if route.idempotent and route.answer in {Grant, MyGrants}}
    assert carrying == set(erasing._GRANTING)


async def test_somebody_who_reads_an_older_state_is_waited_for_the_next_time(embedded, monkeypatch):
    monkeypatch.setattr("vault.server.stores.records.engine.PURGE_SECONDS", 0)
    async with embedded.read() as view:
        assert (await view.dossiers.list()).items == ()
        await change(embedded, add_dossier)
        assert not await embedded.purge()
    assert await embedded.purge()
    # Whoever writes after that waits for others as long as ever.
    async with embedded._engine.connect() as connection:
        assert (await connection.exec_driver_sql("PRAGMA busy_timeout")).scalar() == 30_000


async def test_postgresql_keeps_what_was_deleted_until_it_needs_the_room(postgres, postgres_database, clock):
    records = SqlRecords(open_engine(postgres.url(postgres_database)), clock)
    await change(records, add_dossier)
    assert not await records.purge()
    await records.close()
