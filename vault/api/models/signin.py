"""Challenges, sessions and who one is."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from vault.api.models.base import Answer, Base64, Hex16, Hex32, Name, Request, Time


class Role(StrEnum):
    """What an account may be. An editor needs no account: its signing key has a mandate."""

    PORTAL = "portal"
    REVIEWER = "reviewer"
    ADMIN = "admin"
    AUDITOR = "auditor"


class ChallengeRequest(Request):
    """Asks for something to sign. A key that nobody knows gets the same kind of answer."""

    key_id: Hex32 | None = Field(None, description="To sign in: the id of the signing key.")
    identity: str | None = Field(
        None, max_length=16_384, description="To enrol: the public key file; the challenge is wrapped to it."
    )


class Challenge(Answer):
    """To be signed once, before it expires."""

    id: Hex16
    expires: Time
    challenge: Base64 | None = Field(None, description="To sign in: 32 bytes to be signed.")
    wrapped: Base64 | None = Field(None, description="To enrol: 32 bytes wrapped to the new identity.")


class SessionRequest(Request):
    """Signs in with a key: the signature is over origin, challenge and key id in its own context."""

    challenge: Hex16
    key_id: Hex32
    signature: Base64


class Session(Answer):
    """A session of one hour. The token is shown here and nowhere else."""

    token: str
    expires: Time
    me: Me


class Me(Answer):
    """Who one is to the server."""

    role: str = Field(description="editor, portal, reviewer, admin or auditor.")
    name: Name | None = None
    account: Hex16 | None = None
    organisation: Hex16 | None = None
    key_id: Hex32 | None = Field(
        None, description="Id of the signing key, of an editor or an enrolled account."
    )
    habilitated: bool = False
    habilitated_until: Time | None = Field(
        None, description="When the habilitation ends; absent without one, and where it has no end."
    )
    expires: Time | None = Field(None, description="When the token or session ends.")
    token: Hex16 | None = Field(None, description="Id of the token that one signed in with.")


Session.model_rebuild()
