"""Upload sessions: everything but the payload first, then the payload in parts, in any order."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from vault.api.models.base import Answer, Count, DossierId, EvidenceType, Hex16, Hex32, Time


class UploadState(StrEnum):
    """A session is open until its deposit is published; then it only says so, until it expires."""

    OPEN = "open"
    COMPLETED = "completed"


class Upload(Answer):
    """A deposit under way. Part ``k`` (from 1) holds the payload's bytes from ``(k - 1) * part_size`` on.

    Every part has ``part_size`` bytes, the last one what is left.
    """

    id: Hex16
    dossier: DossierId
    replaces: Hex16 | None = Field(default=None, description="The proof that it will replace.")
    reencrypts: Hex32 | None = Field(
        default=None, description="Seal of the version whose place it will take, with the same files."
    )
    evidence_type: EvidenceType
    seal_id: Hex32
    state: UploadState
    generation: Count = Field(description="Of the envelope that is kept for it.")
    payload_length: Count
    part_size: Count = Field(description="A whole number of MiB.")
    parts: Count = Field(description="How many there have to be.")
    received: tuple[int, ...] = Field(description="Numbers of the parts that are stored, ascending.")
    expires: Time = Field(description="When it is forgotten, with all its parts, unless it is completed.")


class UploadPart(Answer):
    """A part that is stored, every block of it found to be what the seal promises."""

    number: Count
    size: Count
