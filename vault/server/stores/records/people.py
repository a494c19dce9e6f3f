"""Organisations and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, update

from vault.server.ports import QuotaExceededError
from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Account, Organisation, Page

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement

    from keys.keyfile import PublicIdentity


class Organisations:
    """Tenants."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, organisation_id: str) -> Organisation | None:
        """Return one."""
        table = schema.organisations
        return await self._handle.first(
            Organisation, rows_of(Organisation, table).where(table.c.id == organisation_id)
        )

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> Page[Organisation]:
        """Return a page of all; raise `BadCursorError`."""
        table = schema.organisations
        query = rows_of(Organisation, table)
        return await page(self._handle, Organisation, query, table, cursor=cursor, limit=limit)


class OrganisationChanges(Organisations):
    """Tenants, to be changed."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        organisation_id: str,
        name: str,
        quota_bytes: int,
        max_container_bytes: int,
        passwords: str = "generated",
    ) -> Organisation:
        """Store a new tenant; raise `AlreadyExistsError`."""
        return await self._change.insert(
            schema.organisations,
            Organisation(
                id=organisation_id,
                name=name,
                quota_bytes=quota_bytes,
                max_container_bytes=max_container_bytes,
                passwords=passwords,
                used_bytes=0,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def set(
        self,
        organisation_id: str,
        *,
        name: str,
        quota_bytes: int,
        max_container_bytes: int,
        passwords: str,
    ) -> None:
        """Set what may change; a quota below what is used stops deposits and removes nothing.

        Raises:
            OutdatedError: there is no such tenant.
        """
        await self._change.swap(
            update(schema.organisations)
            .where(schema.organisations.c.id == organisation_id)
            .values(
                name=name,
                quota_bytes=quota_bytes,
                max_container_bytes=max_container_bytes,
                passwords=passwords,
            ),
            "the organisation",
        )

    async def charge(self, organisation_id: str, size: int, *, beside: ColumnElement[int] | int = 0) -> None:
        """Count ``size`` bytes more as used, ``beside`` what others may use; a negative size gives back.

        Raises:
            QuotaExceededError: that is more than the quota allows.
        """
        table = schema.organisations
        used = table.c.used_bytes + size
        charged = update(table).where(table.c.id == organisation_id).values(used_bytes=used)
        if size > 0:
            charged = charged.where(used + beside <= table.c.quota_bytes)
        if (await self._change.execute(charged)).rowcount != 1:
            self._change.doomed = True
            raise QuotaExceededError(f"{size} bytes more are over the organisation's quota")


class Accounts:
    """People and programs that the vault knows by name."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, account_id: str) -> Account | None:
        """Return one."""
        table = schema.accounts
        return await self._handle.first(Account, rows_of(Account, table).where(table.c.id == account_id))

    async def by_signing_key(self, signing_key_id: bytes) -> Account | None:
        """Return the account that enrolled with this signing key."""
        table = schema.accounts
        return await self._handle.first(
            Account, rows_of(Account, table).where(table.c.signing_key_id == signing_key_id)
        )

    async def by_kem_key(self, kem_key_id: bytes) -> Account | None:
        """Return the account that enrolled with this KEM key, the one that grants are made to."""
        table = schema.accounts
        return await self._handle.first(
            Account, rows_of(Account, table).where(table.c.kem_key_id == kem_key_id)
        )

    async def by_enrolment(self, enrolment_hash: bytes) -> Account | None:
        """Return the account whose unused code has this SHA-256; whether it has expired is for the caller."""
        table = schema.accounts
        return await self._handle.first(
            Account, rows_of(Account, table).where(table.c.enrolment_hash == enrolment_hash)
        )

    async def list(
        self,
        *,
        roles: Collection[str] | None = None,
        enrolled: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Account]:
        """Return a page of all, or of those with one of ``roles``, or of those that have keys.

        Raises:
            BadCursorError: not a cursor of this list.
        """
        table = schema.accounts
        query = rows_of(Account, table)
        if roles is not None:
            query = query.where(table.c.role.in_(sorted(roles)))
        if enrolled:
            query = query.where(table.c.signing_key_id.is_not(None))
        return await page(self._handle, Account, query, table, cursor=cursor, limit=limit)


