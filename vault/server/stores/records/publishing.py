"""Proofs and their versions, to be published, replaced, archived and spoken of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, update

from vault.server.failpoints import Failpoint, reach
from vault.server.ports import OutdatedError, SealKnownError
from vault.server.stores.records import schema
from vault.server.stores.records.condemning import check_spared
from vault.server.stores.records.evidence import Evidence
from vault.server.stores.records.rows import Opening, Proof, Version
from vault.server.stores.records.uploads import announced, take_turn

if TYPE_CHECKING:
    from vault.server.ports import StoredObject
    from vault.server.stores.records.handle import ChangeHandle
    from vault.server.stores.records.people import OrganisationChanges
    from vault.server.stores.records.rows import SignedBytes

ACTIVE = "active"
ARCHIVED = "archived"


class Deposit(NamedTuple):
    """A container whose body is stored and whose receipt is signed.

    Attributes:
        proof_id: of the proof; a fresh id if ``supersedes`` is None.
        dossier_id: as in the seal.
        evidence_type: as in the seal.
        seal_id: as recomputed from the seal.
        supersedes: as in the seal, None for a new proof.
        signer: key id of the seal's signer.
        actor: who deposits, as in the receipt.
        sealed_at: as in the seal.
        generation: the envelope's.
        envelope_digest: the envelope's.
        dossier_generation: of the dossier key that the envelope is sealed to.
        head: preamble and envelope.
        body: where payload, leaves and seal are stored.
        seal: the seal's bytes, with length and signature.
        receipt: signed over the journal entry of this change.
        replaces: seal id of the active version, where that has re-encrypted what is superseded; else None.
    """

    proof_id: str
    dossier_id: str
    evidence_type: str
    seal_id: bytes
    supersedes: bytes | None
    signer: bytes
    actor: str
    sealed_at: int
    generation: int
    envelope_digest: bytes
    dossier_generation: int
    head: bytes
    body: StoredObject
    seal: bytes
    receipt: SignedBytes
    replaces: bytes | None = None


class EvidenceChanges(Evidence):
    """What was deposited, to be changed."""

    def __init__(self, handle: ChangeHandle, organisations: OrganisationChanges) -> None:
        super().__init__(handle)
        self._change = handle
        self._organisations = organisations

    async def publish(self, deposit: Deposit) -> Version:
        """Make a deposit the active version of its proof, and archive the one that it replaces.

        Raises:
            SealKnownError: this seal was deposited before.
            ObjectCondemnedError: the body waited too long for this row.
            OutdatedError: ``supersedes``, or what re-encrypted that, is not the proof's active seal, or the
                dossier is not there.
            QuotaExceededError: the dossier's organisation may not store as much, beside open uploads.
            AlreadyExistsError: ``supersedes`` is None and the proof's id is taken.
        """
        await self._make_room(deposit)
        replaces = deposit.replaces or deposit.supersedes
        number = await (self._begin(deposit) if replaces is None else self._replace(deposit, replaces))
        return await self._write(deposit, number, self._change.position)

    async def reencrypt(self, deposit: Deposit) -> Version:
        """Let a deposit take the place of the version that it supersedes, active or archived.

        Number, state and time of archiving are that one's, and so is whose deposit it is. The original keeps
        its body and its envelope, which nobody is handed any more, until it is erased.

        Raises:
            SealKnownError, ObjectCondemnedError, QuotaExceededError: as in `publish`.
            OutdatedError: what it supersedes is not there, erased, or has lost its place.
        """
        assert deposit.supersedes is not None
        await self._make_room(deposit)
        before = await self.by_seal(deposit.supersedes)
        if before is None or before.dossier_id != deposit.dossier_id or before.proof_id != deposit.proof_id:
            raise OutdatedError("what is re-encrypted is not there")
        versions, proofs, now = schema.versions, schema.proofs, self._change.now
        await self._change.swap(
            update(versions)
            .where(
                versions.c.seal_id == before.seal_id,
                versions.c.number == before.number,
                versions.c.number > 0,
                versions.c.erased_at.is_(None),
            )
            .values(
                number=-self._change.position,
                state=ARCHIVED,
                archived_at=func.coalesce(versions.c.archived_at, now),
            ),
            "the place of what is re-encrypted",
        )
        reach(Failpoint.PLACE_LEFT)
        await self._change.execute(
            update(proofs)
            .where(proofs.c.id == before.proof_id, proofs.c.seal_id == before.seal_id)
            .values(seal_id=deposit.seal_id)
        )
        reach(Failpoint.PLACE_TAKEN)
        return await self._write(deposit, before.number, before.place, before)

    async def _make_room(self, deposit: Deposit) -> None:
        if await self.by_seal(deposit.seal_id) is not None:
            raise SealKnownError("this seal was deposited before")
        await check_spared(self._change, deposit.body.key)
        organisation_id = await self._change.value(
            select(schema.dossiers.c.organisation_id).where(schema.dossiers.c.id == deposit.dossier_id)
        )
        if organisation_id is None:
            raise OutdatedError("the dossier is not there")
        await take_turn(self._change, organisation_id)
        # What came in parts takes the room that it announced; nobody takes that of the others.
        others = announced(organisation_id, self._change.now, but=deposit.seal_id)
        size = len(deposit.head) + deposit.body.size
        await self._organisations.charge(organisation_id, size, beside=others)
        reach(Failpoint.QUOTA_CHARGED)

    async def _write(
        self, deposit: Deposit, number: int, place: int, before: Version | None = None
    ) -> Version:
        """Write a version's rows; ``before`` is what it re-encrypts."""
        version = Version(
            seal_id=deposit.seal_id,
            proof_id=deposit.proof_id,
            number=number,
            dossier_id=deposit.dossier_id,
            evidence_type=deposit.evidence_type,
            state=before.state if before else ACTIVE,
            signer=before.signer if before else deposit.signer,
            actor=deposit.actor,
            supersedes=deposit.supersedes,
            sealed_at=deposit.sealed_at,
            generation=deposit.generation,
            envelope_digest=deposit.envelope_digest,
            dossier_generation=deposit.dossier_generation,
            head_size=len(deposit.head),
            body_key=deposit.body.key,
            body_size=deposit.body.size,
            archived_at=before.archived_at if before else None,
            opened_at=None,
            complained_at=None,
            position=self._change.position,
            created_at=self._change.now,
            place=place,
            sealer=deposit.signer if before else None,
        )
        await self._change.insert(schema.versions, version)
        reach(Failpoint.VERSION_WRITTEN)
        await self._change.execute(schema.heads.insert().values(seal_id=deposit.seal_id, head=deposit.head))
        reach(Failpoint.HEAD_WRITTEN)
        await self._change.execute(
            schema.seals.insert().values(
                seal_id=deposit.seal_id,
                seal=deposit.seal,
                receipt=deposit.receipt.statement,
                receipt_signature=deposit.receipt.signature,
            )
        )
        reach(Failpoint.SEAL_WRITTEN)
        return version

    async def _begin(self, deposit: Deposit) -> int:
        await self._change.insert(
            schema.proofs,
            Proof(
                id=deposit.proof_id,
                dossier_id=deposit.dossier_id,
                evidence_type=deposit.evidence_type,
                state=ACTIVE,
                seal_id=deposit.seal_id,
                version=1,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )
        reach(Failpoint.PROOF_BEGUN)
        return 1

    async def _replace(self, deposit: Deposit, replaces: bytes) -> int:
        table = schema.proofs
        await self._change.swap(
            update(table)
            .where(
                table.c.id == deposit.proof_id,
                table.c.dossier_id == deposit.dossier_id,
                table.c.evidence_type == deposit.evidence_type,
                table.c.state == ACTIVE,
                table.c.seal_id == replaces,
            )
            .values(seal_id=deposit.seal_id, version=table.c.version + 1),
            "the active seal",
        )
        reach(Failpoint.PROOF_MOVED)
        await self._archive_version(replaces)
        number: int = await self._change.value(select(table.c.version).where(table.c.id == deposit.proof_id))
        return number

    async def archive(self, proof_id: str, *, expected: bytes) -> Proof:
        """Archive a proof whose active seal is ``expected``; all its versions stay retrievable.

        Raises:
            OutdatedError: it has another active seal, is archived already, or is not there.
        """
        table = schema.proofs
        await self._change.swap(
            update(table)
            .where(table.c.id == proof_id, table.c.state == ACTIVE, table.c.seal_id == expected)
            .values(state=ARCHIVED),
            "the active seal",
        )
        reach(Failpoint.PROOF_ARCHIVED)
        await self._archive_version(expected)
        proof = await self.proof(proof_id)
        assert proof is not None
        return proof

    async def _archive_version(self, seal_id: bytes) -> None:
        table = schema.versions
        await self._change.swap(
            update(table)
            .where(table.c.seal_id == seal_id, table.c.state == ACTIVE)
            .values(state=ARCHIVED, archived_at=self._change.now),
            "the active version",
        )
        reach(Failpoint.VERSION_ARCHIVED)

    async def rewrite_head(
        self, seal_id: bytes, *, expected: int, head: bytes, envelope_digest: bytes, dossier_generation: int
    ) -> Version:
        """Put a new envelope, one generation higher, in the place of generation ``expected``.

        What stood there is gone with the commit; the caller's journal entry keeps its digest, which is that
        of the version as it was read before. The organisation is charged the difference in size.

        Raises:
            OutdatedError: the envelope has another generation, or the version is not there, or erased.
            QuotaExceededError: the organisation may not store as much.
        """
        table = schema.versions
        before = await self.by_seal(seal_id)
        if before is None or before.generation != expected or before.erased_at is not None:
            raise OutdatedError("the envelope's generation is not, or no longer, what was expected")
        organisation_id = await self._change.value(
            select(schema.dossiers.c.organisation_id).where(schema.dossiers.c.id == before.dossier_id)
        )
        if len(head) != before.head_size:
            await self._organisations.charge(organisation_id, len(head) - before.head_size)
        await self._change.swap(
            update(table)
            .where(table.c.seal_id == seal_id, table.c.generation == expected)
            .values(
                generation=expected + 1,
                envelope_digest=envelope_digest,
                dossier_generation=dossier_generation,
                head_size=len(head),
            ),
            "the envelope's generation",
        )
        reach(Failpoint.GENERATION_MOVED)
        await self._change.swap(
            update(schema.heads).where(schema.heads.c.seal_id == seal_id).values(head=head), "the envelope"
        )
        reach(Failpoint.ENVELOPE_MOVED)
        after = await self.by_seal(seal_id)
        assert after is not None
        return after

    async def note_opening(
        self, *, opening_id: str, seal_id: bytes, account_id: str, outcome: str, statement_id: bytes
    ) -> Opening:
        """Store what a reviewer found; the first success and the first complaint mark the version.

        The reviewer's statement is stored before.

        Raises:
            AlreadyExistsError: the statement was noted before, or what is named is not there.
        """
        opening = await self._change.insert(
            schema.openings,
            Opening(
                id=opening_id,
                seal_id=seal_id,
                account_id=account_id,
                outcome=outcome,
                statement_id=statement_id,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )
        table = schema.versions
        mark = table.c.opened_at if outcome == "opened" else table.c.complained_at
        await self._change.execute(
            update(table)
            .where(table.c.seal_id == seal_id)
            .values({mark: func.coalesce(mark, self._change.now)})
        )
        return opening
