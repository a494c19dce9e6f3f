"""The seal: what the content is, whole, and who says so. Immutable, like the payload before it.

Source: docs/FORMAT.md, "Seal". Nothing here needs a secret.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from keys.canonical import Binary, Constant, Integer, Record, Sequence, Text, decode, encode
from keys.derivation import CONTAINER_ID_LENGTH, container_context, digest, key_id
from keys.errors import LimitError, MalformedError, SignatureError
from keys.signing import PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, SigningKey, VerifyingKey
from vault.container import limits
from vault.container.envelope import RecipientSlot, recipient_slot_codec
from vault.container.outcomes import ContainerError, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT: Final = "scelle/1 seal"
FORMAT: Final = "scelle/1"
TEMPLATE: Final = "template"
"""The evidence type of a template; no server takes one as a deposit."""

DOSSIER_PATTERN: Final = r"[A-Za-z0-9._-]{1,64}"
EVIDENCE_TYPE_PATTERN: Final = r"[a-z0-9._-]{1,64}"


class Seal(NamedTuple):
    """What was sealed, in the order in which it is signed. Byte strings are raw, times UTC seconds."""

    format: str
    container: bytes
    dossier: str
    evidence_type: str
    supersedes: bytes
    payload_length: int
    root: bytes
    content: bytes
    commitment: bytes
    sealed_at: int
    signer: bytes
    writers: tuple[bytes, ...]
    recovery: tuple[RecipientSlot, ...]

    @property
    def signer_key_id(self) -> bytes:
        """Key id of the signer, 32 bytes."""
        return key_id(self.signer)

    @property
    def context(self) -> bytes:
        """``ctx``, 32 bytes: bound into everything that is derived for this container."""
        return container_context(self.container, self.signer_key_id, self.dossier)


class SignedSeal(NamedTuple):
    """A seal as stored: ``seal_json`` and its signature beside what they say."""

    seal: Seal
    json: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Return the bytes as they end a container: seal_len ‖ seal_json ‖ signature."""
        return len(self.json).to_bytes(4, "big") + self.json + self.signature

    @property
    def seal_id(self) -> bytes:
        """H("scelle/1 seal id" ‖ 00 ‖ seal_json), 32 bytes: the name of a proof."""
        return digest("scelle/1 seal id", self.json)


_CODEC: Final = Record(
    Seal,
    format=Constant(FORMAT),
    container=Binary(CONTAINER_ID_LENGTH),
    # Their patterns bound their lengths: a longer one is of a wrong form, no limit that was exceeded.
    dossier=Text(maximum=limits.SEAL, pattern=DOSSIER_PATTERN),
    evidence_type=Text(maximum=limits.SEAL, pattern=EVIDENCE_TYPE_PATTERN),
    supersedes=Binary(32, optional=True),
    payload_length=Integer(minimum=1, maximum=limits.PAYLOAD),
    root=Binary(32),
    content=Binary(32),
    commitment=Binary(32),
    sealed_at=Integer(),
    signer=Binary(PUBLIC_KEY_LENGTH),
    writers=Sequence(Binary(32), maximum=limits.WRITERS),
    recovery=Sequence(recipient_slot_codec("recovery"), maximum=limits.RECOVERY_SLOTS),
)


def is_dossier(value: str) -> bool:
    """Tell whether ``value`` can be a dossier's id."""
    return re.fullmatch(DOSSIER_PATTERN, value) is not None


def is_evidence_type(value: str) -> bool:
    """Tell whether ``value`` can be an evidence type."""
    return re.fullmatch(EVIDENCE_TYPE_PATTERN, value) is not None


def sign_seal(seal: Seal, key: SigningKey) -> SignedSeal:
    """Return the seal signed by its signer.

    Raises:
        MalformedError, LimitError: no reader would accept this seal.
    """
    _check(seal)
    data = encode(_CODEC, seal)
    if len(data) > limits.SEAL:
        raise LimitError(f"a seal of {len(data)} bytes")
    return SignedSeal(seal, data, key.sign(data, context=CONTEXT))


def parse_seal(seal_json: bytes, signature: bytes) -> SignedSeal:
    """Read a seal as stored; its signature is not checked here.

    Raises:
        ContainerError: malformed or limit_exceeded.
    """
    try:
        seal = decode(_CODEC, seal_json, maximum=limits.SEAL)
        _check(seal)
    except LimitError as error:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, f"seal: {error}") from None
    except MalformedError as error:
        raise ContainerError(Outcome.MALFORMED, f"seal: {error}") from None
    return SignedSeal(seal, seal_json, signature)


def parse_stored_seal(data: bytes) -> SignedSeal:
    """Read seal_len ‖ seal_json ‖ signature, the end of a body.

    Raises:
        ContainerError: malformed or limit_exceeded.
    """
    length = int.from_bytes(data[:4], "big")
    if len(data) != 4 + length + SIGNATURE_LENGTH:
        raise ContainerError(Outcome.MALFORMED, "the seal has another length than it says")
    return parse_seal(data[4 : 4 + length], data[4 + length :])


def seals_at_end(end: bytes) -> Iterator[SignedSeal]:
    """Yield what reads as a seal and stands at the very end; no signature is checked.

    Args:
        end: the last bytes of a container or body, or all of it.
    """
    around = 4 + SIGNATURE_LENGTH
    for start in range(len(end) - around, -1, -1):
        if int.from_bytes(end[start : start + 4], "big") == len(end) - start - around:
            with contextlib.suppress(ContainerError):
                yield parse_stored_seal(end[start:])


def verify_seal(signed: SignedSeal) -> None:
    """Check the signature of the seal's signer over seal_json.

    Raises:
        ContainerError: seal_invalid.
    """
    try:
        VerifyingKey(signed.seal.signer).verify(signed.signature, signed.json, context=CONTEXT)
    except (MalformedError, SignatureError):
        raise ContainerError(Outcome.SEAL_INVALID, "the seal's signature does not verify") from None


def _check(seal: Seal) -> None:
    slots = seal.recovery
    if len({slot.id for slot in slots}) != len(slots):
        raise MalformedError("two recovery slots have the same id")
    if any(slot.generation for slot in slots):
        raise MalformedError("a recovery slot has generation 0")
    if len(set(seal.writers)) != len(seal.writers):
        raise MalformedError("a writer is listed twice")
