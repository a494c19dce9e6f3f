"""Calls: rotating a dossier's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.base import Page
from vault.api.models.erasure import CertificateLines
from vault.api.models.rotation import Outdated, Retirement, Rotation

if TYPE_CHECKING:
    from vault.api.models.base import Paging
    from vault.api.models.erasure import LinesQuery
    from vault.api.models.rotation import OutdatedQuery, RotationRequest


class RotationCalls(Calls):
    """Routes that move a dossier from one key to the next: see `client.remote.rotating`."""

    async def rotate_dossier_key(
        self, dossier: str, request: RotationRequest, *, idempotency_key: str | None = None
    ) -> Rotation:
        """Give a dossier its next key; deposits have to be sealed to it from now on."""
        call = Call(path={"dossier": dossier}, body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("rotate_dossier_key"), Rotation, call)

    async def get_rotation(self, dossier: str) -> Rotation:
        """Return how much of a dossier is still sealed to older keys."""
        call = Call(path={"dossier": dossier})
        return await self._transport.fetch(self._route("get_rotation"), Rotation, call)

    async def list_outdated(self, dossier: str, query: OutdatedQuery | None = None) -> Page[Outdated]:
        """Return a page of envelopes that are sealed to older keys, with their seals."""
        call = Call(path={"dossier": dossier}, query=query)
        return await self._transport.fetch(self._route("list_outdated"), Page[Outdated], call)

    async def retire_dossier_key(self, dossier: str, generation: int) -> Rotation:
        """End all grants of a key, and of those before it, which no envelope may be sealed to any more."""
        call = Call(path={"dossier": dossier, "generation": generation})
        return await self._transport.fetch(self._route("retire_dossier_key"), Rotation, call)

    async def list_retirements(self, dossier: str, query: Paging | None = None) -> Page[Retirement]:
        """Return a page of the certificates of a dossier's keys that have ended, the newest first."""
        call = Call(path={"dossier": dossier}, query=query)
        return await self._transport.fetch(self._route("list_retirements"), Page[Retirement], call)

    async def list_retired(
        self, dossier: str, position: int, query: LinesQuery | None = None
    ) -> CertificateLines:
        """Return lines of such a certificate."""
        call = Call(path={"dossier": dossier, "position": position}, query=query)
        return await self._transport.fetch(self._route("list_retired"), CertificateLines, call)
