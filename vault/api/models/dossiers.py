"""Dossiers, their keys, depositors, templates and grants."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from vault.api.models.base import (
    Answer,
    Base64,
    Count,
    DossierId,
    EvidenceType,
    Hex16,
    Hex32,
    Name,
    Paging,
    PasswordPolicy,
    Query,
    Request,
    SignedStatement,
    Time,
)

Label = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]


Issuers = Annotated[
    tuple[SignedStatement, ...],
    Field(
        description="The authority's habilitations of whoever issued the statements beside, and the "
        "withdrawals of those: without them nobody could judge what a portal or an admin signed."
    ),
]


class DossierState(StrEnum):
    """A closed dossier takes no deposit any more; what it holds stays, until it is erased."""

    OPEN = "open"
    CLOSED = "closed"
    ERASED = "erased"


class DossierRequest(Request):
    """A new dossier with its first key.

    The client draws ``id`` at random: the key statement names it before the server has heard of it.
    """

    id: DossierId
    product: Name
    version: Label = ""
    procedure: Label = Field("", description="The démarche, such as référencement guidé.")
    key: SignedStatement = Field(description="The dossier-key statement, generation 1.")
    grants: Annotated[tuple[SignedStatement, ...], Field(min_length=1, max_length=64)] = Field(
        description="At least one to an admin, then the reviewers'."
    )
    organisation: Hex16 | None = Field(None, description="Named by an admin; a portal's is its own.")


class Dossier(Answer):
    """What belongs to one product's démarche."""

    id: DossierId
    organisation: Hex16
    product: Name
    version: str
    procedure: str
    state: DossierState
    generation: Count = Field(description="Of the current dossier key.")
    created: Time


class DossierQuery(Paging):
    """Which dossiers."""

    state: DossierState | None = None


class DossierKeys(Answer):
    """Every dossier key, the oldest first; the last is the current one."""

    dossier: DossierId
    current: Count
    keys: tuple[SignedStatement, ...]
    issuers: Issuers
    passwords: PasswordPolicy | None = Field(
        None, description="What the dossier's organisation asks of new passwords. Absent: an older server."
    )


class DepositorRequest(Request):
    """Gives a signing key a mandate.

    ``possession`` is the signer's signature over origin, dossier and key id, in the context of possession;
    absent where a stored template of this dossier is sealed by the key, which proves the same.
    """

    mandate: SignedStatement
    key: Base64 = Field(description="The signer's public signing key, 1984 bytes.")
    possession: Base64 | None = None
    label: Label = ""


class Depositor(Answer):
    """A signing key that may deposit."""

    dossier: DossierId
    key_id: Hex32
    key: Base64
    mandate: SignedStatement
    evidence_types: tuple[EvidenceType, ...]
    may_replace: bool
    label: str
    created: Time
    valid: bool = Field(description="What the server thinks of the mandate now.")


class SuccessionRequest(Request):
    """A depositor's key hands over to a new one: its mandates, and what it sealed, are the new one's."""

    statement: SignedStatement = Field(description="The succession, signed by the old key.")
    possession: Base64 = Field(description="The new key's signature over origin, dossier and its key id.")


class Succeeded(Answer):
    """Who stands in the place of a depositor's key from now on, in all dossiers."""

    former: Hex32
    key_id: Hex32
    mandates: Count = Field(description="How many went over, in all dossiers.")
    since: Time


class TemplateQuery(Query):
    """How long a template can be fetched."""

    lifetime: Annotated[int, Field(ge=60, le=366 * 86_400)] = Field(
        30 * 86_400, description="Seconds until the link expires."
    )


class Template(Answer):
    """A template that was stored, without its link."""

    id: Hex16
    dossier: DossierId
    signer: Hex32 = Field(description="The depositor key that its password slot carries.")
    seal_id: Hex32 = Field(description="What If-Match names to replace it.")
    generation: Count = Field(description="Of its envelope: what If-Match names to rewrite that.")
    size: Count
    created: Time
    expires: Time
    withdrawn: bool


class TemplateIssued(Answer):
    """A stored template and its link: shown here and nowhere else."""

    template: Template
    code: str | None
    link: str | None


class Grant(Answer):
    """A dossier's private seed, wrapped to one person."""

    id: Hex16
    dossier: DossierId
    generation: Count
    grantee: Hex32 = Field(description="Key id of the grantee's KEM key.")
    account: Hex16 | None = None
    statement: SignedStatement
    made: SignedStatement | None = Field(
        None, description="What was granted, where the grantee has wrapped it anew to its next key."
    )
    created: Time
    revoked: bool


class MyGrants(Answer):
    """What opens the dossier for the one who asks: all generations that current envelopes need."""

    dossier: DossierId
    grants: tuple[SignedStatement, ...]
    keys: tuple[SignedStatement, ...] = Field(description="The dossier-key statements of those generations.")
    mandates: tuple[SignedStatement, ...]
    issuers: Issuers
