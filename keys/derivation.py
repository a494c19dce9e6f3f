"""Every key that Scellé derives, and every digest with a label. Source: docs/FORMAT.md, "Keys".

A label names one use; the version number stands in every label, so nothing derived for one version of the
format or for one use means anything in another.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keys.errors import LimitError, MalformedError

KEY_LENGTH: Final = 32
KEY_ID_LENGTH: Final = 32
CONTAINER_ID_LENGTH: Final = 16
SALT_LENGTH: Final = 16

MIN_MEMORY_KIB: Final = 19_456
MAX_MEMORY_KIB: Final = 524_288
MIN_PASSES: Final = 2
MAX_PASSES: Final = 10
MIN_LANES: Final = 1
MAX_LANES: Final = 8
MAX_PASSWORD_BYTES: Final = 1024

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,127}")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


class PasswordCost(NamedTuple):
    """Argon2id costs (RFC 9106): memory in KiB, passes over it, lanes in parallel."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4


DEFAULT_COST: Final = PasswordCost()


def digest(label: str, *parts: bytes) -> bytes:
    """Return H(label ‖ 00 ‖ parts…), 32 bytes, H being SHA-256."""
    state = hashlib.sha256(label.encode("ascii") + b"\x00")
    for part in parts:
        state.update(part)
    return state.digest()


def key_id(public_key: bytes) -> bytes:
    """Return the 32-byte id of an encoded public key (KEM, signing, or both joined). Never shortened."""
    return digest("scelle/1 key", public_key)


def container_context(container: bytes, signer_key_id: bytes, dossier: str) -> bytes:
    """Return ``ctx``, 32 bytes: what ties every derivation to one container, signer and dossier.

    Args:
        container: the container's id, 16 bytes.
        signer_key_id: key id of the seal's signer, 32 bytes.
        dossier: the dossier's id, ASCII, of any length: it stands last.
    """
    if len(container) != CONTAINER_ID_LENGTH or len(signer_key_id) != KEY_ID_LENGTH:
        raise MalformedError("container id or key id of a wrong length")
    return digest("scelle/1", container, signer_key_id, dossier.encode("ascii"))


def derive_key(key: bytes, label: str, context: bytes, suffix: bytes = b"") -> bytes:
    """Return K(key, label, x): 32 bytes of HKDF-Expand with SHA-512 (RFC 5869, section 2.3).

    One block of output suffices, so the expansion is HMAC-SHA-512(key, label ‖ 00 ‖ ctx ‖ x ‖ 01)[:32].

    Args:
        key: 32 uniformly random bytes.
        label: the use, from the table in docs/FORMAT.md.
        context: ``ctx`` of the container, 32 bytes.
        suffix: ``x``, such as a slot id.
    """
    if len(key) != KEY_LENGTH:
        raise MalformedError(f"a key of {len(key)} bytes instead of {KEY_LENGTH}")
    info = label.encode("ascii") + b"\x00" + context + suffix + b"\x01"
    return hmac.digest(key, info, "sha512")[:KEY_LENGTH]


def expand_seed(seed: bytes, label: str) -> bytes:
    """Return HMAC-SHA-512(seed, label ‖ 00 ‖ 01), 64 bytes: what an identity's seed grows into."""
    if len(seed) != KEY_LENGTH:
        raise MalformedError(f"a seed of {len(seed)} bytes instead of {KEY_LENGTH}")
    return hmac.digest(seed, label.encode("ascii") + b"\x00\x01", "sha512")


def check_cost(cost: PasswordCost) -> None:
    """Refuse costs outside the accepted bounds, before a byte is allocated.

    Raises:
        LimitError: less work than is safe, or more than a reader should be made to do.
    """
    if not MIN_MEMORY_KIB <= cost.memory_kib <= MAX_MEMORY_KIB:
        raise LimitError(f"Argon2 memory of {cost.memory_kib} KiB, not {MIN_MEMORY_KIB} to {MAX_MEMORY_KIB}")
    if not MIN_PASSES <= cost.passes <= MAX_PASSES:
        raise LimitError(f"{cost.passes} Argon2 passes, not {MIN_PASSES} to {MAX_PASSES}")
    if not MIN_LANES <= cost.lanes <= MAX_LANES:
        raise LimitError(f"{cost.lanes} Argon2 lanes, not {MIN_LANES} to {MAX_LANES}")


def normalise_username(username: str) -> str:
    """Return the one spelling of a user name: ASCII, A to Z lowered.

    Raises:
        MalformedError: not ``[a-z0-9][a-z0-9._@+-]{0,127}`` after lowering.
    """
    lowered = username.translate(_ASCII_LOWER)
    if not _USERNAME.fullmatch(lowered):
        raise MalformedError(
            "a user name has 1 to 128 characters, a-z, 0-9 and . _ @ + -, and starts with a letter or digit"
        )
    return lowered


def normalise_password(password: str) -> bytes:
    """Return a password's bytes: NFC, UTF-8, 1 to 1024 bytes.

    Raises:
        MalformedError: empty, too long, or not encodable.
    """
    try:
        encoded = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        raise MalformedError("the password cannot be encoded as UTF-8") from None
    if not 1 <= len(encoded) <= MAX_PASSWORD_BYTES:
        raise MalformedError(f"a password has 1 to {MAX_PASSWORD_BYTES} bytes")
    return encoded


def stretch_password(password: bytes, salt: bytes, cost: PasswordCost) -> bytes:
    """Return 32 bytes of Argon2id, version 0x13 (RFC 9106), after checking the costs.

    Raises:
        LimitError: costs outside the accepted bounds.
    """
    check_cost(cost)
    kdf = Argon2id(
        salt=salt, length=KEY_LENGTH, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return kdf.derive(password)


def password_root(username: str, password: str, salt: bytes, cost: PasswordCost) -> bytes:
    """Return ``prk``, 32 bytes: what a user name and password stretch to under a container's salt.

    The Argon2 salt is H("scelle/1 password" ‖ 00 ‖ salt ‖ username): the user name is bound in without being
    stored. One derivation serves all password slots of one container.

    Raises:
        MalformedError: user name or password not of the accepted form.
        LimitError: costs outside the accepted bounds.
    """
    bound = digest("scelle/1 password", salt, normalise_username(username).encode("ascii"))
    return stretch_password(normalise_password(password), bound, cost)
