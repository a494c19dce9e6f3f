"""Signed statements, stored and listed but believed in none; and the few facts that are pinned once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Page, StoredStatement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.statements import Signed


class Statements:
    """Signed statements of every kind but receipts and checkpoints."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, statement_id: bytes) -> StoredStatement | None:
        """Return one."""
        table = schema.statements
        return await self._handle.first(
            StoredStatement, rows_of(StoredStatement, table).where(table.c.id == statement_id)
        )

    async def find(
        self,
        kind: str,
        *,
        subject: bytes | None = None,
        dossier_id: str | None = None,
        generation: int | None = None,
    ) -> tuple[StoredStatement, ...]:
        """Return those of one kind that meet every condition given, the first stored first.

        Withdrawn and lapsed ones are among them: what counts at a time is for the caller to judge.
        """
        table = schema.statements
        query = rows_of(StoredStatement, table).where(table.c.kind == kind)
        if subject is not None:
            query = query.where(table.c.subject == subject)
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        if generation is not None:
            query = query.where(table.c.generation == generation)
        return await self._handle.all(StoredStatement, query.order_by(table.c.position, table.c.id))

    async def approvals(
        self, *, dossier_id: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[StoredStatement]:
        """Return a page of approvals, the newest first; raise `BadCursorError`."""
        table = schema.statements
        query = rows_of(StoredStatement, table).where(table.c.kind == "approval")
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        # Each has an entry in the journal of its own, so that no two have one position.
        return await page(self._handle, StoredStatement, query, table, cursor=cursor, limit=limit, tie="kind")

    async def dossier_keys(self, dossier_id: str) -> dict[int, bytes]:
        """Return the key ids of a dossier's keys by generation, without the statements."""
        table = schema.statements
        query = select(table.c.generation, table.c.subject).where(
            table.c.kind == "dossier key", table.c.dossier_id == dossier_id
        )
        rows: Sequence[Any] = (await self._handle.execute(query)).all()
        return {row[0]: row[1] for row in rows}

    async def last_issued(self, issuer: bytes) -> int | None:
        """Return when a signing key, named by its id, last said something that is stored; None if never."""
        table = schema.statements
        last: int | None = await self._handle.value(
            select(func.max(table.c.issued_at)).where(table.c.issuer == issuer)
        )
        return last

    async def ending(self, *, now: int, by: int) -> int:
        """Return how many accounts' keys stop being habilitated after ``now`` and not later than ``by``.

        A key that has several habilitations stops with the last of them. Accounts that are disabled do not
        count, nor does what was withdrawn, or has no end.
        """
        statements, accounts = schema.statements, schema.accounts
        last = func.max(statements.c.valid_until)
        keys = (
            select(statements.c.subject)
            .join(accounts, accounts.c.signing_key_id == statements.c.subject)
            .where(
                statements.c.kind == "habilitation",
                statements.c.withdrawn_by.is_(None),
                accounts.c.disabled_at.is_(None),
            )
            .group_by(statements.c.subject)
            .having(func.min(statements.c.valid_until) > 0, last > now, last <= by)
            .subquery()
        )
        count: int = await self._handle.value(select(func.count()).select_from(keys))
        return count


class StatementChanges(Statements):
    """Signed statements, to be added and withdrawn; none is ever removed."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        signed: Signed,
        *,
        kind: str,
        issuer: bytes,
        issued_at: int,
        valid_from: int,
        valid_until: int,
        subject: bytes | None = None,
        dossier_id: str | None = None,
        generation: int | None = None,
    ) -> StoredStatement:
        """Store a statement with what it is found by.

        Args:
            signed: its bytes and signature.
            kind: as in the statement.
            issuer: key id of the issuer's signing key, 32 bytes.
            issued_at: as in the statement, like the two times that follow.
            valid_from: UTC seconds.
            valid_until: UTC seconds, 0 is no end.
            subject: key id that it speaks of.
            dossier_id: dossier that it speaks of.
            generation: of the dossier key that it speaks of.

        Raises:
            AlreadyExistsError: it is stored already, or the dossier is not there.
        """
        return await self._change.insert(
            schema.statements,
            StoredStatement(
                id=signed.id,
                kind=kind,
                statement=signed.statement,
                signature=signed.signature,
                issuer=issuer,
                subject=subject,
                dossier_id=dossier_id,
                generation=generation,
                issued_at=issued_at,
                valid_from=valid_from,
                valid_until=valid_until,
                withdrawn_by=None,
                withdrawn_at=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def hand_over(self, former: bytes, key: bytes) -> int:
        """Let the habilitations of a signing key be found by another one, which follows it.

        What they say stays as it is: a succession leads from the key that they name.
        """
        table = schema.statements
        moved = await self._change.execute(
            update(table).where(table.c.kind == "habilitation", table.c.subject == former).values(subject=key)
        )
        return moved.rowcount

    async def withdraw(self, statement_id: bytes, *, by: bytes, at: int) -> None:
        """Mark a statement as withdrawn by the stored statement ``by``, issued ``at``.

        Raises:
            OutdatedError: it is not there, or withdrawn already.
            AlreadyExistsError: the withdrawal itself is not stored.
        """
        table = schema.statements
        await self._change.swap(
            update(table)
            .where(table.c.id == statement_id, table.c.withdrawn_by.is_(None))
            .values(withdrawn_by=by, withdrawn_at=at),
            "the statement",
        )


class Facts:
    """What is true of this service for good, such as the authority's public key."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, name: str) -> bytes | None:
        """Return a fact."""
        table = schema.facts
        value: bytes | None = await self._handle.value(select(table.c.value).where(table.c.name == name))
        return value


class FactChanges(Facts):
    """Facts, to be pinned."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def pin(self, name: str, value: bytes) -> None:
        """Set a fact once; raise `AlreadyExistsError` if it is set, to whatever value."""
        await self._change.execute(
            schema.facts.insert().values(
                name=name, value=value, position=self._change.position, created_at=self._change.now
            )
        )
