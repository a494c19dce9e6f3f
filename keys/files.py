"""Key files on disk: written whole or not at all, never over another by accident, never through a link.

Texts in, texts out; what stands in them is the business of ``keyfile``. Only this module opens key files.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

from keys.errors import KeyFileError, KeyFileExistsError, KeyFileMissingError, MalformedError
from keys.keyfile import MAX_TEXT
from keys.randomness import random_bytes

if TYPE_CHECKING:
    from pathlib import Path

SECRET_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644
_OTHERS: Final = 0o077
# Not on every system; where there are no such flags there is nothing to ask for.
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_BLOCK: Final = getattr(os, "O_NONBLOCK", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)


def public_path(path: Path) -> Path:
    """Return ``NAME.pub`` for ``NAME``."""
    return path.with_name(path.name + ".pub")


def write_pair(path: Path, secret: str, public: str, *, overwrite: bool = False) -> None:
    """Write ``path`` (0600) and ``path``.pub (0644), the public file first.

    A secret file thus never stands without its public one; a public file alone can do nothing.

    Raises:
        KeyFileExistsError: one of the two is there already, and ``overwrite`` is not set.
        KeyFileError: a symbolic link in its place, or the system refuses.
    """
    beside = public_path(path)
    for target in (path, beside):
        _refuse_link(target)
    if not overwrite:
        require_absent(path)
    write_text(beside, public, mode=PUBLIC_MODE, overwrite=overwrite)
    try:
        write_text(path, secret, mode=SECRET_MODE, overwrite=overwrite)
    except BaseException:
        if not overwrite:
            beside.unlink(missing_ok=True)
        raise


def require_absent(path: Path) -> None:
    """Return only if neither of the two files of a key is there, so that nothing is made in vain.

    Raises:
        KeyFileExistsError: one is.
    """
    for target in (path, public_path(path)):
        if target.exists():
            raise KeyFileExistsError(f"{target} is there already")


def write_text(path: Path, text: str, *, mode: int, overwrite: bool = False) -> None:
    """Write one file: under another name, forced to disk, then given its name in one step.

    Raises:
        KeyFileExistsError: it is there already, and ``overwrite`` is not set.
        KeyFileError: a symbolic link in its place, or the system refuses.
    """
    _refuse_link(path)
    temporary = path.with_name(f".{path.name}.{random_bytes(8).hex()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
        with os.fdopen(os.open(temporary, flags, mode), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(path)
        else:
            _name(temporary, path)
    except FileExistsError:
        raise KeyFileExistsError(f"{path} is there already") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_directory(path.parent)


def read_secret_text(path: Path) -> str:
    """Return the text of a secret key file; only its owner may be able to read it.

    Raises:
        KeyFileMissingError: no such file.
        KeyFileError: a symbolic link, no regular file, readable by others, or the system refuses.
        MalformedError: longer than a key file can be, or no text.
    """
    return _read(path, private=True)


def read_public_text(path: Path) -> str:
    """Return the text of a public key file.

    Raises:
        KeyFileMissingError: no such file.
        KeyFileError: no regular file, or the system refuses.
        MalformedError: longer than a key file can be, or no text.
    """
    return _read(path, private=False)


def _read(path: Path, *, private: bool) -> str:
    if private:
        _refuse_link(path)
    try:
        # Without O_NONBLOCK a named pipe in the file's place would hang the program.
        flags = os.O_RDONLY | _NO_BLOCK | _BINARY | (_NO_FOLLOW if private else 0)
        handle = os.open(path, flags)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise KeyFileError(f"{path} is not a regular file")
            if private and os.name == "posix" and status.st_mode & _OTHERS:
                raise KeyFileError(f"{path} can be read by others; run chmod 600 {path}")
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(MAX_TEXT + 1)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise KeyFileMissingError(f"{path} is not there") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_TEXT:
        raise MalformedError(f"{path} is not a key file: longer than {MAX_TEXT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError(f"{path} is not a key file: no text") from None


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise KeyFileError(f"{path} is a symbolic link; key files are not read or written through links")


def _name(temporary: Path, path: Path) -> None:
    """Give ``temporary`` the name ``path`` unless something has it; raise `FileExistsError` then."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        # No hard links here (a FAT stick): claim the name with an empty file, then put ours in its place.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE))
        try:
            temporary.replace(path)
        except BaseException:
            path.unlink()
            raise


def _sync_directory(directory: Path) -> None:
    """Force a new name to disk, where the system lets directories be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
