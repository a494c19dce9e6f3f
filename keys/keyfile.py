"""Key files as text: what stands in ``NAME.pub`` and in ``NAME``. Source: docs/FORMAT.md, "Key files".

Reading and writing only; no passphrase is stretched here and no file is touched, so the server may import it.
"""

from __future__ import annotations

import base64
import binascii
import re
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys import recipients, signing
from keys.canonical import Binary, Integer, Record, decode, encode
from keys.derivation import KEY_LENGTH, SALT_LENGTH, PasswordCost, check_cost, digest, expand_seed, key_id
from keys.errors import MalformedError, WrongPassphraseError, WrongUseError
from keys.randomness import random_bytes
from keys.tokenlock import TOKEN_LOCK, TokenLock, check_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1
PUBLIC_PART_LENGTH: Final = 2 + recipients.PUBLIC_KEY_LENGTH + signing.PUBLIC_KEY_LENGTH
BOX_LENGTH: Final = KEY_LENGTH + 16
"""A seed and the tag of AES-256-GCM."""

MAX_TEXT: Final = 16_384
"""Largest key file in bytes; a real one has 5 KiB (public) or 7 KiB (secret)."""

# The key of a box is derived from a fresh salt and used once.
_ZERO_NONCE: Final = bytes(12)
_PUBLIC: Final = "SCELLE PUBLIC KEY"
_SECRET: Final = "SCELLE SECRET KEY"  # noqa: S105 -- the name of a block, no secret
_LINE: Final = 64
_LABEL = re.compile(r"([A-Za-z][A-Za-z -]{0,39}): (\S(?:.{0,198}\S)?)")
# C0 and C1 controls, and what reverses or hides text: a label is shown on terminals.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Use(IntEnum):
    """What an identity is made for. A command that wants one use refuses the others."""

    PERSON = 1
    AUTHORITY = 2
    SERVICE = 3
    """A portal or a server."""
    DOSSIER = 4
    RECOVERY = 5


_NAMES: Final = {
    Use.PERSON: "a person's key",
    Use.AUTHORITY: "an authority's key",
    Use.SERVICE: "a portal's or server's key",
    Use.DOSSIER: "a dossier key",
    Use.RECOVERY: "a recovery key",
}


class PublicIdentity(NamedTuple):
    """Both public keys of one identity: KEM (1665 bytes) and signing (1984 bytes)."""

    use: Use
    kem: bytes
    signing: bytes

    @property
    def encoded(self) -> bytes:
        """Version u8 ‖ use u8 ‖ KEM public key ‖ signing public key: 3651 bytes."""
        return bytes([VERSION, self.use]) + self.kem + self.signing

    @property
    def kem_key_id(self) -> bytes:
        """Key id of the KEM half, 32 bytes: what slots and grants name."""
        return key_id(self.kem)

    @property
    def signing_key_id(self) -> bytes:
        """Key id of the signing half, 32 bytes: what seals, mandates and writers name."""
        return key_id(self.signing)

    @property
    def key_id(self) -> bytes:
        """Key id over both public keys, 32 bytes: what names the identity as a whole."""
        return key_id(self.kem + self.signing)

    @property
    def fingerprint(self) -> str:
        """The first 160 bits of the key id in base32: eight groups of four, to be read aloud."""
        text = base64.b32encode(self.key_id[:20]).decode("ascii")
        return "-".join(text[start : start + 4] for start in range(0, len(text), 4))

    def __repr__(self) -> str:
        return f"PublicIdentity({self.use.name}, {self.fingerprint})"


def read_public_part(data: bytes) -> PublicIdentity:
    """Return the identity that 3651 bytes stand for, both keys checked to be keys.

    Raises:
        MalformedError: a wrong length, version or use, or not public keys.
    """
    if len(data) != PUBLIC_PART_LENGTH:
        raise MalformedError(f"a public identity of {len(data)} bytes instead of {PUBLIC_PART_LENGTH}")
    if data[0] != VERSION:
        raise MalformedError(f"a key of version {data[0]}; this program knows {VERSION}")
    try:
        use = Use(data[1])
    except ValueError:
        raise MalformedError(f"a key for an unknown use ({data[1]})") from None
    kem, sign = data[2 : 2 + recipients.PUBLIC_KEY_LENGTH], data[2 + recipients.PUBLIC_KEY_LENGTH :]
    recipients.Recipient(kem)
    signing.VerifyingKey(sign)
    return PublicIdentity(use, kem, sign)


