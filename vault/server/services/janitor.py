"""Removes what no row names: last, under a lease, and so that no row ever loses its object.

Before an object is removed it is condemned, in a transaction that looks once more whether a row names it;
whoever writes a row that names an object looks in its transaction whether that is condemned. One of the two
comes first. Grace and lease only keep a janitor from being in the way: docs/decisions/0021 has the argument.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from vault.server.ports import ObjectLockedError, RecordsError, StoreError, new_id, object_key
from vault.server.services.locking import LOCKS
from vault.server.services.removing import note, remove
from vault.server.stores.records.runs import Ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from vault.server.ports import Clock, ListedObject, ObjectStore, Records
    from vault.server.services.locking import Locking
    from vault.server.stores.records.transactions import Bookkeeping

JANITOR: Final = "janitor"
"""Name of the lease, and of the runs."""

GRACE: Final = 86_400
"""Seconds that bytes may wait for their row: longer than any upload goes on."""

MIN_GRACE: Final = 3600
"""A shorter grace loses nothing either, but may refuse a deposit that only took its time."""

LEASE_SECONDS: Final = 120
BATCH: Final = 200
_NAMED: Final = 20
"""Failures that are named; all are counted."""
_REMEMBERED: Final = 90 * 86_400
"""Seconds that a condemned key is remembered: no process carries a key about for as long without a row."""


class LeaseHeldError(Exception):
    """Another janitor is at work."""


class _LeaseLostError(Exception):
    """Another janitor took over: this one was too slow, or their clocks differ."""


@runtime_checkable
class Sweeping(Protocol):
    """A store that keeps drafts of its own, which no list shows."""

    async def sweep(self, *, older_than: int) -> int:
        """Remove drafts that nobody wrote to for so many seconds, and return how many."""


@dataclass(kw_only=True)
class Cleaning:
    """What a run did, or would do.

    Attributes:
        started_at: UTC seconds.
        ended_at: UTC seconds, 0 while it goes on.
        outcome: as in `Ended`.
        dry: whether it only looked.
        examined: objects and staged objects that the store listed.
        objects: removed, because no row named them, or their dossier was erased.
        object_bytes: their size.
        staged: removed, because no upload named them.
        uploads: expired sessions that were removed.
        drafts: of deposits that broke off, removed.
        expired: rows forgotten that had expired anyway.
        locked: not removed, because the store retains them.
        archived: archived bodies that the store has to keep, where it does that.
        locks: those of them that it was told of now.
        locks_failed: those that it does not keep, though it was told to; the next run tries again.
        failures: the first of these, each by proof, version and reason.
    """

    started_at: int
    ended_at: int = 0
    outcome: str = "done"
    dry: bool = False
    examined: int = 0
    objects: int = 0
    object_bytes: int = 0
    staged: int = 0
    uploads: int = 0
    drafts: int = 0
    expired: int = 0
    locked: int = 0
    archived: int = 0
    locks: int = 0
    locks_failed: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def removed(self) -> int:
        """How much was removed, of all kinds."""
        return self.objects + self.staged + self.drafts + self.uploads

    def counts(self) -> dict[str, int | str | bool | list[str]]:
        """Return all fields by name."""
        return asdict(self)


@dataclass
class _Lease:
    """The lease of this run."""

    holder: str = field(default_factory=new_id)
    renewed_at: int = 0


class Janitor:
    """Cleans up after what broke off."""

    def __init__(
        self,
        records: Records,
        store: ObjectStore,
        clock: Clock,
        *,
        grace: int = GRACE,
        locking: Locking | None = None,
        progress: Callable[[Cleaning], None] | None = None,
    ) -> None:
        """Build it.

        Args:
            records: what is remembered.
            store: what is cleaned.
            clock: where the time comes from.
            grace: seconds that bytes may wait for their row.
            locking: has archived bodies kept; None where no bucket does that.
            progress: called now and then while it works.
        """
        self._records = records
        self._store = store
        self._clock = clock
        self._grace = grace
        self._locking = locking
        self._progress = progress or (lambda _cleaning: None)

    async def look(self) -> Cleaning:
        """Return what a run would remove, and change nothing.

        Raises:
            StoreError, RecordsError.
        """
        cleaning = Cleaning(started_at=self._clock.now(), dry=True)
        async for batch in self._unnamed(self._store.list(), cleaning):
            cleaning.objects += len(batch)
            cleaning.object_bytes += sum(one.size for one in batch)
        async for batch in self._unnamed_staged(cleaning):
            cleaning.staged += len(batch)
        async with self._records.read() as view:
            cleaning.uploads = await view.uploads.count_expired(now=self._clock.now())
        if self._locking is not None:
            async for found in self._locking.batches():
                cleaning.archived += found.examined
                cleaning.locks += len(found.due)
        cleaning.ended_at = self._clock.now()
        return cleaning

    async def run(self) -> Cleaning:
        """Clean up, and keep how it ended.

        Raises:
            LeaseHeldError: another janitor is at work; nothing was done.
            StoreError, RecordsError: it could not go on; what was removed stays removed, and the next run
                goes on from there.
        """
        lease = _Lease()
        now = self._clock.now()
        async with self._records.bookkeeping() as books:
            if not await books.leases.take(JANITOR, lease.holder, now=now, until=now + LEASE_SECONDS):
                raise LeaseHeldError("another janitor is at work")
        lease.renewed_at = now
        cleaning = Cleaning(started_at=now, outcome="failed")
        try:
            await self._clean(cleaning, lease)
            cleaning.outcome = "done"
        except _LeaseLostError:
            cleaning.outcome = "stopped"
        except (StoreError, RecordsError):
            raise
        except BaseException:
            cleaning.outcome = "stopped"
            raise
        finally:
            cleaning.ended_at = self._clock.now()
            with suppress(RecordsError):
                await self._end(cleaning, lease)
        return cleaning

    async def _end(self, cleaning: Cleaning, lease: _Lease) -> None:
        async with self._records.bookkeeping() as books:
            await books.leases.release(JANITOR, lease.holder)
            await books.runs.keep(
                Ended(
                    JANITOR,
                    cleaning.started_at,
                    cleaning.ended_at,
                    cleaning.outcome,
                    examined=cleaning.examined,
                    removed=cleaning.removed,
                )
            )
            if self._locking is not None:
                await books.runs.keep(
                    Ended(
                        LOCKS,
                        cleaning.started_at,
                        cleaning.ended_at,
                        cleaning.outcome,
                        examined=cleaning.archived,
                        damaged=cleaning.locks_failed,
                    )
                )

    async def _clean(self, cleaning: Cleaning, lease: _Lease) -> None:
        if self._locking is not None:
            await self._lock(self._locking, cleaning, lease)
        while await self._expire(cleaning, lease):
            pass
        if isinstance(self._store, Sweeping):
            cleaning.drafts = await self._store.sweep(older_than=self._grace)
        await self._erase(cleaning, lease)
        async for batch in self._unnamed_staged(cleaning):
            await self._remove_staged(batch, cleaning, lease)
        async for batch in self._unnamed(self._store.list(), cleaning):
            await self._remove(batch, cleaning, lease)
        async with self._held(lease) as books:
            now = self._clock.now()
            cleaning.expired = await books.forget_expired(now=now)
            await books.condemning.forget(before=now - _REMEMBERED)
        with suppress(RecordsError):
            # Superseded envelopes and what was erased; a reader may be in the way, the next run tries again.
            await self._records.purge()

    async def _erase(self, cleaning: Cleaning, lease: _Lease) -> None:
        """Remove bodies of erased versions, however young; those that a lock keeps are counted as all are."""
        last = b""
        while True:
            async with self._records.read() as view:
                batch = await view.erasures.removals(now=self._clock.now(), after=last, limit=BATCH)
            if not batch:
                return
            last, gone = batch[-1].seal_id, []
            async for one in remove(self._store, batch):
                gone.append(one)
                cleaning.objects += 1
                cleaning.object_bytes += one.body_size
                await self._hold_on(lease)
            async with self._held(lease) as books:
                await note(books, gone, now=self._clock.now())
            self._progress(cleaning)

    async def _lock(self, locking: Locking, cleaning: Cleaning, lease: _Lease) -> None:
        """Have archived bodies kept; one that is not is named, and left for the next run."""
        async for batch in locking.batches():
            await self._hold_on(lease)
            cleaning.archived += batch.examined
            taken = []
            for due in batch.due:
                await self._hold_on(lease)
                reason = await locking.take(due)
                if reason is None:
                    taken.append(due)
                    continue
                cleaning.locks_failed += 1
                if len(cleaning.failures) < _NAMED:
                    cleaning.failures.append(f"{due.proof_id} version {due.number}: {reason}")
            if taken:
                async with self._held(lease) as books:
                    await locking.keep(books, taken)
            cleaning.locks += len(taken)
            self._progress(cleaning)

    async def _expire(self, cleaning: Cleaning, lease: _Lease) -> bool:
        """Remove some expired uploads, first the rows, then what they named; return whether there were any.

        Publishing an upload needs its row, so what it named is nobody's from the commit on, unless a version
        names it.
        """
        async with self._held(lease) as books:
            now = self._clock.now()
            expired = await books.uploads.expired(now=now, limit=BATCH // 4)
            for upload in expired:
                await books.uploads.delete(upload.id)
            keys = {key for one in expired for key in (one.trailer_key, object_key(one.staged))}
            condemned = await books.condemning.condemn(keys, now=now)
        for upload in expired:
            await self._hold_on(lease)
            await self._store.unstage(upload.staged)
            for key in condemned.intersection((upload.trailer_key, object_key(upload.staged))):
                await self._delete(key, cleaning)
        cleaning.uploads += len(expired)
        self._progress(cleaning)
        return bool(expired)

    async def _unnamed(
        self, listed: AsyncIterator[ListedObject], cleaning: Cleaning
    ) -> AsyncIterator[list[ListedObject]]:
        """Yield what is old enough and named by no row at the moment, in batches.

        The store is asked first and the rows after it: a row that comes later is seen when it is condemned.
        """
        async for batch in self._old(listed, cleaning):
            async with self._records.read() as view:
                named = await view.naming.named({one.key for one in batch})
            unnamed = [one for one in batch if one.key not in named]
            self._progress(cleaning)
            if unnamed:
                yield unnamed

    async def _unnamed_staged(self, cleaning: Cleaning) -> AsyncIterator[list[ListedObject]]:
        """Yield what is being put together, is old enough, and is not what an open upload names."""
        async for batch in self._old(self._store.list_staged(), cleaning):
            async with self._records.read() as view:
                named = await view.naming.staged({one.key for one in batch})
            unnamed = [one for one in batch if one.key not in named]
            self._progress(cleaning)
            if unnamed:
                yield unnamed

    async def _old(
        self, listed: AsyncIterator[ListedObject], cleaning: Cleaning
    ) -> AsyncIterator[list[ListedObject]]:
        before = self._clock.now() - self._grace
        batch: list[ListedObject] = []
        async for one in listed:
            cleaning.examined += 1
            if one.modified <= before:
                batch.append(one)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    async def _remove_staged(
        self, batch: Collection[ListedObject], cleaning: Cleaning, lease: _Lease
    ) -> None:
        """Condemn what the parts of a batch would become, unless a row names it, and remove the parts."""
        # A store may have begun twice under one key: a row names one of the two, none will name the other.
        async with self._held(lease) as books:
            await books.condemning.condemn({object_key(one.key) for one in batch}, now=self._clock.now())
            named = await books.condemning.staged({one.key for one in batch})
        for one in batch:
            if one.key in named:
                continue
            await self._hold_on(lease)
            await self._store.unstage(one.key)
            cleaning.staged += 1
        self._progress(cleaning)

    async def _remove(self, batch: Collection[ListedObject], cleaning: Cleaning, lease: _Lease) -> None:
        """Condemn a batch and, once that is committed, remove it."""
        async with self._held(lease) as books:
            condemned = await books.condemning.condemn({one.key for one in batch}, now=self._clock.now())
        for one in batch:
            if one.key not in condemned:
                continue
            await self._hold_on(lease)
            if await self._delete(one.key, cleaning):
                cleaning.objects += 1
                cleaning.object_bytes += one.size
        self._progress(cleaning)

    async def _delete(self, key: str, cleaning: Cleaning) -> bool:
        try:
            await self._store.delete(key)
        except ObjectLockedError:
            cleaning.locked += 1
            return False
        return True

    @asynccontextmanager
    async def _held(self, lease: _Lease) -> AsyncIterator[Bookkeeping]:
        """Open a transaction in which the lease is still held, and renew it there.

        Raises:
            _LeaseLostError: somebody else has it.
        """
        async with self._records.bookkeeping() as books:
            now = self._clock.now()
            if not await books.leases.renew(JANITOR, lease.holder, now=now, until=now + LEASE_SECONDS):
                raise _LeaseLostError
            yield books
        lease.renewed_at = now

    async def _hold_on(self, lease: _Lease) -> None:
        """Renew the lease before it runs out."""
        if self._clock.now() - lease.renewed_at >= LEASE_SECONDS // 3:
            async with self._held(lease):
                pass
