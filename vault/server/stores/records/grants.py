"""To whom dossier keys were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Grant, Page

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


class Grants:
    """To whom dossier keys were given."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, grant_id: str) -> Grant | None:
        """Return one."""
        table = schema.grants
        return await self._handle.first(Grant, rows_of(Grant, table).where(table.c.id == grant_id))

    async def standing(self, dossier_id: str, grantee: bytes) -> tuple[Grant, ...]:
        """Return the grants of a dossier to a KEM key that were not revoked, the lowest generation first."""
        table = schema.grants
        return await self._handle.all(
            Grant,
            rows_of(Grant, table)
            .where(table.c.dossier_id == dossier_id, table.c.grantee == grantee, table.c.revoked_at.is_(None))
            .order_by(table.c.generation),
        )

    async def is_granted(self, dossier_id: str, grantee: bytes) -> bool:
        """Tell whether `standing` would return anything."""
        table = schema.grants
        found = await self._handle.value(
            select(table.c.id)
            .where(table.c.dossier_id == dossier_id, table.c.grantee == grantee, table.c.revoked_at.is_(None))
            .limit(1)
        )
        return found is not None

    async def count_below(self, dossier_id: str, generation: int) -> int:
        """Return how many grants of a dossier's older keys were not revoked."""
        found: int = await self._handle.value(
            select(func.count()).select_from(schema.grants).where(*_below(dossier_id, generation))
        )
        return found

    async def list(self, dossier_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[Grant]:
        """Return a page of a dossier's grants, revoked ones included; raise `BadCursorError`."""
        table = schema.grants
        query = rows_of(Grant, table).where(table.c.dossier_id == dossier_id)
        return await page(self._handle, Grant, query, table, cursor=cursor, limit=limit)


class GrantChanges(Grants):
    """Grants, to be made and revoked."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        grant_id: str,
        dossier_id: str,
        generation: int,
        grantee: bytes,
        account_id: str | None,
        statement_id: bytes,
    ) -> Grant:
        """Store a grant, whose statement is stored before.

        Raises:
            AlreadyExistsError: this generation is granted to this key and not revoked, the statement is in
                use, or what is named is not there.
        """
        return await self._change.insert(
            schema.grants,
            Grant(
                id=grant_id,
                dossier_id=dossier_id,
                generation=generation,
                grantee=grantee,
                account_id=account_id,
                statement_id=statement_id,
                revoked_at=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def hand_over(self, former: bytes, grantee: bytes) -> int:
        """Give all grants to a KEM key that were not revoked to another one; return how many those were.

        Their statements stay as they are, wrapped to the key before, until each is replaced by `rewrap`.
        """
        table = schema.grants
        moved = await self._change.execute(
            update(table)
            .where(table.c.grantee == former, table.c.revoked_at.is_(None))
            .values(grantee=grantee)
        )
        return moved.rowcount

    async def rewrap(self, grant_id: str, *, expected: bytes, statement_id: bytes) -> None:
        """Let a grant name another statement, which is stored before, in the place of ``expected``.

        Raises:
            OutdatedError: it is revoked, or names another one.
        """
        table = schema.grants
        await self._change.swap(
            update(table)
            .where(table.c.id == grant_id, table.c.statement_id == expected, table.c.revoked_at.is_(None))
            .values(statement_id=statement_id),
            "the grant",
        )

    async def revoke(self, grant_id: str) -> None:
        """Revoke a grant; raise `OutdatedError` where it is not there or already revoked."""
        table = schema.grants
        await self._change.swap(
            update(table)
            .where(table.c.id == grant_id, table.c.revoked_at.is_(None))
            .values(revoked_at=self._change.now),
            "the grant",
        )

    async def revoke_below(self, dossier_id: str, generation: int) -> int:
        """Revoke all grants of a dossier's keys older than ``generation``; return how many that were."""
        found = await self._change.execute(
            update(schema.grants).where(*_below(dossier_id, generation)).values(revoked_at=self._change.now)
        )
        return found.rowcount


def _below(dossier_id: str, generation: int) -> tuple[ColumnElement[bool], ...]:
    table = schema.grants
    return (
        table.c.dossier_id == dossier_id,
        table.c.generation < generation,
        table.c.revoked_at.is_(None),
    )
