"""Erased dossiers: what opened them is destroyed in one transaction, what proves that they were there stays.

Seals, receipts, digests, key statements, mandates and openings stay. The rows of versions stay, and name no
object any more; whoever removes objects finds them here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, delete, func, insert, or_, select, tuple_, update

from vault.server.failpoints import Failpoint, reach
from vault.server.ports import object_key
from vault.server.stores.records import schema
from vault.server.stores.records.condemning import Condemning
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.rows import SignedBytes, UploadObjects, Version

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vault.server.stores.records.people import OrganisationChanges

PAGE: Final = 200
"""Versions that are read, and rows that are written, at once."""

_GRANT: Final = "grant"
_GRANTING: Final = ("add_grant",)
"""Routes whose remembered answers carry a grant."""


class Erasure(NamedTuple):
    """That a dossier was erased, as the server signed it."""

    dossier_id: str
    statement: bytes
    signature: bytes
    position: int
    created_at: int

    @property
    def signed(self) -> SignedBytes:
        """Statement and signature."""
        return SignedBytes(self.statement, self.signature)


class Kept(NamedTuple):
    """A version that an erasure is about.

    Attributes:
        version: its row.
        number: of the proof's version that it is, or was before it was re-encrypted.
        seal: as stored, None where it was lost.
        until: UTC seconds until which the store was told to keep the body, 0 where it was not.
    """

    version: Version
    number: int
    seal: bytes | None
    until: int


class Accesses(NamedTuple):
    """How much of what opens a dossier there is.

    Attributes:
        grants: wrapped dossier keys, revoked ones included.
        templates: that were not withdrawn.
        uploads: sessions, open or completed.
    """

    grants: int
    templates: int
    uploads: int


class Removal(NamedTuple):
    """An object of an erased version that is still to be removed."""

    seal_id: bytes
    body_key: str
    body_size: int


class Remains(NamedTuple):
    """Objects of an erased dossier that are in the store.

    Attributes:
        waiting: that nothing keeps there; they are about to be removed.
        held: that the store keeps.
        held_bytes: their size.
        until: UTC seconds when it keeps none of them any more.
    """

    waiting: int
    held: int
    held_bytes: int
    until: int


class Erasures:
    """Erased dossiers, and what is left of them."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, dossier_id: str) -> Erasure | None:
        """Return the erasure of a dossier, None where it is not erased."""
        table = schema.erasures
        return await self._handle.first(
            Erasure, rows_of(Erasure, table).where(table.c.dossier_id == dossier_id)
        )

    async def lines(self, dossier_id: str, *, start: int, limit: int) -> Sequence[bytes]:
        """Return lines of a certificate, from number ``start`` on, counted from 0."""
        table = schema.erasure_lines
        return await self._handle.values(
            select(table.c.line)
            .where(table.c.dossier_id == dossier_id, table.c.number >= start, table.c.number < start + limit)
            .order_by(table.c.number)
        )

    async def kept(self, dossier_id: str, *, after: int = -1) -> tuple[Kept, ...]:
        """Return the next versions of a dossier in the order of their deposits, `PAGE` of them at most.

        What was re-encrypted counts until it is erased, which has an entry of its own in the journal.

        Args:
            dossier_id: of this dossier.
            after: position of the last one that was seen.
        """
        table, seals, locks = schema.versions, schema.seals, schema.locks
        columns = [table.c[name] for name in Version._fields]
        standing = table.alias()
        query = (
            select(*columns, standing.c.number, seals.c.seal, func.coalesce(locks.c.until, 0))
            .select_from(
                table.outerjoin(seals, seals.c.seal_id == table.c.seal_id)
                .outerjoin(locks, locks.c.seal_id == table.c.seal_id)
                .join(standing, and_(standing.c.place == table.c.place, standing.c.number > 0))
            )
            .where(table.c.dossier_id == dossier_id, table.c.position > after)
            .where(or_(table.c.number > 0, table.c.erased_at.is_(None)))
            .order_by(table.c.position)
            .limit(PAGE)
        )
        rows: Sequence[Any] = (await self._handle.execute(query)).all()
        return tuple(Kept(Version(*row[:-3]), *row[-3:]) for row in rows)

    async def size(self, dossier_id: str, *, erased: int) -> int:
        """Return how many bytes all had that was erased with a dossier, at the time ``erased``."""
        table = schema.versions
        size = func.coalesce(func.sum(table.c.head_size + table.c.body_size), 0)
        # An original that was erased before is none of the certificate's.
        own = (table.c.dossier_id == dossier_id, or_(table.c.number > 0, table.c.erased_at >= erased))
        return int(await self._handle.value(select(size).where(*own)))

    async def accesses(self, dossier_id: str) -> Accesses:
        """Return how much there is that opens a dossier."""
        templates = schema.templates
        counts = [
            await self._handle.value(select(func.count()).select_from(table).where(*conditions))
            for table, *conditions in (
                (schema.grants, schema.grants.c.dossier_id == dossier_id),
                (templates, templates.c.dossier_id == dossier_id, templates.c.withdrawn_at.is_(None)),
                (schema.uploads, schema.uploads.c.dossier_id == dossier_id),
            )
        ]
        return Accesses(*counts)

    async def remains(self, dossier_id: str, *, now: int) -> Remains:
        """Return what of an erased dossier is in the store; ``now`` in UTC seconds."""
        table, locks = schema.versions, schema.locks
        of = (table.c.dossier_id == dossier_id, table.c.erased_at.is_not(None), table.c.removed_at.is_(None))
        joined = table.outerjoin(locks, and_(locks.c.seal_id == table.c.seal_id, locks.c.until > now))
        query = select(
            func.count(),
            func.count(locks.c.seal_id),
            func.coalesce(func.sum(table.c.body_size).filter(locks.c.seal_id.is_not(None)), 0),
            func.coalesce(func.max(locks.c.until), 0),
        )
        row: Any = (await self._handle.execute(query.select_from(joined).where(*of))).one()
        return Remains(row[0] - row[1], row[1], int(row[2]), row[3])

    async def removals(
        self, *, now: int, dossier_id: str | None = None, after: bytes = b"", limit: int = PAGE
    ) -> tuple[Removal, ...]:
        """Return objects of erased versions that nothing keeps in the store, by seal id.

        Args:
            now: UTC seconds.
            dossier_id: of this dossier alone.
            after: seal id of the last one that was seen.
            limit: how many at most.
        """
        table, locks = schema.versions, schema.locks
        query = (
            rows_of(Removal, table)
            .select_from(table.outerjoin(locks, locks.c.seal_id == table.c.seal_id))
            .where(table.c.erased_at.is_not(None), table.c.removed_at.is_(None), table.c.seal_id > after)
            .where(or_(locks.c.until.is_(None), locks.c.until <= now))
        )
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        return await self._handle.all(Removal, query.order_by(table.c.seal_id).limit(limit))


