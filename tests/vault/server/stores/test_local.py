import asyncio
import errno
import os
import stat
from pathlib import Path

import pytest

from tests.suites.object_store import ObjectStoreSuite, collect, keys, stream
from tests.suites.object_store_staged import StagedSuite
from vault.server.ports import ObjectNotFoundError, StoreFullError, StoreUnavailableError
from vault.server.stores import local
from vault.server.stores.local import LocalStore


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "store"


@pytest.fixture
def store(folder):
    return LocalStore(folder)


@pytest.fixture
def again(folder, store):
    return LocalStore(folder)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class TestStagedInAFolder(StagedSuite):
    async def test_nothing_but_the_parts_that_were_named_is_kept(self, store, folder) -> None:
        staged = await store.stage()
        await store.stage_part(staged, 1, 0, stream(b"other"))
        part = await store.stage_part(staged, 1, 0, stream(b"part"))
        await store.assemble(staged, [part])
        (kept,) = files(folder)
        assert kept.read_bytes() == b"part"

    async def test_an_object_in_parts_is_removed_whole(self, store, folder) -> None:
        staged = await store.stage()
        part = await store.stage_part(staged, 1, 0, stream(b"part"))
        stored = await store.assemble(staged, [part])
        await store.delete(stored.key)
        assert files(folder) == []
        assert list((folder / "incoming").iterdir()) == []

    async def test_what_a_removal_left_half_done_is_swept_up(self, store, folder) -> None:
        half = folder / "incoming" / ("c" * 40)
        half.mkdir()
        (half / "00001-00000000").write_bytes(b"left")
        os.utime(half, (0, 0))
        assert await store.sweep(older_than=60) == 1
        assert not half.exists()