def require_use(identity: PublicIdentity, *uses: Use) -> None:
    """Refuse an identity that is made for something else.

    Raises:
        WrongUseError: its use is none of ``uses``.
    """
    if identity.use not in uses:
        wanted = " or ".join(_NAMES[use] for use in uses)
        raise WrongUseError(f"this is {_NAMES[identity.use]}; use {wanted} here")


class IdentityField:
    """A public identity inside a JSON document: its 3651 bytes in base64url."""

    _bytes = Binary(PUBLIC_PART_LENGTH)

    def dump(self, value: PublicIdentity, where: str) -> str:
        """Encode; raise `MalformedError` on wrong lengths."""
        return self._bytes.dump(value.encoded, where)

    def load(self, value: Any, where: str) -> PublicIdentity:
        """Decode and check both keys; raise `MalformedError`."""
        return read_public_part(self._bytes.load(value, where))


class SecretBlock(NamedTuple):
    """A secret key file, parsed and still locked (unless ``kdf`` is None: then ``box`` protects nothing).

    Attributes:
        kdf: Argon2id costs, a key on a token, or None for a key without passphrase.
        salt: 16 random bytes, fresh at every writing.
        box: the seed under AES-256-GCM, 48 bytes.
        public: the public identity, bound to the box as associated data.
    """

    kdf: PasswordCost | TokenLock | None
    salt: bytes
    box: bytes
    public: PublicIdentity
    version: int = VERSION

    @property
    def associated_data(self) -> bytes:
        """H("scelle/1 public part" ‖ 00 ‖ public part), 32 bytes."""
        return digest("scelle/1 public part", self.public.encoded)

    @property
    def derivation_salt(self) -> bytes:
        """H("scelle/1 secret key" ‖ 00 ‖ salt), 32 bytes: Argon2id's salt."""
        return digest("scelle/1 secret key", self.salt)

    def __repr__(self) -> str:
        locked = {PasswordCost: "locked", TokenLock: "locked by a token"}.get(
            type(self.kdf), "without passphrase"
        )
        return f"SecretBlock({self.public!r}, {locked})"


_COST = Record(PasswordCost, memory_kib=Integer(), passes=Integer(), lanes=Integer())


class _Kdf:
    """What opens the box: costs of Argon2id, a key on a token, or ``""`` for nothing."""

    def dump(self, value: PasswordCost | TokenLock | None, where: str) -> Any:
        if value is None:
            return ""
        if isinstance(value, TokenLock):
            return TOKEN_LOCK.dump(value, where)
        return _COST.dump(value, where)

    def load(self, value: Any, where: str) -> PasswordCost | TokenLock | None:
        if value == "":
            return None
        if type(value) is dict and "token" in value:
            return TOKEN_LOCK.load(value, where)
        return _COST.load(value, where)


_SECRET_BLOCK = Record(
    SecretBlock,
    version=Integer(minimum=VERSION, maximum=VERSION),
    kdf=_Kdf(),
    salt=Binary(SALT_LENGTH),
    box=Binary(BOX_LENGTH),
    public=IdentityField(),
)


def encode_public(identity: PublicIdentity, names: Mapping[str, str] | None = None) -> str:
    """Return the text of ``NAME.pub``; ``names`` are the lines above the block, shown to people only.

    Raises:
        MalformedError: a name or value that cannot stand on a line.
    """
    return _write_block(_PUBLIC, identity.encoded, names or {})


def decode_public(text: str) -> PublicIdentity:
    """Return the identity in a public key file.

    Raises:
        MalformedError: not such a file.
    """
    return read_public_part(_read_block(_PUBLIC, text)[1])


def encode_secret(block: SecretBlock, names: Mapping[str, str] | None = None) -> str:
    """Return the text of a secret key file.

    Raises:
        MalformedError: a part of a wrong length, or a name that cannot stand on a line.
    """
    return _write_block(_SECRET, encode(_SECRET_BLOCK, block), names or {})


