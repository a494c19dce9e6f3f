"""For how long dossiers of a démarche are kept after they were closed: nothing is erased before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vault.api.models.erasure import Retention
from vault.journal import Action, Fact, Subject
from vault.server.services import views

if TYPE_CHECKING:
    from vault.api.models.base import Page, Paging
    from vault.api.models.erasure import RetentionRequest
    from vault.server.ports import Records
    from vault.server.services.acts import Act
    from vault.server.stores.records import retentions


class Retentions:
    """What admins decided."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def set(self, request: RetentionRequest, act: Act) -> Retention:
        """Set the days of a démarche; the journal names it by its digest, as it holds no free text."""
        async with self._records.change(act.origin) as tx:
            row = await tx.retentions.set(request.procedure, request.days)
            named = hashlib.sha256(request.procedure.encode()).digest()
            await tx.record(
                Action.RETENTION_SET,
                [Subject("retention", row.id)],
                {Fact.DAYS: row.days, Fact.PROCEDURE: named},
            )
        return _view(row)

    async def list(self, paging: Paging) -> Page[Retention]:
        """Return a page of them, the last one that was set first."""
        async with self._records.read() as view:
            found = await view.retentions.list(cursor=paging.cursor, limit=paging.limit)
        return views.page(found, _view)


def _view(row: retentions.Retention) -> Retention:
    return Retention(procedure=row.procedure, days=row.days, changed=row.created_at)
