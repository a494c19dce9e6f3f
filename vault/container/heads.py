"""Preamble and envelope on their own, for a container whose seal is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.container.envelope import check_kdf, parse_envelope
from vault.container.examine import NOTHING_EXPECTED, Outline, judge_envelope, judge_seal
from vault.container.layout import PREAMBLE_LENGTH, parse_preamble
from vault.container.outcomes import ContainerError, Outcome
from vault.container.seal import parse_stored_seal, verify_seal

if TYPE_CHECKING:
    from vault.container.envelope import SignedEnvelope
    from vault.container.examine import Expectations
    from vault.container.layout import Preamble
    from vault.container.seal import SignedSeal


def parse_head(head: bytes) -> tuple[Preamble, SignedEnvelope]:
    """Read preamble and envelope; nothing is verified.

    Raises:
        ContainerError: malformed, unsupported_version or limit_exceeded.
    """
    preamble = parse_preamble(head)
    if len(head) != preamble.payload_offset:
        raise ContainerError(Outcome.MALFORMED, "send preamble and envelope, and nothing after them")
    return preamble, parse_envelope(head[PREAMBLE_LENGTH:])


def judge_head(
    preamble: Preamble, envelope: SignedEnvelope, seal: SignedSeal, expected: Expectations
) -> None:
    """Judge them against a verified seal, as in a whole container.

    Args:
        preamble: as parsed.
        envelope: as parsed.
        seal: the container's.
        expected: what the caller has seen of this container.

    Raises:
        ContainerError: payload_damaged, envelope_tampered, envelope_stale or limit_exceeded.
    """
    if preamble.payload_length != seal.seal.payload_length:
        raise ContainerError(Outcome.PAYLOAD_DAMAGED, "the payload has another length than the seal says")
    judge_envelope(envelope, seal, expected)
    check_kdf(envelope.envelope)


def read_outline(head: bytes, seal: bytes, expected: Expectations = NOTHING_EXPECTED) -> Outline:
    """Read and judge a container of which there is all but payload and leaves.

    Args:
        head: preamble and envelope.
        seal: its length, its JSON and its signature, as they stand at the container's end.
        expected: what it must agree with.

    Raises:
        ContainerError: any outcome but no_access and unsafe_path.
    """
    preamble, envelope = parse_head(head)
    signed = parse_stored_seal(seal)
    verify_seal(signed)
    judge_head(preamble, envelope, signed, expected)
    # There are no leaves here to compare the root with.
    judge_seal(signed, signed.seal.root, expected)
    return Outline(preamble, envelope, signed)
