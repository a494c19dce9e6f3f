"""What every deposit comes to, however it arrived: the last checks and the one transaction that publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from keys.statements import Receipt, momentary, sign_statement
from vault.api.models.evidence import Deposited
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import OutdatedError, QuotaExceededError, new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.admission import Admission
from vault.server.services.reencryption import Reencryption
from vault.server.stores.records.publishing import Deposit
from vault.server.stores.records.rows import SignedBytes

if TYPE_CHECKING:
    from vault.container.examine import Outline
    from vault.server.ports import StoredObject
    from vault.server.services.acts import Act, View
    from vault.server.services.approvals import Approvals
    from vault.server.services.beliefs import Beliefs
    from vault.server.services.serverkeys import ServerKeys
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class Place(NamedTuple):
    """Where a deposit goes.

    Attributes:
        dossier: the dossier's id.
        proof: id of the proof whose active version is replaced, None for a new proof.
        match: seal id that If-Match names, where it was sent.
        original: seal id of the proof's version that is re-encrypted, None where none is.
    """

    dossier: str
    proof: str | None = None
    match: bytes | None = None
    original: bytes | None = None

    @classmethod
    def of(cls, upload: rows.Upload) -> Self:
        """Return where an upload goes."""
        return cls(upload.dossier_id, upload.proof_id, original=upload.original)


class Incoming(NamedTuple):
    """A container whose bytes are stored.

    Attributes:
        outline: what it is.
        head: preamble and envelope.
        body: where payload, leaves and seal are stored.
    """

    outline: Outline
    head: bytes
    body: StoredObject


class Publishing:
    """Judges what arrived, and publishes it."""

    def __init__(self, beliefs: Beliefs, approvals: Approvals, keys: ServerKeys) -> None:
        self.admission = Admission(beliefs)
        self._approvals = approvals
        self._beliefs = beliefs
        self._reencryption = Reencryption(beliefs)
        self._keys = keys

    async def find_place(self, view: View, proof_id: str, match: bytes) -> Place:
        """Return where the replacement of a proof goes, whose active seal has to be ``match``.

        Raises:
            RefusedError: precondition_failed.
        """
        proof = await view.evidence.proof(proof_id)
        assert proof is not None
        if not await is_active(view, proof, match):
            raise precondition_failed(proof.seal_id)
        return Place(proof.dossier_id, proof.id, match)

    @staticmethod
    async def find_original(view: View, proof_id: str, number: int) -> Place:
        """Return where what re-encrypts a version goes."""
        version = await view.evidence.version(proof_id, number)
        assert version is not None
        return Place(version.dossier_id, proof_id, original=version.seal_id)

    async def check_place(self, view: View, place: Place, *, now: int | None = None) -> rows.Dossier:
        """Return the dossier, if it takes anything there; re-encrypted is what a closed one holds, too.

        Raises:
            RefusedError: approvals_missing; see also `Admission.check_place`.
        """
        if place.original is not None:
            dossier = await self.admission.check_dossier(view, place.dossier)
            await self._approvals.require_reencryption(view, dossier, now=now)
            return dossier
        return await self.admission.check_place(view, place.dossier)

    async def check_signer(
        self, view: View, place: Place, outline: Outline, act: Act, *, now: int
    ) -> rows.Dossier:
        """Return the dossier, if it takes what this signer sealed from who asks.

        Raises:
            RefusedError: see `check_place`, `Admission.check_signer` and `Reencryption.check_signer`.
        """
        dossier = await self.check_place(view, place, now=now)
        if place.original is not None:
            await self._reencryption.check_signer(view, dossier, outline, act, now=now)
            return dossier
        replacing = place.proof is not None
        await self.admission.check_signer(view, dossier, outline, act, replacing=replacing, now=now)
        return dossier

    async def check_seal(self, view: View, dossier: rows.Dossier, place: Place, outline: Outline) -> None:
        """Ask whether this seal may be published there.

        Raises:
            RefusedError: already_deposited; conflict; precondition_failed; unknown_signer; type_not_allowed;
                see also `Admission.check_contents`.
        """
        await self._check_unseen(view, outline.seal.seal_id)
        await self.admission.check_contents(view, dossier, outline)
        if place.original is not None:
            await self._reencryption.check_seal(view, outline, place.original)
        else:
            await self._check_supersedes(view, outline, place)

    @staticmethod
    async def _check_unseen(view: View, seal_id: bytes) -> None:
        """Raise if this seal was deposited before, whatever became of it."""
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
                "number": known.number if known.stands else (await _standing(view, known)).number,
                "receipt": views.statement(receipt).model_dump(),
            },
        )

    async def _check_supersedes(self, view: View, outline: Outline, place: Place) -> None:
        seal = outline.seal.seal
        if place.proof is None:
            if seal.supersedes:
                raise RefusedError(
                    Code.CONFLICT, "the seal supersedes another one: replace that proof instead"
                )
            return
        proof = await view.evidence.proof(place.proof)
        assert proof is not None
        if place.match is not None and not await is_active(view, proof, place.match):
            raise precondition_failed(proof.seal_id)
        if proof.state != "active" or not await is_active(view, proof, seal.supersedes):
            raise RefusedError(
                Code.CONFLICT,
                "the seal does not supersede the proof's active seal",
                extra={"active": proof.seal_id.hex(), "state": proof.state},
            )
        active = await view.evidence.by_seal(proof.seal_id)
        line = await self._beliefs.line(view, place.dossier, seal.signer_key_id)
        if active is None or active.signer not in line:
            # Whoever deposits it: a depositor replaces what it sealed itself, or who was in its place.
            raise RefusedError(Code.UNKNOWN_SIGNER, "the proof was sealed by another key")
        if seal.evidence_type != proof.evidence_type:
            raise RefusedError(
                Code.TYPE_NOT_ALLOWED, f"the proof is of type {proof.evidence_type}, and stays so"
            )

    async def publish(
        self, tx: Change, dossier: rows.Dossier, place: Place, incoming: Incoming, act: Act
    ) -> Deposited:
        """Publish what was judged in the same transaction, journal entry and receipt included.

        Raises:
            RefusedError: quota_exceeded; conflict; approvals_missing.
        """
        outline, proof_id = incoming.outline, place.proof or new_id()
        seal, envelope = outline.seal, outline.envelope
        proof = await tx.evidence.proof(place.proof) if place.proof else None
        approved: tuple[Subject, ...] = ()
        if place.original is not None:
            approved = await self._approvals.require_reencryption(tx, dossier, now=tx.now)
        recorded = await tx.record(
            _action(place),
            [Subject("dossier", dossier.id), Subject("evidence", proof_id), *approved],
            {
                Fact.EVIDENCE_TYPE: seal.seal.evidence_type,
                Fact.SEAL: seal.seal_id,
                Fact.SIGNER: seal.seal.signer_key_id,
                Fact.ENVELOPE_DIGEST: envelope.digest,
                Fact.GENERATION: envelope.envelope.generation,
                Fact.SIZE: outline.size,
                **({Fact.SUPERSEDES: seal.seal.supersedes} if seal.seal.supersedes else {}),
            },
        )
        actor = f"{act.actor.kind}:{act.actor.id}"
        key = await self._keys.signing(tx, tx.now)
        receipt = sign_statement(
            Receipt(
                issuer=key.public_key,
                **momentary(tx.now),
                proof=proof_id,
                organisation=dossier.organisation_id,
                dossier=dossier.id,
                evidence_type=seal.seal.evidence_type,
                seal_id=seal.seal_id,
                envelope_digest=envelope.digest,
                generation=envelope.envelope.generation,
                size=outline.size,
                signer=seal.seal.signer_key_id,
                actor=actor,
                supersedes=seal.seal.supersedes,
                journal_position=recorded.position,
                journal_leaf=recorded.leaf,
            ),
            key,
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
            head=incoming.head,
            body=incoming.body,
            seal=seal.encode(),
            receipt=SignedBytes(receipt.statement, receipt.signature),
            replaces=proof.seal_id if proof else None,
        )
        try:
            version = await (
                tx.evidence.publish(deposit) if place.original is None else tx.evidence.reencrypt(deposit)
            )
        except QuotaExceededError:
            raise RefusedError(
                Code.QUOTA_EXCEEDED,
                "the organisation's quota does not leave room beside what is stored and being uploaded",
            ) from None
        except OutdatedError:
            raise RefusedError(Code.CONFLICT, "the seal does not supersede the one in its place") from None
        reach(Failpoint.DEPOSIT_PUBLISHED)
        return Deposited(version=views.version(version), receipt=views.statement(receipt))


async def is_active(view: View, proof: rows.Proof, seal_id: bytes) -> bool:
    """Tell whether a seal is a proof's active one, or stood in its place before that re-encrypted it."""
    if seal_id == proof.seal_id:
        return True
    named, active = await view.evidence.by_seal(seal_id), await view.evidence.by_seal(proof.seal_id)
    return named is not None and active is not None and named.place == active.place


async def _standing(view: View, version: rows.Version) -> rows.Version:
    standing = await view.evidence.standing(version.place)
    assert standing is not None
    return standing


def _action(place: Place) -> Action:
    if place.original is not None:
        return Action.EVIDENCE_REENCRYPTED
    return Action.EVIDENCE_REPLACED if place.proof else Action.EVIDENCE_DEPOSITED


def precondition_failed(active: bytes) -> RefusedError:
    """Return the refusal of an If-Match that is not the active seal id."""
    return RefusedError(
        Code.PRECONDITION_FAILED,
        "the proof has another active seal than If-Match names",
        field="If-Match",
        extra={"active": active.hex()},
    )


def generation_moved(generation: int) -> RefusedError:
    """Return the refusal of an If-Match that is not the envelope's generation."""
    return RefusedError(
        Code.PRECONDITION_FAILED,
        "the envelope has another generation than If-Match names",
        field="If-Match",
        extra={"generation": generation},
    )
