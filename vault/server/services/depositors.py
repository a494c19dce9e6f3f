"""Depositors: signing keys with a mandate for a dossier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.canonical import encode_binary
from keys.derivation import key_id
from keys.errors import KeyMaterialError
from keys.possession import verify_signer
from keys.signing import PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH
from keys.statements import Mandate, read_unjudged
from vault.api.models.base import Page
from vault.api.models.dossiers import Depositor
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.ports import OutdatedError, new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.keeping import keep, require_kept

if TYPE_CHECKING:
    from vault.api.models.base import Paging
    from vault.api.models.dossiers import DepositorRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class Depositors:
    """Gives mandates and ends them."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs, *, origin: str) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs
        self._origin = origin

    async def add(self, dossier_id: str, request: DepositorRequest, act: Act) -> Depositor:
        """Store a mandate for a signing key whose possession is proven.

        Raises:
            RefusedError: statement_invalid; authority_missing; possession_unproven; already_exists;
                dossier_closed; dossier_erased; invalid_request.
        """
        signed = views.signed_of(request.mandate, "mandate")
        public_key = views.bytes_of(request.key, PUBLIC_KEY_LENGTH, "key")
        signer = key_id(public_key)
        async with self._records.change(act.origin) as tx:
            dossier = await tx.dossiers.get(dossier_id)
            assert dossier is not None
            require_kept(dossier)
            if dossier.closed_at is not None:
                raise RefusedError(Code.DOSSIER_CLOSED, "the dossier is closed")
            opener = await self._beliefs.opener(tx, dossier_id)
            verified = await self._beliefs.accept(
                tx, signed, Mandate, now=tx.now, field="mandate", opener=opener
            )
            if verified.statement.dossier != dossier_id or verified.statement.signer != signer:
                raise RefusedError(
                    Code.STATEMENT_INVALID, "the mandate is for another dossier or key", field="mandate"
                )
            await self._prove(tx, dossier_id, public_key, request)
            if await tx.accounts.by_signing_key(signer) is not None:
                raise RefusedError(
                    Code.ALREADY_EXISTS, "an account has this key; depositors have their own", field="key"
                )
            if await tx.statements.find("succession", subject=signer):
                raise RefusedError(
                    Code.STATEMENT_INVALID, "the key has handed over to a successor", field="key"
                )
            stored = await keep(tx, verified, subject=signer, dossier_id=dossier_id)
            row = await tx.depositors.add(
                depositor_id=new_id(),
                dossier_id=dossier_id,
                signing_key_id=signer,
                signing_public=public_key,
                mandate_id=stored.id,
                label=request.label,
            )
            await tx.record(
                Action.DEPOSITOR_ADDED,
                [Subject("dossier", dossier_id), Subject("depositor", signer.hex())],
                {Fact.STATEMENT: stored.id, Fact.UNTIL: verified.statement.valid_until},
            )
            answer = await self._view(tx, row, stored)
            await act.remember(tx, answer)
        return answer

    async def list(self, dossier_id: str, paging: Paging) -> Page[Depositor]:
        """Return a page of who has a mandate, valid now or not."""
        async with self._records.read() as view:
            found = await view.depositors.list(dossier_id, cursor=paging.cursor, limit=paging.limit)
            items = []
            for row in found.items:
                stored = await view.statements.get(row.mandate_id)
                assert stored is not None
                items.append(await self._view(view, row, stored))
        return Page(items=tuple(items), next=found.next)

    async def remove(self, dossier_id: str, signing_key_id: bytes, act: Act) -> None:
        """End a key's mandates for a dossier; one that handed over stands for the key that followed it.

        Raises:
            RefusedError: not_found.
        """
        async with self._records.change(act.origin) as tx:
            key = await self._beliefs.present(tx, signing_key_id)
            try:
                count = await tx.depositors.remove(dossier_id, key)
            except OutdatedError:
                raise RefusedError(Code.NOT_FOUND, "the key has no mandate there") from None
            await tx.record(
                Action.DEPOSITOR_REMOVED,
                [Subject("dossier", dossier_id), Subject("depositor", key.hex())],
                {Fact.COUNT: count},
            )

    async def _prove(self, tx: Change, dossier_id: str, public_key: bytes, request: DepositorRequest) -> None:
        """Ask for the proof that somebody holds the key: a signature, or a template that it sealed."""
        if request.possession is None:
            if await tx.templates.by_signer(dossier_id, key_id(public_key)):
                return
            raise RefusedError(
                Code.POSSESSION_UNPROVEN,
                "send possession, or store a template that this key sealed",
                field="possession",
            )
        signature = views.bytes_of(request.possession, SIGNATURE_LENGTH, "possession")
        try:
            verify_signer(public_key, signature, origin=self._origin, dossier=dossier_id)
        except KeyMaterialError:
            raise RefusedError(
                Code.POSSESSION_UNPROVEN,
                f"the signature is not that of this key for this dossier at {self._origin}",
                field="possession",
            ) from None

    async def _view(self, view: View, row: rows.Depositor, stored: rows.StoredStatement) -> Depositor:
        mandate = read_unjudged(views.stored(stored), Mandate)
        valid = await self._beliefs.mandates(view, row.dossier_id, row.signing_key_id, self._clock.now())
        return Depositor(
            dossier=row.dossier_id,
            key_id=row.signing_key_id.hex(),
            key=encode_binary(row.signing_public),
            mandate=views.statement(stored),
            evidence_types=mandate.evidence_types,
            may_replace=mandate.may_replace,
            label=row.label,
            created=row.created_at,
            valid=mandate in valid,
        )
