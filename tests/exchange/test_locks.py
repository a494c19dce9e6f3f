"""Object lock: the bucket keeps what was archived until its time, and nothing else."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from itertools import count

import pytest
from minio.error import S3Error

from tests.exchange.test_metrics import scrape
from tests.exchange.uploading import a_sender
from tests.exchange.world import open_world
from tests.house import ROOT
from tests.vault.server.commands.host import PATIENCE, SCELLE
from vault.server.commands.objects import open_locking
from vault.server.failpoints import Failpoint
from vault.server.services.janitor import GRACE, Janitor
from vault.server.services.locking import Locking
from vault.server.settings import PREFIX, Settings
from vault.server.stores.clock import SystemClock
from vault.server.stores.s3 import S3Store

DAY = 86_400
DAYS = 30
STEPS = [point for point in Failpoint if point.startswith("services.locking.")]

KILLED = """
import asyncio, os, signal, sys
from vault.server.commands.objects import open_locking, open_store
from vault.server.failpoints import Failpoint, arm
from vault.server.services.janitor import Janitor
from vault.server.settings import load_settings
from vault.server.stores.clock import SystemClock
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.store import SqlRecords

def stop(point):
    if point.name == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    settings = load_settings({})
    records = SqlRecords(open_engine(settings.records_url), SystemClock())
    async with open_store(settings) as store:
        locking = await open_locking(settings, records, store, SystemClock())
        arm(stop)
        await Janitor(records, store, SystemClock(), locking=locking).run()

