"""What the rows say of one version, against its seal, its envelope, its receipt and its journal entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from keys.errors import KeyMaterialError
from keys.statements import Receipt, Signed, read_unjudged
from vault.container.examine import Expectations
from vault.container.heads import judge_head, parse_head
from vault.container.outcomes import ContainerError
from vault.server.services.bodies import body_size, is_signed, read_seal
from vault.server.services.damage import Finding, Kind
from vault.server.services.writers import followed
from vault.server.stores.records.publishing import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vault.container.seal import SignedSeal
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Reading


class Rows(NamedTuple):
    """Everything that the records know of a version, at one moment.

    Attributes:
        version: its row.
        proof: the row of its proof.
        head: preamble and envelope.
        seal: as it is stored beside the receipt; None where that row is missing.
        receipt: None where it is not one of this version.
        entry: the journal entry that the receipt names.
        beside: of a re-encrypted version what it re-encrypts, of an original what stands in its place.
        beside_seal: the seal of that as it is stored.
        followers: who followed the writers that the seal lists, where the envelope was written by nobody
            whom it lists: new key id by old one.
    """

    version: rows.Version
    proof: rows.Proof | None
    head: bytes | None
    seal: bytes | None
    receipt: Receipt | None
    entry: rows.JournalEntry | None
    beside: rows.Version | None = None
    beside_seal: bytes | None = None
    followers: Mapping[bytes, bytes] = {}


async def read_rows(view: Reading, seal_id: bytes, beliefs: Beliefs, *, at: int) -> Rows | None:
    """Return what there is of a version at the time ``at``, None where there is no such version."""
    version = await view.evidence.by_seal(seal_id)
    if version is None:
        return None
    receipt = _read_receipt(await view.evidence.receipt(seal_id), seal_id)
    entries = await view.journal.entries(receipt.journal_position, 1) if receipt is not None else ()
    beside = await _beside(view, version)
    found = Rows(
        version,
        await view.evidence.proof(version.proof_id),
        await view.evidence.head(seal_id),
        await view.evidence.seal(seal_id),
        receipt,
        entries[0] if entries else None,
        beside,
        await view.evidence.seal(beside.seal_id) if beside is not None else None,
    )
    return found._replace(followers=await _followers(view, found, beliefs, at=at))


async def _followers(view: Reading, found: Rows, beliefs: Beliefs, *, at: int) -> Mapping[bytes, bytes]:
    seal = seal_of(found)
    if seal is None or found.head is None:
        return {}
    try:
        envelope = parse_head(found.head)[1].envelope
        return await followed(beliefs, view, envelope, seal.seal, at=at)
    except (ContainerError, KeyMaterialError):
        # What is damaged is said where it is judged.
        return {}


async def _beside(view: Reading, version: rows.Version) -> rows.Version | None:
    if not version.stands:
        return await view.evidence.standing(version.place)
    if version.sealer is not None and version.supersedes is not None:
        return await view.evidence.by_seal(version.supersedes)
    return None


def seal_of(found: Rows) -> SignedSeal | None:
    """Return the seal as the rows keep it, if it is the one that the version is named by."""
    return None if found.seal is None else read_seal(found.seal, found.version.seal_id)


def check_rows(found: Rows, seal: SignedSeal | None) -> Iterator[Finding]:
    """Yield what is wrong with the rows.

    Args:
        found: the rows.
        seal: the version's, from the rows or from the object; None where neither has it.
    """
    yield from _check_seal(found)
    yield from _check_envelope(found, seal)
    differing = [] if seal is None else list(_against_seal(found.version, seal))
    receipt = found.receipt
    if receipt is not None:
        differing += _against_receipt(found.version, receipt)
        if found.entry is None or found.entry.leaf != receipt.journal_leaf:
            yield Finding(
                Kind.RECEIPT_UNJOURNALLED,
                "the journal does not have the entry that the receipt names",
                position=receipt.journal_position,
            )
    elif found.seal is not None:
        yield Finding(Kind.RECEIPT_DAMAGED, "the receipt is not one that was signed for this version")
    if differing:
        names = ", ".join(sorted(set(differing)))
        yield Finding(Kind.ROW_DIFFERS, f"the row does not say what was sealed and receipted: {names}")
    yield from _check_proof(found)
    yield from _check_place(found, seal)


def _check_seal(found: Rows) -> Iterator[Finding]:
    if found.seal is None:
        yield Finding(Kind.SEAL_ROW_MISSING, "the row of seal and receipt is missing")
        return
    seal = seal_of(found)
    if seal is None or not is_signed(seal):
        yield Finding(Kind.SEAL_ROW_DAMAGED, "the seal that the records keep was changed")


def _check_envelope(found: Rows, seal: SignedSeal | None) -> Iterator[Finding]:
    version, head = found.version, found.head
    if version.erased_at is not None:
        if head is not None:
            yield Finding(Kind.ENVELOPE_DIFFERS, "an envelope of an erased dossier, which was destroyed once")
        return
    if head is None:
        yield Finding(Kind.ENVELOPE_MISSING, "the row of the envelope is missing")
        return
    try:
        preamble, envelope = parse_head(head)
        if seal is not None:
            expected = Expectations(generation=1, successors=lambda _seal: found.followers)
            judge_head(preamble, envelope, seal, expected)
    except ContainerError as error:
        yield Finding(Kind.ENVELOPE_DAMAGED, f"the envelope was changed: {error.detail}")
        return
    is_it = (envelope.digest, envelope.envelope.generation, len(head)) == (
        version.envelope_digest,
        version.generation,
        version.head_size,
    )
    if not is_it:
        yield Finding(Kind.ENVELOPE_DIFFERS, "the envelope is not the one that the version's row names")


def _against_seal(version: rows.Version, seal: SignedSeal) -> Iterator[str]:
    said = seal.seal
    for name, value in (
        ("dossier_id", said.dossier),
        ("evidence_type", said.evidence_type),
        ("sealed_by", said.signer_key_id),
        ("supersedes", said.supersedes or None),
        ("sealed_at", said.sealed_at),
        ("body_size", body_size(seal)),
    ):
        if getattr(version, name) != value:
            yield name


def _read_receipt(stored: rows.SignedBytes | None, seal_id: bytes) -> Receipt | None:
    if stored is None:
        return None
    try:
        receipt = read_unjudged(Signed(*stored), Receipt)
    except KeyMaterialError:
        return None
    return receipt if receipt.seal_id == seal_id else None


def _against_receipt(version: rows.Version, receipt: Receipt) -> Iterator[str]:
    pairs: list[tuple[str, object]] = [
        ("proof_id", receipt.proof),
        ("dossier_id", receipt.dossier),
        ("evidence_type", receipt.evidence_type),
        ("sealed_by", receipt.signer),
        ("actor", receipt.actor),
        ("supersedes", receipt.supersedes or None),
        ("position", receipt.journal_position),
        ("created_at", receipt.issued),
    ]
    if version.stands and version.sealer is None:
        pairs.append(("place", receipt.journal_position))
    if version.generation == receipt.generation:
        pairs += [
            ("envelope_digest", receipt.envelope_digest),
            ("head_size", receipt.size - version.body_size),
        ]
    elif version.generation < receipt.generation:
        yield "generation"
    for name, value in pairs:
        if getattr(version, name) != value:
            yield name


def _check_proof(found: Rows) -> Iterator[Finding]:
    """Check that the proof's row counts this version, and that exactly its newest one can be active."""
    version, proof = found.version, found.proof
    if proof is None:
        yield Finding(Kind.PROOF_DIFFERS, "the row of the proof is missing")
        return
    newest = proof.version == version.number
    agrees = (proof.dossier_id, proof.evidence_type) == (version.dossier_id, version.evidence_type)
    stands = version.state == proof.state if newest else version.state != ACTIVE
    if not (
        agrees and stands and version.number <= proof.version and newest == (proof.seal_id == version.seal_id)
    ):
        yield Finding(Kind.PROOF_DIFFERS, "the row of the proof does not fit this version")


def _check_place(found: Rows, seal: SignedSeal | None) -> Iterator[Finding]:
    """Check that what was re-encrypted and what re-encrypts it are about the same files of one depositor."""
    version, beside = found.version, found.beside
    if version.stands and version.sealer is None:
        return
    other = read_seal(found.beside_seal, beside.seal_id) if beside and found.beside_seal else None
    agrees = (
        beside is not None
        and all(getattr(beside, name) == getattr(version, name) for name in ("proof_id", "place", "signer"))
        and beside.stands != version.stands
        and (seal is None or other is None or seal.seal.content == other.seal.content)
    )
    if not agrees:
        yield Finding(Kind.PROOF_DIFFERS, "what was re-encrypted and what stands in its place do not agree")
