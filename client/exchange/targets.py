"""Where results go: one file, whole or not at all, under its final name only when it is proven.

Nothing is overwritten unless asked for by name, and a symbolic link in the place of a result is not followed.
"""

# pathlib would cost start-up time, and has no counterpart for descriptors.
# ruff: noqa: PTH112, PTH114, PTH119, PTH120, PTH123
from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final, Self

from client.errors import N_, ConflictProblem
from keys.randomness import random_bytes

if TYPE_CHECKING:
    from io import FileIO

PLAINTEXT_MODE: Final = 0o600
PLAINTEXT_FOLDER_MODE: Final = 0o700

_CIPHERTEXT_MODE: Final = 0o666
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def temporary_name() -> str:
    """Return a name for what is not finished: hidden, and not to be guessed."""
    return f".scelle-{random_bytes(8).hex()}.part"


def exists(path: str) -> ConflictProblem:
    """Return the refusal to overwrite ``path``."""
    return ConflictProblem(
        N_("{path}: this exists already; choose another name, or --force to overwrite it"), path=path
    )


def is_folder(path: str) -> ConflictProblem:
    """Return the refusal to put a file in the place of a folder."""
    return ConflictProblem(N_("{path}: a folder has this name; choose another"), path=path)


def require_free(path: str, *, force: bool) -> None:
    """Refuse early what would be refused in the end.

    Raises:
        ConflictProblem: something stands at ``path``, or a folder does although ``force`` is set.
    """
    if os.path.isdir(path) and not os.path.islink(path):
        raise is_folder(path)
    if os.path.lexists(path) and not force:
        raise exists(path)


def name_exclusively(source: int, temporary: str, target: int, name: str) -> None:
    """Rename ``temporary`` in one folder to ``name`` in another (descriptors) unless the name is taken.

    Raises:
        FileExistsError: it is taken.
    """
    try:
        # A hard link checks and names in one step.
        os.link(temporary, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (a FAT stick): claim the name with an empty file, then put ours in its place.
        os.close(os.open(name, _CREATE, PLAINTEXT_MODE, dir_fd=target))
        os.replace(temporary, name, src_dir_fd=source, dst_dir_fd=target)
    else:
        os.unlink(temporary, dir_fd=source)


def give_name(file: FileIO, temporary: str, folder: int, path: str, *, force: bool) -> None:
    """Give what is written as ``temporary`` in ``folder`` (a descriptor) its final name, in one step.

    Where it takes another's place, its bytes are on the disk before.

    Raises:
        ConflictProblem: something took the name meanwhile, or a folder has it.
        OSError: the system refuses.
    """
    name = os.path.basename(path)
    try:
        if force:
            os.fsync(file.fileno())
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            name_exclusively(folder, temporary, folder, name)
    except FileExistsError:
        raise exists(path) from None
    except IsADirectoryError:
        raise is_folder(path) from None


class AtomicFile:
    """A file that is written beside its final place and gets its name in one step, by `commit`.

    Used in a ``with`` block; leaving it without `commit` leaves nothing.

    Attributes:
        path: the final name.
        file: to read back from; `write` writes to it.
    """

    file: FileIO

    def __init__(self, path: str, *, force: bool = False, mode: int | None = None) -> None:
        """Check that the name is free; nothing is made yet.

        Args:
            path: the final name.
            force: whether a file of that name may be replaced.
            mode: permissions of the file; by default what the umask leaves.

        Raises:
            ConflictProblem: something of that name is there.
        """
        require_free(path, force=force)
        self.path: Final = path
        self._force = force
        self._mode = mode
        self._parent = os.path.dirname(path) or "."
        self._temporary = temporary_name()
        self._descriptors = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Create the temporary file in the folder of `path`.

        It is here, and undone here, so that an interruption at any moment finds something to undo it.

        Raises:
            OSError: there is no such folder, or it cannot be written to.
        """
        try:
            self._folder = os.open(self._parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._descriptors.callback(os.close, self._folder)
            self._descriptors.callback(self._remove)
            descriptor = self._create()
            self.file = self._descriptors.enter_context(open(descriptor, "r+b", buffering=0))
            if self._mode is not None:
                os.fchmod(descriptor, self._mode)
            return self  # noqa: TRY300 - an interruption here must be undone as well
        except BaseException:
            self._descriptors.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._descriptors.close()

    def _create(self) -> int:
        try:
            # Where others may not read in the end, they may not in the beginning.
            mode = _CIPHERTEXT_MODE if self._mode is None else PLAINTEXT_MODE
            return os.open(self._temporary, _CREATE, mode, dir_fd=self._folder)
        except OSError as error:
            # The person knows the folder, not our name for what is not finished.
            error.filename = self._parent
            raise

    def _remove(self) -> None:
        # After commit there is nothing of this name any more.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._temporary, dir_fd=self._folder)

    def write(self, data: bytes | memoryview) -> None:
        """Write all of ``data``."""
        view = memoryview(data)
        while view:
            view = view[self.file.write(view) :]

    def commit(self) -> None:
        """Give the file its final name; if it takes another's place, once its bytes are on the disk.

        Raises:
            ConflictProblem: something took the name meanwhile.
            OSError: the system refuses.
        """
        give_name(self.file, self._temporary, self._folder, self.path, force=self._force)