def decode_secret(text: str) -> SecretBlock:
    """Return the locked content of a secret key file, its costs or its token's key checked.

    Raises:
        MalformedError: not such a file.
        LimitError: costs that no reader should accept; nothing was derived.
    """
    block = decode(_SECRET_BLOCK, _read_block(_SECRET, text)[1], maximum=MAX_TEXT)
    if isinstance(block.kdf, TokenLock):
        check_lock(block.kdf)
    elif block.kdf is not None:
        check_cost(block.kdf)
    return block


def seal_plain_seed(seed: bytes, public: PublicIdentity) -> SecretBlock:
    """Return a block that holds ``seed`` without a passphrase.

    The box then keeps damage out and nobody else: its key, H("scelle/1 plain key" ‖ 00 ‖ salt), can be
    computed by whoever has the file.
    """
    block = SecretBlock(kdf=None, salt=random_bytes(SALT_LENGTH), box=b"", public=public)
    key = digest("scelle/1 plain key", block.salt)
    return block._replace(box=AESGCM(key).encrypt(_ZERO_NONCE, seed, block.associated_data))


def plain_seed(block: SecretBlock) -> bytes:
    """Return the 32-byte seed of a block without passphrase.

    Raises:
        WrongPassphraseError: the block has a passphrase, or a token locks it.
        MalformedError: the block is damaged.
    """
    if isinstance(block.kdf, TokenLock):
        raise WrongPassphraseError("a token locks this key file; here a key without a lock is needed")
    if block.kdf is not None:
        raise WrongPassphraseError("this key file has a passphrase; here a key without one is needed")
    try:
        key = digest("scelle/1 plain key", block.salt)
        return AESGCM(key).decrypt(_ZERO_NONCE, block.box, block.associated_data)
    except InvalidTag:
        raise MalformedError("the key file is damaged") from None


def read_labels(text: str) -> dict[str, str]:
    """Return the ``Name: value`` lines above the block of a key file. Nobody vouches for them.

    Raises:
        MalformedError: not a key file, or a line that is not fit to be shown.
    """
    return _read_block(_SECRET if f"BEGIN {_SECRET}" in text else _PUBLIC, text)[0]


def signing_seed(seed: bytes) -> bytes:
    """Return the signing half of an identity's seed: ML-DSA-65 seed ‖ Ed25519 seed, 64 bytes."""
    return expand_seed(seed, "scelle/1 identity sign")


def kem_seed(seed: bytes) -> bytes:
    """Return the KEM half of an identity's seed, 32 bytes."""
    return expand_seed(seed, "scelle/1 identity kem")[:KEY_LENGTH]


def _write_block(name: str, data: bytes, labels: Mapping[str, str]) -> str:
    lines = []
    for label, value in labels.items():
        line = f"{label}: {value}"
        if not _LABEL.fullmatch(line) or _UNSHOWABLE.search(line):
            raise MalformedError("a line above the key is not of the form Name: value, or cannot be shown")
        lines.append(line)
    lines.append(f"-----BEGIN {name}-----")
    body = base64.b64encode(data).decode("ascii")
    lines.extend(body[start : start + _LINE] for start in range(0, len(body), _LINE))
    lines.append(f"-----END {name}-----")
    return "\n".join(lines) + "\n"


def _read_block(name: str, text: str) -> tuple[dict[str, str], bytes]:
    """Return labels and bytes of the one block in ``text``; a line ends with LF or CR LF."""
    if len(text) > MAX_TEXT:
        raise MalformedError(f"not a key file: longer than {MAX_TEXT} characters")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    begin, end = f"-----BEGIN {name}-----", f"-----END {name}-----"
    if begin not in lines or lines[-1] != end:
        raise MalformedError(f"not a file with a {name}")
    start = lines.index(begin)
    labels = {}
    for line in lines[:start]:
        match = _LABEL.fullmatch(line)
        if match is None or _UNSHOWABLE.search(line):
            raise MalformedError("a line above the key is not of the form Name: value, or cannot be shown")
        labels[match[1]] = match[2]
    body = "".join(lines[start + 1 : -1])
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("the key is not base64") from None
    if _write_block(name, data, {}).split("\n")[:-1] != lines[start:]:
        raise MalformedError("the key is not written in lines of 64 characters")
    return labels, data
