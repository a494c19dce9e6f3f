"""Bringing a database to the schema of this version, from whichever one it has, in one transaction."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import func, inspect, select, table

from vault.server.ports import RecordsUnavailableError
from vault.server.stores.records.engine import begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    Database: TypeAlias = AsyncEngine
    """What a command hands over, without knowing what it is."""

BASE: Final = "base"
"""What stands before the first revision: an empty database."""

_MARK: Final = "alembic_version"
_HERE: Final = Path(__file__).parent


class Loss(NamedTuple):
    """What an older schema has no place for.

    Attributes:
        table: a table that would go, or that a column would go from.
        column: the column, None for the whole table.
        rows: how many rows the table has.
    """

    table: str
    column: str | None
    rows: int


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    # Revisions are found by path; nothing else of alembic's configuration is used.
    config.set_main_option("path_separator", "os")
    return config


@cache
def expected_revision() -> str:
    """Return the revision that this version of the code works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


@cache
def revisions() -> tuple[str, ...]:
    """Return every revision there is, the first first."""
    return tuple(one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions())[::-1]


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database's schema, None where there is none yet."""
    return MigrationContext.configure(connection).get_current_revision()


def is_current(connection: Connection) -> bool:
    """Tell whether the database has the expected schema."""
    return revision_of(connection) == expected_revision()


async def current_revision(engine: AsyncEngine) -> str | None:
    """Return the revision of the database's schema, None where there is none yet.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, OSError: the database failed.
    """
    async with engine.connect() as connection:
        return await connection.run_sync(revision_of)


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Create the schema, or bring it up to ``revision``; other processes that try the same wait.

    Raises:
        RecordsUnavailableError: a later version of the code made the schema.
        sqlalchemy.exc.SQLAlchemyError: a step failed; the schema is as it was.
    """
    await _migrate(engine, lambda config: command.upgrade(config, revision))


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Take the schema back to ``revision``, `BASE` being before the first; what it cannot hold is lost.

    Raises:
        RecordsUnavailableError, sqlalchemy.exc.SQLAlchemyError: as `upgrade` does.
    """
    await _migrate(engine, lambda config: command.downgrade(config, revision))


async def losses(engine: AsyncEngine, revision: str) -> tuple[Loss, ...]:
    """Return what `downgrade` would lose: it is done, looked at and undone.

    Raises:
        RecordsUnavailableError, sqlalchemy.exc.SQLAlchemyError: as `upgrade` does.
    """
    found: list[Loss] = []

    def compare(connection: Connection, run: Callable[[Connection], None]) -> None:
        before = _shape(connection)
        counts = {
            name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in before
        }
        run(connection)
        after = _shape(connection)
        found.extend(
            Loss(name, column, counts[name])
            for name, columns in sorted(before.items())
            for column in (sorted(columns - after[name]) if name in after else (None,))
        )

    await _migrate(engine, lambda config: command.downgrade(config, revision), around=compare, keep=False)
    return tuple(found)


def _shape(connection: Connection) -> dict[str, frozenset[str]]:
    """Return the columns of every table but alembic's own."""
    inspector = inspect(connection)
    return {
        name: frozenset(column["name"] for column in inspector.get_columns(name))
        for name in inspector.get_table_names()
        if name != _MARK
    }


async def _migrate(
    engine: AsyncEngine,
    run: Callable[[Config], None],
    *,
    around: Callable[[Connection, Callable[[Connection], None]], None] | None = None,
    keep: bool = True,
) -> None:
    def migrate(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        try:
            run(config)
        except CommandError:
            raise RecordsUnavailableError(
                "the database has a schema that this version does not know"
            ) from None

    async with engine.connect() as connection:
        await begin(connection, writes=True)
        if around is None:
            await connection.run_sync(migrate)
        else:
            await connection.run_sync(around, migrate)
        await (connection.commit() if keep else connection.rollback())
