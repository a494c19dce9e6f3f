"""Making slots: the container's key for one more password or public key. Source: docs/FORMAT.md, "Slots"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.derivation import DEFAULT_COST, SALT_LENGTH, PasswordCost, derive_key, password_root
from keys.randomness import random_bytes
from keys.recipients import Recipient
from vault.container.envelope import SLOT_ID_LENGTH, Kdf, PasswordSlot, RecipientSlot

if TYPE_CHECKING:
    from vault.container.manifest import CarriedRecipient

_INFO: Final = b"scelle/1 slot\x00"
# Each key boxes one secret only, so the nonce may be constant.
_NONCE: Final = bytes(12)


class PasswordAccess:
    """A user name and a password, and the depositor's seed that they are to unlock as well (or b"")."""

    def __init__(self, username: str, password: str, *, identity: bytes = b"") -> None:
        self.username = username
        self.password = password
        self.identity = identity

    def __repr__(self) -> str:
        return "PasswordAccess(<redacted>)"


def new_kdf(cost: PasswordCost = DEFAULT_COST) -> Kdf:
    """Return a fresh salt with these Argon2id costs."""
    return Kdf(random_bytes(SALT_LENGTH), *cost)


def make_password_slot(
    container_key: bytes, context: bytes, kdf: Kdf, access: PasswordAccess
) -> PasswordSlot:
    """Return a slot that opens with this user name and password; takes one Argon2id derivation.

    Raises:
        MalformedError: user name or password not of the accepted form.
        LimitError: costs outside the accepted bounds.
    """
    root = password_root(access.username, access.password, kdf.salt, kdf.cost)
    slot_id = random_bytes(SLOT_ID_LENGTH)
    commitment, slot_key, identity_key = password_slot_keys(root, context, slot_id)
    identity = AESGCM(identity_key).encrypt(_NONCE, access.identity, None) if access.identity else b""
    wrapped = AESGCM(slot_key).encrypt(_NONCE, container_key, None)
    return PasswordSlot("password", slot_id, commitment, wrapped, identity)


def make_recipient_slot(container_key: bytes, context: bytes, recipient: CarriedRecipient) -> RecipientSlot:
    """Return a slot that opens with the private half of ``recipient.public``.

    Raises:
        MalformedError: not a public key.
    """
    public = Recipient(recipient.public)
    slot_id = random_bytes(SLOT_ID_LENGTH)
    wrapped = public.wrap(container_key, slot_info(context, slot_id, public.key_id, recipient.role))
    return RecipientSlot("recipient", slot_id, recipient.role, public.key_id, recipient.generation, wrapped)


def password_slot_keys(root: bytes, context: bytes, slot_id: bytes) -> tuple[bytes, bytes, bytes]:
    """Return a password slot's commitment, the key of its container key, and that of its identity."""
    return (
        derive_key(root, "scelle/1 slot commitment", context, slot_id),
        derive_key(root, "scelle/1 slot key", context, slot_id),
        derive_key(root, "scelle/1 slot identity", context, slot_id),
    )


def slot_info(context: bytes, slot_id: bytes, key: bytes, role: str) -> bytes:
    """Return the HPKE info of a recipient slot: label ‖ 00 ‖ ctx ‖ slot id ‖ key id ‖ role."""
    return _INFO + context + slot_id + key + role.encode("ascii")
