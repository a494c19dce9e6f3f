"""The end of a dossier's older keys: nobody is granted them any more, nothing has a slot for them, certified.

What the certificate says is read from the envelopes and seals themselves, before the transaction; in it, only
what was written since is read again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from keys.kinds import MAX_ENDED
from keys.statements import Rotation as RotationStatement
from keys.statements import momentary, sign_statement
from vault.api.models.base import Page
from vault.api.models.rotation import Retirement
from vault.api.problems import Code
from vault.certificates import ROTATED_CONTAINER, LineTree, RotatedContainer
from vault.container.heads import parse_head
from vault.container.outcomes import ContainerError
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import HiddenError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.bodies import read_seal
from vault.server.services.rotating import dossier_of, progress
from vault.server.stores.records.rows import SignedBytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vault.api.models.base import Paging
    from vault.api.models.erasure import CertificateLines, LinesQuery
    from vault.api.models.rotation import Rotation
    from vault.server.ports import Records
    from vault.server.services.acts import Act, View
    from vault.server.services.serverkeys import ServerKeys
    from vault.server.stores.records import retiring, rows
    from vault.server.stores.records.transactions import Change


class _Seen(NamedTuple):
    """What was read of a container.

    Attributes:
        envelope: digest of the envelope that was read.
        slots: key ids that the envelope has slots for.
        recovery: key ids that the seal has slots for.
    """

    envelope: bytes
    slots: frozenset[bytes]
    recovery: tuple[bytes, ...]


class _Plan(NamedTuple):
    """What is certified.

    Attributes:
        ended: generation of the newest key that ends.
        keys: key ids of all keys of the dossier, by generation.
        lines: about every container.
        root: their tree hash.
    """

    ended: int
    keys: Mapping[int, bytes]
    lines: list[bytes]
    root: bytes


class Retiring:
    """Ends keys, and hands out what certifies it."""

    def __init__(self, records: Records, keys: ServerKeys) -> None:
        self._records = records
        self._keys = keys

    async def retire(self, dossier_id: str, generation: int, act: Act) -> Rotation:
        """End all grants of the key of ``generation``, and of those before it; what has ended stays so.

        Raises:
            RefusedError: dossier_erased; conflict, while it is the current key or something has a slot for
                one of them.
        """
        async with self._records.read() as view:
            row = await dossier_of(view, dossier_id)
            found = await progress(view, dossier_id)
            granted = await view.grants.count_below(dossier_id, generation + 1)
            certified = await view.retirements.since(dossier_id, generation)
            if generation < row.generation and not found.outdated and not granted and certified:
                return found
            await _require_nothing_sealed(view, row, generation)
        seen = await self._survey(dossier_id)
        reach(Failpoint.RETIREMENT_SURVEYED)
        async with self._records.change(act.origin) as tx:
            row = await dossier_of(tx, dossier_id)
            await _require_nothing_sealed(tx, row, generation)
            plan = await _plan(tx, dossier_id, generation, seen)
            ended = await tx.grants.revoke_below(dossier_id, generation + 1)
            reach(Failpoint.GRANTS_ENDED)
            signed = await self._certify(tx, row, plan, act, grants=ended)
            reach(Failpoint.RETIREMENT_SIGNED)
            await tx.retirements.add(dossier_id, generation, signed, plan.lines)
            reach(Failpoint.RETIREMENT_CERTIFIED)
            return await progress(tx, dossier_id)

    async def list(self, dossier_id: str, query: Paging) -> Page[Retirement]:
        """Return a page of the certificates of a dossier's keys, the newest first."""
        async with self._records.read() as view:
            found = await view.retirements.list(dossier_id, cursor=query.cursor, limit=query.limit)
        return Page(items=tuple(map(_shown, found.items)), next=found.next)

    async def lines(self, dossier_id: str, position: int, query: LinesQuery) -> CertificateLines:
        """Return lines of a certificate.

        Raises:
            HiddenError: there is none at this position.
        """
        async with self._records.read() as view:
            if await view.retirements.get(dossier_id, position) is None:
                raise HiddenError("there is nothing here that you may see")
            # One more than asked for tells whether there are more.
            found = await view.retirements.lines(position, start=query.start, limit=query.limit + 1)
        return views.certificate_lines(found, query)

    async def _survey(self, dossier_id: str) -> dict[bytes, _Seen]:
        """Read every container's envelope and seal, a page at a time; memory is some hundred bytes for each.

        Raises:
            RefusedError: conflict: one cannot be read.
        """
        seen: dict[bytes, _Seen] = {}
        last = b""
        while True:
            async with self._records.read() as view:
                page = await view.retirements.held(dossier_id, after=last)
                ends = await view.evidence.ends([held.seal_id for held in page])
            if not page:
                return seen
            seen |= await asyncio.to_thread(_read_all, page, ends)
            last = page[-1].seal_id

    async def _certify(
        self, tx: Change, dossier: rows.Dossier, plan: _Plan, act: Act, *, grants: int
    ) -> SignedBytes:
        """Write the journal entry, and return the statement that names it."""
        last = range(plan.ended, 0, -1)[:MAX_ENDED]
        recorded = await tx.record(
            Action.DOSSIER_KEY_RETIRED,
            [Subject("dossier", dossier.id)],
            {Fact.GENERATION: plan.ended, Fact.COUNT: grants, Fact.ROOT: plan.root},
        )
        key = await self._keys.signing(tx, tx.now)
        signed = sign_statement(
            RotationStatement(
                issuer=key.public_key,
                **momentary(tx.now),
                organisation=dossier.organisation_id,
                dossier=dossier.id,
                actor=f"{act.actor.kind}:{act.actor.id}",
                ended=plan.ended,
                keys=tuple(plan.keys[number] for number in last),
                generation=dossier.generation,
                key=plan.keys[dossier.generation],
                containers=len(plan.lines),
                root=plan.root,
                journal_position=recorded.position,
                journal_leaf=recorded.leaf,
            ),
            key,
        )
        return SignedBytes(signed.statement, signed.signature)


