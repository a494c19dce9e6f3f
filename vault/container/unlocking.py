"""From a password, a private key or a kept container key to the key of one container.

Source: docs/FORMAT.md, "Slots". Wrong password and wrong key are one outcome, ``no_access``.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.derivation import KEY_LENGTH, derive_key, password_root
from keys.errors import MalformedError
from keys.unwrapping import DecapsulationKey
from vault.container.envelope import check_kdf
from vault.container.outcomes import ContainerError, Outcome
from vault.container.slots import PasswordAccess, password_slot_keys, slot_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vault.container.envelope import PasswordSlot, RecipientSlot
    from vault.container.examine import Headed
    from vault.container.seal import Seal

_NONCE: Final = bytes(12)


class Unlocked:
    """The key of one container, proven by its commitment.

    Attributes:
        container_key: CK, 32 bytes, secret.
        identity: the depositor's seed that a password slot carried, 32 bytes and secret, or b"".
        slot_id: the slot that opened.
    """

    def __init__(self, container_key: bytes, identity: bytes, slot_id: bytes) -> None:
        self.container_key = container_key
        self.identity = identity
        self.slot_id = slot_id

    def __repr__(self) -> str:
        return f"Unlocked(slot {self.slot_id.hex()}, <key redacted>)"


def unlock(examined: Headed, access: PasswordAccess | DecapsulationKey) -> Unlocked:
    """Find the slot that opens with ``access``; a password costs one derivation whatever the slots.

    A private key is tried on the envelope's slots and on the seal's recovery slots.

    Raises:
        ContainerError: limit_exceeded, no_access, or envelope_tampered where the slot that should open does
            not, or holds another key.
    """
    check_kdf(examined.envelope.envelope)
    seal = examined.seal.seal
    if isinstance(access, DecapsulationKey):
        slots = examined.envelope.envelope.recipient_slots + seal.recovery
        unlocked = _unlock_with_key(slots, seal.context, access)
    else:
        unlocked = _unlock_with_password(examined, access)
    return _proven(unlocked, seal)


def unlock_all(examined: Headed, access: PasswordAccess) -> tuple[Unlocked, ...]:
    """Return what every slot holds that opens with a password, in order; costs one derivation.

    The first is what `unlock` returns; the others of a template carry the keys that it follows.

    Raises:
        ContainerError: limit_exceeded, no_access or envelope_tampered, as `unlock`.
    """
    check_kdf(examined.envelope.envelope)
    seal = examined.seal.seal
    found = tuple(_proven(unlocked, seal) for unlocked in _matching(examined, access))
    if not found:
        raise _no_access()
    return found


def unlock_body(seal: Seal, key: DecapsulationKey) -> Unlocked:
    """Find the recovery slot of a verified seal that opens with ``key``; no envelope is asked.

    Raises:
        ContainerError: no_access, or envelope_tampered where the slot holds another key.
    """
    return _proven(_unlock_with_key(seal.recovery, seal.context, key), seal)


def _proven(unlocked: Unlocked, seal: Seal) -> Unlocked:
    commitment = derive_key(unlocked.container_key, "scelle/1 commit", seal.context)
    if not hmac.compare_digest(commitment, seal.commitment):
        raise ContainerError(Outcome.ENVELOPE_TAMPERED, "the slot holds the key of another container")
    return unlocked


def _unlock_with_password(examined: Headed, access: PasswordAccess) -> Unlocked:
    for unlocked in _matching(examined, access):
        return unlocked
    raise _no_access()


def _matching(examined: Headed, access: PasswordAccess) -> Iterator[Unlocked]:
    envelope = examined.envelope.envelope
    if not envelope.password_slots:
        return
    try:
        root = password_root(access.username, access.password, envelope.kdf.salt, envelope.kdf.cost)
    except MalformedError:
        # Not even the form of a user name or password: it opens nothing, like any other wrong one.
        raise _no_access() from None
    for slot in envelope.password_slots:
        unlocked = _try_password_slot(slot, root, examined.seal.seal.context)
        if unlocked is not None:
            yield unlocked


def _try_password_slot(slot: PasswordSlot, root: bytes, context: bytes) -> Unlocked | None:
    commitment, slot_key, identity_key = password_slot_keys(root, context, slot.id)
    # Before any AEAD: or a slot made to open under many passwords would tell which was tried.
    if not hmac.compare_digest(commitment, slot.commitment):
        return None
    try:
        container_key = AESGCM(slot_key).decrypt(_NONCE, slot.wrapped, None)
        identity = AESGCM(identity_key).decrypt(_NONCE, slot.identity, None) if slot.identity else b""
    except InvalidTag:
        raise ContainerError(Outcome.ENVELOPE_TAMPERED, "a password slot does not open") from None
    return Unlocked(container_key, identity, slot.id)


def _unlock_with_key(slots: Iterable[RecipientSlot], context: bytes, key: DecapsulationKey) -> Unlocked:
    key_id = key.key_id
    for slot in slots:
        if slot.key == key_id:
            container_key = key.unwrap(slot.wrapped, slot_info(context, slot.id, key_id, slot.role))
            if container_key is not None and len(container_key) == KEY_LENGTH:
                return Unlocked(container_key, b"", slot.id)
    raise _no_access()


def _no_access() -> ContainerError:
    return ContainerError(Outcome.NO_ACCESS, "this password or key does not open the container")
