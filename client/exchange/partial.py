"""A file that takes long to come: what is there stays beside its final name, for whoever goes on with it.

It is called like the file with ``.part`` behind, only its owner may read it, and one process at a time works
on it. What it holds is proven by whoever goes on with it, never taken for granted.
"""

# pathlib would cost start-up time, and has no counterpart for descriptors.
# ruff: noqa: PTH119, PTH120, PTH123
from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from typing import TYPE_CHECKING, Final, Self

from client.errors import N_, ConflictProblem
from client.exchange.targets import give_name, require_free

if TYPE_CHECKING:
    from io import FileIO

SUFFIX: Final = ".part"

_OWN: Final = 0o600
_SHARED: Final = 0o666
_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE: Final = _OPEN | os.O_CREAT | os.O_EXCL


class PartialFile:
    """A file on its way; leaving the ``with`` block leaves what came, but for `commit` and `discard`.

    Attributes:
        path: the final name.
        part: the name until then.
        file: to read back from; `write` writes to it.
    """

    file: FileIO

    def __init__(self, path: str, *, force: bool = False, resume: bool = False) -> None:
        """Check that the final name is free; nothing is made yet.

        Args:
            path: the final name.
            force: whether a file of that name may be replaced in the end.
            resume: whether to go on with what an earlier process left; else a leftover is refused.

        Raises:
            ConflictProblem: something of the final name is there.
        """
        require_free(path, force=force)
        self.path: Final = path
        self.part: Final = path + SUFFIX
        self._force = force
        self._resume = resume
        self._temporary = os.path.basename(self.part)
        self._stays = True
        self._descriptors = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Create the part, or take up the one that is there.

        Raises:
            ConflictProblem: there is one and ``resume`` is not set, it is not one of ours, or another process
                works on it.
            OSError: there is no such folder, or it cannot be written to.
        """
        try:
            folder = os.path.dirname(self.path) or "."
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._descriptors.callback(os.close, self._folder)
            descriptor = self._open(folder)
            self.file = self._descriptors.enter_context(open(descriptor, "r+b", buffering=0))
            self._claim(descriptor)
            self._descriptors.callback(self._tidy)
            return self  # noqa: TRY300 - an interruption here must be undone as well
        except BaseException:
            self._descriptors.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._descriptors.close()

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return os.fstat(self.file.fileno()).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        return os.pread(self.file.fileno(), length, offset)

    def cut(self, size: int) -> None:
        """Forget everything from byte ``size`` on; writing goes on there."""
        self.file.truncate(size)
        self.file.seek(size)

    def write(self, data: bytes | memoryview) -> None:
        """Write all of ``data``."""
        view = memoryview(data)
        while view:
            view = view[self.file.write(view) :]

    def discard(self) -> None:
        """Leave nothing when the block ends."""
        self._stays = False

    def commit(self) -> None:
        """Give the file its final name, and the permissions that a new file has.

        Raises:
            ConflictProblem: something took the name meanwhile.
            OSError: the system refuses.
        """
        # There is no way to ask; for a moment it is stricter, never laxer.
        mask = os.umask(0o077)
        os.umask(mask)
        os.fchmod(self.file.fileno(), _SHARED & ~mask)
        give_name(self.file, self._temporary, self._folder, self.path, force=self._force)

    def _open(self, folder: str) -> int:
        try:
            with contextlib.suppress(FileExistsError):
                return os.open(self._temporary, _CREATE, _OWN, dir_fd=self._folder)
            if not self._resume:
                raise ConflictProblem(
                    N_(
                        "{path}: this was left by a download that did not finish; "
                        "add --resume to go on with it, or remove it to begin again"
                    ),
                    path=self.part,
                )
            # A pipe of this name must not keep us waiting.
            return os.open(self._temporary, _OPEN | os.O_NONBLOCK, dir_fd=self._folder)
        except OSError as error:
            error.filename = self.part if self._resume else folder
            raise

    def _claim(self, descriptor: int) -> None:
        """Make sure that it is ours, and ours alone."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink > 1:
            raise ConflictProblem(
                N_("{path}: this is no download that you began; remove it or choose another name"),
                path=self.part,
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._busy() from None
        if not self._still_there():
            # The other one finished between our two looks.
            raise self._busy()
        os.fchmod(descriptor, _OWN)

    def _busy(self) -> ConflictProblem:
        return ConflictProblem(N_("{path}: another scelle is at work on this; wait for it"), path=self.part)

    def _still_there(self) -> bool:
        try:
            named = os.stat(self._temporary, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        own = os.fstat(self.file.fileno())
        return (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino)

    def _tidy(self) -> None:
        # After commit the name is gone, or is another process's by now.
        if (self._stays and self.size) or not self._still_there():
            return
        os.unlink(self._temporary, dir_fd=self._folder)
