"""Uploads in parts over a line that breaks: the same bytes arrive, once, whoever goes on with them."""

import asyncio
import random
from contextlib import ExitStack
from hashlib import sha256
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from client.errors import NotFoundProblem
from client.exchange.containers import ContainerFile
from client.refusals import RefusedContainer
from client.remote.parts import Way, send_in_parts
from client.remote.problems import CutOff
from client.remote.retries import NO_RETRIES, Retries
from client.remote.sending import Delivery
from client.remote.service import connect
from client.remote.uploading import upload_bytes
from tests.exchange.engines import PART, engine  # noqa: F401 - both engines
from tests.exchange.everybody import assemble
from tests.exchange.world import open_world
from tests.line import Cut, Line
from vault.container.examine import examine
from vault.container.layout import parse_preamble
from vault.container.steps import run

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTS, SHORT = 3, 2
"""Parts of what is cut where they begin and end, and of what is cut anywhere."""
RANDOM_CUTS = 100
LINES = 4
"""Cut at the same time, each for a container of its own."""

DYING = Way(parallel=1, retries=NO_RETRIES)


async def at_once(_seconds):
    """Make no pause."""


class Site(NamedTuple):
    """A service that takes parts of ``part`` bytes, an editor, and the line between them."""

    everybody: Any
    line: Line
    folder: Any
    part: int
    content: bytes

    def seal(self, parts=PARTS):
        """Return a new container of so many parts, in a file, and what it holds."""
        world, everybody = self.everybody.world, self.everybody
        data = world.seal(
            everybody.editor.signing, everybody.dossier, content=self.content[(PARTS - parts) * self.part :]
        )
        path = self.folder / f"{sha256(data).hexdigest()[:16]}.scelle"
        path.write_bytes(data)
        return path, data

    async def send(self, path, way, *, advance=lambda _count: None):
        """Deposit a container as a process of its own would."""
        session = self.everybody.sessions["editor"]
        async with connect(self.line.url, token=session, retries=NO_RETRIES) as service:
            with ContainerFile.open(str(path)) as file:
                return await send_in_parts(service, Delivery(file, file.examine(), None, None, advance), way)

    async def require_same(self, delivered, path, data):
        """Compare what a reviewer gets with what was sealed, then make room."""
        world = self.everybody.world
        where = {"evidence": delivered.version.evidence, "number": 1}
        token = self.everybody.people["reviewer"].token
        assert (await world.ask("fetch_container", where, token=token)).body == data
        proof = await world.ok("get_evidence", where, token=token)
        assert len(proof["versions"]) == 1
        path.unlink()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory, shared_settings, engine):  # noqa: F811 - the one that was imported
    part = PART[engine]
    content = random.Random(11).randbytes(2 * part + 100_000)  # noqa: S311 - the same in every run
    folder = tmp_path_factory.mktemp("uploads")
    async with open_world(folder / "service", **shared_settings) as world:
        host, port = world.origin.removeprefix("http://").split(":")
        with Line((host, int(port))) as line:
            yield Site(await assemble(world), line, folder, part, content)


class Break:
    """Cuts the line where so many bytes of bodies have been sent, over however many requests; once."""

    def __init__(self, after):
        self.left = after
        self.done = False

    def __call__(self, message):
        if self.done or message.answers or not message.length:
            return None
        if self.left > message.length:
            self.left -= message.length
            return None
        self.done = True
        return Cut(self.left)


def sizes(data, part):
    """Return the lengths of what is announced and of each part."""
    length = parse_preamble(data).payload_length
    return [len(data) - length, *(min(part, length - start) for start in range(0, length, part))]


def boundaries(data, part):
    """Return every byte at which a request begins or ends, and its neighbours."""
    found, end = {1}, 0
    for size in sizes(data, part):
        end += size
        found |= {end - 1, end, end + 1}
    return sorted(place for place in found if place <= sum(sizes(data, part)))


async def test_cut_anywhere_another_process_goes_on(site):
    _path, long = site.seal()
    _path, short = site.seal(SHORT)
    somewhere = random.Random(21)  # noqa: S311 - the same in every run
    cuts = [(PARTS, place) for place in boundaries(long, site.part)]
    cuts += [(SHORT, somewhere.randrange(1, len(short))) for _cut in range(RANDOM_CUTS)]
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(site.line.server)) for _line in range(LINES)]
        async with asyncio.TaskGroup() as group:
            for number, line in enumerate(lines):
                group.create_task(cut_and_go_on(site._replace(line=line), cuts[number::LINES]))


