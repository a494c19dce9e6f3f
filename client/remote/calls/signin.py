"""Calls: what the service says about itself, trust, signing in."""

from __future__ import annotations

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.service import Health, Readiness, VersionAnswer
from vault.api.models.signin import Challenge, ChallengeRequest, Me, Session, SessionRequest
from vault.api.models.trust import AuthorityPublication, Trust


class SignInCalls(Calls):
    """Routes of the chapters "service" and "sign-in"."""

    async def live(self) -> Health:
        """Tell whether the process runs."""
        return await self._transport.fetch(self._route("live"), Health)

    async def ready(self) -> Readiness:
        """Tell whether database and objects can be reached."""
        return await self._transport.fetch(self._route("ready"), Readiness)

    async def version(self) -> VersionAnswer:
        """Tell what runs there."""
        return await self._transport.fetch(self._route("version"), VersionAnswer)

    async def openapi(self) -> bytes:
        """Return the interface as OpenAPI 3.1, JSON."""
        return await self._transport.fetch_bytes(self._route("openapi"))

    async def docs(self) -> bytes:
        """Return the interface as a page to read, HTML."""
        return await self._transport.fetch_bytes(self._route("docs"))

    async def get_trust(self) -> Trust:
        """Return what the service says about the authority and itself; `client.remote.trust` judges it."""
        return await self._transport.fetch(self._route("get_trust"), Trust)

    async def publish_authority(self, publication: AuthorityPublication) -> Trust:
        """Publish the authority, once in a service's life."""
        return await self._transport.fetch(self._route("publish_authority"), Trust, Call(body=publication))

    async def create_challenge(self, request: ChallengeRequest) -> Challenge:
        """Get something to sign."""
        return await self._transport.fetch(self._route("create_challenge"), Challenge, Call(body=request))

    async def create_session(self, request: SessionRequest) -> Session:
        """Sign in with a signed challenge. The transport goes on as before: see `client.remote.signin`."""
        return await self._transport.fetch(self._route("create_session"), Session, Call(body=request))

    async def delete_session(self) -> None:
        """Sign out."""
        await self._transport.tell(self._route("delete_session"))

    async def get_me(self) -> Me:
        """Tell who one is to the service."""
        return await self._transport.fetch(self._route("get_me"), Me)
