"""The envelope: who may open. The only part of a container that is ever rewritten, and always signed.

Source: docs/FORMAT.md, "Envelope". Nothing here needs a secret.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from keys.canonical import Binary, Choice, Constant, Integer, Record, Sequence, Union, decode, encode
from keys.derivation import PasswordCost, check_cost, key_id
from keys.errors import LimitError, MalformedError, SignatureError
from keys.recipients import WRAPPED_LENGTH
from keys.signing import PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, VerifyingKey
from vault.container import limits
from vault.container.outcomes import ContainerError, Outcome, UnknownWriterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONTEXT: Final = "scelle/1 envelope"
SLOT_ID_LENGTH: Final = 8
BOXED_KEY_LENGTH: Final = 48
"""32 bytes under AES-256-GCM."""

Role: TypeAlias = Literal["dossier", "reader", "recovery"]


class Kdf(NamedTuple):
    """How passwords are stretched: Argon2id with a 16-byte salt."""

    salt: bytes
    memory_kib: int
    passes: int
    lanes: int

    @property
    def cost(self) -> PasswordCost:
        """The three costs."""
        return PasswordCost(self.memory_kib, self.passes, self.lanes)


class PasswordSlot(NamedTuple):
    """The container's key for whoever knows a user name and a password; neither is stored.

    ``identity`` is the depositor's seed under AES-256-GCM, or empty.
    """

    type: str
    id: bytes
    commitment: bytes
    wrapped: bytes
    identity: bytes


class RecipientSlot(NamedTuple):
    """The container's key for whoever holds the private half of ``key`` (a key id)."""

    type: str
    id: bytes
    role: str
    key: bytes
    generation: int
    wrapped: bytes


Slot: TypeAlias = "PasswordSlot | RecipientSlot"


class Envelope(NamedTuple):
    """Who may open a container, and who says so."""

    commitment: bytes
    generation: int
    kdf: Kdf
    slots: tuple[Slot, ...]
    writer: bytes

    @property
    def password_slots(self) -> tuple[PasswordSlot, ...]:
        """The slots for passwords, in order."""
        return tuple(slot for slot in self.slots if isinstance(slot, PasswordSlot))

    @property
    def recipient_slots(self) -> tuple[RecipientSlot, ...]:
        """The slots for public keys, in order."""
        return tuple(slot for slot in self.slots if isinstance(slot, RecipientSlot))


class SignedEnvelope(NamedTuple):
    """An envelope as stored: ``envelope_json`` and its signature beside what they say."""

    envelope: Envelope
    json: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Return the bytes as they stand in a container."""
        return self.json + self.signature

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes as stored: what receipts and the journal name an envelope by."""
        return hashlib.sha256(self.json + self.signature).digest()


def recipient_slot_codec(*roles: Role) -> Record[RecipientSlot]:
    """Return the codec of a recipient slot that may have one of ``roles``."""
    return Record(
        RecipientSlot,
        type=Constant("recipient"),
        id=Binary(SLOT_ID_LENGTH),
        role=Choice(*roles),
        key=Binary(32),
        generation=Integer(),
        wrapped=Binary(WRAPPED_LENGTH),
    )


_CODEC: Final = Record(
    Envelope,
    commitment=Binary(32),
    generation=Integer(minimum=1),
    kdf=Record(Kdf, salt=Binary(16), memory_kib=Integer(), passes=Integer(), lanes=Integer()),
    slots=Sequence(
        Union(
            "type",
            password=Record(
                PasswordSlot,
                type=Constant("password"),
                id=Binary(SLOT_ID_LENGTH),
                commitment=Binary(32),
                wrapped=Binary(BOXED_KEY_LENGTH),
                identity=Binary(BOXED_KEY_LENGTH, optional=True),
            ),
            recipient=recipient_slot_codec("dossier", "reader"),
        ),
        minimum=1,
        maximum=limits.SLOTS,
    ),
    writer=Binary(PUBLIC_KEY_LENGTH),
)


