"""Deposited proofs: versions, receipts, openings."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from vault.api.models.base import (
    Answer,
    Count,
    DossierId,
    EvidenceType,
    Hex16,
    Hex32,
    Paging,
    Request,
    SignedStatement,
    Stored,
    Time,
)


class State(StrEnum):
    """A replaced version is archived, never lost."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class Opened(StrEnum):
    """What reviewers said about a version: nobody opened it yet, somebody did, or somebody could not."""

    UNKNOWN = "unknown"
    OPENED = "opened"
    COMPLAINT = "complaint"


class Version(Answer):
    """One sealed container of a proof."""

    evidence: Hex16
    number: Count = Field(description="From 1; the newest is the highest.")
    dossier: DossierId
    evidence_type: EvidenceType
    state: State
    seal_id: Hex32
    signer: Hex32 = Field(description="Key id of the seal's signer.")
    supersedes: Hex32 | None = None
    generation: Count = Field(description="Of the envelope: its ETag.")
    dossier_generation: Count = Field(description="Of the dossier key that the envelope is sealed to.")
    envelope_digest: Hex32
    size: Count
    deposited: Time
    opened: Opened
    erased: Time | None = Field(None, description="Since when nothing that is kept opens it.")
    depositor: Hex32 | None = Field(
        None,
        description="Of a re-encrypted version: key id of who sealed it first. It has the place of the one "
        "with the seal that it supersedes.",
    )


class Evidence(Answer):
    """A proof with all its versions, the oldest first. Its tag is the active seal id."""

    id: Hex16
    dossier: DossierId
    evidence_type: EvidenceType
    state: State
    seal_id: Hex32 = Field(description="Of the newest version, active or archived.")
    versions: tuple[Version, ...]


class EvidenceQuery(Paging):
    """Which versions."""

    type: EvidenceType | None = None
    state: State = State.ACTIVE


class Deposited(Answer):
    """A deposit that is kept: the version and the server's signed receipt."""

    version: Version
    receipt: SignedStatement


class Original(Answer):
    """What stood in the place of a version before it was re-encrypted: its seal and receipt outlive it."""

    seal_id: Hex32
    seal: Stored = Field(description="Length, JSON and signature, as they stood in the container.")
    receipt: SignedStatement
    deposited: Time
    erased: Time | None = Field(None, description="Since when its body and envelope are destroyed.")


class Receipt(Answer):
    """The receipt again; of a re-encrypted version with what proves who sealed the same files first."""

    receipt: SignedStatement
    originals: tuple[Original, ...] = Field(default=(), description="The first deposit first.")
    issuers: tuple[SignedStatement, ...] = Field(
        default=(), description="What the admins who re-encrypted are judged by: their habilitations."
    )


class OpeningRequest(Request):
    """The reviewer's signed word on whether it opened."""

    statement: SignedStatement


class Opening(Answer):
    """A stored opening or complaint."""

    id: Hex16
    outcome: str = Field(description="opened, or the outcome that stood in the way.")
    at: Time
