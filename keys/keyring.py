"""Identities in use, and unlocking them. The server never imports this.

An identity is one 32-byte seed; both key pairs grow from it. Source: docs/FORMAT.md, "Key files".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.derivation import (
    DEFAULT_COST,
    KEY_LENGTH,
    SALT_LENGTH,
    PasswordCost,
    normalise_password,
    stretch_password,
)
from keys.errors import MalformedError, WrongPassphraseError
from keys.keyfile import (
    PublicIdentity,
    SecretBlock,
    Use,
    decode_secret,
    encode_secret,
    kem_seed,
    plain_seed,
    require_use,
    seal_plain_seed,
    signing_seed,
)
from keys.randomness import random_bytes
from keys.signing import SigningKey
from keys.tokenlock import TokenLock, box_key, make_lock
from keys.unwrapping import DecapsulationKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Agree = Callable[[TokenLock], bytes]
    """Returns the 48 bytes that a token shares with a lock."""

# A key file's AES key is derived from a fresh salt and used once.
_ZERO_NONCE: Final = bytes(12)
_SIGNERS: Final = (Use.PERSON, Use.AUTHORITY, Use.SERVICE)


class Identity:
    """A seed and the two key pairs that grow from it. Never shown, never pickled."""

    def __init__(self, seed: bytes, use: Use) -> None:
        self._seed = seed
        self._decapsulation = DecapsulationKey(kem_seed(seed))
        self._signing = SigningKey(signing_seed(seed))
        self.public: Final = PublicIdentity(use, self._decapsulation.public_key, self._signing.public_key)

    @classmethod
    def from_seed(cls, seed: bytes, use: Use) -> Identity:
        """Return the identity of a 32-byte seed.

        Raises:
            MalformedError: a wrong length.
        """
        return cls(seed, use)

    @classmethod
    def generate(cls, use: Use) -> Identity:
        """Return a new identity."""
        return cls(random_bytes(KEY_LENGTH), use)

    @property
    def seed(self) -> bytes:
        """The 32-byte seed: what a template's password slot and a grant carry, wrapped."""
        return self._seed

    @property
    def signing(self) -> SigningKey:
        """The signing half.

        Raises:
            WrongUseError: a dossier or recovery key; those never sign.
        """
        require_use(self.public, *_SIGNERS)
        return self._signing

    @property
    def decapsulation(self) -> DecapsulationKey:
        """The KEM half."""
        return self._decapsulation

    def __reduce__(self) -> str:
        raise TypeError("an identity is not pickled; lock it into a key file")

    def __repr__(self) -> str:
        return f"Identity({self.public!r}, seed=<redacted>)"


def lock(
    identity: Identity,
    passphrase: str | None,
    cost: PasswordCost = DEFAULT_COST,
    names: Mapping[str, str] | None = None,
) -> str:
    """Return the text of the secret key file.

    Args:
        identity: what to write.
        passphrase: what will open it; None writes a key that whoever has the file can use.
        cost: Argon2id costs, unused without a passphrase.
        names: lines above the block, shown to people only.

    Raises:
        MalformedError: a passphrase that is empty, too long or not encodable.
        LimitError: costs outside the accepted bounds.
    """
    if passphrase is None:
        return encode_secret(seal_plain_seed(identity.seed, identity.public), names)
    salt = random_bytes(SALT_LENGTH)
    locked = SecretBlock(kdf=cost, salt=salt, box=b"", public=identity.public)
    key = stretch_password(normalise_password(passphrase), locked.derivation_salt, cost)
    box = AESGCM(key).encrypt(_ZERO_NONCE, identity.seed, locked.associated_data)
    return encode_secret(locked._replace(box=box), names)


def lock_to_token(identity: Identity, token_key: bytes, names: Mapping[str, str] | None = None) -> str:
    """Return the text of a secret key file that the token with the key ``token_key`` opens.

    Args:
        identity: what to write.
        token_key: public half of a P-384 key on a token, 97 bytes.
        names: lines above the block, shown to people only.

    Raises:
        MalformedError: not a public key on P-384.
    """
    made = make_lock(token_key)
    locked = SecretBlock(kdf=made.lock, salt=random_bytes(SALT_LENGTH), box=b"", public=identity.public)
    key = box_key(made.lock, made.shared, locked.salt)
    box = AESGCM(key).encrypt(_ZERO_NONCE, identity.seed, locked.associated_data)
    return encode_secret(locked._replace(box=box), names)


def unlock(text: str, passphrase: str | None) -> Identity:
    """Return the identity in the text of a secret key file that no token locks.

    A passphrase for a file that has none is not used.

    Raises:
        WrongPassphraseError: it does not open the file, or the file needs one and none was given.
        MalformedError: not a key file, or a damaged one.
        LimitError: the file asks for more work than a reader accepts, or for less than is safe.
    """
    return unlock_block(decode_secret(text), passphrase)


def unlock_block(block: SecretBlock, passphrase: str | None) -> Identity:
    """Return the identity in a parsed key file; see `unlock`."""
    return _compared(_open_box(block, passphrase), block)


def _compared(seed: bytes, block: SecretBlock) -> Identity:
    identity = Identity(seed, block.public.use)
    if identity.public != block.public:
        raise MalformedError("the key file's public part is not that of its seed")
    return identity


def unlock_by_token(block: SecretBlock, agree: Agree) -> Identity:
    """Return the identity in a parsed key file that a token locks.

    Raises:
        WrongPassphraseError: no token locks it.
        MalformedError: the file is damaged, or the token answered with something else than its key gives.
    """
    if not isinstance(block.kdf, TokenLock):
        raise WrongPassphraseError("no token locks this key file")
    key = box_key(block.kdf, agree(block.kdf), block.salt)
    try:
        seed = AESGCM(key).decrypt(_ZERO_NONCE, block.box, block.associated_data)
    except InvalidTag:
        # The token has the right key, or it would not have been asked: it is the file that is wrong.
        raise MalformedError("the key file is damaged") from None
    return _compared(seed, block)


def _open_box(block: SecretBlock, passphrase: str | None) -> bytes:
    if block.kdf is None:
        return plain_seed(block)
    if isinstance(block.kdf, TokenLock):
        raise WrongPassphraseError("a token locks this key file, and no passphrase opens it")
    if passphrase is None:
        raise WrongPassphraseError("this key file needs its passphrase")
    key = stretch_password(normalise_password(passphrase), block.derivation_salt, block.kdf)
    try:
        return AESGCM(key).decrypt(_ZERO_NONCE, block.box, block.associated_data)
    except InvalidTag:
        # The tag cannot tell a wrong passphrase from a damaged file.
        raise WrongPassphraseError("the passphrase does not open this key file") from None
