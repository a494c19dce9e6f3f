"""Calls: organisations, accounts, tokens, enrolments, reviewers and habilitations."""

from __future__ import annotations

from client.remote.calls.base import Calls
from client.remote.transport import Call
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


class PeopleCalls(Calls):
    """Routes of the chapter "people"."""

    async def create_organisation(
        self, request: OrganisationRequest, *, idempotency_key: str | None = None
    ) -> Organisation:
        """Make a tenant."""
        call = Call(body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("create_organisation"), Organisation, call)

    async def list_organisations(self, query: Paging | None = None) -> Page[Organisation]:
        """Return one page of all tenants; `client.remote.pages.every` gives them all."""
        return await self._transport.fetch(
            self._route("list_organisations"), Page[Organisation], Call(query=query)
        )

    async def change_organisation(self, organisation: str, request: OrganisationChange) -> Organisation:
        """Change a tenant's name, quota or size limit; what is absent stays."""
        call = Call(path={"organisation": organisation}, body=request)
        return await self._transport.fetch(self._route("change_organisation"), Organisation, call)

    async def create_account(
        self, request: AccountRequest, *, idempotency_key: str | None = None
    ) -> AccountIssued:
        """Make an account and its one-use enrolment code, which is shown here and nowhere else."""
        call = Call(body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("create_account"), AccountIssued, call)

    async def list_accounts(self, query: Paging | None = None) -> Page[Account]:
        """Return one page of all accounts."""
        return await self._transport.fetch(self._route("list_accounts"), Page[Account], Call(query=query))

    async def get_account(self, account: str) -> Account:
        """Return one account."""
        return await self._transport.fetch(
            self._route("get_account"), Account, Call(path={"account": account})
        )

    async def change_account(self, account: str, request: AccountChange) -> AccountIssued:
        """Disable or enable an account, or give it a new enrolment code."""
        call = Call(path={"account": account}, body=request)
        return await self._transport.fetch(self._route("change_account"), AccountIssued, call)

    async def habilitate(self, account: str, request: StatementRequest) -> Account:
        """Store the authority's habilitation of an account's identity."""
        call = Call(path={"account": account}, body=request)
        return await self._transport.fetch(self._route("habilitate"), Account, call)

    async def withdraw_habilitation(self, account: str, request: StatementRequest) -> Account:
        """Store the withdrawal of an account's habilitation."""
        call = Call(path={"account": account}, body=request)
        return await self._transport.fetch(self._route("withdraw_habilitation"), Account, call)

    async def create_token(self, request: TokenRequest, *, idempotency_key: str | None = None) -> TokenIssued:
        """Make a token; its text is shown here and nowhere else."""
        call = Call(body=request, idempotency_key=idempotency_key)
        return await self._transport.fetch(self._route("create_token"), TokenIssued, call)

    async def list_tokens(self, query: Paging | None = None) -> Page[Token]:
        """Return one page of one's own tokens, or, for an admin, of everyone's."""
        return await self._transport.fetch(self._route("list_tokens"), Page[Token], Call(query=query))

    async def rotate_token(self, token: str, request: TokenRotation) -> TokenRotated:
        """Put another token in the place of one, named by its id."""
        call = Call(path={"token": token}, body=request)
        return await self._transport.fetch(self._route("rotate_token"), TokenRotated, call)

    async def revoke_token(self, token: str) -> None:
        """End a token, named by its id."""
        await self._transport.tell(self._route("revoke_token"), Call(path={"token": token}))

    async def enrol(self, request: EnrolmentRequest) -> Account:
        """Tie an identity to an account: see `client.remote.signin.enrol`."""
        return await self._transport.fetch(self._route("enrol"), Account, Call(body=request))

    async def list_reviewers(self, query: Paging | None = None) -> Page[Reviewer]:
        """Return one page of those whom a dossier can be granted to; check their habilitations."""
        return await self._transport.fetch(self._route("list_reviewers"), Page[Reviewer], Call(query=query))