async def cut_and_go_on(site, cuts):
    """Cut deposits of so many parts at these bytes, and let another process go on with each."""
    for parts, cut in cuts:
        path, data = site.seal(parts)
        site.line.rule = Break(cut)
        with pytest.raises(CutOff):
            await site.send(path, DYING)
        assert site.line.rule.done
        site.line.passed.clear()
        found, done = [], []
        way = DYING._replace(found=lambda *told, found=found: found.append(told))
        delivered = await site.send(path, way, advance=done.append)
        ((there, expected),) = found
        # Every part whose last byte was sent before the cut is there; that of the cut may be.
        ends = [sum(sizes(data, site.part)[: number + 2]) for number in range(parts)]
        whole = sum(end < cut for end in ends)
        assert whole <= there <= whole + (cut in ends), cut
        assert expected == parts
        sent = [message for message in site.line.passed if message.method == "PUT" and not message.answers]
        assert len(sent) == parts - there, cut
        assert sum(done) == len(data), cut
        await site.require_same(delivered, path, data)


async def test_one_process_goes_on_by_itself_wherever_it_is_cut(site):
    _path, sample = site.seal()
    for cut in boundaries(sample, site.part):
        path, data = site.seal()
        site.line.rule, done = Break(cut), []
        way = Way(parallel=1, retries=Retries(attempts=2, sleep=at_once))
        delivered = await site.send(path, way, advance=done.append)
        assert site.line.rule.done
        assert sum(done) == len(data)
        await site.require_same(delivered, path, data)


@pytest.mark.parametrize("asked", ["/uploads", "/parts/1", "/parts/3", "/completion"])
@pytest.mark.parametrize("goes_on", ["itself", "another"])
async def test_a_reply_that_was_lost_changes_nothing(site, asked, goes_on):
    path, data = site.seal()
    site.line.once(lambda message: message.answers and message.path.endswith(asked), Cut(0))
    if goes_on == "another":
        with pytest.raises(CutOff):
            await site.send(path, DYING)
    delivered = await site.send(path, Way(retries=Retries(attempts=2, sleep=at_once)))
    await site.require_same(delivered, path, data)


async def test_a_line_that_breaks_in_every_part_is_survived(site):
    path, data = site.seal()
    broken = set()

    def rule(message):
        if message.answers or message.method != "PUT" or message.path in broken:
            return None
        broken.add(message.path)
        return Cut(site.part // 3 if message.length == site.part else 5)

    site.line.rule = rule
    delivered = await site.send(path, Way(retries=Retries(attempts=3, sleep=at_once)))
    assert len(broken) == PARTS
    await site.require_same(delivered, path, data)


async def test_parts_come_in_any_order_and_twice(site):
    path, data = site.seal()
    site.line.rule = lambda _message: None
    preamble = parse_preamble(data)
    examined = run(examine(len(data)), lambda at, length: data[at : at + length])
    async with connect(site.line.url, token=site.everybody.sessions["editor"]) as service:
        head = data[: preamble.payload_offset] + data[preamble.leaves_offset :]
        session = await service.begin_upload(examined.seal.seal.dossier, upload_bytes(head))

        async def put(number):
            start = preamble.payload_offset + (number - 1) * site.part
            part = data[start : min(start + site.part, preamble.leaves_offset)]
            await service.put_part(session.id, number, upload_bytes(part), digest=sha256(part).digest())

        await asyncio.gather(*(put(number) for number in (3, 1, 3, 2, 1)))
        assert (await service.get_upload(session.id)).received == (1, 2, 3)
        answer = await service.complete_upload(session.id)
        again = await service.complete_upload(session.id)
    assert answer == again
    await site.require_same(answer, path, data)


async def test_what_was_damaged_meanwhile_is_not_even_announced(site):
    path, data = site.seal()
    spoilt = bytearray(data)
    spoilt[parse_preamble(data).payload_offset + site.part + 3] ^= 1
    path.write_bytes(spoilt)
    site.line.passed.clear()
    with pytest.raises(RefusedContainer):
        await site.send(path, Way())
    assert site.line.passed == []


async def test_a_copy_that_is_damaged_cannot_go_on_but_the_original_can(site):
    path, data = site.seal()
    site.line.rule = Break(sum(sizes(data, site.part)[:2]) + 5)
    with pytest.raises(CutOff):
        await site.send(path, DYING)
    spoilt = bytearray(data)
    spoilt[-1] ^= 1
    copy = path.with_suffix(".copy")
    copy.write_bytes(spoilt)
    with pytest.raises(RefusedContainer):
        await site.send(copy, Way())
    delivered = await site.send(path, Way(resume=True))
    await site.require_same(delivered, path, data)


async def test_going_on_with_nothing_leaves_nothing(site):
    path, _data = site.seal()
    site.line.rule = lambda _message: None
    site.line.passed.clear()
    with pytest.raises(NotFoundProblem):
        await site.send(path, Way(resume=True))
    # The session that was made to find out does not stay.
    assert [message.method for message in site.line.passed if not message.answers] == ["POST", "DELETE"]
