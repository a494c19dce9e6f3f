"""The janitor: whatever happens around it, no row ever loses its object, and in the end no orphan is left."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.house import ROOT
from tests.vault.server.services.sites import Interrupted
from vault.server.ports import ObjectCondemnedError, ObjectLockedError, StoreUnavailableError
from vault.server.services.janitor import BATCH, GRACE, JANITOR, LEASE_SECONDS, Janitor, LeaseHeldError

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from vault.server.failpoints import Failpoint, arm
from vault.server.services.janitor import Janitor
from vault.server.stores.clock import SystemClock
from vault.server.stores.local import LocalStore
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords

def stop(point):
    if point is Failpoint.OBJECT_DELETED:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    folder = Path(sys.argv[1])
    records = SqlRecords(open_engine(sqlite_url(folder / "records.db")), SystemClock())
    arm(stop)
    await Janitor(records, LocalStore(folder / "store"), SystemClock(), grace=0).run()

asyncio.run(main())
"""


async def test_orphans_go_and_what_a_row_names_stays(site):
    kept, orphans = await site.deposit(), [await site.put(bytes(size)) for size in (0, 5, 7)]
    before = await site.janitor().look()
    assert (before.objects, before.object_bytes, before.examined, before.dry) == (3, 12, 4, True)
    assert await site.keys() == {kept.body.key} | {one.key for one in orphans}
    cleaning = await site.janitor().run()
    assert (cleaning.objects, cleaning.object_bytes, cleaning.examined) == (3, 12, 4)
    assert await site.keys() == {kept.body.key}
    run = await site.run_of_janitor()
    assert (run.name, run.outcome, run.examined, run.removed) == (JANITOR, "done", 4, 3)
    assert (run.started_at, run.ended_at) == (site.clock.time, site.clock.time)


async def test_what_is_young_is_left_alone(site):
    orphan = await site.put()
    site.clock.time -= 20
    assert (await site.janitor().run()).objects == 0
    assert await site.keys() == {orphan.key}


async def test_more_than_a_batch(site):
    kept = await site.deposit()
    for _ in range(BATCH + 5):
        await site.put(b"")
    assert (await site.janitor().run()).objects == BATCH + 5
    assert await site.keys() == {kept.body.key}


async def test_a_commit_after_the_listing_keeps_its_bytes(site):
    """Stored before the grace, committed between the listing and the removal: the row came first."""
    stored = await site.put()

    async def commit() -> None:
        await site.deposit(stored)

    cleaning = await site.janitor(store=Interrupted(site.folder, after_list=commit)).run()
    assert cleaning.objects == 0
    assert await site.keys() == {stored.key}


async def test_a_commit_after_the_rows_were_read_keeps_its_bytes(site):
    stored = await site.put()
    committed = []

    def progress(_cleaning) -> None:
        # The rows were read, nothing is condemned yet.
        if not committed:
            committed.append(asyncio.ensure_future(site.deposit(stored)))

    class Slow(Janitor):
        async def _remove(self, *args, **options):
            await committed[0]
            await super()._remove(*args, **options)

    cleaning = await Slow(site.records, site.store, site.clock, progress=progress).run()
    assert cleaning.objects == 0
    assert await site.keys() == {stored.key}


async def test_a_commit_that_comes_too_late_is_refused_and_not_robbed(site):
    """The bytes are condemned and still there: whoever wants to name them now hears of it."""
    stored, refused = await site.put(), []

    async def commit(key) -> None:
        assert key == stored.key
        with pytest.raises(ObjectCondemnedError):
            await site.deposit(stored)
        refused.append(key)

    await site.janitor(store=Interrupted(site.folder, before_delete=commit)).run()
    assert refused == [stored.key]
    with pytest.raises(ObjectCondemnedError):
        await site.deposit(stored)
    async with site.records.read() as view:
        assert await view.naming.named({stored.key}) == frozenset()


