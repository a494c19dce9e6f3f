"""Rotating a dossier's key: the next key, what is still sealed to older ones, and their end."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vault.api.models.base import (
    Answer,
    Count,
    DossierId,
    Paging,
    Request,
    SignedStatement,
    Stored,
    Time,
)
from vault.api.models.evidence import Version  # noqa: TC001 - pydantic reads the annotation

MAX_OUTDATED: int = 50
"""The longest page of envelopes."""


class RotationRequest(Request):
    """The dossier's next key, and to whom it is given."""

    key: SignedStatement = Field(description="The dossier-key statement of the next generation.")
    grants: Annotated[tuple[SignedStatement, ...], Field(min_length=1, max_length=64)] = Field(
        description="Of that generation, at least one to an admin."
    )


class Rotation(Answer):
    """How far a dossier is on its way to its current key."""

    dossier: DossierId
    generation: Count = Field(description="Of the current dossier key.")
    versions: Count = Field(description="All that the dossier holds, archived ones included.")
    envelope_bytes: Count = Field(description="Of all envelopes: what rotating fetches and writes again.")
    body_bytes: Count = Field(description="Of all bodies, which stay as they are.")
    outdated: Count = Field(description="Versions whose envelope is sealed to an older key.")
    grants: Count = Field(description="Grants of older keys that were not revoked.")


class Outdated(Answer):
    """One version whose envelope is sealed to an older key, with what it takes to write the next one."""

    version: Version
    head: Stored = Field(description="Preamble and envelope, as they are now.")
    seal: Stored = Field(description="Length, JSON and signature, as they stand in the container.")


class Retirement(Answer):
    """That a key of a dossier, and those before it, have ended."""

    dossier: DossierId
    generation: Count = Field(description="Of the newest key that has ended.")
    position: Count = Field(description="Of the entry in the journal: what the lines are asked for by.")
    ended: Time
    certificate: SignedStatement = Field(description="The statement of the certificate.")


class OutdatedQuery(Paging):
    """Which page; it may hold fewer than asked for, so that its bytes stay few."""

    limit: Annotated[int, Field(ge=1, le=MAX_OUTDATED)] = MAX_OUTDATED
