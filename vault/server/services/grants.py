"""Grants: to whom a dossier's key was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.statements import Grant as GrantStatement
from vault.api.models.base import Page
from vault.api.models.dossiers import MyGrants
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import Role
from vault.server.ports import AlreadyExistsError, OutdatedError, new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.granted import shown
from vault.server.services.keeping import keep, require_kept

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keys.statements import Signed
    from keys.trust import Verified
    from vault.api.models.base import Paging
    from vault.api.models.dossiers import Grant
    from vault.api.models.people import StatementRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class Grants:
    """Adds, lists, hands out and revokes grants."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs

    async def add(self, dossier_id: str, request: StatementRequest, act: Act) -> Grant:
        """Give a dossier's key to one more person, by a grant that the authority or an admin signed.

        Raises:
            RefusedError: statement_invalid; authority_missing; already_exists; dossier_erased.
        """
        signed = views.signed_of(request.statement, "statement")
        async with self._records.change(act.origin) as tx:
            verified = await self._beliefs.accept(tx, signed, GrantStatement, now=tx.now, field="statement")
            statement = verified.statement
            dossier = await tx.dossiers.get(dossier_id)
            assert dossier is not None
            require_kept(dossier)
            keys = await tx.statements.find(
                "dossier key", dossier_id=dossier_id, generation=statement.generation
            )
            if not keys:
                raise RefusedError(
                    Code.STATEMENT_INVALID, "the dossier has no key of this generation", field="statement"
                )
            account = await check_grant(
                tx,
                self._beliefs,
                statement,
                dossier_id,
                generation=statement.generation,
                now=tx.now,
                field="statement",
            )
            reach(Failpoint.GRANT_JUDGED)
            try:
                row, stored = await _keep(tx, verified, account)
            except AlreadyExistsError:
                raise RefusedError(
                    Code.ALREADY_EXISTS, "this person has a grant of this generation"
                ) from None
            await tx.record(
                Action.GRANT_ADDED,
                [Subject("dossier", dossier_id), Subject("grant", row.id), Subject("account", account.id)],
                {Fact.GENERATION: row.generation, Fact.STATEMENT: stored.id},
            )
            (answer,) = await shown(tx, self._beliefs, [row])
            await act.remember(tx, answer)
        return answer

    async def list(self, dossier_id: str, paging: Paging) -> Page[Grant]:
        """Return a page of a dossier's grants, revoked ones included."""
        async with self._records.read() as view:
            found = await view.grants.list(dossier_id, cursor=paging.cursor, limit=paging.limit)
            items = await shown(view, self._beliefs, found.items)
        return Page(items=items, next=found.next)

    async def revoke(self, dossier_id: str, grant_id: str, act: Act) -> None:
        """End a grant; one that has ended stays so.

        Raises:
            RefusedError: not_found.
        """
        async with self._records.read() as view:
            row = await view.grants.get(grant_id)
        if row is None or row.dossier_id != dossier_id:
            raise RefusedError(Code.NOT_FOUND, "there is no such grant")
        if row.revoked_at is not None:
            return
        async with self._records.change(act.origin) as tx:
            try:
                await tx.grants.revoke(grant_id)
            except OutdatedError:
                raise RefusedError(Code.NOT_FOUND, "there is no such grant") from None
            reach(Failpoint.GRANT_REVOKED)
            await tx.record(
                Action.GRANT_REVOKED,
                [Subject("dossier", dossier_id), Subject("grant", grant_id)],
                {Fact.GENERATION: row.generation, Fact.KEY: row.grantee},
            )

    async def mine(self, dossier_id: str, act: Act) -> MyGrants:
        """Return what opens a dossier for the one who asks, and note in the journal that it was handed out.

        That is: its grants, the key statements of their generations, the depositors' mandates, and the
        habilitations of whoever issued these.
        """
        grantee = act.principal.kem_key
        assert grantee is not None
        async with self._records.change(act.origin) as tx:
            granted = await tx.grants.standing(dossier_id, grantee)
            statements = [await tx.statements.get(row.statement_id) for row in granted]
            grants = [row for row in statements if row is not None]
            generations = {row.generation for row in granted}
            keys = [
                row
                for row in await tx.statements.find("dossier key", dossier_id=dossier_id)
                # The first key says who opened the dossier, which is what portals' words are judged by.
                if row.generation in generations or row.generation == 1
            ]
            mandates = await tx.statements.find("mandate", dossier_id=dossier_id)
            issuers = await self._beliefs.issuers(tx, [*grants, *keys, *mandates])
            await tx.record(Action.GRANT_FETCHED, [Subject("dossier", dossier_id)], {Fact.COUNT: len(grants)})
        return MyGrants(
            dossier=dossier_id,
            grants=tuple(views.statement(row) for row in grants),
            keys=tuple(views.statement(row) for row in keys),
            mandates=tuple(views.statement(row) for row in mandates),
            issuers=issuers,
        )


