"""Accounts: made, listed, disabled, and given enrolment codes by admins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.base import Page
from vault.api.models.people import AccountIssued
from vault.api.models.signin import Role
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.ports import new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.secrets import new_code

if TYPE_CHECKING:
    from vault.api.models.base import Paging
    from vault.api.models.people import Account, AccountChange, AccountRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class Accounts:
    """People and programs that the vault knows by name."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs, *, enrolment_seconds: int) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs
        self._enrolment_seconds = enrolment_seconds

    async def create(self, request: AccountRequest, act: Act) -> AccountIssued:
        """Make an account and its one-use code.

        Raises:
            RefusedError: invalid_request where role and organisation do not fit together.
        """
        if (request.role is Role.PORTAL) != (request.organisation is not None):
            raise RefusedError(
                Code.INVALID_REQUEST, "a portal has an organisation, nobody else", field="organisation"
            )
        code = new_code()
        until = self._clock.now() + self._enrolment_seconds
        async with self._records.change(act.origin) as tx:
            if request.organisation and await tx.organisations.get(request.organisation) is None:
                raise RefusedError(
                    Code.INVALID_REQUEST, "there is no such organisation", field="organisation"
                )
            row = await tx.accounts.add(
                account_id=new_id(),
                role=request.role.value,
                name=request.name,
                organisation_id=request.organisation,
                enrolment_hash=code.hash,
                enrolment_until=until,
            )
            await tx.record(
                Action.ACCOUNT_CREATED, [Subject("account", row.id)], {Fact.ROLE: request.role.value}
            )
            answer = AccountIssued(account=views.account(row), enrolment_code=code.text, code_expires=until)
            await act.remember(tx, answer, secret=frozenset({"enrolment_code"}))
        return answer

    async def list(self, paging: Paging) -> Page[Account]:
        """Return a page of all accounts."""
        async with self._records.read() as view:
            found = await view.accounts.list(cursor=paging.cursor, limit=paging.limit)
            items = [await self.view(view, row) for row in found.items]
        return Page(items=tuple(items), next=found.next)

    async def get(self, account_id: str) -> Account:
        """Return one account.

        Raises:
            RefusedError: not_found.
        """
        async with self._records.read() as view:
            return await self.view(view, await self.row(view, account_id))

    async def change(self, account_id: str, request: AccountChange, act: Act) -> AccountIssued:
        """Disable or enable an account, or give it a new code; one of these at a time.

        Raises:
            RefusedError: not_found; invalid_request where not exactly one change is asked for.
        """
        if (request.disabled is None) == (not request.new_enrolment_code):
            raise RefusedError(
                Code.INVALID_REQUEST, "ask for one change: disabled, or new_enrolment_code", field="disabled"
            )
        async with self._records.change(act.origin) as tx:
            await self.row(tx, account_id)
            if request.disabled is None:
                return await self._new_code(tx, account_id)
            if request.disabled:
                if act.who is not None and act.who.account == account_id:
                    raise RefusedError(
                        Code.INVALID_REQUEST, "an admin is disabled by another one", field="disabled"
                    )
                await tx.accounts.disable(account_id)
            else:
                await tx.accounts.enable(account_id)
            action = Action.ACCOUNT_DISABLED if request.disabled else Action.ACCOUNT_ENABLED
            await tx.record(action, [Subject("account", account_id)])
            return AccountIssued(account=await self.view(tx, await self.row(tx, account_id)))

    async def _new_code(self, tx: Change, account_id: str) -> AccountIssued:
        code, until = new_code(), tx.now + self._enrolment_seconds
        await tx.accounts.new_code(account_id, enrolment_hash=code.hash, enrolment_until=until)
        await tx.record(Action.ACCOUNT_CODE_MADE, [Subject("account", account_id)])
        account = await self.view(tx, await self.row(tx, account_id))
        return AccountIssued(account=account, enrolment_code=code.text, code_expires=until)

    @staticmethod
    async def row(view: View, account_id: str) -> rows.Account:
        """Return an account's row.

        Raises:
            RefusedError: not_found.
        """
        row = await view.accounts.get(account_id)
        if row is None:
            raise RefusedError(Code.NOT_FOUND, "there is no such account")
        return row

    async def view(self, view: View, row: rows.Account) -> Account:
        """Return an account with its habilitation, what withdrew it, and whose place its keys took."""
        if row.signing_key_id is None:
            return views.account(row)
        said = await self._beliefs.habilitation_rows(view, row)
        return views.account(row, *said, await self._beliefs.inherited(view, row))
