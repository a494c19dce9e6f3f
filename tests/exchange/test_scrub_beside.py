"""A scrub beside servers that go on, on a store that fails, and as the command that an operator types."""

import asyncio
import json
import socket

import pytest
import pytest_asyncio

from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.scrubbed import stock
from tests.exchange.spoiling import changed_object, flipped
from tests.exchange.world import open_world
from tests.vault.server.commands.host import PATIENCE, Host
from vault.server.ports import StoreUnavailableError
from vault.server.services.damage import Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stored(tmp_path_factory, shared_settings):
    async with open_world(tmp_path_factory.mktemp("scrub") / "service", **shared_settings) as world:
        yield await stock(world)


@pytest.fixture
def scrub(stored, shared_settings, tmp_path):
    """The real command, on what the service keeps."""
    host = Host(tmp_path)
    service = {f"SCELLE_{name.upper()}": str(value) for name, value in shared_settings.items()}

    async def run(*words, **variables):
        words = ("scrub", "--data", stored.world.folder, *words)
        return await asyncio.to_thread(host.run, *words, **{**service, **variables})

    yield run
    host.close()


class Watched:
    """The same store, with somebody who is let in before each object is read."""

    def __init__(self, store, before) -> None:
        self._store, self._before = store, before

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def size(self, key):
        await self._before(key)
        return await self._store.size(key)


async def rewrite(stored, name):
    """Put another envelope in the place of a version's, as a writer would."""
    world, row = stored.world, stored.versions[name]
    path = {"evidence": row.proof_id, "number": row.number}
    whole = await world.ask("fetch_container", path, token=stored.sender.session)
    head = world.rewrap(whole.body, stored.sender.dossier, stored.sender.editor)
    async with world.records.read() as view:
        generation = (await view.evidence.by_seal(row.seal_id)).generation
    moved = await world.ask(
        "rewrite_envelope",
        path,
        token=stored.sender.session,
        data=head,
        headers={"If-Match": f'"{generation}"'},
    )
    assert moved.status == 200, moved.body


async def test_what_changes_meanwhile_is_no_damage(stored):
    moved = []

    async def move(_key) -> None:
        await rewrite(stored, "rewritten")
        moved.append(1)

    found, scrubbing = await stored.scrub(store=Watched(stored.world.store, move))
    assert found == []
    assert len(moved) == scrubbing.examined == 5


async def test_what_moved_is_looked_at_again_before_it_is_named(stored):
    """The object is damaged at the first look, put back, and the row moves: nothing is wrong any more."""
    row, looks = stored.versions["rewritten"], []
    spoilt = changed_object(stored.world.store, row.body_key, lambda body: flipped(body, 0))
    await spoilt.__aenter__()

    async def come_and_go(key) -> None:
        if key != row.body_key:
            return
        looks.append(1)
        if len(looks) == 1:
            await rewrite(stored, "rewritten")
        else:
            await spoilt.__aexit__(None, None, None)

    found, scrubbing = await stored.scrub(store=Watched(stored.world.store, come_and_go))
    assert len(looks) == 2
    assert found == []
    assert scrubbing.examined_bytes == scrubbing.total_bytes


async def test_an_object_that_cannot_be_read_is_no_damage(stored):
    key = stored.versions["other"].body_key

    async def fail(asked) -> None:
        if asked == key:
            raise StoreUnavailableError("the object store failed: no luck")

    found, scrubbing = await stored.scrub(store=Watched(stored.world.store, fail))
    assert [(one.kind, one.object) for one in found] == [(Kind.UNREADABLE, key)]
    assert (scrubbing.damaged, scrubbing.unreadable, scrubbing.examined) == (0, 1, 5)


async def test_a_store_that_is_gone_ends_it(stored):
    class Gone(Watched):
        async def check(self):
            raise StoreUnavailableError("the object store failed: it is gone")

    async def fail(_key) -> None:
        raise StoreUnavailableError("the object store failed: no luck")

    found = []
    with pytest.raises(StoreUnavailableError):
        found, _ = await stored.scrub(store=Gone(stored.world.store, fail))
    assert found == []
    async with stored.world.records.read() as view:
        (run,) = [run for run in await view.runs.all() if run.name == "scrub"]
    assert (run.outcome, run.damaged) == ("failed", 0)


