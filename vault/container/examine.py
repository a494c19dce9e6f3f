"""Reading a container without a key: what a stranger, and the server, can know. Seal first.

Source: docs/FORMAT.md, "Reading". The server imports this module and nothing that opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from keys.signing import SIGNATURE_LENGTH
from vault.container.envelope import SignedEnvelope, check_kdf, parse_envelope, verify_envelope
from vault.container.layout import (
    BLOCK,
    LEAF,
    PREAMBLE_LENGTH,
    SEAL_HEAD,
    Preamble,
    parse_preamble,
    parse_seal_length,
)
from vault.container.leaves import leaf_of, root_of_leaves
from vault.container.outcomes import ContainerError, Outcome
from vault.container.seal import SignedSeal, parse_seal, verify_seal
from vault.container.steps import Read

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from vault.container.steps import Steps


def nobody(_seal: SignedSeal) -> Mapping[bytes, bytes]:
    """Say of every seal that nobody is known who followed its writers."""
    return {}


class Expectations(NamedTuple):
    """What the caller knows already and a container must agree with; None asks for nothing.

    Attributes:
        dossier: the dossier that the container must belong to.
        signers: key ids, one of which must have signed the seal.
        generation: the highest envelope generation that the caller has seen of this container.
        successors: asked about a verified seal whose envelope was written by a key that it does not list;
            returns the new key id by the old one, from succession statements that the caller has verified.
    """

    dossier: str | None = None
    signers: Collection[bytes] | None = None
    generation: int = 0
    successors: Callable[[SignedSeal], Mapping[bytes, bytes]] = nobody


NOTHING_EXPECTED = Expectations()


class Outline(NamedTuple):
    """A container without payload and leaves; seal and envelope agree."""

    preamble: Preamble
    envelope: SignedEnvelope
    seal: SignedSeal

    @property
    def size(self) -> int:
        """Length of the whole container in bytes."""
        return self.preamble.total_length(len(self.seal.json))


class Examined(NamedTuple):
    """A container whose seal, envelope and leaves agree. Its blocks have not been read.

    ``leaves`` are the stored ones, 32 bytes each, known to give the seal's root.
    """

    preamble: Preamble
    envelope: SignedEnvelope
    seal: SignedSeal
    leaves: bytes

    @property
    def outline(self) -> Outline:
        """What there is beside payload and leaves."""
        return Outline(self.preamble, self.envelope, self.seal)

    @property
    def size(self) -> int:
        """Length of the whole container in bytes."""
        return self.outline.size

    def block_range(self, index: int) -> Read:
        """Return where block ``index`` of the payload stands in the container."""
        start = index * BLOCK
        return Read(self.preamble.payload_offset + start, min(BLOCK, self.preamble.payload_length - start))

    def check_block(self, index: int, leaf: bytes) -> None:
        """Raise unless ``leaf`` is the one stored for block ``index``.

        Raises:
            ContainerError: payload_damaged.
        """
        check_block(self.leaves, index, leaf)


Headed: TypeAlias = "Outline | Examined"
"""What is enough to unlock a container, and to write its next envelope."""


class Sealed(Protocol):
    """What opening needs: a verified seal, and the blocks of the payload with their leaves."""

    @property
    def seal(self) -> SignedSeal:
        """The seal."""

    def block_range(self, index: int) -> Read:
        """Return where block ``index`` of the payload stands."""

    def check_block(self, index: int, leaf: bytes) -> None:
        """Raise `ContainerError` unless ``leaf`` is the one stored for block ``index``."""


def check_block(leaves: bytes, index: int, leaf: bytes) -> None:
    """Raise unless ``leaf`` is the one that ``leaves`` have for block ``index``.

    Raises:
        ContainerError: payload_damaged.
    """
    if leaves[index * LEAF : (index + 1) * LEAF] != leaf:
        raise ContainerError(Outcome.PAYLOAD_DAMAGED, f"block {index} of the payload was changed")


def examine(size: int, expected: Expectations = NOTHING_EXPECTED) -> Steps[Examined]:
    """Examine a container of ``size`` bytes, seal first, stopping at the first failure.

    Every block is *not* read here: see `verify_blocks`.

    Raises:
        ContainerError: any outcome but no_access and unsafe_path.
    """
    head = (yield Read(0, min(size, PREAMBLE_LENGTH))) if size else b""
    preamble = parse_preamble(bytes(head))
    if preamble.total_length(0) > size:
        raise ContainerError(Outcome.MALFORMED, "the container ends too early")
    seal_length = parse_seal_length(bytes((yield Read(preamble.seal_offset, SEAL_HEAD))))
    check_total(preamble, seal_length, size)
    stored = bytes((yield Read(preamble.seal_offset + SEAL_HEAD, seal_length + SIGNATURE_LENGTH)))
    seal = parse_seal(stored[:seal_length], stored[seal_length:])
    verify_seal(seal)
    envelope = parse_envelope(bytes((yield Read(PREAMBLE_LENGTH, preamble.envelope_length))))
    judge_envelope(envelope, seal, expected)
    leaves = yield from read_leaves(preamble.leaves_offset, preamble.seal_offset)
    examined = Examined(preamble, envelope, seal, leaves)
    judge_content(examined, expected)
    return examined


def verify_blocks(examined: Examined) -> Steps[None]:
    """Read every block of the payload and check it against its leaf.

    Raises:
        ContainerError: payload_damaged.
    """
    for index in range(examined.preamble.leaf_count):
        examined.check_block(index, leaf_of((yield examined.block_range(index))))


def check_total(preamble: Preamble, seal_length: int, size: int) -> None:
    """Refuse a container that does not end exactly where it says.

    Raises:
        ContainerError: malformed.
    """
    total = preamble.total_length(seal_length)
    if total != size:
        raise ContainerError(Outcome.MALFORMED, f"{size} bytes instead of the {total} it announces")


def judge_envelope(envelope: SignedEnvelope, seal: SignedSeal, expected: Expectations) -> None:
    """Check an envelope against a verified seal and what the caller has seen.

    Raises:
        ContainerError: envelope_tampered or envelope_stale.
    """
    verify_envelope(
        envelope,
        commitment=seal.seal.commitment,
        signer=seal.seal.signer,
        writers=seal.seal.writers,
        successors=lambda: expected.successors(seal),
    )
    if envelope.envelope.generation < expected.generation:
        raise ContainerError(
            Outcome.ENVELOPE_STALE,
            f"generation {envelope.envelope.generation} of the envelope, {expected.generation} was seen",
        )


def judge_content(examined: Examined, expected: Expectations) -> None:
    """Check length and leaves against the seal, then what the caller expects, then the Argon2 costs.

    Raises:
        ContainerError: payload_damaged, wrong_dossier, unknown_signer or limit_exceeded.
    """
    judge_outline(examined.outline, root_of_leaves(examined.leaves), expected)


def judge_outline(outline: Outline, root: bytes, expected: Expectations) -> None:
    """Do the same where the leaves are not there any more, but their ``root`` is known.

    Raises:
        ContainerError: payload_damaged, wrong_dossier, unknown_signer or limit_exceeded.
    """
    seal = outline.seal.seal
    if outline.preamble.payload_length != seal.payload_length:
        raise ContainerError(Outcome.PAYLOAD_DAMAGED, "the payload has another length than the seal says")
    judge_seal(outline.seal, root, expected)
    check_kdf(outline.envelope.envelope)


def judge_seal(signed: SignedSeal, root: bytes, expected: Expectations) -> None:
    """Check the root of the stored leaves against the seal, then what the caller expects of the seal.

    Raises:
        ContainerError: payload_damaged, wrong_dossier or unknown_signer.
    """
    seal = signed.seal
    if root != seal.root:
        raise ContainerError(Outcome.PAYLOAD_DAMAGED, "the leaves do not give the root that was sealed")
    if expected.dossier is not None and seal.dossier != expected.dossier:
        raise ContainerError(
            Outcome.WRONG_DOSSIER, f"sealed for dossier {seal.dossier}, not for {expected.dossier}"
        )
    if expected.signers is not None and seal.signer_key_id not in expected.signers:
        raise ContainerError(Outcome.UNKNOWN_SIGNER, "sealed by a key that is not among the accepted ones")


def read_leaves(start: int, end: int) -> Steps[bytes]:
    """Return the stored leaves, which stand from ``start`` to ``end``."""
    leaves = bytearray()
    while (position := start + len(leaves)) < end:
        leaves += yield Read(position, min(BLOCK, end - position))
    return bytes(leaves)
