"""The database engine: how SQLite has to be opened so that writers wait for each other, and what differs.

PostgreSQL has a module of its own beside this one.

SQLite's own default begins a transaction as a reader and fails when it turns into a writer ("database is
locked"). Here a writer begins as one (``BEGIN IMMEDIATE``), readers go on beside it (WAL), and a commit is on
the disk when it returns (``synchronous=FULL``).
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from vault.server.stores.records.postgresql import LOCK, SNAPSHOT, open_postgresql, options

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS: Final = 30
"""How long a statement waits for another process that writes, or a transaction for a free connection."""

PURGE_SECONDS: Final = 2
"""How long `purge` waits for whoever reads."""

_TRIES: Final = 200
_PAUSE: Final = 0.01

POOL_SIZE: Final = 8

POSTGRESQL: Final = "postgresql"

WRITES: Final = "scelle_writes"
"""The execution option of a connection whose next transaction writes."""

_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # A rewritten envelope opens with the old keys: its bytes are overwritten, not only unlinked.
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
)


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


def open_engine(url: str, *, patient: bool = False) -> AsyncEngine:
    """Return the engine for ``url``; an SQLite file that is not there is made, readable by its owner alone.

    Args:
        url: of the database.
        patient: whether one statement may take as long as it takes, for migrations.

    Raises:
        OSError: the file's folder is missing or not writable.
    """
    parsed = make_url(url)
    if parsed.drivername == POSTGRESQL:
        parsed = parsed.set(drivername=f"{POSTGRESQL}+asyncpg")
    if parsed.drivername == f"{POSTGRESQL}+asyncpg":
        return open_postgresql(parsed, pool_size=POOL_SIZE, pool_seconds=BUSY_SECONDS, patient=patient)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=BUSY_SECONDS)
    assert parsed.database is not None
    # SQLite gives its -wal and -shm files the mode of the database file.
    os.close(os.open(parsed.database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = create_async_engine(parsed, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=BUSY_SECONDS)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


async def purge(connection: AsyncConnection) -> bool:
    """Write the log of an SQLite database back and empty it: there, too, stands what was overwritten since.

    Returns:
        Whether that could be done; never on another engine, which has no such file of its own.

    Raises:
        sqlite3.Error, sqlalchemy.exc.SQLAlchemyError: the database failed.
    """
    if connection.dialect.name != "sqlite":
        return False
    # The driver's own connection: this one would begin a transaction, in which it cannot be done.
    driver: Any = (await connection.get_raw_connection()).driver_connection
    # Whoever reads an older state is not waited for as long as a writer is.
    await driver.execute(f"PRAGMA busy_timeout = {PURGE_SECONDS * 1000}")
    try:
        async with driver.execute("PRAGMA wal_checkpoint(TRUNCATE)") as cursor:
            busy, *_ = await cursor.fetchone()
    finally:
        await driver.execute(_PRAGMAS[0])
    return not busy


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # None: the driver begins nothing by itself, `_begin` does.
    connection.isolation_level = None
    cursor: Any = connection.cursor()
    for pragma in _PRAGMAS:
        _execute(cursor, pragma)
    cursor.close()


def _execute(cursor: Any, pragma: str) -> None:
    # A new file becomes a WAL once; who comes at that moment is refused at once, whatever the busy timeout.
    for left in reversed(range(_TRIES)):
        try:
            cursor.execute(pragma)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not left:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def begin(connection: AsyncConnection, *, writes: bool) -> None:
    """Begin a transaction; a writer makes every other one wait until it ends.

    The first statement is sent at once: a reader sees this moment, a writer all that was committed before.
    """
    if connection.dialect.name != POSTGRESQL:
        await connection.execution_options(**{WRITES: writes})
        await connection.begin()
        return
    await connection.execution_options(**options(writes=writes))
    await connection.begin()
    await connection.execute(LOCK if writes else SNAPSHOT)
