"""Tokens and sessions: whoever shows the secret behind a hash is who it was given to."""

from __future__ import annotations

from sqlalchemy import update

from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Page, Session, Token


class Tokens:
    """Tokens of accounts."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, token_id: str) -> Token | None:
        """Return one."""
        table = schema.tokens
        return await self._handle.first(Token, rows_of(Token, table).where(table.c.id == token_id))

    async def by_secret(self, secret_hash: bytes) -> Token | None:
        """Return the token whose secret has this SHA-256, whether it still counts or not."""
        table = schema.tokens
        return await self._handle.first(
            Token, rows_of(Token, table).where(table.c.secret_hash == secret_hash)
        )

    async def list(
        self, *, account_id: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Token]:
        """Return a page of all, or of one account's; raise `BadCursorError`."""
        table = schema.tokens
        query = rows_of(Token, table)
        if account_id is not None:
            query = query.where(table.c.account_id == account_id)
        return await page(self._handle, Token, query, table, cursor=cursor, limit=limit)


class TokenChanges(Tokens):
    """Tokens of accounts, to be changed."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        token_id: str,
        account_id: str,
        secret_hash: bytes,
        label: str,
        read_only: bool,
        expires_at: int,
    ) -> Token:
        """Store a token; raise `AlreadyExistsError` where the account is not there."""
        return await self._change.insert(
            schema.tokens,
            Token(
                id=token_id,
                account_id=account_id,
                secret_hash=secret_hash,
                label=label,
                read_only=read_only,
                expires_at=expires_at,
                revoked_at=None,
                replaced_by=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def replace(self, token_id: str, *, replaced_by: str, expires_at: int) -> None:
        """End a token at ``expires_at``, as another has its place.

        Raises:
            OutdatedError: it is not there, was revoked, or another has its place already.
        """
        table = schema.tokens
        await self._change.swap(
            update(table)
            .where(table.c.id == token_id, table.c.revoked_at.is_(None), table.c.replaced_by.is_(None))
            .values(replaced_by=replaced_by, expires_at=expires_at),
            "the token",
        )

    async def revoke(self, token_id: str) -> None:
        """End a token; raise `OutdatedError` where it is not there or already revoked."""
        table = schema.tokens
        await self._change.swap(
            update(table)
            .where(table.c.id == token_id, table.c.revoked_at.is_(None))
            .values(revoked_at=self._change.now),
            "the token",
        )


class Sessions:
    """Signed-in keys."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def by_secret(self, secret_hash: bytes) -> Session | None:
        """Return the session whose secret has this SHA-256, whether it still counts or not."""
        table = schema.sessions
        return await self._handle.first(
            Session, rows_of(Session, table).where(table.c.secret_hash == secret_hash)
        )


class SessionChanges(Sessions):
    """Signed-in keys, to be changed."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        session_id: str,
        account_id: str | None,
        signing_key_id: bytes,
        secret_hash: bytes,
        expires_at: int,
    ) -> Session:
        """Store a session; ``account_id`` None is a depositor's."""
        return await self._change.insert(
            schema.sessions,
            Session(
                id=session_id,
                account_id=account_id,
                signing_key_id=signing_key_id,
                secret_hash=secret_hash,
                expires_at=expires_at,
                ended_at=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )

    async def end(self, session_id: str) -> None:
        """End a session; raise `OutdatedError` where it is not there or already ended."""
        table = schema.sessions
        await self._change.swap(
            update(table)
            .where(table.c.id == session_id, table.c.ended_at.is_(None))
            .values(ended_at=self._change.now),
            "the session",
        )