async def add_grants(
    tx: Change,
    beliefs: Beliefs,
    grants: Iterable[Signed],
    dossier_id: str,
    *,
    generation: int,
    opener: bytes | None = None,
) -> None:
    """Store the grants that come along with a dossier's key.

    Raises:
        RefusedError: statement_invalid, also where none is to an admin; already_exists.
    """
    admins = 0
    for number, signed in enumerate(grants):
        field = f"grants.{number}"
        verified = await beliefs.accept(tx, signed, GrantStatement, now=tx.now, field=field, opener=opener)
        account = await check_grant(
            tx, beliefs, verified.statement, dossier_id, generation=generation, now=tx.now, field=field
        )
        admins += account.role == Role.ADMIN.value
        try:
            await _keep(tx, verified, account)
        except AlreadyExistsError:
            raise RefusedError(
                Code.ALREADY_EXISTS, "two of the grants are to the same person", field=field
            ) from None
    if not admins:
        raise RefusedError(Code.STATEMENT_INVALID, "one of the grants has to be to an admin", field="grants")


async def _keep(
    tx: Change, verified: Verified[GrantStatement], account: rows.Account
) -> tuple[rows.Grant, rows.StoredStatement]:
    """Store a grant that was judged, with its statement; raises `AlreadyExistsError` where there is one."""
    statement = verified.statement
    stored = await keep(
        tx,
        verified,
        subject=statement.grantee,
        dossier_id=statement.dossier,
        generation=statement.generation,
    )
    reach(Failpoint.GRANT_STATED)
    row = await tx.grants.add(
        grant_id=new_id(),
        dossier_id=statement.dossier,
        generation=statement.generation,
        grantee=statement.grantee,
        account_id=account.id,
        statement_id=stored.id,
    )
    reach(Failpoint.GRANT_ADDED)
    return row, stored


async def check_grant(
    view: View,
    beliefs: Beliefs,
    statement: GrantStatement,
    dossier_id: str,
    *,
    generation: int,
    now: int,
    field: str,
) -> rows.Account:
    """Return whose grant it is: an enrolled reviewer or admin, habilitated now for the dossier's démarche.

    Raises:
        RefusedError: statement_invalid.
    """
    if statement.dossier != dossier_id or statement.generation != generation:
        raise RefusedError(
            Code.STATEMENT_INVALID, "the grant is for another dossier or generation", field=field
        )
    account = await view.accounts.by_kem_key(statement.grantee)
    if account is None or account.role not in {"reviewer", "admin"} or account.disabled_at is not None:
        raise RefusedError(
            Code.STATEMENT_INVALID, "the grant is to nobody who is enrolled as reviewer or admin", field=field
        )
    if not await beliefs.is_habilitated(view, account, now):
        raise RefusedError(
            Code.STATEMENT_INVALID, "the grantee's habilitation is missing or not valid", field=field
        )
    dossier = await view.dossiers.get(dossier_id)
    assert dossier is not None
    if not await beliefs.covers(view, account, dossier.procedure, now):
        raise RefusedError(
            Code.STATEMENT_INVALID,
            "the grantee's habilitation does not cover the dossier's démarche",
            field=field,
        )
    return account
