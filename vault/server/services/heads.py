"""Preamble and envelope on their own, for a container whose seal is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.container.envelope import check_kdf, parse_envelope
from vault.container.examine import Expectations, judge_envelope
from vault.container.layout import PREAMBLE_LENGTH, parse_preamble
from vault.container.outcomes import ContainerError, Outcome

if TYPE_CHECKING:
    from vault.container.envelope import SignedEnvelope
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


def judge_head(preamble: Preamble, envelope: SignedEnvelope, seal: SignedSeal, *, generation: int) -> None:
    """Judge them against a verified seal, as in a whole container.

    Args:
        preamble: as parsed.
        envelope: as parsed.
        seal: the container's.
        generation: the lowest that the envelope may have.

    Raises:
        ContainerError: payload_damaged, envelope_tampered, envelope_stale or limit_exceeded.
    """
    if preamble.payload_length != seal.seal.payload_length:
        raise ContainerError(Outcome.PAYLOAD_DAMAGED, "the payload has another length than the seal says")
    judge_envelope(envelope, seal, Expectations(generation=generation))
    check_kdf(envelope.envelope)
