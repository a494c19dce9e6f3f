"""Key files as a person names them: what is wrong with one is said with its name, and what to do about it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from client.errors import N_, AccessProblem, ClientError, ConflictProblem, NotFoundProblem, UsageProblem
from keys.errors import (
    KeyFileError,
    KeyFileExistsError,
    KeyFileMissingError,
    LimitError,
    MalformedError,
    WrongPassphraseError,
    WrongUseError,
)
from keys.files import read_public_text
from keys.keyfile import Use, decode_public
from vault.container.manifest import CarriedRecipient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keys.keyfile import PublicIdentity
    from keys.keyring import Agree, Identity

_KEY_ID = re.compile("[0-9a-f]{64}")
_ROLES = {Use.PERSON: "reader", Use.DOSSIER: "dossier", Use.RECOVERY: "recovery"}


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Turn what the key code raises about the file at ``path`` into what a person is told.

    Raises:
        ClientError: one of its kinds, by what is wrong.
    """
    try:
        yield
    except KeyFileMissingError as error:
        raise NotFoundProblem(N_("{path}: there is no such key file"), path=path) from error
    except KeyFileExistsError as error:
        raise ConflictProblem(
            N_("{path}: this key file exists already; keys are never overwritten, choose another name"),
            path=path,
        ) from error
    except KeyFileError as error:
        raise ClientError(
            N_(
                "{path}: this key file is not used: it must be a regular file that nobody else can read "
                "(chmod 600), not a link"
            ),
            path=path,
        ) from error
    except WrongPassphraseError as error:
        raise AccessProblem(
            N_("{path}: the passphrase does not open this key file; check it"), path=path
        ) from error
    except WrongUseError as error:
        raise UsageProblem(
            N_("{path}: this key is made for another use; see scelle keygen --help"), path=path
        ) from error
    except (MalformedError, LimitError) as error:
        raise ClientError(
            N_("{path}: this is not a Scellé key file, or it was damaged; give another"), path=path
        ) from error


def read_recipient(path: str, *, generation: int = 1) -> CarriedRecipient:
    """Return the public key in ``path`` with the role that its use gives it.

    Args:
        path: a public key file of a person (reader), a dossier or a recovery key.
        generation: of the dossier key.

    Raises:
        ClientError: see `naming`.
        UsageProblem: a key that nothing is sealed to.
    """
    identity = read_public_key(path)
    role = _ROLES.get(identity.use)
    if role is None:
        raise UsageProblem(
            N_("{path}: nothing is sealed to the key of an authority, a portal or a server"), path=path
        )
    return CarriedRecipient(role, generation if role == "dossier" else 0, identity.kem)


def read_public_key(path: str) -> PublicIdentity:
    """Return the public identity in ``path``.

    Raises:
        ClientError: see `naming`.
    """
    with naming(path):
        return decode_public(read_public_text(Path(path)))


def read_signer(given: str) -> bytes:
    """Return the key id of a signing key: 64 hexadecimal digits, or the name of its public key file.

    Raises:
        ClientError: see `naming`.
    """
    if _KEY_ID.fullmatch(given.lower()):
        return bytes.fromhex(given)
    return read_public_key(given).signing_key_id


def load_key(path: str, passphrase: Callable[[], str], agree: Agree | None = None) -> Identity:
    """Return the unlocked identity in ``path``.

    Args:
        path: the secret key file.
        passphrase: called only if it has one.
        agree: called only if a token locks it.

    Raises:
        ClientError: see `naming`.
        UsageProblem: the public file was given.
    """
    if path.endswith(".pub"):
        raise UsageProblem(N_("{path}: this is the public file; give the one without .pub"), path=path)
    from keys.store import load_identity  # noqa: PLC0415 - unlocking is not needed to seal

    with naming(path):
        return load_identity(Path(path), passphrase, agree)
