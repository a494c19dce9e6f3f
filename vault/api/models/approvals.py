"""Approvals: admins who agree that a dangerous act is done."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import Field

from vault.api.models.base import (
    Answer,
    Count,
    DossierId,
    Hex16,
    Hex32,
    Paging,
    Request,
    SignedStatement,
    Time,
)

NEEDED: Final = 2
"""Admins who have to agree, where any have to; the one who does it may be among them."""


class Act(StrEnum):
    """What may have to be approved; the words of the statement and of the setting."""

    ERASE = "erase"
    AUTHORITY = "authority"
    REENCRYPT = "reencrypt"


class ApprovalState(StrEnum):
    """What an approval is worth now; one that stands counts only for the digest that it names."""

    STANDING = "standing"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"
    """Its maker is no habilitated admin any more."""
    DONE = "done"
    """What it names was done."""
    OUTDATED = "outdated"
    """Something else would be done now."""


class ApprovalRequest(Request):
    """One's own approval."""

    statement: SignedStatement = Field(description="The approval, signed by the key of whoever asks.")


class ApprovalQuery(Paging):
    """Which approvals."""

    dossier: DossierId | None = None


class Approval(Answer):
    """That an admin agrees."""

    id: Hex32 = Field(description="Of the statement: what a withdrawal and the journal name.")
    act: Act
    subject: DossierId = Field(description="The dossier, or the id of the authority's present signing key.")
    digest: Hex32 = Field(
        description="What is agreed on: the root of the erasure, the id of the next authority's identity, or "
        "the id of the dossier key that contents go to."
    )
    account: Hex16 | None = Field(None, description="Whose; absent where no account has that key any more.")
    name: str
    given: Time
    until: Time
    state: ApprovalState
    statement: SignedStatement


class Approvals(Answer):
    """What a plan says of approvals, where some are needed."""

    needed: Count
    given: Count = Field(description="How many stand for what is planned, each by another admin.")
