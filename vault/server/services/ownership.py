"""Templates in the hands of their editors: taken over, and given new passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.problems import Code
from vault.container.arrival import ArrivalExaminer
from vault.container.examine import Expectations
from vault.container.heads import parse_head
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import AlreadyExistsError, OutdatedError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.admission import check_passwords, check_recovery
from vault.server.services.arriving import Arrival
from vault.server.services.publishing import generation_moved
from vault.server.services.templates import check_template

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.api.models.dossiers import Template
    from vault.container.envelope import Envelope
    from vault.server.ports import Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows


class Ownership:
    """Replaces and rewrites templates for the editors whose keys they carry. The link to each stays."""

    def __init__(self, records: Records, beliefs: Beliefs) -> None:
        self._records = records
        self._beliefs = beliefs

    async def replace(
        self, dossier_id: str, template_id: str, match: bytes, chunks: AsyncIterator[bytes], act: Act
    ) -> Template:
        """Put a template that the editor sealed itself in the place of the one with the seal ``match``.

        What it replaces is destroyed: it opens with the old password.

        Raises:
            ContainerError: it is not whole.
            RefusedError: not_found; precondition_failed; unknown_signer; template_refused;
                password_forbidden; recovery_slot_missing; writer_missing; already_exists;
                authority_missing.
        """
        arrival = Arrival(chunks, ArrivalExaminer(Expectations(dossier=dossier_id)))
        body = b"".join([chunk async for chunk in arrival.body()])
        examined = arrival.result
        seal, envelope = examined.seal.seal, examined.envelope
        async with self._records.change(act.origin) as tx:
            row = await self._find(tx, dossier_id, template_id, act)
            check_template(examined, await self._beliefs.present_authority(tx))
            await self._check_passwords(tx, dossier_id, envelope.envelope)
            await check_recovery(self._beliefs, tx, seal)
            if seal.signer_key_id != act.principal.signing_key:
                raise RefusedError(Code.UNKNOWN_SIGNER, "the template is sealed by another key than your own")
            if row.seal_id != match:
                raise _replaced(row.seal_id)
            if examined.seal.seal_id == row.seal_id:
                # Its envelope is rewritten, generation by generation, and does not go back to an older one.
                raise RefusedError(Code.ALREADY_EXISTS, "this template is stored already")
            try:
                after = await tx.templates.replace(
                    row.id,
                    expected=match,
                    signer=seal.signer_key_id,
                    signing_public=seal.signer,
                    seal_id=examined.seal.seal_id,
                    generation=envelope.envelope.generation,
                    envelope_digest=envelope.digest,
                    head=arrival.head,
                    body=body,
                )
            except OutdatedError:
                raise _replaced(row.seal_id) from None
            except AlreadyExistsError:
                raise RefusedError(Code.ALREADY_EXISTS, "this template is stored already") from None
            await tx.record(
                Action.TEMPLATE_REPLACED,
                [Subject("dossier", dossier_id), Subject("template", row.id)],
                {Fact.SEAL: after.seal_id, Fact.SIGNER: after.signer, Fact.SUPERSEDES: row.seal_id},
            )
        return views.template(after)

    async def rewrite(
        self, dossier_id: str, template_id: str, expected: int, chunks: AsyncIterator[bytes], act: Act
    ) -> Template:
        """Put an envelope of generation ``expected`` + 1 in the place of generation ``expected``.

        Raises:
            ContainerError: it is no envelope, or not this template's, or not by a writer whom the seal lists.
            RefusedError: not_found; precondition_failed; conflict; template_refused; password_forbidden.
        """
        head = b"".join([chunk async for chunk in chunks])
        parse_head(head)
        async with self._records.change(act.origin) as tx:
            row = await self._find(tx, dossier_id, template_id, act)
            if row.generation != expected:
                raise generation_moved(row.generation)
            parts = await tx.templates.parts(row.id)
            assert parts is not None
            examiner = ArrivalExaminer(Expectations(dossier_id, {row.signer}, expected + 1))
            examiner.update(head)
            examiner.update(parts.body)
            envelope = examiner.finalize().envelope
            if envelope.envelope.generation != expected + 1:
                raise RefusedError(Code.CONFLICT, f"the next generation of the envelope is {expected + 1}")
            if not any(slot.identity for slot in envelope.envelope.password_slots):
                raise RefusedError(
                    Code.TEMPLATE_REFUSED, "no password would open this template to the depositor's identity"
                )
            await self._check_passwords(tx, dossier_id, envelope.envelope)
            try:
                after = await tx.templates.rewrite_head(
                    row, generation=expected + 1, envelope_digest=envelope.digest, head=head
                )
            except OutdatedError:
                raise generation_moved(row.generation) from None
            await tx.record(
                Action.TEMPLATE_REWRITTEN,
                [Subject("dossier", dossier_id), Subject("template", row.id)],
                {
                    Fact.SEAL: row.seal_id,
                    Fact.GENERATION: after.generation,
                    Fact.ENVELOPE_DIGEST: after.envelope_digest,
                    Fact.SUPERSEDED_ENVELOPE: row.envelope_digest,
                },
            )
        return views.template(after)

    @staticmethod
    async def _check_passwords(view: View, dossier_id: str, envelope: Envelope) -> None:
        dossier = await view.dossiers.get(dossier_id)
        assert dossier is not None
        await check_passwords(view, dossier, envelope)

    async def _find(self, view: View, dossier_id: str, template_id: str, act: Act) -> rows.Template:
        """Return a template that carries the editor's key, or one whose place that has.

        Raises:
            RefusedError: not_found.
        """
        editor = act.principal.signing_key
        assert editor is not None
        row = await view.templates.get(template_id)
        if (
            row is None
            or row.dossier_id != dossier_id
            or row.withdrawn_at is not None
            or row.signer not in await self._beliefs.line(view, dossier_id, editor)
        ):
            raise RefusedError(Code.NOT_FOUND, "there is nothing here that you may see")
        reach(Failpoint.TEMPLATE_JUDGED)
        return row


def _replaced(seal_id: bytes) -> RefusedError:
    return RefusedError(
        Code.PRECONDITION_FAILED,
        "the template has another seal than If-Match names",
        field="If-Match",
        extra={"active": seal_id.hex()},
    )
