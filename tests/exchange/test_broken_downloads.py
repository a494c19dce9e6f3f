"""Downloads over a line that breaks: whatever was there, the same bytes come out, and nothing before."""

import io
import random
from functools import partial
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from client.errors import ConflictProblem
from client.refusals import RefusedContainer
from client.remote.downloading import download
from client.remote.leftovers import Start
from client.remote.problems import CutOff
from client.remote.retries import NO_RETRIES, Retries
from client.remote.service import connect
from tests.line import Cut, Line
from vault.container.examine import Expectations
from vault.container.layout import BLOCK, PREAMBLE_LENGTH, SEAL_HEAD, parse_preamble
from vault.container.outcomes import Outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = random.Random(7).randbytes(2 * BLOCK + 200_000)  # noqa: S311 - the same in every run
RANDOM_CUTS = 100


def note(said, start, size):
    said.append((start, size))


async def at_once(_seconds):
    """Make no pause."""


class At(NamedTuple):
    """A proof of a little over 2 MiB, at the end of a line."""

    everybody: Any
    line: Line
    evidence: str
    data: bytes

    @property
    def token(self):
        return self.everybody.people["reviewer"].token

    async def fetch(self, path, *, retries=NO_RETRIES, number=1, **more):
        async with connect(self.line.url, token=self.token, retries=NO_RETRIES) as service:
            return await download(service, self.evidence, number, str(path), retries=retries, **more)

    def leave(self, path, size):
        """Leave what a download has written whose process was killed after ``size`` bytes."""
        path.with_name(path.name + ".part").write_bytes(self.data[:size])
        self.line.rule = lambda _message: None


def answer_to(suffix):
    return lambda message: message.answers and message.path.endswith(suffix)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(everybody):
    world = everybody.world
    data = world.seal(everybody.editor.signing, everybody.dossier, content=CONTENT)
    kept = await world.kept(everybody.sessions["editor"], everybody.dossier, io.BytesIO(data))
    host, port = world.origin.removeprefix("http://").split(":")
    with Line((host, int(port))) as line:
        yield At(everybody, line, kept["evidence"], data)


def places(data):
    """Name a byte in every part of a container, and on every edge between two."""
    preamble = parse_preamble(data)
    edges = {
        "preamble": PREAMBLE_LENGTH,
        "envelope": preamble.payload_offset,
        "first block": preamble.payload_offset + BLOCK,
        "second block": preamble.payload_offset + 2 * BLOCK,
        "payload": preamble.leaves_offset,
        "leaves": preamble.seal_offset,
        "length of the seal": preamble.seal_offset + SEAL_HEAD,
        "all": len(data),
    }
    inside = {
        "in the preamble": 9,
        "in the envelope": PREAMBLE_LENGTH + 500,
        "in a block": preamble.payload_offset + BLOCK + 4567,
        "in the last block": preamble.leaves_offset - 10,
        "in the leaves": preamble.leaves_offset + 40,
        "in the seal": preamble.seal_offset + 1000,
    }
    found = {"first byte": 1, **inside}
    for name, edge in edges.items():
        found |= {
            f"before the end of the {name}": edge - 1,
            f"after the {name}": edge,
            f"beyond {name}": edge + 1,
        }
    return {name: place for name, place in found.items() if 0 < place < len(data)}


async def test_a_line_cut_in_any_part_is_taken_up_at_the_same_byte(at, tmp_path):
    begun = parse_preamble(at.data).payload_offset
    for name, place in places(at.data).items():
        path, done = tmp_path / f"{place}.scelle", []
        at.line.passed.clear()
        at.line.once(answer_to("/container"), Cut(place))
        await at.fetch(path, retries=Retries(attempts=2, sleep=at_once), advance=done.append)
        assert path.read_bytes() == at.data, name
        assert sum(done) == len(at.data), name
        (_whole, rest) = [message for message in at.line.passed if message.answers]
        # What came of a body is not sent again; aiohttp drops what it had not handed out yet.
        assert rest.path.endswith("/container" if place <= begun else ("/body", "/container")), name
        assert min(done) >= 0 or rest.path.endswith("/container"), name
    assert list(tmp_path.glob("*.part")) == []


