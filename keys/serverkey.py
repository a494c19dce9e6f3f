"""A server's own key: the same file as any identity's, without passphrase, of which it only signs.

The KEM half is written into the public part, so that the file is like every other, and never used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys import files
from keys.derivation import KEY_LENGTH
from keys.errors import MalformedError
from keys.kemseed import expand_kem_seed
from keys.keyfile import (
    PublicIdentity,
    Use,
    decode_secret,
    encode_public,
    encode_secret,
    kem_seed,
    plain_seed,
    require_use,
    seal_plain_seed,
    signing_seed,
)
from keys.randomness import random_bytes
from keys.signing import SigningKey

if TYPE_CHECKING:
    from pathlib import Path


def create_server_key(path: Path) -> SigningKey:
    """Make a server key, write ``path`` (0600) and ``path``.pub, and return its signing half.

    Raises:
        KeyFileExistsError: one of the two is there already.
        KeyFileError: a symbolic link in its place, or the system refuses.
    """
    seed = random_bytes(KEY_LENGTH)
    key = SigningKey(signing_seed(seed))
    public = PublicIdentity(Use.SERVICE, expand_kem_seed(kem_seed(seed)).public_key, key.public_key)
    files.write_pair(path, encode_secret(seal_plain_seed(seed, public)), encode_public(public))
    return key


def load_server_key(path: Path) -> SigningKey:
    """Return the signing half of a server's key file.

    Raises:
        KeyFileMissingError: no such file.
        KeyFileError: a symbolic link, or others can read it.
        MalformedError: not such a file, or a damaged one.
        WrongPassphraseError: it has a passphrase, which nobody could type.
        WrongUseError: a key for another use.
    """
    block = decode_secret(files.read_secret_text(path))
    require_use(block.public, Use.SERVICE)
    key = SigningKey(signing_seed(plain_seed(block)))
    if key.public_key != block.public.signing:
        raise MalformedError("the key file's public part is not that of its seed")
    return key


def read_server_identity(path: Path) -> PublicIdentity:
    """Return the public identity in a server's key file: what the authority habilitates.

    Raises:
        KeyFileError, MalformedError, WrongUseError: as in `load_server_key`.
    """
    public = decode_secret(files.read_secret_text(path)).public
    require_use(public, Use.SERVICE)
    return public
