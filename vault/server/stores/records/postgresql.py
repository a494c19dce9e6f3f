"""How PostgreSQL is spoken to: nothing waits for ever, and what is acknowledged is on the disk.

Every change, bookkeeping too, is made under one advisory lock, so that several server processes write in turn
as one would. It is taken by the transaction's first statement, and each statement after it sees all that was
committed before (``READ COMMITTED``). A reader sees one moment throughout (``REPEATABLE READ``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from sqlalchemy import event, exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_SECONDS: Final = 10
"""How long a new connection may take."""

LOCK_SECONDS: Final = 30
"""How long a transaction waits for its turn, or for any other lock."""

STATEMENT_SECONDS: Final = 40
"""How long the database works on one statement: longer than it may wait for a lock."""

ANSWER_SECONDS: Final = 45
"""How long an answer may take. It comes before, unless the database or the way to it hangs."""

IDLE_SECONDS: Final = 60
"""How long a transaction may do nothing before the database ends it: a hung server then frees the lock."""

PATIENT_SECONDS: Final = 3600
"""How long a statement of a migration may take, and how long others that start meanwhile wait for it."""

JOURNAL_LOCK: Final = 0x5363656C6C65
"""The advisory lock's number, "Scelle" in ASCII; the same in every server process."""

LOCK: Final = text("SELECT pg_advisory_xact_lock(:number)").bindparams(number=JOURNAL_LOCK)
SNAPSHOT: Final = text("SELECT 1")
"""Any statement will do: the first one of a reader decides which moment it sees."""

_PARAMETERS: Final = frozenset(
    ["host", "port", "target_session_attrs", "ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"]
)

_READS: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_WRITES: Final = {"isolation_level": "READ COMMITTED", "postgresql_readonly": False}

_GONE: Final = ("08", "57P")
"""What SQLSTATEs begin with that tell of a connection or a server that ended."""


def open_postgresql(url: URL, *, pool_size: int, pool_seconds: float, patient: bool) -> AsyncEngine:
    """Return the engine for a database.

    Args:
        url: of the database.
        pool_size: how many connections this process holds at most.
        pool_seconds: how long a transaction waits for a free one.
        patient: whether statements may take long, as those of migrations may.

    Raises:
        sqlalchemy.exc.ArgumentError: the URL has a parameter that means nothing here.
    """
    if unknown := url.query.keys() - _PARAMETERS:
        raise exc.ArgumentError(f"{len(unknown)} of the URL's parameters are unknown")
    # The names that psql and all others know for TLS; asyncpg takes them as part of a URL of its own.
    tls = {name: value for name, value in url.query.items() if name.startswith("ssl") and name != "ssl"}
    engine = create_async_engine(
        url.difference_update_query(tls),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_seconds,
        connect_args={
            **({"dsn": f"postgresql://?{urlencode(tls)}"} if tls else {}),
            "timeout": CONNECT_SECONDS,
            "command_timeout": PATIENT_SECONDS if patient else ANSWER_SECONDS,
        },
    )
    settings = _settings(patient=patient)

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor: Any = connection.cursor()
        cursor.execute(settings)
        cursor.close()
        connection.commit()

    event.listen(engine.sync_engine, "connect", prepare)
    return engine


def options(*, writes: bool) -> dict[str, Any]:
    """Return the execution options of a transaction."""
    return _WRITES if writes else _READS


def is_gone(error: Exception) -> bool:
    """Tell whether the connection had ended before, so that another one may fare better."""
    if isinstance(error, exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_GONE)
    return isinstance(error, ConnectionError)


def _settings(*, patient: bool) -> str:
    lock, statement = (PATIENT_SECONDS, 0) if patient else (LOCK_SECONDS, STATEMENT_SECONDS)
    milliseconds = {
        "lock_timeout": lock,
        "statement_timeout": statement,
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    # One statement, so that a new connection costs one more round trip and not four.
    calls = [
        f"set_config('{name}', '{round(1000 * seconds)}', false)" for name, seconds in milliseconds.items()
    ]
    # Whatever the database does for others: here a commit that returned is on the disk. Stricter settings,
    # such as waiting for a replica, are left as they are.
    calls.append(
        "set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)"
    )
    return f"SELECT {', '.join(calls)}"
