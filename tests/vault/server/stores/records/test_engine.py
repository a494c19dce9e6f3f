import asyncio
import sqlite3
import stat
import sys

import pytest

from tests.suites.records_law import journal, organisations
from tests.suites.samples import ORIGIN, add_dossier, add_organisation, change, deposit_of, digest, publish
from vault.journal import Action, verify_entries
from vault.server.ports import RecordsUnavailableError
from vault.server.stores.records import engine as module
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords


async def test_every_connection_is_durable_and_strict(database) -> None:
    engine = open_engine(sqlite_url(database))
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    async with engine.connect() as one, engine.connect() as other:
        for connection in (one, other):
            for pragma, value in expected.items():
                found = (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar()
                assert found == value, pragma
    await engine.dispose()


async def test_the_files_are_for_their_owner_alone(tmp_path, clock) -> None:
    engine = open_engine(sqlite_url(tmp_path / "new.db"))
    async with engine.connect() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (x)")
        await connection.commit()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}
    await engine.dispose()


async def test_a_database_that_stays_busy_is_unavailable_not_a_crash(database, clock, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PRAGMAS", tuple(p.replace("30000", "10") for p in module._PRAGMAS))
    records = SqlRecords(open_engine(sqlite_url(database)), clock)
    blocker = sqlite3.connect(database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(RecordsUnavailableError) as caught:
        await change(records, add_organisation)
    assert "BEGIN" not in str(caught.value)
    assert await organisations(records) == set()
    blocker.execute("ROLLBACK")
    blocker.close()
    await change(records, add_organisation)
    await records.close()


async def test_a_database_without_schema_is_unavailable(tmp_path, clock) -> None:
    records = SqlRecords(open_engine(sqlite_url(tmp_path / "empty.db")), clock)
    with pytest.raises(RecordsUnavailableError, match="schema"):
        await records.check()
    with pytest.raises(RecordsUnavailableError):
        await change(records, add_organisation)
    await records.close()


async def test_a_damaged_database_is_unavailable(tmp_path, clock) -> None:
    (tmp_path / "damaged.db").write_bytes(b"not a database at all" * 100)
    records = SqlRecords(open_engine(sqlite_url(tmp_path / "damaged.db")), clock)
    with pytest.raises(RecordsUnavailableError):
        await records.check()
    await records.close()


async def test_a_superseded_envelope_is_overwritten_in_the_file(database, clock) -> None:
    records = SqlRecords(open_engine(sqlite_url(database)), clock)
    dossier = await change(records, add_dossier)
    secret = b"old envelope " * 40
    version = await publish(records, deposit_of(dossier.id, head=secret))
    async with records.change(ORIGIN) as tx:
        await tx.record(Action.ENVELOPE_REWRITTEN)
        await tx.evidence.rewrite_head(
            version.seal_id, expected=1, head=b"new", envelope_digest=digest(), dossier_generation=2
        )
    await records.close()
    # The last connection to close has moved the write-ahead log into the file and removed it.
    assert sorted(path.name for path in database.parent.iterdir()) == ["records.db"]
    assert b"old envelope" not in database.read_bytes()


WRITER = """
import asyncio, sys
from tests.suites.samples import ManualClock, add_organisation, change
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords

async def main():
    records = SqlRecords(open_engine(sqlite_url(sys.argv[1])), ManualClock())
    await asyncio.gather(*(change(records, add_organisation) for _ in range(40)))
    await records.close()

asyncio.run(main())
"""


async def test_real_processes_wait_for_each_other(database, clock) -> None:
    command = [sys.executable, "-c", WRITER, str(database)]
    running = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
    assert [await process.wait() for process in running] == [0, 0, 0]
    records = SqlRecords(open_engine(sqlite_url(database)), clock)
    async with records.read() as view:
        checkpoint = await view.journal.checkpoint()
    assert verify_entries(await journal(records), [checkpoint]).size == 120
    assert len(await organisations(records)) == 120
    await records.close()


KILLED = """
import asyncio, os, sys
from tests.suites.samples import ORIGIN, ManualClock, add_organisation
from vault.journal import Action
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords

async def main():
    records = SqlRecords(open_engine(sqlite_url(sys.argv[1])), ManualClock())
    async with records.change(ORIGIN) as tx:
        await add_organisation(tx)
        await tx.record(Action.ORGANISATION_CREATED)
        if sys.argv[2] == "before":
            os._exit(9)
    os._exit(9)

asyncio.run(main())
"""


@pytest.mark.parametrize(("moment", "kept"), [("before", 0), ("after", 1)])
async def test_a_killed_process_leaves_all_of_a_change_or_none(database, clock, moment, kept) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(database), moment)
    assert await process.wait() == 9
    records = SqlRecords(open_engine(sqlite_url(database)), clock)
    assert len(await organisations(records)) == len(await journal(records)) == kept
    await change(records, add_organisation)
    await records.close()
