"""The folder of a server: made for its owner alone, used by one process at a time, with the server's key."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from gettext import gettext as _
from typing import TYPE_CHECKING, Final

from keys.errors import KeyFileMissingError
from keys.serverkey import create_server_key, load_server_key
from vault.server.commands.style import ConflictProblem, HostProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME: Final = "server.lock"

_PROCESS_ID_LENGTH: Final = 20


def make_folder(path: Path) -> None:
    """Make the folder (0700) unless it is there.

    Raises:
        OSError: the system refuses; it names the path.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other server processes out of ``folder`` while the block runs; the system undoes it after a crash.

    Raises:
        HostProblem: another process has it.
    """
    path = folder / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use(folder, descriptor) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        # The file stays: removing it would let two processes lock two files of one name.
        os.close(descriptor)


def require_server_key(path: Path, *, first_start: bool) -> bool:
    """Return once the server's key is there: whether it was made just now.

    Args:
        path: the key file.
        first_start: whether nothing was recorded yet: only then a missing key is made, by one of all servers
            that start together.

    Raises:
        HostProblem: there are records, and the key that signed them is gone.
        KeyMaterialError: the key file is damaged, or others can read it.
    """
    try:
        load_server_key(path)
    except KeyFileMissingError:
        if not first_start:
            raise HostProblem(
                _(
                    "{path}: this server's key is gone, but not what it signed; put it back from a backup"
                ).format(path=path)
            ) from None
    else:
        return False
    with _alone(path.parent):
        try:
            load_server_key(path)
        except KeyFileMissingError:
            create_server_key(path)
            return True
        return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make other processes that ask for the same wait while the block runs."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _in_use(folder: Path, descriptor: int) -> HostProblem:
    process = ""
    with suppress(OSError, ValueError):
        process = str(int(os.pread(descriptor, _PROCESS_ID_LENGTH, 0)))
    return ConflictProblem(
        _("{folder}: another server works with this folder (process {process}); stop it first").format(
            folder=folder, process=process or "?"
        )
    )