async def test_a_store_whose_clock_is_wrong_costs_a_deposit_and_no_row(site):
    """Everything looks old, even what is on its way: deposits race the janitor, and each has one outcome."""
    site.clock.time += 10 * GRACE
    stored = [await site.put() for _ in range(20)]
    outcomes, cleaning = await asyncio.gather(
        asyncio.gather(*(site.deposit(one) for one in stored), return_exceptions=True), site.janitor().run()
    )
    kept = {one.body.key for one in outcomes if not isinstance(one, Exception)}
    assert {type(one) for one in outcomes if isinstance(one, Exception)} <= {ObjectCondemnedError}
    assert await site.keys() == kept
    assert cleaning.objects == len(stored) - len(kept)


async def test_two_at_once_are_one(site):
    orphan = await site.put()

    async def another(_key) -> None:
        with pytest.raises(LeaseHeldError):
            await site.janitor().run()

    assert (await site.janitor(store=Interrupted(site.folder, before_delete=another)).run()).objects == 1
    assert orphan.key not in await site.keys()
    assert (await site.run_of_janitor()).runs == 1
    await site.janitor().run()  # the lease was given back


async def test_a_stolen_lease_stops_it_before_anything_more_is_condemned(site):
    for _ in range(BATCH + 1):
        await site.put(b"")

    async def steal(_key) -> None:
        async with site.records.bookkeeping() as books:
            far = site.clock.time + LEASE_SECONDS + 1
            await books.leases.take(JANITOR, "thief", now=far, until=far + LEASE_SECONDS)

    cleaning = await site.janitor(store=Interrupted(site.folder, before_delete=steal)).run()
    assert (cleaning.outcome, cleaning.objects) == ("stopped", BATCH)
    assert len(await site.keys()) == 1
    assert (await site.run_of_janitor()).outcome == "stopped"
    with pytest.raises(LeaseHeldError):  # the thief's lease is not given back by the one that lost it
        await site.janitor().run()


async def test_a_slow_janitor_renews_and_stops_at_once_when_that_fails(site):
    for _ in range(3):
        await site.put()

    async def take_long(_key) -> None:
        site.clock.time += LEASE_SECONDS // 2

    assert (await site.janitor(store=Interrupted(site.folder, before_delete=take_long)).run()).objects == 3
    for _ in range(3):
        await site.put()
    site.clock.time = int(time.time()) + GRACE + 10

    async def take_too_long(_key) -> None:
        site.clock.time += LEASE_SECONDS

    cleaning = await site.janitor(store=Interrupted(site.folder, before_delete=take_too_long)).run()
    assert (cleaning.outcome, cleaning.objects) == ("stopped", 1)
    assert len(await site.keys()) == 2


async def test_killed_in_the_middle_the_next_one_goes_on(site):
    kept = await site.deposit()
    for _ in range(4):
        await site.put()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, str(site.folder)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = await site.keys()
    assert len(left) == 4  # one is gone, three are condemned
    for key in left - {kept.body.key}:
        with pytest.raises(ObjectCondemnedError):
            await site.deposit(kept.body._replace(key=key))
    # Nobody gave the lease back; it runs out.
    site.clock.time = int(time.time())
    with pytest.raises(LeaseHeldError):
        await site.janitor().run()
    site.clock.time += GRACE + LEASE_SECONDS
    assert (await site.janitor().run()).objects == 3
    assert await site.keys() == {kept.body.key}


async def test_what_is_locked_is_counted_and_left(site):
    locked, free = await site.put(), await site.put()

    async def refuse(key) -> None:
        if key == locked.key:
            raise ObjectLockedError("retained")

    cleaning = await site.janitor(store=Interrupted(site.folder, before_delete=refuse)).run()
    assert (cleaning.objects, cleaning.locked, cleaning.outcome) == (1, 1, "done")
    assert await site.keys() == {locked.key}
    assert free.key not in await site.keys()


async def test_a_store_that_fails_ends_it_and_the_next_one_goes_on(site):
    await site.put()

    async def fail(_key) -> None:
        raise StoreUnavailableError("no")

    with pytest.raises(StoreUnavailableError):
        await site.janitor(store=Interrupted(site.folder, before_delete=fail)).run()
    assert (await site.run_of_janitor()).outcome == "failed"
    assert (await site.janitor().run()).objects == 1
