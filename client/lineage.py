"""Why a container that an admin sealed is believed: the seals and receipts of what it re-encrypts.

An admin who re-encrypts has no mandate, and seals nothing new: each seal on the way is about the same
content, and the first one is a depositor's. Statements in, verdicts out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client import distrust
from client.distrust import Distrusted, judging
from keys.errors import KeyMaterialError, Refusal
from vault.container.outcomes import ContainerError, Outcome
from vault.container.seal import parse_stored_seal, verify_seal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.dossiers import KnownDossier
    from client.trust import Anchor
    from keys.statements import Receipt, Signed
    from vault.container.seal import Seal, SignedSeal


class Ancestor(NamedTuple):
    """What was re-encrypted: its seal and its receipt, both verified, and about each other."""

    seal: SignedSeal
    receipt: Receipt


class Lineage(NamedTuple):
    """What stood in a container's place before it.

    Attributes:
        ancestors: the first deposit first.
        issuers: habilitations, and their withdrawals, of the admins who re-encrypted.
    """

    ancestors: tuple[Ancestor, ...] = ()
    issuers: tuple[Signed, ...] = ()


def read_ancestor(anchor: Anchor, seal: bytes, receipt: Signed) -> Ancestor:
    """Return what a service says was re-encrypted, once seal and receipt are verified.

    Args:
        anchor: whom to trust.
        seal: length, JSON and signature.
        receipt: of its deposit.

    Raises:
        ContainerError: malformed, or seal_invalid.
        Distrusted: the receipt is not the service's, or about something else.
    """
    signed = parse_stored_seal(seal)
    verify_seal(signed)
    found = anchor.receipt(receipt)
    about = (found.seal_id, found.dossier, found.evidence_type, found.signer)
    said = signed.seal
    if about != (signed.seal_id, said.dossier, said.evidence_type, said.signer_key_id):
        raise Distrusted(distrust.RECEIPT, Refusal.MISMATCH)
    return Ancestor(signed, found)


def require_origin(
    anchor: Anchor, judged: KnownDossier, seal: Seal, lineage: Lineage, *, at: int
) -> Ancestor | None:
    """Return the deposit that a container goes back to, None where it is one itself.

    Args:
        anchor: whom to trust.
        judged: the dossier, with its mandates.
        seal: of the container.
        lineage: what it re-encrypts.
        at: when it was taken, UTC seconds.

    Raises:
        ContainerError: unknown_signer, where neither its signer nor that of what it goes back to had a
            mandate, or somebody on the way was no admin, or the files are others.
    """
    if seal.signer_key_id in judged.signers(at=at):
        return None
    trust = anchor.knowing(lineage.issuers)
    for ancestor in reversed(lineage.ancestors):
        before = ancestor.seal.seal
        try:
            with judging(distrust.HABILITATION):
                trust.habilitation(seal.signer, "admin", at=at)
        except (Distrusted, KeyMaterialError):
            raise _unknown() from None
        same = (seal.supersedes, seal.dossier, seal.evidence_type, seal.content) == (
            ancestor.seal.seal_id,
            before.dossier,
            before.evidence_type,
            before.content,
        )
        if not same:
            break
        seal, at = before, ancestor.receipt.issued
        if seal.signer_key_id in judged.signers(at=at):
            return ancestor
    raise _unknown()


def order(found: Sequence[Ancestor]) -> tuple[Ancestor, ...]:
    """Return ancestors by when they were taken, the first first."""
    return tuple(sorted(found, key=lambda one: one.receipt.journal_position))


def _unknown() -> ContainerError:
    return ContainerError(Outcome.UNKNOWN_SIGNER, "the signer had no mandate for this dossier")
