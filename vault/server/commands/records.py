"""The records of the server that the settings name, opened for a command."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, contextmanager
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from vault.journal import Actor
from vault.server.commands.style import AbsentProblem, SettingsProblem, UnavailableProblem
from vault.server.migrations.upgrade import current_revision, expected_revision, revisions, upgrade
from vault.server.policy import Role
from vault.server.ports import Origin, RecordsError, StoreError
from vault.server.settings import SettingsError, load_settings
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.store import SqlRecords

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from sqlalchemy.ext.asyncio import AsyncEngine

    from vault.server.ports import Clock, Records
    from vault.server.settings import Settings
    from vault.server.stores.records import rows

_NO_DATA: Final = "data: Field required"
"""The one thing that a server cannot run without, in the words of pydantic."""


def read_settings(flags: Mapping[str, object], config: str | None) -> Settings:
    """Return the settings.

    Raises:
        HostProblem: one of them cannot be used.
    """
    try:
        return load_settings(flags, Path(config) if config is not None else None)
    except SettingsError as error:
        if str(error) == _NO_DATA:
            raise SettingsProblem(_("--data is missing: name the folder of this server")) from None
        raise SettingsProblem(_("these settings cannot be used: {reason}").format(reason=error)) from None


def host_origin() -> Origin:
    """Return who acts where somebody types on the server's host."""
    return Origin(Actor("host", f"uid:{os.getuid()}"), "")


def sqlite_file(settings: Settings) -> Path | None:
    """Return the file of an SQLite database, None for another kind.

    Raises:
        HostProblem: not a database's URL.
    """
    try:
        url = make_url(settings.records_url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    except ArgumentError:
        # Its text may quote the URL.
        raise SettingsProblem(_("database_url: this is not the URL of a database")) from None


def require_data(settings: Settings) -> None:
    """Return if a server was started with these settings before.

    Raises:
        HostProblem: it was not.
    """
    file = sqlite_file(settings)
    if settings.server_key_path.exists() and (file is None or file.is_file()):
        return
    raise AbsentProblem(
        _("{folder}: no server keeps its data here; start it once with scelle serve").format(
            folder=settings.data
        )
    )


@asynccontextmanager
async def open_records(settings: Settings, clock: Clock, *, upgrading: bool) -> AsyncIterator[SqlRecords]:
    """Open the records, at the schema of this version.

    Args:
        settings: where they are.
        clock: where the time comes from.
        upgrading: whether to bring the schema up to date, as a server does when it starts: one that is not
            there is made, an older one is changed if the settings allow it.

    Raises:
        HostProblem: they cannot be reached, or have another schema.
    """
    if upgrading:
        async with open_for_migrating(settings) as engine:
            await _bring_up(engine, settings)
    records = SqlRecords(_open(settings), clock)
    try:
        with reachable():
            await records.check()
        yield records
    finally:
        await records.close()


@asynccontextmanager
async def open_for_migrating(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Open the database for statements that may take long; failures in the block become `HostProblem`."""
    engine = _open(settings, patient=True)
    try:
        with reachable():
            yield engine
    finally:
        await engine.dispose()


def _open(settings: Settings, *, patient: bool = False) -> AsyncEngine:
    try:
        return open_engine(settings.records_url, patient=patient)
    except ModuleNotFoundError as error:
        raise UnavailableProblem(
            _("the database needs {package}, which is not installed").format(package=error.name)
        ) from None
    except SQLAlchemyError:
        raise SettingsProblem(_("database_url: this is not the URL of a database")) from None


async def _bring_up(engine: AsyncEngine, settings: Settings) -> None:
    """Create the schema, or bring it up to date if that may be done unasked.

    Raises:
        HostProblem: an operator has to ask for it.
    """
    current = await current_revision(engine)
    auto = settings.auto_migrate
    if auto is None:
        auto = sqlite_file(settings) is not None
    if current is not None and current in revisions() and current != expected_revision() and not auto:
        raise UnavailableProblem(
            _(
                "the database has schema {current}, and this version needs {expected}; stop the other "
                "servers, then run scelle migrate --data {folder}"
            ).format(current=current, expected=expected_revision(), folder=settings.data)
        )
    await upgrade(engine)


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a failing database or object store into what the person is told.

    Raises:
        HostProblem: it failed.
    """
    try:
        yield
    except (RecordsError, StoreError) as error:
        raise UnavailableProblem(str(error)) from None
    except (SQLAlchemyError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            # A file or folder: that can be named.
            raise
        raise UnavailableProblem(_("the database failed: {kind}").format(kind=type(error).__name__)) from None


async def admins(records: Records) -> list[rows.Account]:
    """Return all accounts of admins, the disabled ones too."""
    found: list[rows.Account] = []
    cursor: str | None = None
    async with records.read() as view:
        while True:
            page = await view.accounts.list(roles={Role.ADMIN.value}, cursor=cursor, limit=200)
            found += page.items
            cursor = page.next
            if cursor is None:
                return found
