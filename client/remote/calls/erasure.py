"""Calls: for how long dossiers are kept, and erasing them."""

from __future__ import annotations

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.base import Page, Paging
from vault.api.models.erasure import CertificateLines, Erasure, LinesQuery, Retention, RetentionRequest


class ErasureCalls(Calls):
    """Routes about the end of dossiers."""

    async def list_retentions(self, query: Paging | None = None) -> Page[Retention]:
        """Return one page of the retention times that were set."""
        return await self._transport.fetch(self._route("list_retentions"), Page[Retention], Call(query=query))

    async def set_retention(self, request: RetentionRequest) -> Retention:
        """Set for how long dossiers of a démarche are kept after they were closed."""
        return await self._transport.fetch(self._route("set_retention"), Retention, Call(body=request))

    async def get_erasure(self, dossier: str) -> Erasure:
        """Return what erasing the dossier would destroy, or has destroyed."""
        return await self._transport.fetch(
            self._route("get_erasure"), Erasure, Call(path={"dossier": dossier})
        )

    async def erase_dossier(self, dossier: str, *, if_match: str) -> Erasure:
        """Erase a closed dossier, ``if_match`` being the root of its plan; again, to go on removing it."""
        call = Call(path={"dossier": dossier}, if_match=if_match)
        return await self._transport.fetch(self._route("erase_dossier"), Erasure, call)

    async def list_erased(self, dossier: str, query: LinesQuery | None = None) -> CertificateLines:
        """Return lines of the certificate of an erased dossier."""
        call = Call(path={"dossier": dossier}, query=query)
        return await self._transport.fetch(self._route("list_erased"), CertificateLines, call)
