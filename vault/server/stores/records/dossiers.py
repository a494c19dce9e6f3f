"""Dossiers, their depositors and the grants on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, or_, select, update

from vault.server.ports import OutdatedError
from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Depositor, Dossier, Grant, Page, StoredStatement

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


class Dossiers:
    """What belongs to one product's démarche."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, dossier_id: str) -> Dossier | None:
        """Return one."""
        table = schema.dossiers
        return await self._handle.first(Dossier, rows_of(Dossier, table).where(table.c.id == dossier_id))

    async def list(
        self,
        *,
        organisation_id: str | None = None,
        mandated: tuple[bytes, int] | None = None,
        grantee: bytes | None = None,
        closed: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Dossier]:
        """Return a page of the dossiers that meet every condition given.

        Args:
            organisation_id: of this tenant.
            mandated: a signing key's id with a time: it has a mandate that is neither removed nor withdrawn
                nor outside its dates then.
            grantee: a KEM key's id: it has a grant that is not revoked.
            closed: whether closed.
            cursor: of the page before.
            limit: 1 to 200.

        Raises:
            BadCursorError: not a cursor of this list.
        """
        table = schema.dossiers
        query = rows_of(Dossier, table)
        if organisation_id is not None:
            query = query.where(table.c.organisation_id == organisation_id)
        if mandated is not None:
            query = query.where(_mandated(*mandated))
        if grantee is not None:
            query = query.where(
                exists().where(
                    schema.grants.c.dossier_id == table.c.id,
                    schema.grants.c.grantee == grantee,
                    schema.grants.c.revoked_at.is_(None),
                )
            )
        if closed is not None:
            query = query.where(table.c.closed_at.is_not(None) if closed else table.c.closed_at.is_(None))
        return await page(self._handle, Dossier, query, table, cursor=cursor, limit=limit)


def _mandated(signing_key_id: bytes, at: int) -> ColumnElement[bool]:
    depositors, mandates = schema.depositors, schema.statements
    return exists().where(
        depositors.c.dossier_id == schema.dossiers.c.id,
        depositors.c.signing_key_id == signing_key_id,
        depositors.c.removed_at.is_(None),
        mandates.c.id == depositors.c.mandate_id,
        or_(mandates.c.withdrawn_at.is_(None), mandates.c.withdrawn_at > at),
        mandates.c.valid_from <= at,
        or_(mandates.c.valid_until == 0, mandates.c.valid_until > at),
    )


class DossierChanges(Dossiers):
    """Dossiers, to be opened and closed."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        dossier_id: str,
        organisation_id: str,
        procedure: str,
        product: str,
        product_version: str,
        opened_by: str,
    ) -> Dossier:
        """Store a new dossier, its key being generation 1.

        Raises:
            AlreadyExistsError: the id is taken, or organisation or account is not there.
        """
        return await self._change.insert(
            schema.dossiers,
            Dossier(
                id=dossier_id,
                organisation_id=organisation_id,
                procedure=procedure,
                product=product,
                product_version=product_version,
                opened_by=opened_by,
                generation=1,
                closed_at=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def close(self, dossier_id: str) -> None:
        """Close a dossier; raise `OutdatedError` where it is not there or closed already."""
        table = schema.dossiers
        await self._change.swap(
            update(table)
            .where(table.c.id == dossier_id, table.c.closed_at.is_(None))
            .values(closed_at=self._change.now),
            "the dossier",
        )


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

    async def revoke(self, grant_id: str) -> None:
        """Revoke a grant; raise `OutdatedError` where it is not there or already revoked."""
        table = schema.grants
        await self._change.swap(
            update(table)
            .where(table.c.id == grant_id, table.c.revoked_at.is_(None))
            .values(revoked_at=self._change.now),
            "the grant",
        )