class ErasureUpkeep(Erasures):
    """What became of objects, to be noted."""

    async def removed(self, seal_ids: Collection[bytes], *, at: int) -> None:
        """Note that the bodies of erased versions are gone, a few hundred at most."""
        table = schema.versions
        await self._handle.execute(
            update(table)
            .where(table.c.seal_id.in_(seal_ids), table.c.erased_at.is_not(None))
            .values(removed_at=at)
        )


class ErasureChanges(ErasureUpkeep):
    """Erasing."""

    def __init__(self, handle: ChangeHandle, organisations: OrganisationChanges) -> None:
        super().__init__(handle)
        self._change = handle
        self._organisations = organisations
        self._condemning = Condemning(handle)

    async def erase(
        self, dossier_id: str, organisation_id: str, signed: SignedBytes, lines: Sequence[bytes]
    ) -> tuple[UploadObjects, ...]:
        """Destroy what opens a closed dossier, and condemn all that the store keeps for it.

        Gone with the commit are grants with their wrapped keys, also in remembered answers, templates, the
        envelopes of all versions, and upload sessions. The organisation gets back what it was charged.

        Args:
            dossier_id: the dossier.
            organisation_id: whose it is.
            signed: the certificate's statement.
            lines: the certificate's lines, one for each version.

        Returns:
            What the store keeps for the sessions that ended.

        Raises:
            OutdatedError: it is not closed, erased already, or not there.
        """
        change, dossiers = self._change, schema.dossiers
        await change.swap(
            update(dossiers)
            .where(
                dossiers.c.id == dossier_id, dossiers.c.closed_at.is_not(None), dossiers.c.erased_at.is_(None)
            )
            .values(erased_at=change.now),
            "the dossier",
        )
        await change.insert(schema.erasures, Erasure(dossier_id, *signed, change.position, change.now))
        for start in range(0, len(lines), PAGE):
            numbered = enumerate(lines[start : start + PAGE], start)
            rows = [{"dossier_id": dossier_id, "number": number, "line": line} for number, line in numbered]
            await change.execute(insert(schema.erasure_lines).values(rows))
        reach(Failpoint.ERASURE_CERTIFIED)
        await self._destroy_grants(dossier_id)
        reach(Failpoint.GRANTS_DESTROYED)
        await self._destroy_templates(dossier_id)
        keys = await self._destroy_envelopes(dossier_id, organisation_id)
        reach(Failpoint.ENVELOPES_DESTROYED)
        ended = await self._end_uploads(dossier_id)
        reach(Failpoint.UPLOADS_ENDED)
        keys += [key for one in ended for key in (one.trailer_key, object_key(one.staged))]
        for start in range(0, len(keys), PAGE):
            await self._condemning.condemn(keys[start : start + PAGE], now=change.now)
        reach(Failpoint.BODIES_CONDEMNED)
        return ended

    async def erase_originals(self, originals: Sequence[Version], organisation_id: str) -> int:
        """Destroy the envelopes of what was re-encrypted, and condemn its bodies; return their bytes.

        Raises:
            OutdatedError: one of them stands, or is erased.
        """
        table, heads = schema.versions, schema.heads
        size = 0
        for original in originals:
            await self._change.swap(
                update(table)
                .where(table.c.seal_id == original.seal_id, table.c.number < 0, table.c.erased_at.is_(None))
                .values(erased_at=self._change.now),
                "the original",
            )
            await self._change.execute(delete(heads).where(heads.c.seal_id == original.seal_id))
            size += original.head_size + original.body_size
        await self._give_back(organisation_id, size)
        await self._condemning.condemn([one.body_key for one in originals], now=self._change.now)
        reach(Failpoint.ORIGINALS_ERASED)
        return size

    async def _give_back(self, organisation_id: str, size: int) -> None:
        organisation = await self._organisations.get(organisation_id)
        assert organisation is not None
        # A count that went wrong is no reason to keep what has to go.
        await self._organisations.charge(organisation_id, -min(size, organisation.used_bytes))

    async def _destroy_grants(self, dossier_id: str) -> None:
        grants, statements, answers = schema.grants, schema.statements, schema.remembered
        await self._change.execute(delete(grants).where(grants.c.dossier_id == dossier_id))
        await self._change.execute(
            delete(statements).where(statements.c.kind == _GRANT, statements.c.dossier_id == dossier_id)
        )
        key = (answers.c.actor, answers.c.route, answers.c.key_hash)
        query = select(*key, answers.c.answer).where(answers.c.route.in_(_GRANTING))
        found: Sequence[Any] = (await self._change.execute(query)).all()
        for actor, route, key_hash, answer in found:
            if answer is not None and json.loads(answer).get("dossier") == dossier_id:
                named = tuple_(*key) == tuple_(actor, route, key_hash)
                await self._change.execute(delete(answers).where(named))

    async def _destroy_templates(self, dossier_id: str) -> None:
        table, parts = schema.templates, schema.template_parts
        own = select(table.c.id).where(table.c.dossier_id == dossier_id)
        await self._change.execute(delete(parts).where(parts.c.template_id.in_(own)))
        await self._change.execute(
            update(table)
            .where(table.c.dossier_id == dossier_id, table.c.withdrawn_at.is_(None))
            .values(withdrawn_at=self._change.now)
        )

    async def _destroy_envelopes(self, dossier_id: str, organisation_id: str) -> list[str]:
        """Destroy them, and return the keys of the bodies, which no row names from then on."""
        table, heads = schema.versions, schema.heads
        own = table.c.dossier_id == dossier_id
        await self._change.execute(
            delete(heads).where(heads.c.seal_id.in_(select(table.c.seal_id).where(own)))
        )
        size = func.coalesce(func.sum(table.c.head_size + table.c.body_size), 0)
        used = int(await self._change.value(select(size).where(own, table.c.erased_at.is_(None))))
        await self._give_back(organisation_id, used)
        await self._change.execute(
            update(table).where(own, table.c.erased_at.is_(None)).values(erased_at=self._change.now)
        )
        return list(
            await self._change.values(select(table.c.body_key).where(own, table.c.removed_at.is_(None)))
        )

    async def _end_uploads(self, dossier_id: str) -> tuple[UploadObjects, ...]:
        table, parts = schema.uploads, schema.upload_parts
        own = table.c.dossier_id == dossier_id
        ended = await self._change.all(UploadObjects, rows_of(UploadObjects, table).where(own))
        await self._change.execute(delete(parts).where(parts.c.upload_id.in_(select(table.c.id).where(own))))
        await self._change.execute(delete(table).where(own))
        return ended
