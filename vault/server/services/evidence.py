"""Proofs as they are listed, shown and archived; their receipts and openings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.canonical import encode_binary
from keys.statements import Opening as OpeningStatement
from vault.api.models.evidence import Opening, Original, Receipt
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import scope
from vault.server.ports import OutdatedError, new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.keeping import keep, require_kept
from vault.server.services.publishing import is_active, precondition_failed

if TYPE_CHECKING:
    from vault.api.models.base import Page
    from vault.api.models.evidence import Evidence, EvidenceQuery, OpeningRequest, Version
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records.rows import Version as Row


class Proofs:
    """What was deposited."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs

    async def list(self, dossier_id: str, query: EvidenceQuery, act: Act) -> Page[Version]:
        """Return a page of versions, the newest first; an editor's own alone."""
        async with self._records.read() as view:
            editor = scope(act.principal).mandated
            found = await view.evidence.list(
                dossier_id,
                state=query.state.value,
                evidence_type=query.type,
                signers=await self._beliefs.line(view, dossier_id, editor) if editor is not None else None,
                cursor=query.cursor,
                limit=query.limit,
            )
        return views.page(found, views.version)

    async def get(self, proof_id: str, act: Act) -> Evidence:
        """Return a proof with its versions; of an editor's, those that it sealed."""
        editor = act.principal.editor_key
        async with self._records.read() as view:
            proof = await view.evidence.proof(proof_id)
            assert proof is not None
            versions = await view.evidence.versions(proof_id)
            own = await self._beliefs.line(view, proof.dossier_id, editor) if editor is not None else None
        seen = tuple(row for row in versions if own is None or row.signer in own)
        return views.evidence(proof, seen)

    async def archive(self, proof_id: str, match: bytes, act: Act) -> Evidence:
        """Archive a proof whose active seal is ``match``; it stays retrievable.

        Raises:
            RefusedError: precondition_failed; dossier_erased; conflict, where it is archived already.
        """
        async with self._records.change(act.origin) as tx:
            proof = await tx.evidence.proof(proof_id)
            assert proof is not None
            dossier = await tx.dossiers.get(proof.dossier_id)
            assert dossier is not None
            require_kept(dossier)
            if not await is_active(tx, proof, match):
                raise precondition_failed(proof.seal_id)
            try:
                proof = await tx.evidence.archive(proof_id, expected=proof.seal_id)
            except OutdatedError:
                raise RefusedError(Code.CONFLICT, "the proof is archived already") from None
            await tx.record(
                Action.EVIDENCE_ARCHIVED,
                [Subject("dossier", proof.dossier_id), Subject("evidence", proof.id)],
                {Fact.SEAL: proof.seal_id},
            )
            reach(Failpoint.ARCHIVE_WRITTEN)
        return await self.get(proof_id, act)

    async def receipt(self, proof_id: str, number: int) -> Receipt:
        """Return the receipt of a version again, and what proves who sealed it first."""
        async with self._records.read() as view:
            version = await view.evidence.version(proof_id, number)
            assert version is not None
            receipt = await view.evidence.receipt(version.seal_id)
            assert receipt is not None
            if version.sealer is None:
                return Receipt(receipt=views.statement(receipt))
            rows = await view.evidence.originals(version.place)
            originals = tuple([await _original(view, row) for row in rows])
            sealers = {row.sealer for row in (*rows, version) if row.sealer is not None}
            grounds = await self._beliefs.grounds(view, sealers)
        return Receipt(
            receipt=views.statement(receipt),
            originals=originals,
            issuers=tuple(views.statement(row) for row in grounds.all),
        )

    async def record_opening(self, proof_id: str, number: int, request: OpeningRequest, act: Act) -> Opening:
        """Store a reviewer's signed word on whether a version opened.

        Raises:
            RefusedError: statement_invalid; already_exists.
        """
        who = act.principal
        assert who.account is not None
        signed = views.signed_of(request.statement, "statement")
        async with self._records.change(act.origin) as tx:
            version = await tx.evidence.version(proof_id, number)
            account = await tx.accounts.get(who.account)
            assert version is not None
            assert account is not None
            verified = await self._beliefs.accept(tx, signed, OpeningStatement, now=tx.now, field="statement")
            statement = verified.statement
            if statement.seal_id != version.seal_id or statement.issuer != account.signing_public:
                raise RefusedError(
                    Code.STATEMENT_INVALID,
                    "the statement is about another seal, or signed by somebody else",
                    field="statement",
                )
            stored = await keep(tx, verified, subject=version.seal_id, dossier_id=version.dossier_id)
            row = await tx.evidence.note_opening(
                opening_id=new_id(),
                seal_id=version.seal_id,
                account_id=account.id,
                outcome=statement.outcome,
                statement_id=stored.id,
            )
            await tx.record(
                Action.EVIDENCE_OPENED,
                [Subject("dossier", version.dossier_id), Subject("evidence", proof_id)],
                {Fact.OUTCOME: row.outcome, Fact.SEAL: row.seal_id, Fact.VERSION: number},
            )
            answer = Opening(id=row.id, outcome=row.outcome, at=row.created_at)
            await act.remember(tx, answer)
        return answer


async def _original(view: View, row: Row) -> Original:
    """Return what is kept of a version that was re-encrypted."""
    seal, receipt = await view.evidence.seal(row.seal_id), await view.evidence.receipt(row.seal_id)
    assert seal is not None
    assert receipt is not None
    return Original(
        seal_id=row.seal_id.hex(),
        seal=encode_binary(seal),
        receipt=views.statement(receipt),
        deposited=row.created_at,
        erased=row.erased_at,
    )
