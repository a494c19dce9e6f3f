"""Tenants: made, listed and changed by admins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.ports import new_id
from vault.server.refusals import RefusedError
from vault.server.services import views

if TYPE_CHECKING:
    from vault.api.models.base import Page, Paging
    from vault.api.models.people import Organisation, OrganisationChange, OrganisationRequest
    from vault.server.ports import Records
    from vault.server.services.acts import Act


class Organisations:
    """What belongs to one tenant is not there for another."""

    def __init__(self, records: Records, *, quota_bytes: int, max_container_bytes: int) -> None:
        self._records = records
        self._quota_bytes = quota_bytes
        self._max_container_bytes = max_container_bytes

    async def create(self, request: OrganisationRequest, act: Act) -> Organisation:
        """Make a tenant, with the server's limits where none are given."""
        quota = self._quota_bytes if request.quota_bytes is None else request.quota_bytes
        largest = request.max_container_bytes
        async with self._records.change(act.origin) as tx:
            row = await tx.organisations.add(
                organisation_id=new_id(),
                name=request.name,
                quota_bytes=quota,
                max_container_bytes=self._max_container_bytes if largest is None else largest,
                passwords=request.passwords,
            )
            await tx.record(
                Action.ORGANISATION_CREATED,
                [Subject("organisation", row.id)],
                {Fact.QUOTA: quota, Fact.PASSWORDS: row.passwords},
            )
            answer = views.organisation(row)
            await act.remember(tx, answer)
        return answer

    async def list(self, paging: Paging) -> Page[Organisation]:
        """Return a page of all tenants."""
        async with self._records.read() as view:
            found = await view.organisations.list(cursor=paging.cursor, limit=paging.limit)
        return views.page(found, views.organisation)

    async def set(self, organisation_id: str, request: OrganisationChange, act: Act) -> Organisation:
        """Change what is given; what is absent stays.

        Raises:
            RefusedError: not_found.
        """
        async with self._records.change(act.origin) as tx:
            row = await tx.organisations.get(organisation_id)
            if row is None:
                raise RefusedError(Code.NOT_FOUND, "there is no such organisation")
            changed = row._replace(**request.model_dump(exclude_none=True))
            await tx.organisations.set(
                row.id,
                name=changed.name,
                quota_bytes=changed.quota_bytes,
                max_container_bytes=changed.max_container_bytes,
                passwords=changed.passwords,
            )
            await tx.record(
                Action.ORGANISATION_CHANGED,
                [Subject("organisation", row.id)],
                {
                    Fact.QUOTA: changed.quota_bytes,
                    Fact.SIZE: changed.max_container_bytes,
                    Fact.PASSWORDS: changed.passwords,
                },
            )
        return views.organisation(changed)
