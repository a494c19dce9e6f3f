"""Erasing a dossier: planned, done in one transaction, certified; then the bodies are removed.

From the commit on nothing that the service keeps opens what was deposited, but for bodies that the store has
to hold and the recovery key. Everything after the commit can be done again, here or by the janitor.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from keys.statements import Erasure as ErasureStatement
from keys.statements import Signed, momentary, read_unjudged, sign_statement
from vault.api.models.approvals import Act as ApprovedAct
from vault.api.models.erasure import Erasure
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import HiddenError
from vault.server.ports import RecordsError, StoreError, object_key
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.approvals import Approved
from vault.server.services.erasureplan import plan_erasure
from vault.server.stores.records.rows import SignedBytes
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vault.api.models.erasure import CertificateLines, LinesQuery
    from vault.server.ports import Clock, ObjectStore, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.approvals import Approvals
    from vault.server.services.erasureplan import ErasurePlan
    from vault.server.services.removing import Removing
    from vault.server.services.serverkeys import ServerKeys
    from vault.server.stores.records import erasing, rows
    from vault.server.stores.records.transactions import Change, Reading

AT_ONCE: Final = 100
"""Bodies that one request removes: whoever waits for its answer sees it go on."""

_DAY: Final = 86_400


class _ErasedError(Exception):
    """Somebody else erased it in this moment."""


class _Until(NamedTuple):
    """The retention of a dossier: its days and its end, each None where there is none."""

    days: int | None
    end: int | None


class Erasing:
    """Plans erasures and carries them out."""

    def __init__(
        self,
        records: Records,
        store: ObjectStore,
        clock: Clock,
        removing: Removing,
        approvals: Approvals,
        *,
        keys: ServerKeys,
    ) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._removing = removing
        self._approvals = approvals
        self._keys = keys

    async def look(self, dossier_id: str) -> Erasure:
        """Return what erasing a dossier would destroy, or has destroyed."""
        async with self._records.read() as view:
            return await self._look(view, dossier_id)

    async def lines(self, dossier_id: str, query: LinesQuery) -> CertificateLines:
        """Return lines of the certificate of an erased dossier.

        Raises:
            HiddenError: it is not erased.
        """
        async with self._records.read() as view:
            if await view.erasures.get(dossier_id) is None:
                raise HiddenError("there is nothing here that you may see")
            # One more than asked for tells whether there are more.
            found = await view.erasures.lines(dossier_id, start=query.start, limit=query.limit + 1)
        return views.certificate_lines(found, query)

    async def erase(self, dossier_id: str, match: bytes, act: Act) -> Erasure:
        """Erase a dossier whose plan has the root ``match``, or go on removing what that left.

        Raises:
            RefusedError: precondition_failed; dossier_open; retention_running; approvals_missing.
        """
        async with self._records.read() as view:
            dossier = await view.dossiers.get(dossier_id)
        assert dossier is not None
        if dossier.erased_at is None:
            with suppress(_ErasedError):
                ended = await self._erase(dossier_id, match, act)
                # Whatever becomes of this request, nobody else knows these names but the janitor.
                await settle(self._clear(ended))
                reach(Failpoint.ERASED_UPLOADS_CLEARED)
        _require(match, (await self.look(dossier_id)).root)
        with suppress(RecordsError):
            await self._records.purge()
        reach(Failpoint.DESTROYED_PURGED)
        await self._removing.some(dossier_id, limit=AT_ONCE)
        return await self.look(dossier_id)

    # --- the transaction ---------------------------------------------------------------------------------

    async def _erase(self, dossier_id: str, match: bytes, act: Act) -> Sequence[rows.UploadObjects]:
        async with self._records.change(act.origin) as tx:
            dossier = await tx.dossiers.get(dossier_id)
            assert dossier is not None
            until = await _judge(tx, dossier)
            plan = await plan_erasure(tx, dossier_id, now=tx.now)
            _require(match, plan.root.hex())
            approved = await self._approvals.require(
                tx, Approved(ApprovedAct.ERASE, dossier.id, plan.root), now=tx.now
            )
            reach(Failpoint.ERASURE_JUDGED)
            signed = await self._certify(tx, dossier, plan, act, closed=until, approved=approved)
            reach(Failpoint.ERASURE_SIGNED)
            return await tx.erasures.erase(dossier.id, dossier.organisation_id, signed, plan.lines)

    async def _certify(
        self,
        tx: Change,
        dossier: rows.Dossier,
        plan: ErasurePlan,
        act: Act,
        *,
        closed: int,
        approved: Sequence[Subject],
    ) -> SignedBytes:
        """Write the journal entry, and return the statement that names it."""
        accesses = await tx.erasures.accesses(dossier.id)
        recorded = await tx.record(
            Action.DOSSIER_ERASED,
            [Subject("dossier", dossier.id), Subject("organisation", dossier.organisation_id), *approved],
            {Fact.COUNT: len(plan.lines), Fact.SIZE: plan.size, Fact.ROOT: plan.root},
        )
        key = await self._keys.signing(tx, tx.now)
        signed = sign_statement(
            ErasureStatement(
                issuer=key.public_key,
                **momentary(tx.now),
                organisation=dossier.organisation_id,
                dossier=dossier.id,
                actor=f"{act.actor.kind}:{act.actor.id}",
                closed=closed,
                versions=len(plan.lines),
                root=plan.root,
                grants=accesses.grants,
                templates=accesses.templates,
                journal_position=recorded.position,
                journal_leaf=recorded.leaf,
            ),
            key,
        )
        return SignedBytes(signed.statement, signed.signature)

    async def _clear(self, ended: Sequence[rows.UploadObjects]) -> None:
        """Remove what the store kept for upload sessions; what cannot be removed now the janitor finds."""
        for one in ended:
            with suppress(StoreError):
                await self._store.unstage(one.staged)
                for key in (one.trailer_key, object_key(one.staged)):
                    await self._store.delete(key)

    # --- what is shown -----------------------------------------------------------------------------------

    async def _look(self, view: Reading, dossier_id: str) -> Erasure:
        dossier = await view.dossiers.get(dossier_id)
        assert dossier is not None
        until = await _retention(view, dossier)
        erased = await view.erasures.get(dossier_id)
        about = await (self._before(view, dossier_id) if erased is None else self._after(view, erased))
        return Erasure(
            dossier=dossier.id,
            procedure=dossier.procedure,
            state=views.state_of(dossier),
            closed=dossier.closed_at,
            retention_days=until.days,
            allowed_from=until.end,
            **about,
        )

    async def _before(self, view: Reading, dossier_id: str) -> dict[str, Any]:
        plan = await plan_erasure(view, dossier_id, now=self._clock.now())
        return {
            **(await view.erasures.accesses(dossier_id))._asdict(),
            "root": plan.root.hex(),
            "versions": len(plan.lines),
            "size": plan.size,
            "waiting": len(plan.lines) - plan.held,
            "held": plan.held,
            "held_size": plan.held_size,
            "held_until": plan.held_until or None,
            "approvals": await self._approvals.count(
                view, Approved(ApprovedAct.ERASE, dossier_id, plan.root), now=self._clock.now()
            ),
        }

    async def _after(self, view: Reading, erased: erasing.Erasure) -> dict[str, Any]:
        said = read_unjudged(Signed(*erased.signed), ErasureStatement)
        remains = await view.erasures.remains(erased.dossier_id, now=self._clock.now())
        return {
            "erased": erased.created_at,
            "root": said.root.hex(),
            "versions": said.versions,
            "size": await view.erasures.size(erased.dossier_id, erased=erased.created_at),
            "grants": said.grants,
            "templates": said.templates,
            "uploads": 0,
            "waiting": remains.waiting,
            "held": remains.held,
            "held_size": remains.held_bytes,
            "held_until": remains.until or None,
            "certificate": views.statement(erased.signed),
        }


async def _retention(view: View, dossier: rows.Dossier) -> _Until:
    found = await view.retentions.of(dossier.procedure)
    if found is None:
        return _Until(None, None)
    end = None if dossier.closed_at is None else dossier.closed_at + found.days * _DAY
    return _Until(found.days, end)


async def _judge(tx: Change, dossier: rows.Dossier) -> int:
    """Return when the dossier was closed, once it may be erased.

    Raises:
        _ErasedError: it is erased.
        RefusedError: dossier_open; retention_running.
    """
    if dossier.erased_at is not None:
        raise _ErasedError
    if dossier.closed_at is None:
        raise RefusedError(Code.DOSSIER_OPEN, "a dossier is closed before it is erased")
    until = await _retention(tx, dossier)
    if until.end is None:
        raise RefusedError(
            Code.RETENTION_RUNNING,
            "no retention time is set for the démarche of this dossier, so it is kept",
            extra={"allowed_from": None},
        )
    if tx.now < until.end:
        raise RefusedError(
            Code.RETENTION_RUNNING,
            f"the dossier is kept for {until.days} days after it was closed, until "
            f"{datetime.fromtimestamp(until.end, UTC):%Y-%m-%dT%H:%M:%SZ}",
            extra={"allowed_from": until.end},
        )
    return dossier.closed_at


def _require(match: bytes, root: str) -> None:
    if not hmac.compare_digest(match.hex(), root):
        raise RefusedError(
            Code.PRECONDITION_FAILED,
            "what would be erased is not, or no longer, what If-Match names",
            field="If-Match",
            extra={"root": root},
        )
