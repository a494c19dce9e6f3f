"""What is to be sealed: regular files only, each read exactly as it was when it was declared."""

# pathlib would cost start-up time.
# ruff: noqa: PTH100, PTH118, PTH119, PTH123, PTH208
from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, ClientError, UsageProblem
from vault.container.paths import fold, why_unsealable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

_MAX_TIME: Final = 2**53 - 1
# O_NONBLOCK: should a named pipe have taken the file's place, opening it must not wait for a writer.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Source(NamedTuple):
    """One regular file to seal.

    Attributes:
        path: its path in the container.
        location: where it lies.
        size: bytes.
        modified: UTC seconds, 0 where the file system knows no sensible time.
        identity: device, inode, size, modification and change time (ns): how a change is noticed.
    """

    path: str
    location: str
    size: int
    modified: int
    identity: tuple[int, ...]


def collect(locations: Sequence[str]) -> list[Source]:
    """Return all regular files below ``locations``, folders with everything in them, in a stable order.

    A file keeps its name; files of a folder keep their path from that folder's name on.

    Raises:
        ClientError: a symbolic link, a device, a name that no container may hold.
        UsageProblem: two files would have the same path in the container.
        OSError: something is not there or cannot be read.
    """
    found: list[Source] = []
    for location in locations:
        found.extend(_walk(location, os.path.basename(os.path.abspath(location))))
    by_path: dict[str, Source] = {}
    for source in found:
        if why_unsealable(source.path) is not None:
            raise ClientError(
                N_(
                    "{path}: this name is not safe on every system (no control characters, none of "
                    '\\ : * ? " < > |, no dot or space at the end, no name of a Windows device, '
                    "255 bytes at most); rename the file"
                ),
                path=source.location,
            )
        other = by_path.setdefault(fold(source.path), source)
        if other is not source:
            raise UsageProblem(
                N_("{first} and {second} would have the same name in the container; rename one"),
                first=other.location,
                second=source.location,
            )
    return found


@contextmanager
def reading(source: Source) -> Iterator[FileIO]:
    """Open a collected file, unbuffered; leaving the block proves that it did not change.

    Raises:
        ClientError: the file is no longer the one that was collected.
        OSError: it cannot be read.
    """
    with _open(source) as file:
        _require_unchanged(source, file)
        yield file
        _require_unchanged(source, file)


def read_head(source: Source, length: int) -> bytes:
    """Return the first ``length`` bytes of a collected file, or all of them.

    Raises:
        ClientError: the file is no longer the one that was collected.
        OSError: it cannot be read.
    """
    with _open(source) as file:
        _require_unchanged(source, file)
        head = bytearray()
        while len(head) < length and (piece := file.read(length - len(head))):
            head += piece
        return bytes(head)


def _walk(location: str, path: str) -> Iterator[Source]:
    status = os.lstat(location)
    if stat.S_ISREG(status.st_mode):
        modified = int(status.st_mtime)
        modified = modified if 0 <= modified <= _MAX_TIME else 0
        yield Source(path, location, status.st_size, modified, _identity(status))
    elif stat.S_ISDIR(status.st_mode):
        for name in sorted(os.listdir(location)):
            yield from _walk(os.path.join(location, name), f"{path}/{name}")
    elif stat.S_ISLNK(status.st_mode):
        raise ClientError(
            N_("{path}: symbolic links are not sealed; give the file itself, or remove the link"),
            path=location,
        )
    else:
        raise ClientError(N_("{path}: only files and folders can be sealed"), path=location)


def _open(source: Source) -> FileIO:
    return open(os.open(source.location, _FLAGS), "rb", buffering=0)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _require_unchanged(source: Source, file: FileIO) -> None:
    if _identity(os.fstat(file.fileno())) != source.identity:
        raise ClientError(
            N_("{path}: the file changed while it was read; try again when nothing writes to it"),
            path=source.location,
        )
