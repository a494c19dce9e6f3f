"""Handlers: organisations, accounts, tokens, enrolments, reviewers, habilitations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.base import Page, Paging
from vault.api.models.people import (
    Account,
    AccountChange,
    AccountIssued,
    AccountRequest,
    EnrolmentRequest,
    Organisation,
    OrganisationChange,
    OrganisationRequest,
    Reviewer,
    StatementRequest,
    Token,
    TokenIssued,
    TokenRequest,
    TokenRotated,
    TokenRotation,
)

if TYPE_CHECKING:
    from vault.server.call import Call


async def create_organisation(call: Call) -> Organisation:
    """Make a tenant."""
    return await call.services.organisations.create(call.body(OrganisationRequest), call.act)


async def list_organisations(call: Call) -> Page[Organisation]:
    """List tenants."""
    return await call.services.organisations.list(call.query(Paging))


async def change_organisation(call: Call) -> Organisation:
    """Change a tenant."""
    changes = call.body(OrganisationChange)
    return await call.services.organisations.set(call.path["organisation"], changes, call.act)


async def create_account(call: Call) -> AccountIssued:
    """Make an account."""
    return await call.services.accounts.create(call.body(AccountRequest), call.act)


async def list_accounts(call: Call) -> Page[Account]:
    """List accounts."""
    return await call.services.accounts.list(call.query(Paging))


async def get_account(call: Call) -> Account:
    """Show an account."""
    return await call.services.accounts.get(call.path["account"])


async def change_account(call: Call) -> AccountIssued:
    """Disable or enable an account, or give it a new code."""
    return await call.services.accounts.change(call.path["account"], call.body(AccountChange), call.act)


async def habilitate(call: Call) -> Account:
    """Store a habilitation."""
    request = call.body(StatementRequest)
    return await call.services.habilitations.habilitate(call.path["account"], request, call.act)


async def withdraw_habilitation(call: Call) -> Account:
    """Store a withdrawal."""
    request = call.body(StatementRequest)
    return await call.services.habilitations.withdraw(call.path["account"], request, call.act)


async def create_token(call: Call) -> TokenIssued:
    """Make a token."""
    return await call.services.tokens.create(call.body(TokenRequest), call.act)


async def list_tokens(call: Call) -> Page[Token]:
    """List tokens."""
    return await call.services.tokens.list(call.query(Paging), call.act)


async def rotate_token(call: Call) -> TokenRotated:
    """Put another token in the place of one."""
    return await call.services.tokens.rotate(call.path["token"], call.body(TokenRotation), call.act)


async def revoke_token(call: Call) -> None:
    """End a token."""
    await call.services.tokens.revoke(call.path["token"], call.act)


async def enrol(call: Call) -> Account:
    """Tie an identity to an account."""
    return await call.services.enrolments.enrol(call.body(EnrolmentRequest), call.act)


async def list_reviewers(call: Call) -> Page[Reviewer]:
    """List who can be granted a dossier."""
    return await call.services.habilitations.reviewers(call.query(Paging), call.act)