asyncio.run(main())
"""


class Vault:
    """A service on a bucket that locks, and whoever looks into the bucket from outside."""

    def __init__(self, world, sender, settings, client) -> None:
        self.world = world
        self.sender = sender
        self.settings = settings
        self.client = client
        self.bucket = settings["s3_bucket"]
        self._contents = count(1)

    async def locking(self, *, again=False, **settings) -> Locking:
        configured = Settings(data=self.world.folder, **self.settings | settings)
        store, clock = self.world.store, self.world.clock
        return await open_locking(configured, self.world.records, store, clock, again=again)

    async def janitor(self, **options) -> Janitor:
        locking = await self.locking(**options)
        return Janitor(self.world.records, self.world.store, self.world.clock, locking=locking)

    async def deposit(self):
        container = self.sender.seal(100 + next(self._contents))
        return await self.world.kept(self.sender.session, self.sender.dossier, container)

    async def replace(self, version):
        better = self.sender.seal(50, supersedes=bytes.fromhex(version["seal_id"]))
        await self._change("replace_evidence", version, better)

    async def archive(self, version):
        await self._change("archive_evidence", version)

    async def _change(self, name, version, data=None):
        headers = {"If-Match": f'"{version["seal_id"]}"'}
        path = {"evidence": version["evidence"]}
        await self.world.ok(name, path, token=self.sender.session, data=data, headers=headers)

    async def row(self, version):
        async with self.world.records.read() as view:
            return await view.evidence.version(version["evidence"], version["number"])

    async def name(self, version) -> str:
        return self.world.store._path((await self.row(version)).body_key)

    async def retention(self, version):
        """Return mode and end of what the bucket says of a body, None where it says nothing."""
        try:
            found = self.client.get_object_retention(self.bucket, await self.name(version))
        except S3Error as error:
            if error.code != "ObjectLockConfigurationNotFoundError":
                raise
            return None
        return found and (found.mode, int(found.retain_until_date.timestamp()))

    async def remove(self, version) -> None:
        """Remove a body as an administrator of the bucket would: for good."""
        name = await self.name(version)
        stat = self.client.stat_object(self.bucket, name)
        self.client.remove_object(self.bucket, name, version_id=stat.version_id)

    def environment(self) -> dict[str, str]:
        given = {f"{PREFIX}{name.upper()}": str(value) for name, value in self.settings.items()}
        base = {"PATH": os.environ["PATH"], "HOME": str(self.world.folder), "LC_ALL": "C.UTF-8"}
        return base | given | {f"{PREFIX}DATA": str(self.world.folder)}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    if request.param == "sqlite":
        return {}
    postgres = request.getfixturevalue("postgres")
    return {"database_url": postgres.url(request.getfixturevalue("postgres_database"))}


@pytest.fixture
def settings(seaweed, database):
    return {
        **seaweed.settings(seaweed.new_bucket(object_lock=True)),
        **database,
        "object_lock": "compliance",
        "archive_retention_days": DAYS,
    }


@pytest.fixture
async def vault(tmp_path, settings, seaweed):
    async with open_world(tmp_path / "service", **settings) as world:
        yield Vault(world, await a_sender(world, 0), settings, seaweed.client())


@pytest.fixture
async def archived(vault):
    """A proof that was replaced and one that was archived; beside them stands what is active."""
    replaced, ended = await vault.deposit(), await vault.deposit()
    await vault.replace(replaced)
    await vault.archive(ended)
    return [replaced, ended]


async def test_what_is_archived_cannot_be_removed_before_its_time(vault, archived):
    active = await vault.deposit()
    assert (await (await vault.janitor()).look()).locks == 2
    cleaning = await (await vault.janitor()).run()
    assert (cleaning.locks, cleaning.locks_failed, cleaning.outcome) == (2, 0, "done")
    for version in archived:
        until = (await vault.row(version)).archived_at + DAYS * DAY
        assert await vault.retention(version) == ("COMPLIANCE", until)
        with pytest.raises(S3Error) as refused:
            await vault.remove(version)
        assert refused.value.code == "AccessDenied"
        assert await vault.sender.stored(version)
    assert await vault.retention(active) is None
    await vault.remove(active)
    again = await (await vault.janitor()).run()
    assert (again.archived, again.locks, again.locks_failed) == (2, 0, 0)


async def test_what_was_archived_before_it_was_switched_on_is_locked_then(vault, archived):
    off = Janitor(vault.world.records, vault.world.store, vault.world.clock)
    assert (await off.run()).locks == 0
    assert await vault.retention(archived[0]) is None
    assert (await (await vault.janitor()).run()).locks == 2
    assert await vault.retention(archived[0]) is not None


async def test_a_longer_time_counts_for_what_is_locked_and_a_shorter_one_does_not(vault, archived):
    assert (await (await vault.janitor()).run()).locks == 2
    since = (await vault.row(archived[0])).archived_at
    assert (await (await vault.janitor(archive_retention_days=40)).run()).locks == 2
    assert await vault.retention(archived[0]) == ("COMPLIANCE", since + 40 * DAY)
    assert (await (await vault.janitor(archive_retention_days=20)).run()).locks == 0
    # And nobody asks for less when everything is said again.
    again = await (await vault.janitor(archive_retention_days=20, again=True)).run()
    assert (again.locks, again.locks_failed) == (2, 0)
    assert await vault.retention(archived[0]) == ("COMPLIANCE", since + 40 * DAY)


async def test_what_is_over_is_not_locked_any_more(vault, archived):
    vault.world.clock.time += DAYS * DAY
    assert (await (await vault.janitor()).run()).locks == 0
    assert await vault.retention(archived[0]) is None


async def test_a_copy_of_the_bucket_has_no_locks_until_it_is_told_again(vault, archived, seaweed):
    assert (await (await vault.janitor()).run()).locks == 2
    copy, world = seaweed.new_bucket(object_lock=True), vault.world
    for one in vault.client.list_objects(vault.bucket, recursive=True):
        with vault.client.get_object(vault.bucket, one.object_name) as answer:
            vault.client._put_object(copy, one.object_name, answer.read(), {})
    vault.bucket = copy
    restored = S3Store(world.store._bucket.place._replace(bucket=copy), object_lock="compliance")

    async def told(*, again) -> int:
        locking = Locking(world.records, restored, world.clock, seconds=DAYS * DAY, again=again)
        return (await Janitor(world.records, restored, world.clock, locking=locking).run()).locks

    try:
        assert await told(again=False) == 0
        assert await vault.retention(archived[0]) is None
        assert await told(again=True) == 2
    finally:
        await restored.close()
    since = (await vault.row(archived[0])).archived_at
    assert await vault.retention(archived[0]) == ("COMPLIANCE", since + DAYS * DAY)


async def test_what_cannot_be_locked_is_named_and_stops_nothing(vault, archived):
    await vault.remove(archived[0])

    async def chunks():
        yield b"orphan"

    orphan = await vault.world.store.put(chunks())
    # Objects are listed with the machine's time, which is before that of this clock.
    assert vault.world.clock.time - SystemClock().now() > GRACE
    cleaning = await (await vault.janitor()).run()
    assert (cleaning.locks, cleaning.locks_failed, cleaning.outcome) == (1, 1, "done")
    assert cleaning.failures == [f"{archived[0]['evidence']} version 1: there is no such object"]
    assert await vault.retention(archived[1]) is not None
    assert orphan.key not in {one.key async for one in vault.world.store.list()}
    assert (await (await vault.janitor()).run()).locks_failed == 1


async def test_a_store_that_refuses_everything_is_not_asked_for_everything(vault):
    for _ in range(7):
        await vault.archive(await vault.deposit())
    world = vault.world
    stranger = S3Store(world.store._bucket.place._replace(secret_key="another"), object_lock="compliance")
    locking = Locking(world.records, stranger, world.clock, seconds=DAY)
    try:
        reasons = [await locking.take(due) async for batch in locking.batches() for due in batch.due]
    finally:
        await stranger.close()
    assert len(reasons) == 7
    assert all(reason.startswith("the object store refused: ") for reason in reasons[:5])
    assert set(reasons[5:]) == {"not tried: the object store refused those before"}
    assert (await (await vault.janitor()).run()).locks == 7


async def test_the_numbers_show_how_it_stands(vault, archived):
    await vault.remove(archived[0])
    await (await vault.janitor()).run()
    found = await scrape(vault.world)
    assert found['scelle_upkeep_examined{name="locks"}'] == 2
    assert found['scelle_upkeep_damaged{name="locks"}'] == 1
    assert found['scelle_upkeep_done{name="locks"}'] == 1
    assert found['scelle_upkeep_damaged{name="janitor"}'] == 0


@pytest.mark.parametrize("point", STEPS, ids=lambda point: point.name)
async def test_killed_between_bucket_and_record_the_next_one_finishes(vault, archived, point):
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, point.name],
        cwd=ROOT,
        env=vault.environment(),
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    # The bucket keeps at least one of them already, and the records do not say so.
    assert any([await vault.retention(version) for version in archived])
    assert (await (await vault.janitor()).look()).locks == 2
    cleaning = await (await vault.janitor()).run()
    assert (cleaning.locks, cleaning.locks_failed) == (2, 0)
    assert all([await vault.retention(version) for version in archived])


async def test_the_command_says_how_many(vault, archived):
    async def run(*words):
        return await asyncio.to_thread(
            subprocess.run,
            [SCELLE, "janitor", *words],
            env=vault.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    looked = await run("--dry-run")
    assert (looked.returncode, looked.stderr) == (0, "")
    assert "archived proofs that would be locked: 2" in " ".join(looked.stdout.split())
    done = await run()
    assert "archived proofs locked: 2" in " ".join(done.stdout.split())
    await vault.archive(ended := await vault.deposit())
    await vault.remove(ended)
    failed = await run("--lock-again", "--json")
    assert failed.returncode == 1
    counts = json.loads(failed.stdout)
    assert (counts["locks"], counts["locks_failed"]) == (2, 1)
    assert failed.stderr.splitlines() == [
        f"scelle: {ended['evidence']} version 1: there is no such object",
        "scelle: not locked: 1; the next run tries again",
    ]
