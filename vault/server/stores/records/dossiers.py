"""Dossiers, and which of them a list may show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, or_, update

from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Dossier, Page

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
        erased: bool | None = None,
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
            erased: whether erased.
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
        if erased is not None:
            query = query.where(table.c.erased_at.is_not(None) if erased else table.c.erased_at.is_(None))
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

    async def advance(self, dossier_id: str, *, expected: int) -> None:
        """Move a dossier from its key of generation ``expected`` to the next one, stored before.

        Raises:
            OutdatedError: it is not there, or has another current key.
        """
        table = schema.dossiers
        await self._change.swap(
            update(table)
            .where(table.c.id == dossier_id, table.c.generation == expected)
            .values(generation=expected + 1),
            "the dossier's current key",
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
