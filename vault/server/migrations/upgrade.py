"""Bringing a database to the schema of this version, from whichever one it has, in one transaction."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from vault.server.ports import RecordsUnavailableError
from vault.server.stores.records.engine import begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

_HERE: Final = Path(__file__).parent


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


def is_current(connection: Connection) -> bool:
    """Tell whether the database has the expected schema."""
    return MigrationContext.configure(connection).get_current_revision() == expected_revision()


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Create the schema, or bring it up to ``revision``; other processes that try the same wait.

    Raises:
        RecordsUnavailableError: a later version of the code made the schema.
        sqlalchemy.exc.SQLAlchemyError: a step failed; the schema is as it was.
    """
    await _migrate(engine, lambda config: command.upgrade(config, revision))


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Take the schema back to ``revision``, "base" being before the first; what it cannot hold is lost."""
    await _migrate(engine, lambda config: command.downgrade(config, revision))


async def _migrate(engine: AsyncEngine, run: Callable[[Config], None]) -> None:
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
        await connection.run_sync(migrate)
        await connection.commit()
