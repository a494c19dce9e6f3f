"""Calls: keys that hand over to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.dossiers import Grant
from vault.api.models.successions import AccountSucceeded
from vault.api.models.trust import Trust

if TYPE_CHECKING:
    from vault.api.models.people import StatementRequest
    from vault.api.models.successions import KeySuccession


class SuccessionCalls(Calls):
    """Routes by which a key hands over: see `client.remote.inheriting`."""

    async def succeed_authority(self, request: KeySuccession) -> Trust:
        """Let a new key stand in the authority's place; return what clients compare with their pin."""
        return await self._transport.fetch(self._route("succeed_authority"), Trust, Call(body=request))

    async def publish_recovery_key(self, request: StatementRequest) -> Trust:
        """Let another recovery key follow the present one; return what clients compare with their pin."""
        return await self._transport.fetch(self._route("publish_recovery_key"), Trust, Call(body=request))

    async def succeed_account(self, request: KeySuccession) -> AccountSucceeded:
        """Hand one's account over to a new key; every session of the old one is over."""
        return await self._transport.fetch(
            self._route("succeed_account"), AccountSucceeded, Call(body=request)
        )

    async def rewrap_grant(self, dossier: str, generation: int, request: StatementRequest) -> Grant:
        """Put one's own grant, wrapped to the key that one has now, in the place of the one before."""
        call = Call(path={"dossier": dossier, "generation": generation}, body=request)
        return await self._transport.fetch(self._route("rewrap_grant"), Grant, call)
