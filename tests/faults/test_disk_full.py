"""A server on SQLite and a folder whose disk is full, or gone: it says no, goes on, and loses nothing.

A limit on the size of files stands for the full disk: it can be set and lifted while the server runs, needs
no rights, and fails where a full disk does, in each ``write``.
"""

import asyncio
import contextlib
import resource
import shutil
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from keys.statements import Receipt
from tests.crash.audit import check_whole, contents_of, listed, receipt_in
from tests.crash.caretaker import clean
from tests.crash.inspection import inspect
from tests.crash.pairs import Embedded, Site
from tests.crash.processes import PATIENCE, Nursery, Process
from tests.crash.town import Prepared, asking, fresh, inhabit, parted, put_part, settle

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
SMALL = 1000
LARGE = 8 * MIB + 4321
ROOM_FOR_READERS = 33_000
"""Bytes that SQLite needs beside the database before anybody can read it, and a little more."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory):
    """A server on a folder, with an editor and a dossier."""
    with contextlib.closing(Nursery()) as nursery:
        site = Embedded(tmp_path_factory.mktemp("sites")).new()
        server = await nursery.serve(site.folder, site.words)
        async with asking() as http:
            town = await settle(site, server, http)
            made, _ = await inhabit(town, 2)
            made.ready["head"] = b""  # nobody rewrites anything here
            yield Service(site, nursery, server, made)


@dataclass(repr=False)
class Service:
    """What a test disturbs and looks at; ``receipts`` are all that were handed out."""

    site: Site
    nursery: Nursery
    server: Process
    made: Prepared
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def town(self):
        return self.made.town

    @contextlib.contextmanager
    def full(self, size):
        """Let no file of the server grow beyond so many bytes."""
        usual = resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, (size, usual[1]))
        try:
            yield
        finally:
            resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, usual)

    @property
    def log_size(self):
        """Bytes of what SQLite has written and not yet carried over; what comes next is appended there."""
        return (self.site.data / "records.db-wal").stat().st_size

    def seal(self, what, size):
        return self.made.seal(fresh(size, f"{what} {len(self.made.sealed)}"))[1]

    async def deposit(self, container):
        return await self.town.deposit(self.made.session, self.made.dossier, container)

    async def kept(self, container):
        answer = await self.deposit(container)
        assert answer.status == 201, answer.body
        self.receipts.append(receipt_in(answer.json))

    async def not_ready(self):
        answer = await self.town.send("GET", "/readyz")
        return answer.json.get("extra", {}).get("not_ready", [])

    async def comes_to(self, *parts):
        async with asyncio.timeout(PATIENCE):
            while True:
                if await self.not_ready() == list(parts):
                    return
                await asyncio.sleep(0.05)

    async def check(self, *, spotless=False):
        """Nothing is lost and nothing half there.

        Where the records could not say that bytes are to go, those wait for the janitor; else, ``spotless``,
        whatever was refused left nothing behind.
        """
        assert (await self.town.send("GET", "/livez")).status == 200
        await self.comes_to()
        faults, left = await inspect(self.site, receipts=self.receipts)
        assert faults == []
        assert not (spotless and left)
        assert len(await listed(self.town, self.made)) == len(self.receipts)


def refused(answer):
    assert (answer.status, answer.code) == (503, "unavailable"), answer.body
    return True


async def test_an_object_that_finds_no_room(service):
    await service.kept(service.seal("before", SMALL))
    container = service.seal("large", LARGE)
    with service.full(6 * MIB):
        assert refused(await service.deposit(container))
        await service.check(spotless=True)
        await service.kept(service.seal("small", SMALL))
        await check_whole(service.town, service.made)
    await service.kept(container)
    await service.check(spotless=True)
    await check_whole(service.town, service.made)


async def test_a_part_that_finds_no_room(service):
    start, payload = parted(container := service.seal("upload", 3 * MIB))
    path = {"dossier": service.made.dossier.id}
    begun = await service.town.ok("begin_upload", path, token=service.made.session, data=start)
    with service.full(max(2 * MIB, service.log_size + 1 * MIB)):
        assert refused(await put_part(service.town, service.made.session, begun["id"], payload))
        await service.check(spotless=True)
    sent = await put_part(service.town, service.made.session, begun["id"], payload)
    assert sent.status == 200, sent.body
    path = {"upload": begun["id"]}
    with service.full(service.log_size):
        assert refused(await service.town.ask("complete_upload", path, token=service.made.session))
    done = await service.town.ask("complete_upload", path, token=service.made.session)
    assert done.status == 201, done.body
    service.receipts.append(receipt_in(done.json))
    await service.check()
    assert service.made.sealed[service.receipts[-1].seal_id.hex()] == container


@pytest.mark.parametrize("room", [0, 1000, 20_000, 50_000])
async def test_records_that_find_no_room(service, room):
    """The object is there when the database cannot say so: nobody sees it, and the janitor takes it back."""
    container = service.seal("records", SMALL)
    with service.full(service.log_size + room):
        answer = await service.deposit(container)
        assert (answer.status == 201 and room) or refused(answer)
        assert len(await listed(service.town, service.made)) == len(service.receipts) + (answer.status == 201)
    if answer.status == 201:
        service.receipts.append(receipt_in(answer.json))
    else:
        await service.kept(container)
    await service.check()


async def test_no_room_but_for_readers(service):
    version = next(iter((await listed(service.town, service.made)).values()))
    where = {"evidence": version["evidence"], "number": version["number"]}
    container = service.seal("nothing fits", SMALL)
    with service.full(ROOM_FOR_READERS):
        assert refused(await service.deposit(container))
        # Each download is an entry of the journal, or does not happen.
        fetched = await service.town.ask("fetch_container", where, token=service.made.session)
        assert fetched.status == 200 or refused(fetched)
        assert version["seal_id"] in await listed(service.town, service.made)
        assert (await service.town.send("GET", "/livez")).status == 200
    await service.kept(container)
    await service.check()
    fetched = await service.town.ask("fetch_container", where, token=service.made.session)
    key = service.made.dossier.key
    assert contents_of(fetched.body, key) == service.made.contents[version["seal_id"]]


async def test_no_room_at_all_not_even_for_the_log(service):
    container = service.seal("nothing at all", SMALL)
    with service.full(0):
        for _ in range(3):
            assert refused(await service.deposit(container))
        assert (await service.town.send("GET", "/livez")).status == 200
    await service.kept(container)
    await service.check()


@contextlib.contextmanager
def moved(path, stand_in=None):
    """Take a folder away for a while, perhaps with something else in its place."""
    away = path.with_name(f"{path.name}.away")
    path.rename(away)
    if stand_in is not None:
        stand_in(path)
    try:
        yield
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        away.rename(path)


@pytest.mark.parametrize("stand_in", [None, lambda path: path.mkdir(), lambda path: path.touch()])
async def test_a_store_that_is_gone_while_the_server_runs(service, stand_in):
    container = service.seal("gone", SMALL)
    version = next(iter((await listed(service.town, service.made)).values()))
    where = {"evidence": version["evidence"], "number": version["number"]}
    with moved(service.site.data / "store", stand_in):
        await service.comes_to("objects")
        assert refused(await service.deposit(container))
        fetched = await service.town.ask("fetch_container", where, token=service.made.session)
        assert fetched.status >= 500, fetched.status
        assert version["seal_id"] in await listed(service.town, service.made)
        store = service.site.data / "store"
        assert not store.is_dir() or list(store.iterdir()) == []
    await service.kept(container)
    await service.check()


@pytest.mark.parametrize("stand_in", [None, lambda path: path.mkdir()])
async def test_no_server_starts_where_the_objects_are_gone(service, stand_in):
    before = await listed(service.town, service.made)
    assert await service.server.stop() == 0
    store = service.site.data / "store"
    with moved(store, stand_in):
        for words in (["serve", "--port", "0"], ["janitor", "--offline"]):
            ended = await service.nursery.run(service.site.folder, [*words, *service.site.words])
            assert ended.code == 7, ended
            assert "the objects are gone" in ended.stderr
            assert not any(path.is_file() for path in store.rglob("*"))
    service.server = await service.nursery.serve(service.site.folder, service.site.words)
    service.made.town = service.made.town.at(service.server.url)
    assert await listed(service.town, service.made) == before
    await service.check()


async def test_the_janitor_removes_what_was_left(service):
    await check_whole(service.town, service.made)
    assert await service.server.stop() == 0
    faults, left = await inspect(service.site, receipts=service.receipts)
    assert faults == []
    assert await clean(service.nursery, service.site) == tuple(map(len, left))
    faults, left = await inspect(service.site, receipts=service.receipts)
    assert [*faults, *left.faults] == []
    shutil.rmtree(service.site.folder)