async def test_another_process_goes_on_wherever_the_first_was_cut(at, tmp_path):
    begun = parse_preamble(at.data).payload_offset
    somewhere = random.Random(20)  # noqa: S311 - the same in every run
    cuts = places(at.data) | {f"random {n}": somewhere.randrange(1, len(at.data)) for n in range(RANDOM_CUTS)}
    for name, place in cuts.items():
        path, part, said, done = tmp_path / "a.scelle", tmp_path / "a.scelle.part", [], []
        at.line.once(answer_to("/container"), Cut(place))
        with pytest.raises(CutOff):
            await at.fetch(path)
        assert not path.exists()
        came = part.stat().st_size if part.exists() else 0
        assert came <= place, name
        if came:
            assert came > begun, name
            assert (part.stat().st_mode & 0o777, part.read_bytes()) == (0o600, at.data[:came]), name
        await at.fetch(path, resume=True, started=partial(note, said), advance=done.append)
        assert path.read_bytes() == at.data, name
        assert not part.exists()
        good = (min(came, parse_preamble(at.data).leaves_offset) - begun) // BLOCK if came else 0
        assert said == [(Start.WHOLE, begun + good * BLOCK) if good else (Start.NOTHING, 0)], name
        # What was there counts, and nothing twice.
        assert (done[0], sum(done)) == (said[0][1], len(at.data)), name
        path.unlink()


async def test_a_line_that_is_cut_again_and_again_is_followed_to_the_end(at, tmp_path):
    step = 300_000
    at.line.rule = lambda message: Cut(step) if message.answers and message.length > step else None
    await at.fetch(tmp_path / "a.scelle", retries=Retries(attempts=2, sleep=at_once))
    assert (tmp_path / "a.scelle").read_bytes() == at.data


@pytest.mark.parametrize("block", [0, 1])
async def test_what_was_damaged_meanwhile_is_fetched_again_and_no_more(at, tmp_path, block):
    begun = parse_preamble(at.data).payload_offset
    path, part, said = tmp_path / "a.scelle", tmp_path / "a.scelle.part", []
    at.leave(path, begun + 2 * BLOCK + 99)
    spoilt = bytearray(part.read_bytes())
    spoilt[begun + block * BLOCK + 17] ^= 4
    part.write_bytes(spoilt)
    await at.fetch(path, resume=True, started=partial(note, said))
    assert path.read_bytes() == at.data
    assert said == [(Start.DAMAGED, begun + block * BLOCK if block else 0)]


@pytest.mark.parametrize("place", [0, 9, 12, 20, PREAMBLE_LENGTH + 30])
async def test_a_head_that_was_damaged_begins_again(at, tmp_path, place):
    path, part, said = tmp_path / "a.scelle", tmp_path / "a.scelle.part", []
    at.leave(path, 2 * BLOCK)
    spoilt = bytearray(part.read_bytes())
    spoilt[place] ^= 4
    part.write_bytes(spoilt)
    await at.fetch(path, resume=True, started=partial(note, said))
    assert path.read_bytes() == at.data
    assert said == [(Start.FOREIGN, 0)]


async def test_the_beginning_of_another_version_begins_again(at, tmp_path):
    world, everybody = at.everybody.world, at.everybody
    path, said = tmp_path / "a.scelle", []
    at.leave(path, 2 * BLOCK)
    other = world.seal(everybody.editor.signing, everybody.dossier, content=CONTENT[::-1])
    kept = await world.kept(everybody.sessions["editor"], everybody.dossier, io.BytesIO(other))
    there = at._replace(evidence=kept["evidence"], data=other)
    at.line.rule = lambda _message: None
    await there.fetch(path, resume=True, started=partial(note, said))
    assert path.read_bytes() == other
    assert said == [(Start.FOREIGN, 0)]


async def test_an_older_state_than_the_one_expected_begins_again(at, tmp_path):
    path, said = tmp_path / "a.scelle", []
    at.leave(path, 2 * BLOCK)
    with pytest.raises(RefusedContainer) as refused:
        await at.fetch(
            path,
            resume=True,
            expected=Expectations(generation=2),
            started=partial(note, said),
        )
    # The service has no newer one either.
    assert refused.value.outcome is Outcome.ENVELOPE_STALE
    assert said == [(Start.FOREIGN, 0)]
    assert list(tmp_path.iterdir()) == []


async def test_a_leftover_is_not_taken_up_unasked_nor_lost(at, tmp_path):
    path, part = tmp_path / "a.scelle", tmp_path / "a.scelle.part"
    at.leave(path, 2 * BLOCK)
    for force in (False, True):
        with pytest.raises(ConflictProblem, match="--resume"):
            await at.fetch(path, force=force)
    assert part.read_bytes() == at.data[: 2 * BLOCK]


async def test_going_on_fails_without_losing_what_is_there(at, tmp_path):
    path, part = tmp_path / "a.scelle", tmp_path / "a.scelle.part"
    at.leave(path, 2 * BLOCK)
    at.line.rule = lambda message: Cut(0) if message.answers else None
    with pytest.raises(CutOff):
        await at.fetch(path, resume=True)
    assert part.read_bytes() == at.data[: 2 * BLOCK]
