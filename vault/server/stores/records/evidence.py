"""Proofs and their versions, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, or_, select

from vault.server.stores.records import schema
from vault.server.stores.records.handle import Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Opening, Page, Proof, SignedBytes, Sizes, Total, Version

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, FromClause, Select


class Evidence:
    """What was deposited."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def proof(self, proof_id: str) -> Proof | None:
        """Return one proof."""
        table = schema.proofs
        return await self._handle.first(Proof, rows_of(Proof, table).where(table.c.id == proof_id))

    async def version(self, proof_id: str, number: int) -> Version | None:
        """Return one version of a proof, counted from 1."""
        table = schema.versions
        return await self._handle.first(
            Version, rows_of(Version, table).where(table.c.proof_id == proof_id, table.c.number == number)
        )

    async def by_seal(self, seal_id: bytes) -> Version | None:
        """Return the version with this seal: there is one if it was ever deposited."""
        table = schema.versions
        return await self._handle.first(Version, rows_of(Version, table).where(table.c.seal_id == seal_id))

    async def versions(self, proof_id: str) -> tuple[Version, ...]:
        """Return all versions of a proof that stand, the oldest first."""
        table = schema.versions
        query = rows_of(Version, table).where(table.c.proof_id == proof_id, table.c.number > 0)
        return await self._handle.all(Version, query.order_by(table.c.number))

    async def standing(self, place: int) -> Version | None:
        """Return the version that stands in a place."""
        table = schema.versions
        return await self._handle.first(
            Version, rows_of(Version, table).where(table.c.place == place, table.c.number > 0)
        )

    async def originals(self, place: int) -> tuple[Version, ...]:
        """Return what stood in a place before it was re-encrypted, the oldest first, erased or not."""
        table = schema.versions
        query = rows_of(Version, table).where(table.c.place == place, table.c.number < 0)
        return await self._handle.all(Version, query.order_by(table.c.position))

    async def by_seals(self, seal_ids: Collection[bytes]) -> tuple[Version, ...]:
        """Return the versions with these seals, a few hundred at most, in no order."""
        table = schema.versions
        return await self._handle.all(Version, rows_of(Version, table).where(table.c.seal_id.in_(seal_ids)))

    async def after(self, position: int, *, dossier_id: str | None, limit: int) -> tuple[Version, ...]:
        """Return versions of any state that were deposited after a journal position, the oldest first.

        Args:
            position: of the last one that was seen, -1 for the beginning.
            dossier_id: of this dossier alone.
            limit: how many at most.
        """
        table = schema.versions
        query = rows_of(Version, table).where(table.c.position > position)
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        return await self._handle.all(Version, query.order_by(table.c.position).limit(limit))

    async def total(self, *, dossier_id: str | None) -> Total:
        """Return how many versions there are in any state, and how many bytes their bodies have together.

        The bodies of those that are erased do not count.
        """
        table = schema.versions
        size = case((table.c.erased_at.is_(None), table.c.body_size), else_=0)
        query = select(func.count(), func.coalesce(func.sum(size), 0))
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        found = await self._handle.first(Total, query.select_from(table))
        assert found is not None
        return Total(found.versions, int(found.body_bytes))

    async def list(
        self,
        dossier_id: str,
        *,
        state: str,
        evidence_type: str | None = None,
        signers: Collection[bytes] | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Version]:
        """Return a page of a dossier's versions in one state, the newest deposit first.

        A version that is archived between two pages leaves the one list and joins the other at its own place.

        Args:
            dossier_id: of this dossier.
            state: active or archived.
            evidence_type: of this type alone.
            signers: sealed by one of these keys.
            cursor: of the page before.
            limit: 1 to 200.

        Raises:
            BadCursorError: not a cursor of this list.
        """
        table = schema.versions
        query = rows_of(Version, table).where(
            table.c.dossier_id == dossier_id, table.c.state == state, table.c.number > 0
        )
        if evidence_type is not None:
            query = query.where(table.c.evidence_type == evidence_type)
        if signers is not None:
            # One is the rule, and equality lets an index put the page in order.
            one = next(iter(signers)) if len(signers) == 1 else None
            query = query.where(table.c.signer == one if one else table.c.signer.in_(signers))
        return await self._page(query, cursor=cursor, limit=limit)

    async def generations(self, dossier_id: str) -> Sequence[int]:
        """Return the dossier-key generations that today's envelopes are sealed to, ascending."""
        table = schema.versions
        return await self._handle.values(
            select(table.c.dossier_generation)
            .where(table.c.dossier_id == dossier_id, table.c.number > 0)
            .distinct()
            .order_by(table.c.dossier_generation)
        )

    async def below(
        self, dossier_id: str, generation: int, *, cursor: str | None = None, limit: int = 50
    ) -> Page[Version]:
        """Return a page of versions, of any state, sealed to a dossier key older than ``generation``.

        Raises:
            BadCursorError: not a cursor of this list.
        """
        table = schema.versions
        query = rows_of(Version, table).where(*_below(dossier_id, generation))
        return await self._page(query, cursor=cursor, limit=limit)

    async def sizes_below(self, dossier_id: str, generation: int) -> Sizes:
        """Return how much `below` would return in all."""
        return await self._sizes(*_below(dossier_id, generation))

    async def sealed_before(
        self, dossier_id: str, position: int, *, cursor: str | None = None, limit: int = 50
    ) -> Page[Version]:
        """Return a page of versions, of any state, that are left to be re-encrypted.

        Those are the ones that came before a position of the journal, and those of which an original is not
        erased yet.

        Raises:
            BadCursorError: not a cursor of this list.
        """
        table, originals = schema.versions, schema.versions.alias()
        left = select(originals.c.place).where(*_unerased(originals, dossier_id))
        query = rows_of(Version, table).where(
            table.c.dossier_id == dossier_id,
            table.c.number > 0,
            or_(table.c.position < position, table.c.place.in_(left)),
        )
        return await self._page(query, cursor=cursor, limit=limit)

    async def sizes_sealed_before(self, dossier_id: str, position: int) -> Sizes:
        """Return how much came before a position of the journal and was not re-encrypted since."""
        table = schema.versions
        return await self._sizes(
            table.c.dossier_id == dossier_id, table.c.number > 0, table.c.position < position
        )

    async def sizes_of_originals(self, dossier_id: str) -> Sizes:
        """Return how much there is that was re-encrypted and is not erased yet."""
        return await self._sizes(*_unerased(schema.versions, dossier_id))

    async def _page(self, query: Select[Any], *, cursor: str | None, limit: int) -> Page[Version]:
        """Return a page of versions, whatever re-encrypts one being where that one was."""
        return await page(
            self._handle,
            Version,
            query,
            schema.versions,
            cursor=cursor,
            limit=limit,
            by="place",
            tie="proof_id",
        )

    async def _sizes(self, *conditions: ColumnElement[bool]) -> Sizes:
        table = schema.versions
        query = select(
            func.count(),
            func.coalesce(func.sum(table.c.head_size), 0),
            func.coalesce(func.sum(table.c.body_size), 0),
        ).where(*conditions)
        found = await self._handle.first(Sizes, query.select_from(table))
        assert found is not None
        return Sizes(found.versions, int(found.head_bytes), int(found.body_bytes))

    async def head(self, seal_id: bytes) -> bytes | None:
        """Return preamble and envelope of a version, as they are now."""
        table = schema.heads
        head: bytes | None = await self._handle.value(select(table.c.head).where(table.c.seal_id == seal_id))
        return head

    async def seal(self, seal_id: bytes) -> bytes | None:
        """Return the seal of a version: length, JSON and signature, as they stand in the container."""
        table = schema.seals
        seal: bytes | None = await self._handle.value(select(table.c.seal).where(table.c.seal_id == seal_id))
        return seal

    async def ends(self, seal_ids: Collection[bytes]) -> dict[bytes, tuple[bytes, bytes]]:
        """Return head and seal, as `head` and `seal` do, of those versions that have both, by seal id.

        Args:
            seal_ids: a few hundred at most.
        """
        heads, seals = schema.heads, schema.seals
        query = (
            select(heads.c.seal_id, heads.c.head, seals.c.seal)
            .join(seals, seals.c.seal_id == heads.c.seal_id)
            .where(heads.c.seal_id.in_(seal_ids))
        )
        rows: Sequence[Any] = (await self._handle.execute(query)).all()
        return {row[0]: (row[1], row[2]) for row in rows}

    async def receipt(self, seal_id: bytes) -> SignedBytes | None:
        """Return the receipt of a version."""
        table = schema.seals
        return await self._handle.first(
            SignedBytes,
            select(table.c.receipt, table.c.receipt_signature).where(table.c.seal_id == seal_id),
        )

    async def openings(self, seal_id: bytes) -> tuple[Opening, ...]:
        """Return what reviewers found, the first first."""
        table = schema.openings
        return await self._handle.all(
            Opening,
            rows_of(Opening, table).where(table.c.seal_id == seal_id).order_by(table.c.position, table.c.id),
        )


def _below(dossier_id: str, generation: int) -> tuple[ColumnElement[bool], ...]:
    table = schema.versions
    return table.c.dossier_id == dossier_id, table.c.dossier_generation < generation, table.c.number > 0


def _unerased(table: FromClause, dossier_id: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.dossier_id == dossier_id, table.c.number < 0, table.c.erased_at.is_(None)