class AccountChanges(Accounts):
    """People and programs, to be changed."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        account_id: str,
        role: str,
        name: str,
        organisation_id: str | None = None,
        enrolment_hash: bytes | None = None,
        enrolment_until: int | None = None,
    ) -> Account:
        """Store a new account, without keys; raise `AlreadyExistsError`."""
        return await self._change.insert(
            schema.accounts,
            Account(
                id=account_id,
                organisation_id=organisation_id,
                role=role,
                name=name,
                kem_public=None,
                signing_public=None,
                kem_key_id=None,
                signing_key_id=None,
                enrolment_hash=enrolment_hash,
                enrolment_until=enrolment_until,
                disabled_at=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def new_code(self, account_id: str, *, enrolment_hash: bytes, enrolment_until: int) -> None:
        """Replace the enrolment code; raise `OutdatedError` where there is no such account."""
        await self._change.swap(
            update(schema.accounts)
            .where(schema.accounts.c.id == account_id)
            .values(enrolment_hash=enrolment_hash, enrolment_until=enrolment_until),
            "the account",
        )

    async def enrol(self, account_id: str, *, enrolment_hash: bytes, identity: PublicIdentity) -> None:
        """Give an account its keys and use up its code.

        Raises:
            OutdatedError: the code was used, replaced or has expired, or the account is disabled.
            AlreadyExistsError: another account has one of these keys.
        """
        table = schema.accounts
        await self._change.swap(
            update(table)
            .where(
                table.c.id == account_id,
                table.c.enrolment_hash == enrolment_hash,
                table.c.enrolment_until > self._change.now,
                table.c.disabled_at.is_(None),
            )
            .values(
                **_keys(identity),
                enrolment_hash=None,
                enrolment_until=None,
            ),
            "the enrolment code",
        )

    async def succeed(self, account_id: str, former: bytes, identity: PublicIdentity) -> None:
        """Put an identity in the place of the one with the signing key id ``former``.

        Raises:
            OutdatedError: the account has another one, or is disabled.
            AlreadyExistsError: another account has one of these keys.
        """
        table = schema.accounts
        await self._change.swap(
            update(table)
            .where(
                table.c.id == account_id,
                table.c.signing_key_id == former,
                table.c.disabled_at.is_(None),
            )
            .values(**_keys(identity)),
            "the account's key",
        )

    async def disable(self, account_id: str) -> None:
        """Disable an account and end its tokens, sessions and code at once; again changes nothing.

        Raises:
            OutdatedError: there is no such account.
        """
        table, now = schema.accounts, self._change.now
        await self._change.swap(
            update(table)
            .where(table.c.id == account_id)
            .values(
                disabled_at=func.coalesce(table.c.disabled_at, now),
                enrolment_hash=None,
                enrolment_until=None,
            ),
            "the account",
        )
        await self._change.execute(
            update(schema.tokens)
            .where(schema.tokens.c.account_id == account_id, schema.tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        await self._change.execute(
            update(schema.sessions)
            .where(schema.sessions.c.account_id == account_id, schema.sessions.c.ended_at.is_(None))
            .values(ended_at=now)
        )

    async def enable(self, account_id: str) -> None:
        """Undo `disable`, but for tokens and sessions: those stay ended.

        Raises:
            OutdatedError: there is no such account.
        """
        await self._change.swap(
            update(schema.accounts).where(schema.accounts.c.id == account_id).values(disabled_at=None),
            "the account",
        )


def _keys(identity: PublicIdentity) -> dict[str, bytes]:
    """Return what the row of an account has of an identity."""
    return {
        "kem_public": identity.kem,
        "signing_public": identity.signing,
        "kem_key_id": identity.kem_key_id,
        "signing_key_id": identity.signing_key_id,
    }
