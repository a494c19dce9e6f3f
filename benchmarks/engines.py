"""What the server under test stands on, and the same bytes put and got without the server."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self

from tests.engines.postgres import Postgres
from tests.engines.seaweed import Seaweed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

_MIB = 1024 * 1024


class Straight(Protocol):
    """The store alone."""

    def put(self, source: Path) -> None:
        """Keep a file."""

    def get(self, source: Path) -> None:
        """Read what was kept of it, and forget it."""


class Engines(Protocol):
    """A database and an object store.

    Attributes:
        name: for people.
        limited: whether the limits of throughput are meant for them.
    """

    name: str
    limited: bool

    @classmethod
    def started(cls) -> AbstractContextManager[Engines]:
        """Have them for as long as the block lasts."""

    def settings(self) -> Mapping[str, str]:
        """Return the settings of one more server, which has its own database and bucket."""

    def straight(self) -> Straight:
        """Return what puts and gets files without any server of ours."""


class Real:
    """SeaweedFS and PostgreSQL, from their wheels."""

    name = "SeaweedFS and PostgreSQL"
    limited = True

    def __init__(self, seaweed: Seaweed, postgres: Postgres) -> None:
        self._seaweed = seaweed
        self._postgres = postgres

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """See `Engines.started`."""
        # A full volume makes it wait for a second: the small ones of the tests would measure that.
        seaweed = Seaweed(volume_mib=8192)
        try:
            seaweed.start()
            postgres = Postgres()
            try:
                yield cls(seaweed, postgres)
            finally:
                postgres.close()
        finally:
            seaweed.close()

    def settings(self) -> Mapping[str, str]:
        """See `Engines.settings`."""
        database = self._postgres.url(self._postgres.new_database(migrated=False))
        return self._seaweed.settings(self._seaweed.new_bucket()) | {"database_url": database}

    def straight(self) -> Straight:
        """See `Engines.straight`."""
        return _Client(self._seaweed)


class _Client:
    """The S3 client by itself, as its own documentation uses it."""

    def __init__(self, seaweed: Seaweed) -> None:
        self._client = seaweed.client()
        self._bucket = seaweed.new_bucket()

    def put(self, source: Path) -> None:
        """See `Straight.put`."""
        with source.open("rb") as file:
            self._client.put_object(self._bucket, source.name, file, source.stat().st_size)

    def get(self, source: Path) -> None:
        """See `Straight.get`."""
        memory = memoryview(bytearray(_MIB))
        response = self._client.get_object(self._bucket, source.name)
        try:
            while response.readinto(memory):
                pass
        finally:
            response.close()
            response.release_conn()


class Embedded:
    """SQLite and a folder: nothing to be started."""

    name = "SQLite and a folder"
    limited = False

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """See `Engines.started`."""
        yield cls()

    def settings(self) -> Mapping[str, str]:
        """See `Engines.settings`."""
        return {}

    def straight(self) -> Straight:
        """See `Engines.straight`."""
        return _Folder()


class _Folder:
    """Copying, and waiting for the disk as the server does."""

    def put(self, source: Path) -> None:
        """See `Straight.put`."""
        with source.open("rb") as file, _copy(source).open("wb") as copy:
            shutil.copyfileobj(file, copy, _MIB)
            os.fsync(copy.fileno())

    def get(self, source: Path) -> None:
        """See `Straight.get`."""
        memory = bytearray(_MIB)
        with _copy(source).open("rb", buffering=0) as file:
            while file.readinto(memory):
                pass


def _copy(source: Path) -> Path:
    return source.with_name(f"{source.name}.copy")
