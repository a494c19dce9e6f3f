"""Calls: dossiers, their keys, depositors, templates and grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.base import Page, Paging
from vault.api.models.dossiers import (
    Depositor,
    DepositorRequest,
    Dossier,
    DossierKeys,
    DossierQuery,
    DossierRequest,
    Grant,
    MyGrants,
    Succeeded,
    SuccessionRequest,
    Template,
    TemplateIssued,
    TemplateQuery,
)

if TYPE_CHECKING:
    from client.remote.transport import Upload
    from vault.api.models.people import StatementRequest

MAX_TEMPLATE: Final = 1024 * 1024
"""An envelope and a seal of the largest size, and a payload without files, fit."""


class DossierCalls(Calls):
    """Routes of the chapter "dossiers"."""

    async def create_dossier(self, request: DossierRequest, *, idempotency_key: str | None = None) -> Dossier:
        """Open a dossier with its first key and grants: see `client.remote.dossiers`."""
        call = Call(body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("create_dossier"), Dossier, call)

    async def list_dossiers(
        self, query: DossierQuery | None = None, *, acting_for: str | None = None
    ) -> Page[Dossier]:
        """Return one page of the dossiers that one may see."""
        call = Call(query=query, acting_for=acting_for)
        return await self._transport.fetch(self._route("list_dossiers"), Page[Dossier], call)

    async def get_dossier(self, dossier: str, *, acting_for: str | None = None) -> Dossier:
        """Return one dossier."""
        call = Call(path={"dossier": dossier}, acting_for=acting_for)
        return await self._transport.fetch(self._route("get_dossier"), Dossier, call)

    async def close_dossier(self, dossier: str) -> Dossier:
        """Close a dossier: it takes no deposit any more."""
        return await self._transport.fetch(
            self._route("close_dossier"), Dossier, Call(path={"dossier": dossier})
        )

    async def get_dossier_keys(self, dossier: str, *, acting_for: str | None = None) -> DossierKeys:
        """Return the statements about the dossier's keys, the oldest first."""
        call = Call(path={"dossier": dossier}, acting_for=acting_for)
        return await self._transport.fetch(self._route("get_dossier_keys"), DossierKeys, call)

    async def add_depositor(
        self, dossier: str, request: DepositorRequest, *, idempotency_key: str | None = None
    ) -> Depositor:
        """Give a signing key a mandate."""
        call = Call(path={"dossier": dossier}, body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("add_depositor"), Depositor, call)

    async def list_depositors(self, dossier: str, query: Paging | None = None) -> Page[Depositor]:
        """Return one page of who has a mandate."""
        call = Call(path={"dossier": dossier}, query=query)
        return await self._transport.fetch(self._route("list_depositors"), Page[Depositor], call)

    async def remove_depositor(self, dossier: str, key: str) -> None:
        """End a mandate; what was deposited stays."""
        call = Call(path={"dossier": dossier, "key": key})
        await self._transport.tell(self._route("remove_depositor"), call)

    async def succeed_depositor(self, dossier: str, request: SuccessionRequest) -> Succeeded:
        """Hand over to a new key, everywhere: see `client.remote.owning`. The session ends with it."""
        call = Call(path={"dossier": dossier}, body=request)
        return await self._transport.fetch(self._route("succeed_depositor"), Succeeded, call)

    async def create_template(
        self,
        dossier: str,
        container: Upload,
        query: TemplateQuery | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> TemplateIssued:
        """Store a template and get its link, which is shown here and nowhere else."""
        call = Call(path={"dossier": dossier}, upload=container, query=query, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("create_template"), TemplateIssued, call)

    async def list_templates(self, dossier: str, query: Paging | None = None) -> Page[Template]:
        """Return one page of the dossier's templates."""
        call = Call(path={"dossier": dossier}, query=query)
        return await self._transport.fetch(self._route("list_templates"), Page[Template], call)

    async def replace_template(
        self, dossier: str, template: str, container: Upload, *, if_match: str
    ) -> Template:
        """Put one's own template in the place of another; ``if_match`` is the seal id of that one."""
        call = Call(path={"dossier": dossier, "template": template}, upload=container, if_match=if_match)
        return await self._transport.fetch(self._route("replace_template"), Template, call)

    async def rewrite_template(
        self, dossier: str, template: str, container: Upload, *, if_match: str
    ) -> Template:
        """Put preamble and a new envelope before a template; ``if_match`` is its generation."""
        call = Call(path={"dossier": dossier, "template": template}, upload=container, if_match=if_match)
        return await self._transport.fetch(self._route("rewrite_template"), Template, call)

    async def withdraw_template(self, dossier: str, template: str) -> None:
        """End a template's link and remove the template."""
        call = Call(path={"dossier": dossier, "template": template})
        await self._transport.tell(self._route("withdraw_template"), call)

    async def fetch_template(self, code: str) -> bytes:
        """Return the template that belongs to the code of a link."""
        call = Call(path={"code": code})
        return await self._transport.fetch_bytes(self._route("fetch_template"), call, maximum=MAX_TEMPLATE)

    async def get_my_grants(self, dossier: str) -> MyGrants:
        """Return what opens the dossier for the one who asks: see `client.remote.granting`."""
        call = Call(path={"dossier": dossier})
        return await self._transport.fetch(self._route("get_my_grants"), MyGrants, call)

    async def add_grant(
        self, dossier: str, request: StatementRequest, *, idempotency_key: str | None = None
    ) -> Grant:
        """Give the dossier's key to one more person."""
        call = Call(path={"dossier": dossier}, body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("add_grant"), Grant, call)

    async def list_grants(self, dossier: str, query: Paging | None = None) -> Page[Grant]:
        """Return one page of who was given the dossier's key."""
        call = Call(path={"dossier": dossier}, query=query)
        return await self._transport.fetch(self._route("list_grants"), Page[Grant], call)

    async def revoke_grant(self, dossier: str, grant: str) -> None:
        """End a grant: the service hands nothing more to that person."""
        call = Call(path={"dossier": dossier, "grant": grant})
        await self._transport.tell(self._route("revoke_grant"), call)
