"""Rewrapping: a new envelope for an unchanged body. Source: docs/FORMAT.md, "Rotation".

It takes nothing from someone who kept the container's key or an older envelope.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from keys.derivation import DEFAULT_COST, PasswordCost, derive_key, key_id
from keys.errors import KeyMaterialError
from vault.container.envelope import (
    CONTEXT,
    Envelope,
    PasswordSlot,
    SignedEnvelope,
    Slot,
    encode_envelope,
    parse_envelope,
)
from vault.container.outcomes import MisuseError
from vault.container.slots import PasswordAccess, make_password_slot, make_recipient_slot, new_kdf

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from keys.signing import SigningKey
    from vault.container.examine import Headed
    from vault.container.manifest import CarriedRecipient
    from vault.container.unlocking import Unlocked


def rewrap(
    examined: Headed,
    unlocked: Unlocked,
    writer: SigningKey,
    *,
    remove: Collection[bytes] = (),
    passwords: Sequence[PasswordAccess] = (),
    recipients: Sequence[CarriedRecipient] = (),
    cost: PasswordCost = DEFAULT_COST,
    successors: Collection[bytes] = (),
) -> SignedEnvelope:
    """Return the next generation of an envelope, signed by ``writer``.

    Slots that stay are copied byte for byte; new ones get a fresh id. ``kdf`` is copied while a password slot
    stays, else drawn anew with ``cost``.

    Args:
        examined: the container, whose present envelope has thereby been verified.
        unlocked: its key; of another container's it is refused, which its slots would give away.
        writer: the seal's signer, or a key that the seal lists in ``writers``.
        remove: ids of slots that go.
        passwords: password slots to add; each costs a derivation.
        recipients: public keys to add, as ``dossier`` or ``reader``.
        cost: Argon2id costs where no password slot stays.
        successors: key ids that may write because a verified succession leads to them from a listed one.

    Raises:
        MisuseError: this writer may not, a slot is unknown, the key is another container's, or no reader
            would accept the result.
    """
    seal, old = examined.seal.seal, examined.envelope.envelope
    may_write = {seal.signer_key_id, *seal.writers, *successors}
    if key_id(writer.public_key) not in may_write:
        raise MisuseError("this key may not change who opens the container: the seal does not list it")
    unknown = set(remove) - {slot.id for slot in old.slots}
    if unknown:
        raise MisuseError("no such slot in this container")
    kept: tuple[Slot, ...] = tuple(slot for slot in old.slots if slot.id not in remove)
    kdf = old.kdf if any(isinstance(slot, PasswordSlot) for slot in kept) else new_kdf(cost)
    key, context = unlocked.container_key, seal.context
    if not hmac.compare_digest(derive_key(key, "scelle/1 commit", context), seal.commitment):
        raise MisuseError("this is the key of another container")
    try:
        added: tuple[Slot, ...] = (
            *(make_password_slot(key, context, kdf, access) for access in passwords),
            *(make_recipient_slot(key, context, recipient) for recipient in recipients),
        )
        if not kept + added:
            raise MisuseError("nobody could open this container any more")
        data = encode_envelope(
            Envelope(old.commitment, old.generation + 1, kdf, kept + added, writer.public_key)
        )
    except KeyMaterialError as error:
        raise MisuseError(str(error)) from None
    return parse_envelope(data + writer.sign(data, context=CONTEXT))


def replace_envelope(examined: Headed, envelope: SignedEnvelope) -> bytes:
    """Return preamble ‖ envelope: what stands before the unchanged body from now on."""
    stored = envelope.encode()
    return examined.preamble._replace(envelope_length=len(stored)).encode() + stored
