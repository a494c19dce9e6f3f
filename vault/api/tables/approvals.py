"""Routes: approvals of dangerous acts."""

from __future__ import annotations

from typing import Final

from vault.api.models.approvals import Approval, ApprovalQuery, ApprovalRequest
from vault.api.models.base import Page
from vault.api.models.people import StatementRequest
from vault.api.problems import Code
from vault.api.route import Route, Tag

_STATEMENT: Final = (Code.STATEMENT_INVALID, Code.AUTHORITY_MISSING, Code.ALREADY_EXISTS, Code.APPROVAL_UNFIT)

APPROVALS: Final = (
    Route(
        name="list_approvals",
        method="GET",
        path="/v1/approvals",
        rule="admin",
        tag=Tag.PEOPLE,
        summary="Which admins agree to erasing, rotating the authority or re-encrypting.",
        query=ApprovalQuery,
        answer=Page[Approval],
    ),
    Route(
        name="approve",
        method="POST",
        path="/v1/approvals",
        rule="approve",
        tag=Tag.PEOPLE,
        summary="Agree to a dangerous act, exactly as it is planned now, for seven days at most.",
        status=201,
        request=ApprovalRequest,
        answer=Approval,
        idempotent=True,
        problems=(*_STATEMENT, Code.NOT_FOUND, Code.DOSSIER_ERASED),
    ),
    Route(
        name="withdraw_approval",
        method="PUT",
        path="/v1/approvals/{approval}/withdrawal",
        rule="approve",
        tag=Tag.PEOPLE,
        summary="Store the withdrawal of an approval that was not used.",
        request=StatementRequest,
        answer=Approval,
        problems=_STATEMENT,
    ),
)
