"""Service tokens: shown once, scoped, expiring, revocable."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from vault.api.models.people import TokenIssued, TokenRotated
from vault.api.problems import Code
from vault.api.tokens import TOKEN_PREFIX
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import Role
from vault.server.ports import AlreadyExistsError, OutdatedError, new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.secrets import new_token

if TYPE_CHECKING:
    from vault.api.models.base import Page, Paging
    from vault.api.models.people import Token, TokenRequest, TokenRotation
    from vault.server.policy import Principal
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.stores.records import rows


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

    async def rotate(self, token_id: str, request: TokenRotation, act: Act) -> TokenRotated:
        """Put a token that the caller drew in the place of one, which ends after an overlap.

        The new one has the same account, label and scope. Made by an admin it lasts as long as the old one
        was made for; a token that rotates itself lasts no longer than it would have, see `create`. What took
        its place already is answered again.

        Raises:
            RefusedError: forbidden, with another token than this one; conflict, where it has ended or another
                has its place; already_exists, where the new one is known; invalid_request, where its account
                is disabled.
        """
        who, secret_hash = act.principal, bytes.fromhex(request.secret_hash)
        if who.role is not Role.ADMIN and who.token != token_id:
            raise RefusedError(Code.FORBIDDEN, "a token is rotated by itself, or by an admin")
        async with self._records.read() as view:
            answer = await _rotated(view, token_id, secret_hash)
        if answer is not None:
            return answer
        try:
            return await self._replace(token_id, request.overlap, secret_hash, act)
        except OutdatedError:
            # An equal request was faster, perhaps.
            async with self._records.read() as view:
                answer = await _rotated(view, token_id, secret_hash)
            if answer is None:
                raise _ended() from None
            return answer

    async def _replace(self, token_id: str, overlap: int, secret_hash: bytes, act: Act) -> TokenRotated:
        async with self._records.change(act.origin) as tx:
            row = await tx.tokens.get(token_id)
            assert row is not None
            if row.replaced_by is not None:
                raise OutdatedError("another token has its place")
            if row.revoked_at is not None or row.expires_at <= tx.now:
                raise _ended()
            account = await tx.accounts.get(row.account_id)
            if account is None or account.disabled_at is not None:
                raise RefusedError(Code.INVALID_REQUEST, "the account is disabled", field="token")
            reach(Failpoint.CREDENTIAL_JUDGED)
            try:
                made = await tx.tokens.add(
                    token_id=new_id(),
                    account_id=row.account_id,
                    secret_hash=secret_hash,
                    label=row.label,
                    read_only=row.read_only,
                    expires_at=_end_of_next(row, act.principal, tx.now),
                )
            except AlreadyExistsError:
                raise RefusedError(
                    Code.ALREADY_EXISTS, "this token is there already; draw another", field="secret_hash"
                ) from None
            reach(Failpoint.CREDENTIAL_ADDED)
            ends = min(row.expires_at, tx.now + overlap)
            await tx.tokens.replace(token_id, replaced_by=made.id, expires_at=ends)
            reach(Failpoint.CREDENTIAL_REPLACED)
            await tx.record(
                Action.TOKEN_ROTATED,
                [Subject("token", token_id), Subject("token", made.id), Subject("account", row.account_id)],
                {Fact.FROM: ends, Fact.UNTIL: made.expires_at},
            )
            former = row._replace(replaced_by=made.id, expires_at=ends)
            return TokenRotated(token=views.token(made), former=views.token(former))

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


async def _rotated(view: View, token_id: str, secret_hash: bytes) -> TokenRotated | None:
    """Return what stands there where this very token has the place already; None where none has it.

    Raises:
        RefusedError: conflict, where another one has it.
    """
    row = await view.tokens.get(token_id)
    if row is None or row.replaced_by is None:
        return None
    made = await view.tokens.get(row.replaced_by)
    assert made is not None
    if not hmac.compare_digest(made.secret_hash, secret_hash):
        raise RefusedError(
            Code.CONFLICT,
            "another token has its place already; rotate that one, or revoke it",
            extra={"replaced_by": made.id},
        )
    return TokenRotated(token=views.token(made), former=views.token(row))


def _end_of_next(row: rows.Token, who: Principal, now: int) -> int:
    if who.role is Role.ADMIN:
        return now + row.expires_at - row.created_at
    return row.expires_at


def _ended() -> RefusedError:
    return RefusedError(Code.CONFLICT, "the token has ended; make another")
