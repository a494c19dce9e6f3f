"""Organisations, accounts, tokens, enrolments, reviewers and their habilitations."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from vault.api.models.base import (
    Answer,
    Base64,
    Count,
    Hex16,
    Hex32,
    Name,
    PasswordPolicy,
    Request,
    SignedStatement,
    Time,
)
from vault.api.models.signin import Role  # noqa: TC001 - pydantic evaluates the annotation

EnrolmentCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,64}$")]

_PASSWORDS: Final = (
    "What is asked of new passwords: generated ones only; strength:N, at least this score of zxcvbn; or "
    "forbidden. The server refuses password slots where they are forbidden; the rest is for clients to judge."
)


class OrganisationRequest(Request):
    """A new tenant."""

    name: Name
    quota_bytes: Count | None = Field(
        None, description="Bytes that its dossiers may hold. Absent: the default."
    )
    max_container_bytes: Count | None = Field(None, description="Size of one deposit. Absent: the default.")
    passwords: PasswordPolicy = Field("generated", description=_PASSWORDS)


class OrganisationChange(Request):
    """What is absent stays."""

    name: Name | None = None
    quota_bytes: Count | None = None
    max_container_bytes: Count | None = None
    passwords: PasswordPolicy | None = Field(None, description=_PASSWORDS)


class Organisation(Answer):
    """A tenant: what belongs to one is not there for another."""

    id: Hex16
    name: Name
    quota_bytes: Count
    max_container_bytes: Count
    used_bytes: Count
    passwords: PasswordPolicy | None = Field(None, description=f"{_PASSWORDS} Absent: an older server.")
    created: Time


class AccountRequest(Request):
    """A new account. A portal belongs to an organisation, nobody else does."""

    name: Name
    role: Role
    organisation: Hex16 | None = None


class AccountChange(Request):
    """What is absent stays. Disabling ends every token and session of the account at once."""

    disabled: bool | None = None
    new_enrolment_code: bool | None = Field(None, description="Makes a new code; the old one ends.")


class Account(Answer):
    """A person or a program that the vault knows by name."""

    id: Hex16
    name: Name
    role: Role
    organisation: Hex16 | None = None
    disabled: bool
    created: Time
    identity: str | None = Field(None, description="The public key file, once enrolled.")
    fingerprint: str | None = None
    habilitation: SignedStatement | None = None
    withdrawal: SignedStatement | None = None
    successions: tuple[SignedStatement, ...] = Field(
        (), description="How the identity came to stand in the place of the one that is habilitated."
    )


class AccountIssued(Answer):
    """A new or changed account, and its one-use code where one was made: shown here and nowhere else."""

    account: Account
    enrolment_code: str | None = None
    code_expires: Time | None = None


class TokenRequest(Request):
    """A token for an account: one's own, or, for an admin, anyone's."""

    account: Hex16 | None = Field(None, description="Absent: one's own.")
    label: Name
    lifetime: Annotated[int, Field(ge=60, le=366 * 86_400)] = Field(
        90 * 86_400, description="Seconds until it expires."
    )
    read_only: bool = Field(default=False, description="The token changes nothing: GET alone.")


class Token(Answer):
    """A token, without the token."""

    id: Hex16
    account: Hex16
    label: Name
    read_only: bool
    created: Time
    expires: Time
    revoked: bool
    replaced_by: Hex16 | None = Field(None, description="The token that took its place, where one did.")


class TokenRotation(Request):
    """A token that takes another's place. Who asks draws it, keeps it, and sends what it is found by.

    Sent again, it is answered again: an answer that was lost leaves no token that nobody has.
    """

    secret_hash: Hex32 = Field(description="SHA-256 of the new token: scelle_token_ and 256 random bits.")
    overlap: Annotated[int, Field(ge=0, le=366 * 86_400)] = Field(
        86_400, description="Seconds for which the old token stays good, at most until it would have ended."
    )


class TokenRotated(Answer):
    """The new token, and the one that ends by itself."""

    token: Token
    former: Token


class TokenIssued(Answer):
    """A new token. Its text is shown here and nowhere else; a repeated request does not show it again."""

    token: Token
    secret: str | None


class EnrolmentRequest(Request):
    """Ties an identity to an account.

    ``signature`` is over origin, the unwrapped challenge and the key id, in the context of possession: who
    made it has both private halves.
    """

    code: EnrolmentCode
    challenge: Hex16
    identity: str = Field(max_length=16_384, description="The public key file.")
    signature: Base64


class Reviewer(Answer):
    """What a portal needs in order to grant: believe the habilitation, not this list."""

    account: Hex16
    name: Name
    role: Role = Field(description="reviewer, or admin: a dossier is granted to one of those too.")
    identity: str = Field(description="The public key file.")
    fingerprint: str
    kem_key_id: Hex32
    signing_key_id: Hex32
    habilitation: SignedStatement | None = None
    withdrawal: SignedStatement | None = None
    successions: tuple[SignedStatement, ...] = Field(
        (), description="How the identity followed the one that was habilitated."
    )
    valid: bool = Field(description="What the server thinks of the habilitation now.")


class StatementRequest(Request):
    """One signed statement."""

    statement: SignedStatement
