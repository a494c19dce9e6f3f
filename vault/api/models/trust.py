"""The authority, and what it says about the server and the recovery key."""

from __future__ import annotations

from pydantic import Field

from vault.api.models.base import Answer, Hex32, Request, SignedStatement


class AuthorityPublication(Request):
    """Sent once by an admin. Nothing in it is secret; the authority's private half stays offline."""

    authority: str = Field(max_length=16_384, description="The authority's public key file, as text.")
    server: SignedStatement = Field(description="Habilitation of the server's key, signed by the authority.")
    recovery: SignedStatement = Field(description="The recovery-key statement, signed by the authority.")


class Trust(Answer):
    """What a client compares with its pin before it believes anything else."""

    origin: str = Field(description="The service's name, signed into every sign-in and checkpoint.")
    server_identity: str = Field(description="The server's public key file; it signs and never opens.")
    server_key_id: Hex32 = Field(description="Id of the server's signing key.")
    authority: str | None = Field(
        None, description="The authority's public key file, absent until published."
    )
    fingerprint: str | None = Field(None, description="The authority's fingerprint, eight groups of four.")
    server: SignedStatement | None = Field(None, description="The authority's habilitation of the server.")
    recovery: SignedStatement | None = Field(None, description="The authority's recovery-key statement.")
    successions: tuple[SignedStatement, ...] = ()
