"""Deposits: a container is checked while it streams, stored beside, and published in one transaction.

Bytes first, row second: until the transaction commits nobody sees anything, and whatever ends the upload
early leaves nothing.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from keys.statements import Receipt, momentary, sign_statement
from vault.api.models.evidence import Deposited
from vault.api.problems import Code
from vault.container.examine import Expectations
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import OutdatedError, QuotaExceededError, RecordsUnavailableError, new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.admission import Admission
from vault.server.services.arriving import Arrival
from vault.server.stores.records.publishing import Deposit
from vault.server.stores.records.rows import SignedBytes
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keys.signing import SigningKey
    from vault.container.examine import Examined
    from vault.server.ports import ObjectStore, Records, StoredObject
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.services.idempotency import Idempotency
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class _RepeatedDepositError(Exception):
    """The same request was answered before; carries that answer out of the transaction that it undoes."""

    def __init__(self, answer: Deposited) -> None:
        super().__init__()
        self.answer = answer


class Place(NamedTuple):
    """Where a deposit goes.

    Attributes:
        dossier: the dossier's id.
        proof: id of the proof whose active version is replaced, None for a new proof.
        match: seal id that If-Match names, for a proof that is replaced.
    """

    dossier: str
    proof: str | None = None
    match: bytes | None = None


class Deposits:
    """Takes containers."""

    def __init__(
        self,
        records: Records,
        store: ObjectStore,
        beliefs: Beliefs,
        idempotency: Idempotency,
        key: SigningKey,
    ) -> None:
        self._records = records
        self._store = store
        self._admission = Admission(beliefs)
        self._idempotency = idempotency
        self._key = key

    async def create(self, dossier_id: str, chunks: AsyncIterator[bytes], act: Act) -> Deposited:
        """Deposit a new proof.

        Raises:
            ContainerError, RefusedError: it is not taken; nothing is left of it.
        """
        return await self._take(Place(dossier_id), chunks, act)

    async def replace(self, proof_id: str, match: bytes, chunks: AsyncIterator[bytes], act: Act) -> Deposited:
        """Replace a proof whose active seal is ``match``.

        Raises:
            ContainerError, RefusedError: it is not taken; nothing is left of it.
        """
        async with self._records.read() as view:
            proof = await view.evidence.proof(proof_id)
            assert proof is not None
            if proof.seal_id != match:
                raise precondition_failed(proof.seal_id)
        return await self._take(Place(proof.dossier_id, proof.id, match), chunks, act)

    async def _take(self, place: Place, chunks: AsyncIterator[bytes], act: Act) -> Deposited:
        async with self._records.read() as view:
            # What needs no byte of the body is refused before it is sent.
            await self._admission.check_place(view, place.dossier)
        reach(Failpoint.DEPOSIT_BEGUN)
        arrival = Arrival(chunks, Expectations(dossier=place.dossier))
        async with aclosing(arrival.body()) as body:
            stored = await self._store.put(body)
        reach(Failpoint.BODY_STORED)
        try:
            return await self._judge_and_publish(place, arrival, stored, act)
        except _RepeatedDepositError as repeated:
            reach(Failpoint.REPEAT_FOUND)
            await settle(self._store.delete(stored.key))
            reach(Failpoint.REPEAT_CLEANED)
            return repeated.answer
        except BaseException:
            await settle(self._discard(stored, arrival.examined.seal.seal_id))
            raise

    async def _discard(self, stored: StoredObject, seal_id: bytes) -> None:
        """Remove bytes that no row names.

        Whoever asked may be gone in the very moment of the commit: what was committed stays. While that
        cannot be told, the bytes are left to the janitor.
        """
        reach(Failpoint.DISCARD_BEGUN)
        try:
            async with self._records.read() as view:
                kept = await view.evidence.by_seal(seal_id)
        except RecordsUnavailableError:
            return
        if kept is None or kept.body_key != stored.key:
            await self._store.delete(stored.key)
        reach(Failpoint.DISCARD_ENDED)

    async def _judge_and_publish(
        self, place: Place, arrival: Arrival, stored: StoredObject, act: Act
    ) -> Deposited:
        examined = arrival.examined
        async with self._records.change(act.origin) as tx:
            dossier = await self._admission.check_place(tx, place.dossier)
            await self._admission.check_signer(
                tx, dossier, examined, act, replacing=place.proof is not None, now=tx.now
            )
            await self._check_unseen(tx, examined, act)
            await self._admission.check_contents(tx, dossier, examined)
            await self._check_supersedes(tx, examined, place)
            reach(Failpoint.DEPOSIT_JUDGED)
            return await self._publish(tx, dossier, place, act, arrival=arrival, stored=stored)

    async def _check_unseen(self, view: View, examined: Examined, act: Act) -> None:
        """Raise if this request was answered before, or this seal deposited before, whatever became of it."""
        seal_id = examined.seal.seal_id
        if act.memo is not None:
            act.memo.digest = seal_id
            found = await self._idempotency.find(view, act.memo)
            if found is not None and found.answer is not None:
                raise _RepeatedDepositError(Deposited.model_validate_json(found.answer))
        known = await view.evidence.by_seal(seal_id)
        if known is None:
            return
        receipt = await view.evidence.receipt(seal_id)
        assert receipt is not None
        raise RefusedError(
            Code.ALREADY_DEPOSITED,
            "this seal was deposited before; its receipt comes along",
            extra={
                "evidence": known.proof_id,
                "number": known.number,
                "receipt": views.statement(receipt).model_dump(),
            },
        )

    @staticmethod
    async def _check_supersedes(view: View, examined: Examined, place: Place) -> None:
        seal = examined.seal.seal
        if place.proof is None:
            if seal.supersedes:
                raise RefusedError(
                    Code.CONFLICT, "the seal supersedes another one: replace that proof instead"
                )
            return
        proof = await view.evidence.proof(place.proof)
        assert proof is not None
        if proof.seal_id != place.match:
            raise precondition_failed(proof.seal_id)
        if proof.state != "active" or seal.supersedes != proof.seal_id:
            raise RefusedError(
                Code.CONFLICT,
                "the seal does not supersede the proof's active seal",
                extra={"active": proof.seal_id.hex(), "state": proof.state},
            )
        active = await view.evidence.by_seal(proof.seal_id)
        if active is None or active.signer != seal.signer_key_id:
            # Whoever deposits it: a depositor replaces what it sealed itself.
            raise RefusedError(Code.UNKNOWN_SIGNER, "the proof was sealed by another key")
        if seal.evidence_type != proof.evidence_type:
            raise RefusedError(
                Code.TYPE_NOT_ALLOWED, f"the proof is of type {proof.evidence_type}, and stays so"
            )

    async def _publish(
        self,
        tx: Change,
        dossier: rows.Dossier,
        place: Place,
        act: Act,
        *,
        arrival: Arrival,
        stored: StoredObject,
    ) -> Deposited:
        examined, proof_id = arrival.examined, place.proof or new_id()
        seal, envelope = examined.seal, examined.envelope
        recorded = await tx.record(
            Action.EVIDENCE_REPLACED if place.proof else Action.EVIDENCE_DEPOSITED,
            [Subject("dossier", dossier.id), Subject("evidence", proof_id)],
            {
                Fact.EVIDENCE_TYPE: seal.seal.evidence_type,
                Fact.SEAL: seal.seal_id,
                Fact.SIGNER: seal.seal.signer_key_id,
                Fact.ENVELOPE_DIGEST: envelope.digest,
                Fact.GENERATION: envelope.envelope.generation,
                Fact.SIZE: examined.size,
                **({Fact.SUPERSEDES: seal.seal.supersedes} if seal.seal.supersedes else {}),
            },
        )
        actor = f"{act.actor.kind}:{act.actor.id}"
        receipt = sign_statement(
            Receipt(
                issuer=self._key.public_key,
                **momentary(tx.now),
                proof=proof_id,
                organisation=dossier.organisation_id,
                dossier=dossier.id,
                evidence_type=seal.seal.evidence_type,
                seal_id=seal.seal_id,
                envelope_digest=envelope.digest,
                generation=envelope.envelope.generation,
                size=examined.size,
                signer=seal.seal.signer_key_id,
                actor=actor,
                supersedes=seal.seal.supersedes,
                journal_position=recorded.position,
                journal_leaf=recorded.leaf,
            ),
            self._key,
        )
        reach(Failpoint.RECEIPT_SIGNED)
        deposit = Deposit(
            proof_id=proof_id,
            dossier_id=dossier.id,
            evidence_type=seal.seal.evidence_type,
            seal_id=seal.seal_id,
            supersedes=seal.seal.supersedes or None,
            signer=seal.seal.signer_key_id,
            actor=actor,
            sealed_at=seal.seal.sealed_at,
            generation=envelope.envelope.generation,
            envelope_digest=envelope.digest,
            dossier_generation=dossier.generation,
            head=arrival.head,
            body=stored,
            seal=seal.encode(),
            receipt=SignedBytes(receipt.statement, receipt.signature),
        )
        try:
            version = await tx.evidence.publish(deposit)
        except QuotaExceededError:
            raise RefusedError(
                Code.QUOTA_EXCEEDED, "the organisation's quota does not leave room for this deposit"
            ) from None
        except OutdatedError:
            raise RefusedError(Code.CONFLICT, "the seal does not supersede the proof's active seal") from None
        reach(Failpoint.DEPOSIT_PUBLISHED)
        answer = Deposited(version=views.version(version), receipt=views.statement(receipt))
        await act.remember(tx, answer)
        return answer


def precondition_failed(active: bytes) -> RefusedError:
    """Return the refusal of an If-Match that is not the active seal id."""
    return RefusedError(
        Code.PRECONDITION_FAILED,
        "the proof has another active seal than If-Match names",
        field="If-Match",
        extra={"active": active.hex()},
    )
