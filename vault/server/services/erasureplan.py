"""What an erasure of a dossier is about: what an admin is shown, approves and names in If-Match."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vault.certificates import ERASED_VERSION, ErasedVersion, LineTree
from vault.server.services.bodies import read_seal

if TYPE_CHECKING:
    from vault.server.services.acts import View
    from vault.server.stores.records import erasing


class ErasurePlan(NamedTuple):
    """What is erased.

    Attributes:
        lines: of the certificate.
        root: their tree hash.
        size: of all versions in bytes.
        held: versions whose body the store keeps for longer.
        held_size: of these bodies.
        held_until: UTC seconds, when it keeps none of them any more; 0 where it keeps none.
    """

    lines: list[bytes]
    root: bytes
    size: int
    held: int
    held_size: int
    held_until: int


async def plan_erasure(view: View, dossier_id: str, *, now: int) -> ErasurePlan:
    """Return what an erasure is about; memory is some hundred bytes for each version."""
    tree, lines = LineTree(ERASED_VERSION), []
    size = held = held_size = held_until = 0
    last = -1
    while page := await view.erasures.kept(dossier_id, after=last):
        for kept in page:
            lines.append(tree.write(_line(kept)))
            size += kept.version.head_size + kept.version.body_size
            if kept.until > now:
                held += 1
                held_size += kept.version.body_size
                held_until = max(held_until, kept.until)
        last = page[-1].version.position
    return ErasurePlan(lines, tree.root, size, held, held_size, held_until)


def _line(kept: erasing.Kept) -> ErasedVersion:
    version = kept.version
    seal = None if kept.seal is None else read_seal(kept.seal, version.seal_id)
    return ErasedVersion(
        proof=version.proof_id,
        number=kept.number,
        evidence_type=version.evidence_type,
        seal_id=version.seal_id,
        root=b"" if seal is None else seal.seal.root,
        envelope=version.envelope_digest,
        size=version.head_size + version.body_size,
        held=kept.until,
    )