class TestLocalStore(ObjectStoreSuite):
    async def test_nothing_is_left_in_the_folder_after_a_cancelled_put(self, store, folder) -> None:
        async def endless():
            while True:
                yield bytes(local.CHUNK)

        task = asyncio.create_task(store.put(endless()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert files(folder) == []

    async def test_only_the_owner_can_read(self, store, folder) -> None:
        await store.put(stream(b"x"))
        for path in (folder, *folder.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path

    async def test_a_link_in_the_place_of_an_object_is_not_followed(self, store, folder) -> None:
        stored = await store.put(stream(b"x"))
        (path,) = files(folder)
        path.unlink()
        path.symlink_to("/etc/passwd")
        with pytest.raises(StoreUnavailableError):
            await collect(store.get(stored.key))

    async def test_what_is_strange_in_the_folder_is_not_listed(self, store, folder) -> None:
        stored = await store.put(stream(b"x"))
        (files(folder)[0].parent / "notes.txt").write_text("put here by hand")
        (folder / "objects" / "notes.txt").write_text("put here by hand")
        assert await keys(store) == {stored.key}

    async def test_another_store_over_the_same_folder_has_the_same_objects(self, store, folder) -> None:
        stored = await store.put(stream(b"kept"))
        assert await collect(LocalStore(folder).get(stored.key)) == b"kept"

    async def test_sweeping_removes_what_a_crash_left_and_nothing_else(self, store, folder) -> None:
        stored = await store.put(stream(b"kept"))
        old, new = folder / "incoming" / ("a" * 40), folder / "incoming" / ("b" * 40)
        old.write_bytes(b"half of some")
        new.write_bytes(b"on its way")
        os.utime(old, (1, 1))
        assert await store.sweep(older_than=3600) == 1
        assert sorted(files(folder)) == sorted([new, *files(folder / "objects")])
        assert await collect(store.get(stored.key)) == b"kept"

    async def test_errors_name_no_path(self, store, folder, monkeypatch) -> None:
        monkeypatch.setattr(local.os, "fsync", failing(OSError(errno.EIO, "no", str(folder))))
        with pytest.raises(StoreUnavailableError) as caught:
            await store.put(stream(b"x"))
        assert str(folder) not in str(caught.value)
        assert caught.value.__suppress_context__

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (errno.ENOSPC, StoreFullError),
            (errno.EDQUOT, StoreFullError),
            (errno.EIO, StoreUnavailableError),
            (errno.EACCES, StoreUnavailableError),
            (errno.EROFS, StoreUnavailableError),
        ],
    )
    async def test_a_write_that_fails_is_named(self, store, folder, monkeypatch, number, expected) -> None:
        monkeypatch.setattr(local.os, "writev", failing(OSError(number, "broken")))
        with pytest.raises(expected):
            await store.put(stream(b"x"))
        assert files(folder) == []

    async def test_a_store_with_little_room_says_so(self, store, monkeypatch) -> None:
        monkeypatch.setattr(local, "MIN_FREE", 2**62)
        with pytest.raises(StoreFullError):
            await store.check()

    async def test_a_folder_that_went_away_is_said(self, store, folder) -> None:
        (folder / "incoming").rmdir()
        with pytest.raises(StoreUnavailableError):
            await store.check()
        with pytest.raises(StoreUnavailableError):
            await store.put(stream(b"x"))


def failing(error, after=0):
    calls = 0

    def fail(*args, **options):
        nonlocal calls
        calls += 1
        if calls > after:
            raise error

    return fail


class KilledError(BaseException):
    """Stands for the end of the process: nothing that would clean up runs after it."""


STEPS = ["create", "write", "sync file", "make shard", "sync shard's parent", "rename", "sync shard"]


@pytest.fixture
def killed_before(monkeypatch):
    """Kill at a step: from then on no operation has any effect, cleaning up included."""

    def arm(step: str) -> None:
        dead = False
        counts = {"fsync": 0}

        def die() -> None:
            nonlocal dead
            dead = True
            raise KilledError

        def guard(name, real):
            def run(*args, **options):
                if dead or step == name:
                    die()
                return real(*args, **options)

            return run

        def fsync(descriptor, real=os.fsync):
            counts["fsync"] += 1
            number = {"sync file": 1, "sync shard's parent": 2, "sync shard": 3}.get(step)
            if dead or counts["fsync"] == number:
                die()
            real(descriptor)

        def write_all(descriptor, pieces, real=local._write_all):
            if dead or step == "write":
                data = b"".join(pieces)
                os.write(descriptor, data[: len(data) // 2])
                die()
            real(descriptor, pieces)

        monkeypatch.setattr(local, "_private", guard("create", local._private))
        monkeypatch.setattr(local, "_write_all", write_all)
        monkeypatch.setattr(local.os, "fsync", fsync)
        monkeypatch.setattr(Path, "rename", guard("rename", Path.rename))
        monkeypatch.setattr(Path, "mkdir", guard("make shard", Path.mkdir))
        monkeypatch.setattr(local, "_remove", guard("remove", local._remove))

    return arm


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_shows_all_or_nothing(folder, killed_before, monkeypatch, step) -> None:
    store = LocalStore(folder)
    killed_before(step)
    with pytest.raises(KilledError):
        await store.put(stream(b"evidence", b" in two chunks"))
    monkeypatch.undo()
    again = LocalStore(folder)
    listed = [entry async for entry in again.list()]
    if step == "sync shard":
        # Renamed already: whole, and named by no record; the janitor takes it away.
        assert [await collect(again.get(entry.key)) for entry in listed] == [b"evidence in two chunks"]
    else:
        assert listed == []
    assert await again.sweep(older_than=-1) == (0 if step in {"create", "sync shard"} else 1)


async def test_a_system_that_writes_less_than_it_is_given(store, monkeypatch) -> None:
    """Pieces of every size, some empty, some cut in the middle; and more of them than are written at once."""
    real = os.writev
    monkeypatch.setattr(local.os, "writev", lambda file, views: real(file, [views[0][:7]]))
    for pieces in (
        [b"a" * size for size in (0, 1, 6, 7, 8, 20, 0)],
        [bytes([number % 256]) for number in range(1_000)],
    ):
        stored = await store.put(stream(*pieces))
        assert await collect(store.get(stored.key)) == b"".join(pieces)
        assert stored.size == sum(map(len, pieces))


@pytest.mark.parametrize("step", STEPS)
async def test_a_failure_at_any_step_leaves_nothing(folder, monkeypatch, step) -> None:
    store = LocalStore(folder)
    error = OSError(errno.EIO, "broken")
    if step == "write":
        monkeypatch.setattr(local.os, "writev", failing(error))
    elif step.startswith("sync"):
        place = ["sync file", "sync shard's parent", "sync shard"].index(step)
        monkeypatch.setattr(local.os, "fsync", failing(error, after=place))
    else:
        target = {"create": (local, "_private"), "make shard": (Path, "mkdir"), "rename": (Path, "rename")}
        monkeypatch.setattr(*target[step], failing(error))
    with pytest.raises(StoreUnavailableError):
        await store.put(stream(b"evidence"))
    monkeypatch.undo()
    assert files(folder) == []


async def test_an_object_cut_short_on_disk_gives_no_false_end(store, folder) -> None:
    stored = await store.put(stream(b"0123456789"))
    os.truncate(files(folder)[0], 4)
    with pytest.raises(local.ObjectDamagedError):
        await collect(store.get(stored.key, offset=0, length=stored.size))
    files(folder)[0].unlink()
    with pytest.raises(ObjectNotFoundError):
        await store.size(stored.key)
