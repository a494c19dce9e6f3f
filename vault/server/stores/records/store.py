"""The `Records` port over SQLAlchemy: SQLite by default, another engine by its URL."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from sqlite3 import Error as SqliteError
from typing import TYPE_CHECKING, Final

from sqlalchemy import exc

from vault.server.failpoints import Failpoint, reach
from vault.server.migrations.upgrade import is_current
from vault.server.ports import RecordsUnavailableError, SchemaError
from vault.server.stores.records.engine import begin, purge
from vault.server.stores.records.handle import ChangeHandle, Handle, discard, unavailable
from vault.server.stores.records.journal import load_tree
from vault.server.stores.records.postgresql import is_gone
from vault.server.stores.records.transactions import Bookkeeping, Change, Reading
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from vault.server.ports import Clock, Origin

_GOODBYE_SECONDS: Final = 5
"""How long closing the connections may take."""


class SqlRecords:
    """Records in an SQL database whose schema is up to date (`vault.server.migrations.upgrade`)."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        # Writers of this process queue here, in turn and without holding a connection; those of other
        # processes meet in the database.
        self._turn = asyncio.Lock()
        self._writer: asyncio.Task[object] | None = None

    async def close(self) -> None:
        """Close all connections; a database that does not answer is not waited for."""
        with suppress(TimeoutError, exc.SQLAlchemyError, OSError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._engine.dispose()

    async def check(self) -> None:
        """Return if the database answers and has the expected schema; see `Records.check`."""
        async with self._transaction(writes=False) as connection:
            try:
                current = await connection.run_sync(is_current)
            except (exc.SQLAlchemyError, OSError) as error:
                await settle(discard(connection))
                raise unavailable(error) from None
        if not current:
            raise SchemaError("the database does not have the schema that this version expects")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reading]:
        """See `Records.read`."""
        async with self._transaction(writes=False) as connection:
            yield Reading(Handle(connection))

    @asynccontextmanager
    async def change(self, origin: Origin) -> AsyncIterator[Change]:
        """See `Records.change`."""
        async with self._in_turn(), self._transaction(writes=True) as connection:
            tree = await load_tree(Handle(connection))
            handle = ChangeHandle(connection, position=tree.size, now=self._clock.now())
            change = Change(handle, tree, origin)
            reach(Failpoint.CHANGE_BEGUN)
            yield change
            change.check_recorded()
            reach(Failpoint.CHANGE_RECORDED)
            await _commit(connection, handle)
            reach(Failpoint.CHANGE_COMMITTED)

    @asynccontextmanager
    async def bookkeeping(self) -> AsyncIterator[Bookkeeping]:
        """See `Records.bookkeeping`."""
        async with self._in_turn(), self._transaction(writes=True) as connection:
            handle = Handle(connection)
            yield Bookkeeping(handle)
            await _commit(connection, handle)

    async def purge(self) -> bool:
        """See `Records.purge`."""
        async with self._in_turn():
            try:
                return await settle(self._purge())
            except (exc.SQLAlchemyError, SqliteError, OSError) as error:
                raise unavailable(error) from None

    async def _purge(self) -> bool:
        async with self._engine.connect() as connection:
            return await purge(connection)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        current = asyncio.current_task()
        if self._writer is current:
            raise RuntimeError("a change inside a change would wait for itself")
        async with self._turn:
            self._writer = current
            try:
                yield
            finally:
                self._writer = None

    @asynccontextmanager
    async def _transaction(self, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        """Open a connection and begin; whatever is not committed when the block ends is rolled back."""
        connection = await self._begun(writes=writes)
        try:
            yield connection
        finally:
            await settle(_close(connection))

    async def _begun(self, *, writes: bool) -> AsyncConnection:
        """Return a connection whose transaction has begun.

        A connection may have ended since its last use, because the database was restarted. Nothing was asked
        for yet, so it is safe to begin again on a new one, once.
        """
        for last in (False, True):
            try:
                return await settle(self._begin(writes=writes), undo=_close)
            except (exc.SQLAlchemyError, OSError) as error:
                if last or not is_gone(error):
                    raise unavailable(error) from None
        raise AssertionError

    async def _begin(self, *, writes: bool) -> AsyncConnection:
        connection = await self._engine.connect()
        try:
            await begin(connection, writes=writes)
        except BaseException:
            await discard(connection)
            raise
        return connection


async def _close(connection: AsyncConnection) -> None:
    """Give a connection back; what was not committed is undone, if need be by the database itself."""
    try:
        await connection.close()
    except (exc.SQLAlchemyError, OSError):
        await discard(connection)


async def _commit(connection: AsyncConnection, handle: Handle) -> None:
    if handle.doomed:
        raise RecordsUnavailableError("a statement of this transaction failed before; nothing was kept")
    try:
        # Once begun, a commit is seen through to its end: cancelling half of it would leave it undecided.
        await settle(connection.commit())
    except (exc.SQLAlchemyError, OSError) as error:
        await settle(discard(connection))
        raise unavailable(error) from None
