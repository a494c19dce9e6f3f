"""What is forgotten anyway and has no journal entry: challenges, counted failures, remembered answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, update

from vault.server.stores.records import schema
from vault.server.stores.records.handle import Handle, rows_of
from vault.server.stores.records.rows import Challenge, FailureWindow, Remembered

if TYPE_CHECKING:
    from vault.server.stores.records.rows import IdempotencyKey


_SESSION_KNOWN: Final = 30 * 86_400


class Challenges:
    """What was handed out to be signed, each good for one use."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def add(self, challenge: Challenge, *, now: int) -> None:
        """Store a challenge, and forget those that have expired."""
        table = schema.challenges
        await self._handle.execute(delete(table).where(table.c.expires_at <= now))
        await self._handle.insert(table, challenge)

    async def take(self, challenge_id: str, *, purpose: str, now: int) -> Challenge | None:
        """Return a challenge that has not expired, once: it is gone when the transaction commits."""
        table = schema.challenges
        chosen = (table.c.id == challenge_id, table.c.purpose == purpose, table.c.expires_at > now)
        found = await self._handle.first(Challenge, rows_of(Challenge, table).where(*chosen))
        if found is None:
            return None
        # Two transactions may both have read it; the one whose deletion counts has it.
        deleted = await self._handle.execute(delete(table).where(*chosen))
        return found if deleted.rowcount == 1 else None


class Failures:
    """How often a source failed lately; a source is the 32-byte digest of whatever is counted by."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def count(self, source: bytes, *, now: int) -> FailureWindow:
        """Return how many failures the source's window holds, and when it ends; ``now`` if there is none."""
        table = schema.failures
        found = await self._handle.first(
            FailureWindow,
            rows_of(FailureWindow, table).where(table.c.source == source, table.c.ends_at > now),
        )
        return FailureWindow(0, now) if found is None else found

    async def add(self, source: bytes, *, now: int, window: int) -> FailureWindow:
        """Count one failure, the first one opening a window of so many seconds; forget ended windows."""
        table = schema.failures
        await self._handle.execute(delete(table).where(table.c.ends_at <= now))
        counted = update(table).where(table.c.source == source).values(failures=table.c.failures + 1)
        if not (await self._handle.execute(counted)).rowcount:
            await self._handle.execute(insert(table).values(source=source, failures=1, ends_at=now + window))
        return await self.count(source, now=now)

    async def forget(self, source: bytes) -> None:
        """Forget a source's failures."""
        await self._handle.execute(delete(schema.failures).where(schema.failures.c.source == source))


class Answers:
    """What was answered to requests with an idempotency key."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def find(self, key: IdempotencyKey, *, now: int) -> Remembered | None:
        """Return the answer that was given under this key, unless it has expired."""
        table = schema.remembered
        return await self._handle.first(
            Remembered,
            rows_of(Remembered, table).where(
                table.c.actor == key.actor,
                table.c.route == key.route,
                table.c.key_hash == key.key_hash,
                table.c.expires_at > now,
            ),
        )


class AnswerChanges(Answers):
    """Answers, to be remembered: in the transaction of the change that they tell of."""

    async def keep(self, key: IdempotencyKey, answer: Remembered, *, now: int, until: int) -> None:
        """Remember an answer, and forget those that have expired.

        An answer that holds a secret is not remembered: its ``answer`` is None.

        Raises:
            AlreadyExistsError: another request with this key came first.
        """
        table = schema.remembered
        await self._handle.execute(delete(table).where(table.c.expires_at <= now))
        await self._handle.execute(
            insert(table).values(**key._asdict(), **answer._asdict(), expires_at=until)
        )


async def forget_expired(handle: Handle, *, now: int) -> int:
    """Forget challenges, windows of failures, answers and old sessions; return how many rows that were.

    For some weeks a session is told that it has expired, and not that nobody knows it.
    """
    forgotten = 0
    for until, moment in (
        (schema.challenges.c.expires_at, now),
        (schema.failures.c.ends_at, now),
        (schema.remembered.c.expires_at, now),
        (schema.sessions.c.expires_at, now - _SESSION_KNOWN),
    ):
        forgotten += (await handle.execute(delete(until.table).where(until <= moment))).rowcount
    return forgotten
