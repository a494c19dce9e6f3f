"""Signing keys that were given mandates for dossiers."""

from __future__ import annotations

from sqlalchemy import func, select, update

from vault.server.ports import OutdatedError
from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Depositor, Page, StoredStatement


class Depositors:
    """Signing keys that were given mandates."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, depositor_id: str) -> Depositor | None:
        """Return one."""
        table = schema.depositors
        return await self._handle.first(
            Depositor, rows_of(Depositor, table).where(table.c.id == depositor_id)
        )

    async def standing(self, signing_key_id: bytes, dossier_id: str | None = None) -> tuple[Depositor, ...]:
        """Return a key's entries that were not removed, in one dossier or all, the first first."""
        table = schema.depositors
        query = rows_of(Depositor, table).where(
            table.c.signing_key_id == signing_key_id, table.c.removed_at.is_(None)
        )
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        return await self._handle.all(Depositor, query.order_by(table.c.position, table.c.id))

    async def mandates(self, dossier_id: str, signing_key_id: bytes) -> tuple[StoredStatement, ...]:
        """Return the mandates behind `standing`, lapsed and withdrawn ones included, the first first."""
        table, statements = schema.depositors, schema.statements
        return await self._handle.all(
            StoredStatement,
            rows_of(StoredStatement, statements)
            .join(table, table.c.mandate_id == statements.c.id)
            .where(
                table.c.dossier_id == dossier_id,
                table.c.signing_key_id == signing_key_id,
                table.c.removed_at.is_(None),
            )
            .order_by(table.c.position, table.c.id),
        )

    async def origins(self, dossier_id: str, signing_key_id: bytes) -> tuple[bytes, ...]:
        """Return the key ids that a key's mandates in a dossier were given to, ended ones included."""
        table, statements = schema.depositors, schema.statements
        return await self._handle.values(
            select(statements.c.subject)
            .join(table, table.c.mandate_id == statements.c.id)
            .where(table.c.dossier_id == dossier_id, table.c.signing_key_id == signing_key_id)
            .distinct()
        )

    async def last_deposit(self, signing_key_id: bytes) -> int | None:
        """Return when a key last sealed what was deposited, UTC seconds, in the dossiers that it is in."""
        table, versions = schema.depositors, schema.versions
        own = select(table.c.dossier_id).where(table.c.signing_key_id == signing_key_id)
        found: int | None = await self._handle.value(
            select(func.max(versions.c.created_at)).where(
                versions.c.dossier_id.in_(own), versions.c.signer == signing_key_id
            )
        )
        return found

    async def list(self, dossier_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[Depositor]:
        """Return a page of a dossier's depositors that were not removed; raise `BadCursorError`."""
        table = schema.depositors
        query = rows_of(Depositor, table).where(
            table.c.dossier_id == dossier_id, table.c.removed_at.is_(None)
        )
        return await page(self._handle, Depositor, query, table, cursor=cursor, limit=limit)


class DepositorChanges(Depositors):
    """Depositors, to be added and removed."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        depositor_id: str,
        dossier_id: str,
        signing_key_id: bytes,
        signing_public: bytes,
        mandate_id: bytes,
        label: str,
    ) -> Depositor:
        """Store a depositor with its mandate, which is stored as a statement before.

        Raises:
            AlreadyExistsError: the mandate is in use, or dossier or mandate is not there.
        """
        return await self._change.insert(
            schema.depositors,
            Depositor(
                id=depositor_id,
                dossier_id=dossier_id,
                signing_key_id=signing_key_id,
                signing_public=signing_public,
                mandate_id=mandate_id,
                label=label,
                removed_at=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def hand_over(self, former: bytes, signing_key_id: bytes, signing_public: bytes) -> int:
        """Give all standing entries of the key ``former`` to another one; return how many those were.

        The mandates behind them stay as they are: a succession leads from the key that they name.
        """
        moved = await self._change.execute(
            update(schema.depositors)
            .where(schema.depositors.c.signing_key_id == former, schema.depositors.c.removed_at.is_(None))
            .values(signing_key_id=signing_key_id, signing_public=signing_public)
        )
        return moved.rowcount

    async def remove(self, dossier_id: str, signing_key_id: bytes) -> int:
        """Remove a key from a dossier, with all its mandates there; return how many those were.

        Raises:
            OutdatedError: it has none there.
        """
        removed = await self._change.execute(
            update(schema.depositors)
            .where(
                schema.depositors.c.dossier_id == dossier_id,
                schema.depositors.c.signing_key_id == signing_key_id,
                schema.depositors.c.removed_at.is_(None),
            )
            .values(removed_at=self._change.now)
        )
        if not removed.rowcount:
            raise OutdatedError("the key has no mandate there")
        return removed.rowcount
