"""For how long dossiers are kept, and erasing them."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from vault.api.models.approvals import Approvals  # noqa: TC001 - pydantic evaluates the annotations
from vault.api.models.base import (
    MAX_LIST,
    Answer,
    Base64,
    Count,
    DossierId,
    Hex32,
    Query,
    Request,
    SignedStatement,
    Time,
)
from vault.api.models.dossiers import DossierState, Label  # noqa: TC001 - pydantic evaluates the annotations

MAX_RETENTION_DAYS: Final = 36_525
"""A hundred years."""


class RetentionRequest(Request):
    """How long dossiers of a démarche are kept after they were closed, those that are there too."""

    procedure: Label = Field(description="The démarche, spelled as in its dossiers.")
    days: Annotated[int, Field(ge=0, le=MAX_RETENTION_DAYS)]


class Retention(Answer):
    """How long dossiers of a démarche are kept after they were closed."""

    procedure: str
    days: Count
    changed: Time = Field(description="When it was set last.")


class Erasure(Answer):
    """What an erasure would destroy, or has destroyed, and what is left to be removed.

    Before it, nothing is decided; after it, the numbers are those of the certificate.
    """

    dossier: DossierId
    procedure: str
    state: DossierState
    closed: Time | None = None
    retention_days: Count | None = Field(None, description="Absent where no time is set for the démarche.")
    allowed_from: Time | None = Field(
        None, description="From when on it may be erased; absent where it is open, or no time is set."
    )
    erased: Time | None = None
    root: Hex32 = Field(description="Tree hash of the certificate's lines: what If-Match names.")
    versions: Count
    size: Count = Field(description="Of all versions, in bytes.")
    grants: Count
    templates: Count
    uploads: Count = Field(description="Sessions that end; 0 afterwards.")
    waiting: Count = Field(description="Bodies that are, or would be, removed as soon as possible.")
    held: Count = Field(description="Bodies that the object store keeps for longer.")
    held_size: Count
    held_until: Time | None = Field(None, description="When it keeps none of them any more.")
    approvals: Approvals | None = Field(None, description="Absent where none are needed, or it is erased.")
    certificate: SignedStatement | None = Field(None, description="The statement of the certificate.")


class LinesQuery(Query):
    """Which lines of a certificate, counted from 0."""

    start: Count = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIST)] = MAX_LIST


class CertificateLines(Answer):
    """Lines in order; ``next`` is the number of the following one, absent at the end."""

    items: tuple[Base64, ...] = Field(description="Canonical JSON each.")
    next: Count | None = None
