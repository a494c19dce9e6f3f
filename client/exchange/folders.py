"""Taking many files out at once: all of them appear, or none does, and none outside the target.

Everything is first written to a fresh folder of our own. Folders are walked by descriptor, one component at a
time and without following symbolic links: whatever somebody puts into the target meanwhile cannot lead a file
out of it.
"""

# pathlib would cost start-up time, and has no counterpart for descriptors.
# ruff: noqa: PTH100, PTH103, PTH118, PTH119, PTH120, PTH123
from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from client.errors import N_, ConflictProblem
from client.exchange.targets import (
    PLAINTEXT_FOLDER_MODE,
    PLAINTEXT_MODE,
    exists,
    is_folder,
    name_exclusively,
    temporary_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class _Placed(NamedTuple):
    """A file that was given its final name: which one it is, and where what it replaced was put."""

    path: str
    identity: tuple[int, int]
    backup: str


class Extraction:
    """A target folder that is being filled, in a ``with`` block; nothing appears before `commit`."""

    def __init__(self, folder: str, paths: Sequence[str], *, force: bool = False) -> None:
        """Say what will come; nothing is looked at yet.

        Args:
            folder: the target; made if it is not there.
            paths: checked container paths of all files that will come.
            force: whether files of these names may be replaced.
        """
        self._folder = folder
        self._paths = tuple(paths)
        self._force = force
        self._fresh = not os.path.lexists(folder)
        self._made: list[str] = []
        self._temporary = temporary_name()
        self._descriptors = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Check that nothing stands in the way, and make room.

        It is here, and undone here, so that an interruption at any moment finds something to undo it.

        Raises:
            ConflictProblem: a file is there already, or a link or file stands where a folder must go.
            OSError: the system refuses.
        """
        try:
            base = self._folder
            if self._fresh:
                base = os.path.dirname(os.path.abspath(self._folder))
                os.makedirs(base, exist_ok=True)
            self._base = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._descriptors.callback(os.close, self._base)
            if not self._fresh:
                for path in self._paths:
                    self._require_free(path)
            self._descriptors.callback(self._remove)
            os.mkdir(self._temporary, PLAINTEXT_FOLDER_MODE, dir_fd=self._base)
            self._staging = os.open(self._temporary, _FOLDER, dir_fd=self._base)
            self._descriptors.callback(os.close, self._staging)
            return self  # noqa: TRY300 - an interruption here must be undone as well
        except BaseException:
            self._descriptors.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._descriptors.close()

    def _remove(self) -> None:
        # After a fresh folder got its name there is nothing of this name any more.
        with contextlib.suppress(FileNotFoundError):
            staging = os.open(self._temporary, _FOLDER, dir_fd=self._base)
            try:
                _empty(staging)
            finally:
                os.close(staging)
            os.rmdir(self._temporary, dir_fd=self._base)

    def create(self, path: str) -> FileIO:
        """Return the new file for a container path, to be written and closed by the caller."""
        *folders, name = path.split("/")
        with _descend(self._staging, folders, make=[]) as parent:
            return open(os.open(name, _CREATE, PLAINTEXT_MODE, dir_fd=parent), "wb", buffering=0)

    def commit(self) -> None:
        """Give every file its final name; if one cannot have it, take back those that were given.

        Raises:
            ConflictProblem: something took a name meanwhile.
            OSError: the system refuses.
        """
        if self._fresh:
            self._name_folder()
            return
        placed: list[_Placed] = []
        try:
            for path in self._paths:
                self._place(path, placed)
        except BaseException:
            for done in reversed(placed):
                self._take_back(done)
            for made in reversed(self._made):
                with contextlib.suppress(OSError):
                    os.rmdir(made, dir_fd=self._base)
            raise

    def _name_folder(self) -> None:
        name = os.path.basename(os.path.abspath(self._folder))
        try:
            # Fails unless nothing or an empty folder has this name by now.
            os.rename(self._temporary, name, src_dir_fd=self._base, dst_dir_fd=self._base)
        except OSError as error:
            if os.path.lexists(self._folder):
                raise exists(self._folder) from error
            raise

    def _require_free(self, path: str) -> None:
        *folders, name = path.split("/")
        try:
            with self._parent(folders, make=False) as parent:
                status = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(status.st_mode):
            raise is_folder(os.path.join(self._folder, path))
        if not self._force:
            raise exists(os.path.join(self._folder, path))

    def _place(self, path: str, placed: list[_Placed]) -> None:
        *folders, name = path.split("/")
        with (
            _descend(self._staging, folders, make=None) as source,
            self._parent(folders, make=True) as target,
        ):
            status = os.lstat(name, dir_fd=source)
            backup = temporary_name()
            placed.append(_Placed(path, (status.st_dev, status.st_ino), backup))
            if self._force:
                with contextlib.suppress(FileNotFoundError):
                    os.rename(name, backup, src_dir_fd=target, dst_dir_fd=self._staging)
            try:
                name_exclusively(source, name, target, name)
            except FileExistsError:
                raise exists(os.path.join(self._folder, path)) from None

    def _take_back(self, done: _Placed) -> None:
        *folders, name = done.path.split("/")
        with contextlib.suppress(OSError, ConflictProblem), self._parent(folders, make=False) as target:
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(name, dir_fd=target)
                if (status.st_dev, status.st_ino) == done.identity:
                    os.unlink(name, dir_fd=target)
            os.rename(done.backup, name, src_dir_fd=self._staging, dst_dir_fd=target)

    @contextlib.contextmanager
    def _parent(self, folders: Sequence[str], *, make: bool) -> Iterator[int]:
        try:
            with _descend(self._base, folders, make=self._made if make else None) as parent:
                yield parent
        except NotADirectoryError:
            raise ConflictProblem(
                N_("{path}: a file or a symbolic link stands where a folder is needed"),
                path=os.path.join(self._folder, *folders),
            ) from None


@contextlib.contextmanager
def _descend(base: int, folders: Sequence[str], *, make: list[str] | None) -> Iterator[int]:
    """Open ``folders`` below ``base`` one by one; missing ones are made and noted in ``make``, if given.

    Raises:
        FileNotFoundError: one is missing and none may be made.
        NotADirectoryError: one is a file or a symbolic link.
    """
    with contextlib.ExitStack() as opened:
        current = base
        for depth, folder in enumerate(folders, 1):
            if make is not None:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder, PLAINTEXT_FOLDER_MODE, dir_fd=current)
                    make.append("/".join(folders[:depth]))
            current = os.open(folder, _FOLDER, dir_fd=current)
            opened.callback(os.close, current)
        yield current


def _empty(folder: int) -> None:
    """Remove everything below a folder of our own."""
    for name in os.listdir(folder):
        if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
            below = os.open(name, _FOLDER, dir_fd=folder)
            try:
                _empty(below)
            finally:
                os.close(below)
            os.rmdir(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)
