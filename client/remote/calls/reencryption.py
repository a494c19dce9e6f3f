"""Calls: re-encrypting what was deposited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.base import Page
from vault.api.models.evidence import Deposited, Version
from vault.api.models.reencryption import Left, Reencryption
from vault.api.models.uploads import Upload as Session

if TYPE_CHECKING:
    from client.remote.transport import Upload
    from vault.api.models.base import Paging


class ReencryptionCalls(Calls):
    """Routes that put new containers in the places of older ones: see `client.remote.reencrypting`."""

    async def get_reencryption(self, dossier: str) -> Reencryption:
        """Return how much of a dossier was sealed before its current keys."""
        return await self._transport.fetch(
            self._route("get_reencryption"), Reencryption, Call(path={"dossier": dossier})
        )

    async def list_left(self, dossier: str, query: Paging | None = None) -> Page[Left]:
        """Return a page of versions of which something is left to be done."""
        call = Call(path={"dossier": dossier}, query=query)
        return await self._transport.fetch(self._route("list_left"), Page[Left], call)

    async def reencrypt(
        self, evidence: str, number: int, container: Upload, *, idempotency_key: str | None = None
    ) -> Deposited:
        """Put a container with the same files in the place of a version."""
        call = Call(
            path={"evidence": evidence, "number": number}, upload=container, idempotency_key=idempotency_key
        )
        return await self._transport.fetch(self._route("reencrypt"), Deposited, call)

    async def begin_reencryption(self, evidence: str, number: int, container: Upload) -> Session:
        """Begin to do so in parts, or find that again; ``container`` comes without its payload."""
        call = Call(path={"evidence": evidence, "number": number}, upload=container)
        return await self._transport.fetch(self._route("begin_reencryption"), Session, call)

    async def erase_originals(self, evidence: str, number: int, *, if_match: str) -> Version:
        """Destroy what a version was before; ``if_match`` is its present seal id."""
        call = Call(path={"evidence": evidence, "number": number}, if_match=if_match)
        return await self._transport.fetch(self._route("erase_originals"), Version, call)