async def _require_nothing_sealed(view: View, dossier: rows.Dossier, generation: int) -> None:
    if generation >= dossier.generation:
        raise RefusedError(Code.CONFLICT, "the dossier's current key does not end before there is a next one")
    left = await view.evidence.sizes_below(dossier.id, generation + 1)
    if left.versions:
        raise RefusedError(
            Code.CONFLICT,
            f"{left.versions} envelopes are still sealed to this key or an older one",
            extra={"outdated": left.versions},
        )


async def _plan(tx: Change, dossier_id: str, generation: int, seen: Mapping[bytes, _Seen]) -> _Plan:
    """Return the lines about all that the dossier holds, reading what was written since it was seen.

    Raises:
        RefusedError: conflict: something has a slot for one of the keys.
    """
    keys = await tx.statements.dossier_keys(dossier_id)
    ended = {keys[number] for number in range(1, generation + 1)}
    tree, lines = LineTree(ROTATED_CONTAINER), []
    carrying, last = 0, b""
    while page := await tx.retirements.held(dossier_id, after=last):
        moved = [held for held in page if not _is_seen(seen, held)]
        ends = await tx.evidence.ends([held.seal_id for held in moved]) if moved else {}
        again = _read_all(moved, ends)
        for held in page:
            found = again.get(held.seal_id) or seen[held.seal_id]
            carrying += not (found.slots | {*found.recovery}).isdisjoint(ended)
            lines.append(tree.write(_line(held, found)))
        last = page[-1].seal_id
    if carrying:
        raise RefusedError(
            Code.CONFLICT,
            f"{carrying} containers have an access for this key, or an older one, that no rotation takes "
            "away; re-encrypt them, or erase what was re-encrypted",
            extra={"carrying": carrying},
        )
    return _Plan(generation, keys, lines, tree.root)


def _is_seen(seen: Mapping[bytes, _Seen], held: retiring.Held) -> bool:
    found = seen.get(held.seal_id)
    return found is not None and found.envelope == held.envelope_digest


def _read_all(page: Sequence[retiring.Held], ends: Mapping[bytes, tuple[bytes, bytes]]) -> dict[bytes, _Seen]:
    return {held.seal_id: _read(held, *ends.get(held.seal_id, (b"", b""))) for held in page}


def _read(held: retiring.Held, head: bytes, seal: bytes) -> _Seen:
    """Return what a container's own bytes say.

    Raises:
        RefusedError: conflict: they are not those that were taken once.
    """
    try:
        _, envelope = parse_head(head)
    except ContainerError:
        raise _unreadable(held) from None
    sealed = read_seal(seal, held.seal_id)
    if sealed is None or envelope.digest != held.envelope_digest:
        raise _unreadable(held)
    return _Seen(
        envelope.digest,
        frozenset(slot.key for slot in envelope.envelope.recipient_slots),
        tuple(slot.key for slot in sealed.seal.recovery),
    )


def _unreadable(held: retiring.Held) -> RefusedError:
    return RefusedError(
        Code.CONFLICT,
        f"the envelope or the seal of {held.seal_id.hex()} is damaged, so nothing can be certified; see "
        "scelle scrub",
        extra={"damaged": held.seal_id.hex()},
    )


def _line(held: retiring.Held, seen: _Seen) -> RotatedContainer:
    return RotatedContainer(
        seal_id=held.seal_id,
        proof=held.proof_id,
        evidence_type=held.evidence_type,
        envelope=held.envelope_digest,
        generation=held.generation,
        key=held.dossier_generation,
        recovery=seen.recovery,
    )


def _shown(row: retiring.Retirement) -> Retirement:
    return Retirement(
        dossier=row.dossier_id,
        generation=row.generation,
        position=row.position,
        ended=row.created_at,
        certificate=views.statement(row.signed),
    )
