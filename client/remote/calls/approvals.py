"""Calls: approvals of dangerous acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.approvals import Approval
from vault.api.models.base import Page

if TYPE_CHECKING:
    from vault.api.models.approvals import ApprovalQuery, ApprovalRequest
    from vault.api.models.people import StatementRequest


class ApprovalCalls(Calls):
    """Routes by which admins agree: see `client.remote.approving`."""

    async def list_approvals(self, query: ApprovalQuery | None = None) -> Page[Approval]:
        """Return one page of approvals, the newest first."""
        return await self._transport.fetch(self._route("list_approvals"), Page[Approval], Call(query=query))

    async def approve(self, request: ApprovalRequest, *, idempotency_key: str | None = None) -> Approval:
        """Agree to an act with a statement of one's own."""
        call = Call(body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("approve"), Approval, call)

    async def withdraw_approval(self, approval: str, request: StatementRequest) -> Approval:
        """Withdraw an approval that was not used."""
        call = Call(path={"approval": approval}, body=request)
        return await self._transport.fetch(self._route("withdraw_approval"), Approval, call)
