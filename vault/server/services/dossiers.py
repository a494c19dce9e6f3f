"""Dossiers: opened with a key and its grants, listed, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.derivation import key_id
from keys.statements import DossierKey
from vault.api.models.base import Page
from vault.api.models.dossiers import DossierKeys, DossierState
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.policy import Role, scope
from vault.server.ports import AlreadyExistsError, OutdatedError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.grants import add_grants
from vault.server.services.keeping import keep

if TYPE_CHECKING:
    from keys.statements import Signed
    from keys.trust import Verified
    from vault.api.models.dossiers import Dossier, DossierQuery, DossierRequest
    from vault.server.policy import Principal
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class Dossiers:
    """What belongs to one product's démarche."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs

    async def create(self, request: DossierRequest, act: Act) -> Dossier:
        """Open a dossier: its key statement, and grants to at least one admin.

        Raises:
            RefusedError: statement_invalid; authority_missing; already_exists; invalid_request; forbidden.
        """
        who = act.principal
        organisation = self._organisation(request, who)
        signed_key = views.signed_of(request.key, "key")
        signed_grants = [views.signed_of(grant, f"grants.{n}") for n, grant in enumerate(request.grants)]
        async with self._records.change(act.origin) as tx:
            if await tx.organisations.get(organisation) is None:
                raise RefusedError(
                    Code.INVALID_REQUEST, "there is no such organisation", field="organisation"
                )
            opener = await self._opener(tx, who, request.procedure)
            key = await self._first_key(tx, signed_key, request.id, opener)
            row = await self._add(tx, request, organisation, who)
            await keep(tx, key, subject=key_id(key.statement.public_key), dossier_id=row.id, generation=1)
            await add_grants(tx, self._beliefs, signed_grants, row.id, generation=1, opener=opener)
            await tx.record(
                Action.DOSSIER_CREATED,
                [Subject("dossier", row.id), Subject("organisation", organisation)],
                {Fact.KEY: key_id(key.statement.public_key), Fact.COUNT: len(signed_grants)},
            )
            answer = views.dossier(row)
            await act.remember(tx, answer)
        return answer

    async def list(self, query: DossierQuery, act: Act) -> Page[Dossier]:
        """Return a page of the dossiers that one may see."""
        seen = scope(act.principal)
        if seen.nothing:
            return Page(items=())
        closed = None if query.state is None else query.state is not DossierState.OPEN
        # Whatever is erased was closed before.
        erased = query.state is DossierState.ERASED if closed else None
        async with self._records.read() as view:
            found = await view.dossiers.list(
                organisation_id=seen.organisation,
                mandated=(seen.mandated, self._clock.now()) if seen.mandated else None,
                grantee=seen.grantee,
                closed=closed,
                erased=erased,
                cursor=query.cursor,
                limit=query.limit,
            )
            items = [row for row in found.items if await self._visible(view, row, act.principal)]
        return Page(items=tuple(views.dossier(row) for row in items), next=found.next)

    async def get(self, dossier_id: str) -> Dossier:
        """Return one dossier, which policy has judged."""
        async with self._records.read() as view:
            row = await view.dossiers.get(dossier_id)
        assert row is not None
        return views.dossier(row)

    async def close(self, dossier_id: str, act: Act) -> Dossier:
        """Close a dossier: it takes no deposit any more, and what it holds stays.

        Raises:
            RefusedError: dossier_closed.
        """
        async with self._records.change(act.origin) as tx:
            try:
                await tx.dossiers.close(dossier_id)
            except OutdatedError:
                raise RefusedError(Code.DOSSIER_CLOSED, "the dossier is closed already") from None
            await tx.record(Action.DOSSIER_CLOSED, [Subject("dossier", dossier_id)])
            row = await tx.dossiers.get(dossier_id)
            assert row is not None
        return views.dossier(row)

    async def keys(self, dossier_id: str) -> DossierKeys:
        """Return a dossier's key statements, the oldest first, with what their issuers rest on."""
        async with self._records.read() as view:
            row = await view.dossiers.get(dossier_id)
            assert row is not None
            found = await view.statements.find("dossier key", dossier_id=dossier_id)
            issuers = await self._beliefs.issuers(view, found)
            organisation = await view.organisations.get(row.organisation_id)
            assert organisation is not None
        return DossierKeys(
            dossier=dossier_id,
            current=row.generation,
            keys=tuple(views.statement(key) for key in found),
            issuers=issuers,
            passwords=organisation.passwords,
        )

    async def _visible(self, view: View, row: rows.Dossier, who: Principal) -> bool:
        """Judge what a list's query cannot: scopes and mandates by what the authority signed."""
        if who.role is Role.REVIEWER:
            return await self._beliefs.in_scope(view, who, row.procedure, self._clock.now())
        if who.editor_key is not None:
            return bool(await self._beliefs.mandates(view, row.id, who.editor_key, self._clock.now()))
        return True

    @staticmethod
    def _organisation(request: DossierRequest, who: Principal) -> str:
        if who.role is Role.PORTAL:
            if request.organisation not in {None, who.organisation}:
                raise RefusedError(
                    Code.FORBIDDEN, "a portal opens dossiers of its own organisation", field="organisation"
                )
            assert who.organisation is not None
            return who.organisation
        if request.organisation is None:
            raise RefusedError(
                Code.INVALID_REQUEST,
                "name the organisation that the dossier belongs to",
                field="organisation",
            )
        return request.organisation

    async def _opener(self, tx: Change, who: Principal, procedure: str) -> bytes | None:
        """Return the portal's signing public key, after asking whether it may open for this démarche."""
        if who.role is not Role.PORTAL:
            return None
        if not await self._beliefs.in_scope(tx, who, procedure, tx.now):
            raise RefusedError(
                Code.FORBIDDEN, "the portal's habilitation does not cover this démarche", field="procedure"
            )
        assert who.account is not None
        account = await tx.accounts.get(who.account)
        return account.signing_public if account else None

    async def _first_key(
        self, tx: Change, signed: Signed, dossier_id: str, opener: bytes | None
    ) -> Verified[DossierKey]:
        key = await self._beliefs.accept(tx, signed, DossierKey, now=tx.now, field="key", opener=opener)
        authority = await self._beliefs.present_authority(tx)
        statement = key.statement
        if statement.dossier != dossier_id or statement.generation != 1:
            raise RefusedError(
                Code.STATEMENT_INVALID, "this is not the first key of this dossier", field="key"
            )
        if authority.signing_key_id not in statement.writers:
            raise RefusedError(Code.STATEMENT_INVALID, "the authority is not among the writers", field="key")
        return key

    @staticmethod
    async def _add(tx: Change, request: DossierRequest, organisation: str, who: Principal) -> rows.Dossier:
        assert who.account is not None
        try:
            return await tx.dossiers.add(
                dossier_id=request.id,
                organisation_id=organisation,
                procedure=request.procedure,
                product=request.product,
                product_version=request.version,
                opened_by=who.account,
            )
        except AlreadyExistsError:
            raise RefusedError(Code.ALREADY_EXISTS, "draw another id for the dossier", field="id") from None
