"""PostgreSQL and SeaweedFS killed, or hung, while people deposit: the server lives on, and loses nothing.

The engines are the module's own, and so is the one service on them, whose server sees what befalls them.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from dataclasses import dataclass, field

import psutil
import pytest
import pytest_asyncio

from keys.statements import Receipt
from tests.crash.audit import check_whole, listed, receipt_in
from tests.crash.caretaker import clean
from tests.crash.inspection import inspect
from tests.crash.pairs import Remote, RemoteSite
from tests.crash.processes import PATIENCE, Nursery, Process
from tests.crash.town import Prepared, asking, fresh, inhabit, parted, put_part, settle
from tests.engines.postgres import Postgres
from tests.engines.seaweed import Seaweed

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
CROWD = 2
"""People of each of the three kinds."""
MOMENT = 0.05
LARGE = 2 * MIB + 17


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory):
    """Engines of our own, a server on them, and an editor with a dossier."""
    with contextlib.ExitStack() as stack:
        postgres, seaweed = Postgres(), Seaweed()
        stack.callback(postgres.close)
        stack.callback(seaweed.close)
        seaweed.start()
        site = Remote(tmp_path_factory.mktemp("sites"), postgres, seaweed).new()
        nursery = stack.enter_context(contextlib.closing(Nursery()))
        server = await nursery.serve(site.folder, site.words, site.variables)
        async with asking() as http:
            town = await settle(site, server, http)
            made, _ = await inhabit(town, 2)
            made.ready["head"] = b""  # nobody rewrites anything here
            yield Service(postgres, seaweed, site, nursery, server, made)


@dataclass(repr=False)
class Service:
    """What a test disturbs and looks at.

    Attributes:
        receipts: every one that was handed out.
        seen: seal ids of what was looked at already.
    """

    postgres: Postgres
    seaweed: Seaweed
    site: RemoteSite
    nursery: Nursery
    server: Process
    made: Prepared
    receipts: list[Receipt] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    async def status(self, path):
        answer = await self.made.town.send("GET", path)
        return answer.status, answer.json.get("extra", {}).get("not_ready", [])

    async def comes_to(self, *parts):
        """Wait until `/readyz` names these parts, and no other; `/livez` never minds."""
        async with asyncio.timeout(PATIENCE):
            while (found := await self.status("/readyz")) != (503 if parts else 200, list(parts)):
                assert (await self.status("/livez"))[0] == 200
                assert found[0] in {200, 503}
                await asyncio.sleep(MOMENT)
        assert (await self.status("/livez"))[0] == 200


class Crowd:
    """People who send until they are told that it is enough, and each thing until it is acknowledged.

    Attributes:
        acknowledged: how often, by what was done.
        refused: how often a request was answered with 503.
    """

    def __init__(self, service):
        self.service, self.made, self.town = service, service.made, service.made.town
        self.acknowledged: Counter[str] = Counter()
        self.refused = 0
        self._enough = asyncio.Event()
        self._number = 0
        self._tasks = []

    async def __aenter__(self):
        kinds = (self._deposit, self._replace, self._upload)
        self._tasks = [asyncio.create_task(self._keep(kind)) for kind in kinds for _ in range(CROWD)]
        return self

    async def __aexit__(self, kind, error, trace):
        self._enough.set()
        if kind is not None:
            for task in self._tasks:
                task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=kind is not None)
        if kind is None:
            assert outcomes == [None] * len(self._tasks)
            assert self.acknowledged.keys() >= {"deposit", "deposit to replace", "upload"}

    async def more(self, times):
        """Wait until something was done so many times more, after now."""
        enough = self.acknowledged.total() + times
        async with asyncio.timeout(PATIENCE):
            while self.acknowledged.total() < enough:
                self._raise()
                await asyncio.sleep(MOMENT)

    async def told_no(self):
        """Wait until somebody was refused."""
        async with asyncio.timeout(PATIENCE):
            while not self.refused:
                self._raise()
                await asyncio.sleep(MOMENT)

    def _raise(self):
        for task in self._tasks:
            if task.done():
                task.result()

    async def _keep(self, kind):
        while not self._enough.is_set():
            await kind()

    def _fresh(self, what, size, **options):
        self._number += 1
        return self.made.seal(fresh(size, f"{what} {id(self)} {self._number}"), **options)

    async def _until(self, statuses, ask, *words, **options):
        """Ask until the answer is one of these; until then it may only be that the service cannot now."""
        async with asyncio.timeout(2 * PATIENCE):
            while True:
                answer = await ask(*words, **options)
                if answer.status in statuses:
                    return answer
                assert (answer.status, answer.code) == (503, "unavailable"), answer.body
                assert int(answer.headers["Retry-After"]) > 0
                self.refused += 1
                await asyncio.sleep(MOMENT)

    def _done(self, what, answer):
        if answer.status in {200, 201}:
            self.service.receipts.append(receipt_in(answer.json))
        self.acknowledged[what] += 1

    async def _deposit(self, what="deposit"):
        _, container = self._fresh(what, 1000)
        words = (self.made.session, self.made.dossier, container)
        answer = await self._until({201, 409}, self.town.deposit, *words)
        # Where only the answer was lost, it is there already.
        assert answer.code in {None, "already_deposited"}
        self._done(what, answer)
        return answer.json["version"] if answer.status == 201 else None

    async def _replace(self):
        if (version := await self._deposit("deposit to replace")) is None:
            return
        old = version["seal_id"]
        seal_id, container = self._fresh("better", 1000, supersedes=bytes.fromhex(old))
        answer = await self._until(
            {200, 412},
            self.town.ask,
            "replace_evidence",
            {"evidence": version["evidence"]},
            token=self.made.session,
            data=container,
            headers={"If-Match": f'"{old}"'},
        )
        assert answer.status == 200 or answer.json["extra"]["active"] == seal_id
        self._done("replace", answer)

    async def _upload(self):
        _, container = self._fresh("upload", LARGE)
        start, payload = parted(container)
        session = {"token": self.made.session}
        path = {"dossier": self.made.dossier.id}
        begun = await self._until({200}, self.town.ask, "begin_upload", path, data=start, **session)
        upload = begun.json["id"]
        await self._until({200}, put_part, self.town, self.made.session, upload, payload)
        path = {"upload": upload}
        answer = await self._until({201, 409}, self.town.ask, "complete_upload", path, **session)
        assert answer.code in {None, "already_deposited"}
        self._done("upload", answer)


@contextlib.contextmanager
def killed(engine):
    engine.kill()
    try:
        yield
    finally:
        engine.start()


@contextlib.contextmanager
def hung(engine):
    engine.pause()
    try:
        yield
    finally:
        engine.resume()


async def check(service):
    """Check that nothing is lost, half there or out of order, as rows, objects and people see it."""
    assert service.server.code is None
    faults, _ = await inspect(service.site, receipts=service.receipts)
    assert faults == []
    new = (await listed(service.made.town, service.made)).keys() - service.seen
    assert len(new) > CROWD
    await check_whole(service.made.town, service.made, new)
    service.seen |= new


PARTS = {"seaweed": "objects", "postgres": "database"}


@pytest.mark.parametrize("fate", [killed, hung])
@pytest.mark.parametrize("name", ["seaweed", "postgres"])
async def test_an_engine_that_is_gone_for_a_while(service, name, fate):
    await service.comes_to()
    async with Crowd(service) as crowd:
        await crowd.more(2 * CROWD)
        with fate(getattr(service, name)):
            await service.comes_to(PARTS[name])
            if fate is killed:
                await crowd.told_no()
        await service.comes_to()
        await crowd.more(2 * CROWD)
    await check(service)


async def test_an_engine_that_is_killed_again_and_again(service):
    async with Crowd(service) as crowd:
        for engine in (service.seaweed, service.postgres) * 2:
            await crowd.more(1)
            with killed(engine):
                pass
        await crowd.more(2 * CROWD)
    await service.comes_to()
    await check(service)


async def test_connections_to_the_database_that_hang_one_after_the_other(service):
    async with Crowd(service) as crowd:
        await crowd.more(2 * CROWD)
        backends = [
            one.pid
            for one in psutil.Process(service.postgres.pid).children()
            if service.site.database in " ".join(one.cmdline())
        ]
        assert backends
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(MOMENT)
            os.kill(pid, signal.SIGCONT)
        await crowd.more(2 * CROWD)
    await check(service)


async def test_the_janitor_finds_all_that_was_left(service):
    assert await service.server.stop() == 0
    await service.site.quiet()
    faults, left = await inspect(service.site, receipts=service.receipts)
    assert faults == []
    assert await clean(service.nursery, service.site) == tuple(map(len, left))
    faults, left = await inspect(service.site, receipts=service.receipts)
    assert [*faults, *left.faults] == []
