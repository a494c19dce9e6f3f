"""Re-encrypting what a dossier holds: what is left of it, and the erasure of the originals.

Like a rotation it has no state of its own. What was sealed before the dossier's current key, or before the
current recovery key, is left to be re-encrypted; what stood in another one's place and has a body is left to
be erased. That each is one act of its own keeps the only copy until whoever re-encrypts has seen the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.approvals import Act
from vault.api.models.base import Page
from vault.api.models.reencryption import Left, Reencryption
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.services import views
from vault.server.services.approvals import Approved, present_key
from vault.server.services.keeping import require_kept
from vault.server.services.publishing import precondition_failed

if TYPE_CHECKING:
    from vault.api.models.base import Paging
    from vault.api.models.evidence import Version
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act as Request
    from vault.server.services.acts import View
    from vault.server.services.approvals import Approvals
    from vault.server.services.beliefs import Beliefs
    from vault.server.services.removing import Removing
    from vault.server.stores.records import rows


class Reencrypting:
    """Says what is left, and erases what was re-encrypted."""

    def __init__(
        self, records: Records, clock: Clock, beliefs: Beliefs, removing: Removing, approvals: Approvals
    ) -> None:
        self._records = records
        self._clock = clock
        self._approvals = approvals
        self._beliefs = beliefs
        self._removing = removing

    async def get(self, dossier_id: str) -> Reencryption:
        """Return how much of a dossier is left."""
        async with self._records.read() as view:
            dossier = await view.dossiers.get(dossier_id)
            assert dossier is not None
            since = await self._since(view, dossier)
            every = await view.evidence.sizes_below(dossier_id, dossier.generation + 1)
            left = await view.evidence.sizes_sealed_before(dossier_id, since)
            originals = await view.evidence.sizes_of_originals(dossier_id)
            present = Approved(Act.REENCRYPT, dossier_id, await present_key(view, dossier))
            approvals = await self._approvals.count(view, present, now=self._clock.now())
        return Reencryption(
            dossier=dossier_id,
            generation=dossier.generation,
            versions=every.versions,
            bytes=every.head_bytes + every.body_bytes,
            left=left.versions,
            left_bytes=left.head_bytes + left.body_bytes,
            originals=originals.versions,
            original_bytes=originals.head_bytes + originals.body_bytes,
            approvals=approvals,
        )

    async def left(self, dossier_id: str, query: Paging) -> Page[Left]:
        """Return a page of versions of which something is left.

        Raises:
            RefusedError: dossier_erased.
        """
        async with self._records.read() as view:
            dossier = await view.dossiers.get(dossier_id)
            assert dossier is not None
            require_kept(dossier)
            since = await self._since(view, dossier)
            found = await view.evidence.sealed_before(
                dossier_id, since, cursor=query.cursor, limit=query.limit
            )
            items = tuple([await _left(view, row, since) for row in found.items])
        return Page(items=items, next=found.next)

    async def erase(self, proof_id: str, number: int, match: bytes, act: Request) -> Version:
        """Destroy what version ``number``, whose seal is ``match``, was before; what is destroyed stays so.

        Envelopes are gone with the commit. Bodies are condemned in it and removed after it, here or, where
        the store keeps one or is away, by the janitor.

        Raises:
            RefusedError: precondition_failed; dossier_erased; approvals_missing.
        """
        async with self._records.read() as view:
            version = await view.evidence.version(proof_id, number)
            assert version is not None
            left = _unerased(await view.evidence.originals(version.place))
        if left:
            version = await self._erase(proof_id, number, match, act)
        elif version.seal_id != match:
            raise precondition_failed(version.seal_id)
        await self._removing.some(version.dossier_id, limit=max(len(left), 1))
        return views.version(version)

    async def _erase(self, proof_id: str, number: int, match: bytes, act: Request) -> rows.Version:
        async with self._records.change(act.origin) as tx:
            version = await tx.evidence.version(proof_id, number)
            assert version is not None
            dossier = await tx.dossiers.get(version.dossier_id)
            assert dossier is not None
            require_kept(dossier)
            if version.seal_id != match:
                raise precondition_failed(version.seal_id)
            approved = await self._approvals.require_reencryption(tx, dossier, now=tx.now)
            left = _unerased(await tx.evidence.originals(version.place))
            reach(Failpoint.ORIGINALS_JUDGED)
            size = await tx.erasures.erase_originals(left, dossier.organisation_id)
            await tx.record(
                Action.ORIGINALS_ERASED,
                [Subject("dossier", dossier.id), Subject("evidence", proof_id), *approved],
                {
                    Fact.VERSION: number,
                    Fact.SEAL: version.seal_id,
                    Fact.SUPERSEDES: version.supersedes or b"",
                    Fact.COUNT: len(left),
                    Fact.SIZE: size,
                },
            )
        return version

    async def _since(self, view: View, dossier: rows.Dossier) -> int:
        """Return from which position of the journal on everything is sealed to the current keys alone."""
        found = await view.statements.find(
            "dossier key", dossier_id=dossier.id, generation=dossier.generation
        )
        recovery = await self._beliefs.recovery(view)
        return max([row.position for row in found] + ([recovery.position] if recovery else []))


def _unerased(originals: tuple[rows.Version, ...]) -> list[rows.Version]:
    return [row for row in originals if row.erased_at is None]


async def _left(view: View, row: rows.Version, since: int) -> Left:
    originals = _unerased(await view.evidence.originals(row.place))
    return Left(version=views.version(row), outdated=row.position < since, originals=len(originals))