def encode_envelope(envelope: Envelope) -> bytes:
    """Return envelope_json after the checks that a reader makes.

    Raises:
        MalformedError, LimitError: no reader would accept this envelope.
    """
    _check_slots(envelope.slots)
    check_cost(envelope.kdf.cost)
    data = encode(_CODEC, envelope)
    if len(data) + SIGNATURE_LENGTH > limits.ENVELOPE:
        raise LimitError(f"an envelope of {len(data) + SIGNATURE_LENGTH} bytes")
    return data


def parse_envelope(data: bytes) -> SignedEnvelope:
    """Read an envelope as stored; its signature is not checked here.

    Raises:
        ContainerError: malformed or limit_exceeded.
    """
    envelope_json, signature = data[:-SIGNATURE_LENGTH], data[-SIGNATURE_LENGTH:]
    try:
        envelope = decode(_CODEC, envelope_json, maximum=limits.ENVELOPE - SIGNATURE_LENGTH)
        _check_slots(envelope.slots)
    except LimitError as error:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, f"envelope: {error}") from None
    except MalformedError as error:
        raise ContainerError(Outcome.MALFORMED, f"envelope: {error}") from None
    return SignedEnvelope(envelope, envelope_json, signature)


def verify_envelope(
    signed: SignedEnvelope,
    *,
    commitment: bytes,
    signer: bytes,
    writers: tuple[bytes, ...],
    successors: Callable[[], Mapping[bytes, bytes]],
) -> None:
    """Check that the envelope belongs to a seal and was written by somebody whom that seal allows.

    Allowed are the seal's signer, a key whose id the seal lists in ``writers``, and the successors of listed
    keys.

    Args:
        signed: the envelope.
        commitment: the verified seal's, 32 bytes.
        signer: public key of the seal's signer.
        writers: key ids that the seal lists.
        successors: asked where the writer is none of these; returns the key id of a new key by that of the
            old one, from succession statements that the caller has verified.

    Raises:
        UnknownWriterError: nothing that is known leads to the writer.
        ContainerError: envelope_tampered.
    """
    envelope = signed.envelope
    if envelope.commitment != commitment:
        raise ContainerError(Outcome.ENVELOPE_TAMPERED, "the envelope belongs to another container")
    writer = key_id(envelope.writer)
    if envelope.writer != signer and writer not in writers and not _follows(writer, writers, successors()):
        raise UnknownWriterError(writer)
    try:
        VerifyingKey(envelope.writer).verify(signed.signature, signed.json, context=CONTEXT)
    except (MalformedError, SignatureError):
        raise ContainerError(Outcome.ENVELOPE_TAMPERED, "the envelope's signature does not verify") from None


def _follows(writer: bytes, writers: tuple[bytes, ...], successors: Mapping[bytes, bytes]) -> bool:
    seen = set(writers)
    for listed in writers:
        current = listed
        while (current := successors.get(current, b"")) and current not in seen:
            seen.add(current)
    return writer in seen


def check_kdf(envelope: Envelope) -> None:
    """Refuse Argon2 costs outside the accepted bounds, before anything is derived.

    Raises:
        ContainerError: limit_exceeded.
    """
    try:
        check_cost(envelope.kdf.cost)
    except LimitError as error:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, str(error)) from None


def _check_slots(slots: tuple[Slot, ...]) -> None:
    """Raise where ids repeat, passwords are too many, or a generation stands where none belongs."""
    if len({slot.id for slot in slots}) != len(slots):
        raise MalformedError("two slots have the same id")
    if sum(isinstance(slot, PasswordSlot) for slot in slots) > limits.PASSWORD_SLOTS:
        raise LimitError(f"more than {limits.PASSWORD_SLOTS} password slots")
    for slot in slots:
        if isinstance(slot, RecipientSlot) and (slot.role == "dossier") != (slot.generation > 0):
            raise MalformedError("a dossier slot has a generation from 1 on, any other has 0")
