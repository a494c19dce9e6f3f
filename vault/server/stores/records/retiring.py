"""Keys of dossiers that have ended: what each dossier holds at that moment, and the certificates about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import insert, select

from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Page, SignedBytes

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE: Final = 200
"""Rows that are read or written at once."""


class Retirement(NamedTuple):
    """That a dossier's key, and those before it, have ended, as the server signed it."""

    position: int
    dossier_id: str
    generation: int
    statement: bytes
    signature: bytes
    created_at: int

    @property
    def signed(self) -> SignedBytes:
        """Statement and signature."""
        return SignedBytes(self.statement, self.signature)


class Held(NamedTuple):
    """A container that a dossier holds: of its version, what names its envelope."""

    seal_id: bytes
    proof_id: str
    evidence_type: str
    envelope_digest: bytes
    generation: int
    dossier_generation: int


class Retirements:
    """Certificates of keys that have ended."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def list(self, dossier_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[Retirement]:
        """Return a page of a dossier's, the newest first; raise `BadCursorError`."""
        table = schema.retirements
        query = rows_of(Retirement, table).where(table.c.dossier_id == dossier_id)
        return await page(
            self._handle, Retirement, query, table, cursor=cursor, limit=limit, tie="dossier_id"
        )

    async def get(self, dossier_id: str, position: int) -> Retirement | None:
        """Return the one that stands at a position of the journal."""
        table = schema.retirements
        return await self._handle.first(
            Retirement,
            rows_of(Retirement, table).where(table.c.position == position, table.c.dossier_id == dossier_id),
        )

    async def after(self, position: int, *, dossier_id: str | None, limit: int) -> tuple[Retirement, ...]:
        """Return those after a position of the journal, the oldest first, of one dossier or of all."""
        table = schema.retirements
        query = rows_of(Retirement, table).where(table.c.position > position)
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        return await self._handle.all(Retirement, query.order_by(table.c.position).limit(limit))

    async def since(self, dossier_id: str, generation: int) -> bool:
        """Tell whether there is one about the key of ``generation``, or a newer one."""
        table = schema.retirements
        query = (
            select(table.c.position)
            .where(table.c.dossier_id == dossier_id, table.c.generation >= generation)
            .limit(1)
        )
        return await self._handle.value(query) is not None

    async def lines(self, position: int, *, start: int, limit: int) -> Sequence[bytes]:
        """Return lines of a certificate, from number ``start`` on, counted from 0."""
        table = schema.retirement_lines
        return await self._handle.values(
            select(table.c.line)
            .where(table.c.position == position, table.c.number >= start, table.c.number < start + limit)
            .order_by(table.c.number)
        )

    async def held(self, dossier_id: str, *, after: bytes = b"") -> tuple[Held, ...]:
        """Return the next containers of a dossier, of any state, by seal id, `PAGE` of them at most.

        Args:
            dossier_id: of this dossier.
            after: seal id of the last one that was seen.
        """
        table = schema.versions
        query = rows_of(Held, table).where(
            table.c.dossier_id == dossier_id, table.c.erased_at.is_(None), table.c.seal_id > after
        )
        return await self._handle.all(Held, query.order_by(table.c.seal_id).limit(PAGE))


class RetirementChanges(Retirements):
    """Certificates, to be kept."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self, dossier_id: str, generation: int, signed: SignedBytes, lines: Sequence[bytes]
    ) -> Retirement:
        """Keep a certificate: its statement, and its lines as they were signed."""
        change = self._change
        row = Retirement(change.position, dossier_id, generation, *signed, change.now)
        await change.insert(schema.retirements, row)
        for start in range(0, len(lines), PAGE):
            numbered = enumerate(lines[start : start + PAGE], start)
            rows = [{"position": row.position, "number": number, "line": line} for number, line in numbered]
            await change.execute(insert(schema.retirement_lines).values(rows))
        return row