# --- the command -----------------------------------------------------------------------------------------


async def test_the_command_says_that_all_is_well(stored, scrub):
    done = await scrub()
    assert (done.returncode, done.stderr) == (0, "")
    size = sum(row.body_size for row in stored.versions.values())
    entries = await stored.world.journal_size()
    assert done.stdout.splitlines() == [
        f"looked at:       5 versions, {size} bytes",
        f"journal entries: {entries}",
        "damages:         0",
    ]
    async with stored.world.http.get(stored.world.metrics) as answer:
        lines = (await answer.text()).splitlines()
    assert 'scelle_upkeep_examined{name="scrub"} 5.0' in lines
    assert 'scelle_upkeep_done{name="scrub"} 1.0' in lines


async def test_the_command_names_a_damage_and_the_metrics_count_it(stored, scrub):
    row = stored.versions["replaced"]
    async with changed_object(stored.world.store, row.body_key, lambda body: flipped(body, 0)):
        done, programs = await scrub(), await scrub("--json")
    assert (done.returncode, programs.returncode) == (5, 5)
    assert done.stderr == "scelle: something is damaged; docs/operations.md says what to do about each code\n"
    assert done.stdout.splitlines()[0] == (
        f"block_damaged: dossier {row.dossier_id}, evidence {row.proof_id}, version 1, "
        f"seal {row.seal_id.hex()}, object {row.body_key}: block 0 of the payload was changed"
    )
    damage, counts = map(json.loads, programs.stdout.splitlines())
    assert damage == {
        **stored.named("replaced", "block_damaged", block=0, blocks=1),
        "detail": "block 0 of the payload was changed",
    }
    assert (counts["outcome"], counts["damaged"], counts["examined"]) == ("done", 1, 5)
    # What was asked a moment ago is not asked of the records again.
    async with asyncio.timeout(PATIENCE):
        shown = await numbers(stored)
        while 'scelle_upkeep_damaged{name="scrub"} 1.0' not in shown:
            await asyncio.sleep(0.1)
            shown = await numbers(stored)


async def numbers(stored):
    async with stored.world.http.get(stored.world.metrics) as answer:
        return (await answer.text()).splitlines()


async def test_one_dossier_is_looked_at_alone(stored, scrub):
    """And nothing is kept of it: a clean one would hide what is wrong with another."""
    row, other = stored.versions["replaced"], stored.versions["other"]
    async with changed_object(stored.world.store, row.body_key, lambda _body: None):
        assert (await scrub()).returncode == 5
        done = await scrub("--dossier", other.dossier_id, "--json")
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["examined"] == 1
        assert (await scrub("--dossier", row.dossier_id)).returncode == 5
        async with stored.world.records.read() as view:
            (run,) = [run for run in await view.runs.all() if run.name == "scrub"]
        assert (run.damaged, run.examined) == (1, 5)
    absent = await scrub("--dossier", "none")
    assert (absent.returncode, absent.stderr) == (4, "scelle: there is no dossier none\n")


async def test_a_database_or_a_store_that_does_not_answer(stored, scrub, shared_settings):
    if "s3_endpoint" not in shared_settings:
        objects = stored.world.folder / "store" / "objects"
        moved = objects.rename(objects.with_name("elsewhere"))
        done = await scrub()
        assert not objects.exists()
        moved.rename(objects)
        assert (done.returncode, done.stdout) == (7, "")
        assert done.stderr == (
            f"scelle: {objects}: the folder of the objects is not there; is its disk mounted?\n"
        )
        # One process's folder: an object that the system will not open.
        path = stored.world.store._path(stored.versions["other"].body_key)
        kept = path.rename(path.with_suffix(".kept"))
        path.symlink_to(kept)
        done = await scrub()
        kept.rename(path)
        assert done.returncode == 7, done.stdout
        assert done.stderr == "scelle: not everything could be read; run scelle scrub again\n"
        assert done.stdout.startswith("not read: dossier ")
        return
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = await scrub(SCELLE_S3_ENDPOINT=f"http://127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (7, "")
    done = await scrub(SCELLE_DATABASE_URL=f"postgresql://scelle@127.0.0.1:{port}/scelle")
    assert (done.returncode, done.stdout) == (7, "")
