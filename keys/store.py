"""Identities kept in files: ``NAME`` (secret) and ``NAME.pub``. Unlocks, so the server never imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys import files
from keys.derivation import DEFAULT_COST, PasswordCost
from keys.keyfile import PublicIdentity, SecretBlock, decode_public, decode_secret, encode_public
from keys.keyring import Identity, lock, unlock_block, unlock_by_token
from keys.tokenlock import TokenLock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from keys.keyring import Agree


def write_identity(
    path: Path,
    identity: Identity,
    passphrase: str | None,
    *,
    names: Mapping[str, str] | None = None,
    overwrite: bool = False,
    cost: PasswordCost = DEFAULT_COST,
) -> None:
    """Write ``path`` (0600) and ``path``.pub; ``names`` are lines for people above both blocks.

    Raises:
        KeyFileExistsError: one of the two is there already, and ``overwrite`` is not set.
        KeyFileError: a symbolic link in its place, or the system refuses.
        MalformedError: a passphrase or name of the wrong form.
        LimitError: costs outside the accepted bounds.
    """
    secret = lock(identity, passphrase, cost, names)
    files.write_pair(path, secret, encode_public(identity.public, names), overwrite=overwrite)


def write_public(path: Path, identity: PublicIdentity, *, names: Mapping[str, str] | None = None) -> None:
    """Write the public file alone: the secret half is kept by other means, or nowhere.

    Raises:
        KeyFileExistsError: it is there already.
        KeyFileError: a symbolic link in its place, or the system refuses.
        MalformedError: a name of the wrong form.
    """
    files.write_text(path, encode_public(identity, names), mode=files.PUBLIC_MODE)


def read_public(path: Path) -> PublicIdentity:
    """Return the identity in a public key file.

    Raises:
        KeyFileError: it cannot be read.
        MalformedError: not such a file.
    """
    return decode_public(files.read_public_text(path))


def read_locked(path: Path) -> SecretBlock:
    """Return what a secret key file shows without its passphrase (its public identity, its costs).

    Raises:
        KeyFileError: it cannot be read, is a link, or others can read it.
        MalformedError: not such a file.
        LimitError: it asks for more work than a reader accepts.
    """
    return decode_secret(files.read_secret_text(path))


def load_identity(path: Path, passphrase: Callable[[], str | None], agree: Agree | None = None) -> Identity:
    """Return the unlocked identity.

    Args:
        path: of the secret file.
        passphrase: called only if the file has one.
        agree: called only if a token locks it.

    Raises:
        WrongPassphraseError: it does not open the file, or a token locks it and ``agree`` is not given.
        KeyFileError, MalformedError, LimitError: as in `read_locked`.
    """
    block = read_locked(path)
    if isinstance(block.kdf, TokenLock) and agree is not None:
        return unlock_by_token(block, agree)
    return unlock_block(block, None if block.kdf is None else passphrase())
