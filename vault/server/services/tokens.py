"""Service tokens: shown once, scoped, expiring, revocable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.people import TokenIssued
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.policy import Role
from vault.server.ports import new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.secrets import TOKEN_PREFIX, new_token

if TYPE_CHECKING:
    from vault.api.models.base import Page, Paging
    from vault.api.models.people import Token, TokenRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act


class Tokens:
    """What programs sign in with."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def create(self, request: TokenRequest, act: Act) -> TokenIssued:
        """Make a token for oneself or, as an admin, for anyone.

        A token that somebody makes for itself never outlives what it signed in with: otherwise a stolen one
        could renew itself for ever.

        Raises:
            RefusedError: forbidden, for another account; invalid_request, for one that is not there.
        """
        who = act.principal
        owner = request.account or who.account
        assert owner is not None
        if owner != who.account and who.role is not Role.ADMIN:
            raise RefusedError(Code.FORBIDDEN, "a token for another account is made by an admin")
        expires = self._clock.now() + request.lifetime
        if who.expires is not None and who.role is not Role.ADMIN:
            expires = min(expires, who.expires)
        secret = new_token(TOKEN_PREFIX)
        async with self._records.change(act.origin) as tx:
            account = await tx.accounts.get(owner)
            if account is None or account.disabled_at is not None:
                raise RefusedError(
                    Code.INVALID_REQUEST, "there is no such account, or it is disabled", field="account"
                )
            row = await tx.tokens.add(
                token_id=new_id(),
                account_id=owner,
                secret_hash=secret.hash,
                label=request.label,
                read_only=request.read_only,
                expires_at=expires,
            )
            await tx.record(
                Action.TOKEN_CREATED,
                [Subject("token", row.id), Subject("account", owner)],
                {Fact.UNTIL: row.expires_at},
            )
            answer = TokenIssued(token=views.token(row), secret=secret.text)
            await act.remember(tx, answer, secret=frozenset({"secret"}))
        return answer

    async def list(self, paging: Paging, act: Act) -> Page[Token]:
        """Return a page of one's own tokens; of everyone's for an admin."""
        who = act.principal
        account = None if who.role is Role.ADMIN else who.account
        async with self._records.read() as view:
            found = await view.tokens.list(account_id=account, cursor=paging.cursor, limit=paging.limit)
        return views.page(found, views.token)

    async def revoke(self, token_id: str, act: Act) -> None:
        """End a token; one that has ended stays so."""
        async with self._records.read() as view:
            row = await view.tokens.get(token_id)
        if row is None or row.revoked_at is not None:
            return
        async with self._records.change(act.origin) as tx:
            await tx.tokens.revoke(token_id)
            await tx.record(
                Action.TOKEN_REVOKED, [Subject("token", token_id), Subject("account", row.account_id)]
            )
