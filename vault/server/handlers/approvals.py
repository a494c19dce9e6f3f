"""Handlers: approvals of dangerous acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.approvals import Approval, ApprovalQuery, ApprovalRequest
from vault.api.models.people import StatementRequest

if TYPE_CHECKING:
    from vault.api.models.base import Page
    from vault.server.call import Call


async def list_approvals(call: Call) -> Page[Approval]:
    """List approvals."""
    return await call.services.approvals.list(call.query(ApprovalQuery))


async def approve(call: Call) -> Approval:
    """Store an approval."""
    return await call.services.approvals.add(call.body(ApprovalRequest), call.act)


async def withdraw_approval(call: Call) -> Approval:
    """Store the withdrawal of one."""
    body = call.body(StatementRequest)
    return await call.services.approvals.withdraw(call.path["approval"], body, call.act)
