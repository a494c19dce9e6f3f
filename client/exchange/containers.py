"""A container in a file: the driver that the readers without I/O are run with."""

# pathlib would cost start-up time.
from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from client.errors import N_, ClientError
from client.refusals import refusing
from vault.container.examine import (
    NOTHING_EXPECTED,
    Examined,
    Expectations,
    examine,
    nobody,
    verify_blocks,
)
from vault.container.steps import Read, require, run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from vault.container.seal import SignedSeal
    from vault.container.steps import Event

    Advance = Callable[[int], None]

T = TypeVar("T")

STDIN: Final = "-"
_PIECE: Final = 1024 * 1024


class ContainerFile:
    """A container that can be read at any place, in a ``with`` block.

    Attributes:
        path: its name, for messages.
        size: bytes.
        mode: its permissions.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        """Take over an open file, which leaving the block closes; ``path`` is its name for messages."""
        self.path = path
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self.size = status.st_size
        self.mode = stat.S_IMODE(status.st_mode)
        self._identity = _identity(status)

    @classmethod
    def open(cls, path: str) -> Self:
        """Open a file; "-" and pipes are first copied to a temporary file, ciphertext only.

        Raises:
            ClientError: a folder or a device.
            OSError: it is not there or cannot be read.
        """
        if path == STDIN:
            return cls(path, _spool(sys.stdin.buffer.fileno()))
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return cls(path, descriptor)
        try:
            if stat.S_ISFIFO(mode):
                return cls(path, _spool(descriptor))
        finally:
            os.close(descriptor)
        raise ClientError(N_("{path}: this is not a file"), path=path)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        data = os.pread(self._descriptor, length, offset)
        if not data or len(data) == length:
            return data
        # Rare: a signal, or the end of the file.
        return data + self.read_at(offset + len(data), length - len(data))

    def examine(self, expected: Expectations = NOTHING_EXPECTED) -> Examined:
        """Examine it without a key.

        Who followed the writers of its seal is looked up in the profile, unless ``expected`` says.

        Raises:
            RefusedContainer: any outcome but no_access and unsafe_path.
            Distrusted: it was written by a key that what the profile keeps does not lead to any more.
        """
        if expected.successors is nobody:
            expected = expected._replace(successors=_in_profile)
        return self.run(examine(self.size, expected))

    def verify(self, examined: Examined, advance: Advance) -> None:
        """Check every block of the payload.

        Raises:
            RefusedContainer: payload_damaged.
        """

        def read_into(room: memoryview, offset: int) -> int:
            advance(len(room))
            return self._read_into(room, offset)

        def read_at(offset: int, length: int) -> bytes:
            advance(length)
            return self.read_at(offset, length)

        with refusing(self.path):
            run(verify_blocks(examined), read_at, read_into=read_into)

    def events(self, steps: Generator[Any, Any, None]) -> Generator[Event, None, None]:
        """Drive a reader and yield its events.

        Raises:
            RefusedContainer: whatever the reader finds.
        """
        answer: bytes | memoryview | None = None
        with refusing(self.path):
            try:
                while True:
                    request = steps.send(answer)
                    answer = None
                    if isinstance(request, Read):
                        answer = self._answer(request)
                    else:
                        yield request
            except StopIteration:
                return
            finally:
                steps.close()

    def run(self, steps: Generator[Any, Any, T]) -> T:
        """Drive a reader to its result.

        Raises:
            RefusedContainer: whatever the reader finds.
        """
        with refusing(self.path):
            return run(steps, self.read_at, read_into=self._read_into)

    def _answer(self, request: Read) -> bytes | memoryview:
        if request.into is None:
            return require(request, self.read_at(request.offset, request.length))
        return require(request, request.into[: self._read_into(request.into, request.offset)])

    def _read_into(self, room: memoryview, offset: int) -> int:
        done = 0
        while done < len(room) and (count := os.preadv(self._descriptor, [room[done:]], offset + done)):
            done += count
        return done

    def require_replaceable(self) -> None:
        """Refuse early what cannot be changed in place.

        Raises:
            ClientError: stdin, a pipe or a symbolic link.
        """
        if self.path == STDIN or not stat.S_ISREG(os.lstat(self.path).st_mode):
            raise ClientError(
                N_("{path}: only a file can be changed in its place, not a pipe or a symbolic link"),
                path=self.path,
            )

    def require_unchanged(self) -> None:
        """Refuse to replace a file that is no longer the one that was read.

        Raises:
            ClientError: it was changed or replaced meanwhile.
        """
        if _identity(os.lstat(self.path)) != self._identity:
            raise ClientError(
                N_("{path}: the container was changed by somebody else meanwhile; try again"), path=self.path
            )


def _in_profile(seal: SignedSeal) -> Mapping[bytes, bytes]:
    from client.kept import followers  # noqa: PLC0415 - hardly ever is there anybody to look for

    return followers(seal)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _spool(source: int) -> int:
    from tempfile import TemporaryFile  # noqa: PLC0415 - only for what cannot be read at any place

    with TemporaryFile() as file:
        while piece := os.read(source, _PIECE):
            file.write(piece)
        file.flush()
        return os.dup(file.fileno())
