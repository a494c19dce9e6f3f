"""New envelopes for stored bodies: who may open changes, what was sealed stays byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.problems import Code
from vault.container.examine import Expectations
from vault.container.heads import judge_head, parse_head
from vault.container.seal import parse_stored_seal
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import OutdatedError, QuotaExceededError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.admission import Admission
from vault.server.services.publishing import generation_moved
from vault.server.services.writers import following

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.api.models.evidence import Version
    from vault.container.envelope import SignedEnvelope
    from vault.container.layout import Preamble
    from vault.server.ports import Records
    from vault.server.services.acts import Act
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class Rewriting:
    """Replaces preamble and envelope. What is superseded is destroyed; its digest stays in the journal."""

    def __init__(self, records: Records, beliefs: Beliefs) -> None:
        self._records = records
        self._beliefs = beliefs
        self._admission = Admission(beliefs)

    async def rewrite(
        self, proof_id: str, number: int, expected: int, chunks: AsyncIterator[bytes], act: Act
    ) -> Version:
        """Put an envelope of generation ``expected`` + 1 in the place of generation ``expected``.

        Raises:
            ContainerError: it is no envelope, or not this seal's, or not by a writer whom the seal lists,
                or who has the place of one.
            RefusedError: precondition_failed; conflict; dossier_key_outdated; password_forbidden;
                quota_exceeded.
        """
        head = b"".join([chunk async for chunk in chunks])
        preamble, envelope = parse_head(head)
        async with self._records.change(act.origin) as tx:
            version = await tx.evidence.version(proof_id, number)
            assert version is not None
            if version.generation != expected:
                raise generation_moved(version.generation)
            await self._judge(tx, version, preamble, envelope)
            dossier = await self._admission.check_dossier(tx, version.dossier_id)
            await self._admission.check_slots(tx, dossier, envelope.envelope)
            reach(Failpoint.REWRITE_JUDGED)
            try:
                after = await tx.evidence.rewrite_head(
                    version.seal_id,
                    expected=expected,
                    head=head,
                    envelope_digest=envelope.digest,
                    dossier_generation=dossier.generation,
                )
            except OutdatedError:
                raise generation_moved(version.generation) from None
            except QuotaExceededError:
                raise RefusedError(Code.QUOTA_EXCEEDED, "the organisation's quota is used up") from None
            await tx.record(
                Action.ENVELOPE_REWRITTEN,
                [Subject("dossier", version.dossier_id), Subject("evidence", proof_id)],
                {
                    Fact.VERSION: number,
                    Fact.SEAL: version.seal_id,
                    Fact.GENERATION: after.generation,
                    Fact.ENVELOPE_DIGEST: after.envelope_digest,
                    Fact.SUPERSEDED_ENVELOPE: version.envelope_digest,
                },
            )
            reach(Failpoint.REWRITE_WRITTEN)
        return views.version(after)

    async def _judge(
        self, tx: Change, version: rows.Version, preamble: Preamble, envelope: SignedEnvelope
    ) -> None:
        """Judge an envelope against the stored seal, as it would be judged in a whole container."""
        stored = await tx.evidence.seal(version.seal_id)
        assert stored is not None
        seal = parse_stored_seal(stored)
        known = await following(self._beliefs, tx, envelope.envelope, seal.seal, at=tx.now)
        expected = Expectations(generation=version.generation + 1, successors=lambda _seal: known)
        judge_head(preamble, envelope, seal, expected)
        if envelope.envelope.generation != version.generation + 1:
            raise RefusedError(
                Code.CONFLICT, f"the next generation of the envelope is {version.generation + 1}"
            )
