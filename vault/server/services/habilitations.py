"""Habilitations and their withdrawal, and the list of who can be granted a dossier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.keyfile import encode_public
from keys.statements import Habilitation, Withdrawal
from vault.api.models.base import Page
from vault.api.models.people import Reviewer
from vault.api.models.signin import Role
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.policy import Role as Asker
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.keeping import keep

if TYPE_CHECKING:
    from vault.api.models.base import Paging
    from vault.api.models.people import Account, StatementRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.accounts import Accounts
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows


class Habilitations:
    """Stores what the authority says about identities of accounts."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs, accounts: Accounts) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs
        self._accounts = accounts

    async def habilitate(self, account_id: str, request: StatementRequest, act: Act) -> Account:
        """Store the authority's habilitation of an account's identity in its role.

        Raises:
            RefusedError: not_found; statement_invalid; authority_missing; already_exists.
        """
        signed = views.signed_of(request.statement, "statement")
        async with self._records.change(act.origin) as tx:
            row = await self._accounts.row(tx, account_id)
            verified = await self._beliefs.accept(tx, signed, Habilitation, now=tx.now, field="statement")
            statement = verified.statement
            if statement.subject != views.identity_of(row) or statement.role != row.role:
                raise RefusedError(
                    Code.STATEMENT_INVALID,
                    "the statement is about another identity or role than this account's",
                    field="statement",
                )
            if row.organisation_id is not None:
                await _check_organisation(tx, row.organisation_id, statement)
            await keep(tx, verified, subject=statement.subject.signing_key_id)
            await tx.record(
                Action.ACCOUNT_HABILITATED,
                [Subject("account", row.id)],
                {Fact.STATEMENT: verified.id, Fact.UNTIL: statement.valid_until},
            )
            return await self._accounts.view(tx, row)

    async def withdraw(self, account_id: str, request: StatementRequest, act: Act) -> Account:
        """Store the withdrawal of an account's habilitation: from its date on nothing rests on that any more.

        Raises:
            RefusedError: not_found; statement_invalid; authority_missing; already_exists.
        """
        signed = views.signed_of(request.statement, "statement")
        async with self._records.change(act.origin) as tx:
            row = await self._accounts.row(tx, account_id)
            verified = await self._beliefs.accept(tx, signed, Withdrawal, now=tx.now, field="statement")
            withdrawn = await tx.statements.get(verified.statement.withdrawn)
            if (
                withdrawn is None
                or withdrawn.kind != "habilitation"
                or withdrawn.subject != row.signing_key_id
            ):
                raise RefusedError(
                    Code.STATEMENT_INVALID,
                    "the statement does not withdraw a habilitation of this account",
                    field="statement",
                )
            if withdrawn.withdrawn_by is not None:
                raise RefusedError(Code.ALREADY_EXISTS, "the habilitation was withdrawn before")
            await keep(tx, verified, subject=withdrawn.id)
            await tx.statements.withdraw(withdrawn.id, by=verified.id, at=verified.statement.issued)
            await tx.record(
                Action.ACCOUNT_WITHDRAWN,
                [Subject("account", row.id)],
                {Fact.STATEMENT: verified.id, Fact.REASON: verified.statement.reason},
            )
            return await self._accounts.view(tx, row)

    async def reviewers(self, paging: Paging, act: Act) -> Page[Reviewer]:
        """Return enrolled reviewers and admins; to a reviewer itself alone."""
        who = act.principal
        async with self._records.read() as view:
            if who.role is Asker.REVIEWER:
                assert who.account is not None
                row = await view.accounts.get(who.account)
                items = (await self._reviewer(view, row),) if row and row.signing_key_id else ()
                return Page(items=items)
            found = await view.accounts.list(
                roles=(Role.REVIEWER.value, Role.ADMIN.value),
                enrolled=True,
                cursor=paging.cursor,
                limit=paging.limit,
            )
            listed = [await self._reviewer(view, row) for row in found.items if row.disabled_at is None]
        return Page(items=tuple(listed), next=found.next)

    async def _reviewer(self, view: View, row: rows.Account) -> Reviewer:
        identity = views.identity_of(row)
        assert identity is not None
        habilitation, withdrawal = await self._beliefs.habilitation_rows(view, row)
        return Reviewer(
            account=row.id,
            name=row.name,
            role=Role(row.role),
            identity=encode_public(identity),
            fingerprint=identity.fingerprint,
            kem_key_id=identity.kem_key_id.hex(),
            signing_key_id=identity.signing_key_id.hex(),
            habilitation=views.statement(habilitation) if habilitation else None,
            withdrawal=views.statement(withdrawal) if withdrawal else None,
            successions=tuple(map(views.statement, await self._beliefs.inherited(view, row))),
            valid=await self._beliefs.is_habilitated(view, row, self._clock.now()),
        )


async def _check_organisation(view: View, organisation_id: str, statement: Habilitation) -> None:
    """Refuse a portal's habilitation that the authority gave for another tenant."""
    organisation = await view.organisations.get(organisation_id)
    assert organisation is not None
    if statement.organisation not in {organisation.id, organisation.name}:
        raise RefusedError(
            Code.STATEMENT_INVALID,
            "the statement names another organisation than this account's",
            field="statement",
        )
