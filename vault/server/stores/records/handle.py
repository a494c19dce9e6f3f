"""One open transaction, as the parts of the records use it: rows in and out, one table of errors."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Table, exc, insert, select

from vault.server.ports import AlreadyExistsError, OutdatedError, RecordsUnavailableError
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import CursorResult, Executable, Select
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.dml import Delete, Update

R = TypeVar("R", bound=tuple[Any, ...])


def rows_of(kind: type[R], table: Table) -> Select[Any]:
    """Return the query for the columns of ``table`` that ``kind`` has fields for, in their order."""
    return select(*(table.c[name] for name in _fields(kind)))


def _fields(kind: type[R]) -> tuple[str, ...]:
    return kind._fields  # type: ignore[attr-defined, no-any-return]  # every row is a NamedTuple


class Handle:
    """A transaction that reads, and writes what its owner lets it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.doomed = False
        """Whether something failed: engines differ in what survives that, so here nothing does."""

    async def execute(self, statement: Executable) -> CursorResult[Any]:
        """Run one statement.

        Raises:
            AlreadyExistsError: something has to be unique, or to be there, and is not.
            RecordsUnavailableError: the database failed.
        """
        try:
            # Cancelled halfway, a statement would leave its connection in an unknown state.
            return await settle(self._connection.execute(statement))
        except exc.IntegrityError:
            self.doomed = True
            # The driver's text quotes values; it goes no further.
            raise AlreadyExistsError(
                "a row with this name is there already, or one it names is not"
            ) from None
        except (exc.SQLAlchemyError, OSError) as error:
            self.doomed = True
            await settle(discard(self._connection))
            raise unavailable(error) from None

    async def first(self, kind: type[R], statement: Executable) -> R | None:
        """Return the first row, or None."""
        row = (await self.execute(statement)).first()
        return None if row is None else kind(*row)

    async def all(self, kind: type[R], statement: Executable) -> tuple[R, ...]:
        """Return all rows."""
        return tuple(kind(*row) for row in await self.execute(statement))

    async def value(self, statement: Executable) -> Any:
        """Return the first column of the first row, or None."""
        return (await self.execute(statement)).scalar()

    async def values(self, statement: Executable) -> tuple[Any, ...]:
        """Return the first column of every row."""
        return tuple((await self.execute(statement)).scalars())

    async def insert(self, table: Table, row: R) -> R:
        """Store a row whose fields are columns of ``table``, and return it.

        Raises:
            AlreadyExistsError: see `execute`.
        """
        await self.execute(insert(table).values(dict(_pairs(row))))
        return row

    async def swap(self, statement: Update | Delete, what: str) -> None:
        """Run an update or deletion that has to meet exactly one row.

        Raises:
            OutdatedError: it met none: the row is gone, or no longer as the condition expects.
        """
        if (await self.execute(statement)).rowcount != 1:
            self.doomed = True
            raise OutdatedError(f"{what} is not, or no longer, what was expected")


class ChangeHandle(Handle):
    """A transaction that will be journal entry ``position``, at ``now`` (UTC seconds)."""

    def __init__(self, connection: AsyncConnection, *, position: int, now: int) -> None:
        super().__init__(connection)
        self.position = position
        self.now = now


def _pairs(row: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    return zip(_fields(type(row)), row, strict=True)


async def discard(connection: AsyncConnection) -> None:
    """Close a connection for good: after a failure nobody knows what state it is in."""
    with suppress(exc.SQLAlchemyError, OSError):
        await connection.invalidate()
    with suppress(exc.SQLAlchemyError, OSError):
        await connection.close()


def unavailable(error: Exception) -> RecordsUnavailableError:
    """Return what a failure of the database is to the services: its kind alone, no statement and no value."""
    return RecordsUnavailableError(f"the database failed: {type(error).__name__}")
