"""The ways in which reading a container can end badly: eleven names, the same in every implementation."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What is wrong with a container, or with who asks. Source: docs/FORMAT.md, "Outcomes"."""

    MALFORMED = "malformed"
    UNSUPPORTED_VERSION = "unsupported_version"
    LIMIT_EXCEEDED = "limit_exceeded"
    SEAL_INVALID = "seal_invalid"
    ENVELOPE_TAMPERED = "envelope_tampered"
    ENVELOPE_STALE = "envelope_stale"
    PAYLOAD_DAMAGED = "payload_damaged"
    WRONG_DOSSIER = "wrong_dossier"
    UNKNOWN_SIGNER = "unknown_signer"
    NO_ACCESS = "no_access"
    UNSAFE_PATH = "unsafe_path"


class ContainerError(Exception):
    """The container, or the access to it, was refused: the peer's doing, or a normal outcome.

    Attributes:
        outcome: one of the eleven names.
        detail: an English sentence for logs and developers; it carries no secret and no file content.
    """

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome.value}: {detail}")
        self.outcome = outcome
        self.detail = detail


class UnknownWriterError(ContainerError):
    """The envelope's writer is not one that the seal lists, and no known succession leads there from one.

    The outcome is envelope_tampered; with the missing succession it might be a good envelope.
    """

    def __init__(self, writer: bytes) -> None:
        super().__init__(
            Outcome.ENVELOPE_TAMPERED,
            f"the envelope was written by {writer.hex()}, which the seal does not list, "
            "and no succession is known that leads there from a key that it lists",
        )


class MisuseError(Exception):
    """The caller asked for something that no container can have; nothing was written."""
