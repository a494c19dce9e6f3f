"""The authority, and what it says about the server and the recovery key."""

from __future__ import annotations

from pydantic import Field

from vault.api.models.base import Answer, Base64, Hex32, Request, SignedStatement


class AuthorityPublication(Request):
    """Sent once by an admin. Nothing in it is secret; the authority's private half stays offline."""

    authority: str = Field(max_length=16_384, description="The authority's public key file, as text.")
    server: SignedStatement = Field(description="Habilitation of the server's key, signed by the authority.")
    recovery: SignedStatement = Field(description="The recovery-key statement, signed by the authority.")


class Trust(Answer):
    """What a client compares with its pin before it believes anything else."""

    origin: str = Field(description="The service's name, signed into every sign-in and checkpoint.")
    server_key: Base64 = Field(description="The server's public signing key, 1984 bytes.")
    server_key_id: Hex32
    authority: str | None = Field(
        None, description="The authority's public key file, absent until published."
    )
    fingerprint: str | None = Field(None, description="The authority's fingerprint, eight groups of four.")
    server: SignedStatement | None = None
    recovery: SignedStatement | None = None
    successions: tuple[SignedStatement, ...] = ()
