import pytest
from aiohttp import web

from client.errors import ClientError, ConflictProblem
from client.refusals import RefusedContainer
from client.remote.downloading import download
from client.remote.problems import CutOff, SignInRefused
from client.remote.service import connect
from vault.container.examine import Expectations
from vault.container.layout import parse_preamble
from vault.container.outcomes import Outcome

PROOF = "ab" * 16


def sends(data, *, only=None, status=200):
    """Announce all of ``data``, send the first ``only`` bytes, then hang up."""

    async def answer(request):
        response = web.StreamResponse(status=status, headers={"Content-Length": str(len(data))})
        await response.prepare(request)
        await response.write(data[:only])
        if only is not None:
            request.transport.close()
        return response

    return answer


@pytest.fixture
async def service(simulator):
    async with connect(simulator.url, token="t") as connected:
        yield connected


async def test_what_is_whole_gets_its_name(service, simulator, container, tmp_path):
    simulator.will_answer(sends(container))
    path, done = tmp_path / "aipd.scelle", []
    examined = await download(service, PROOF, 2, str(path), advance=done.append)
    assert path.read_bytes() == container
    assert examined.seal.seal.dossier == "D-1"
    assert sum(done) == len(container)
    assert simulator.requests[0].path == f"/v1/evidence/{PROOF}/versions/2/container"


async def test_a_broken_line_is_taken_up_at_the_same_byte(service, simulator, container, tmp_path, retries):
    body = parse_preamble(container).payload_offset
    cut = body + 1_000_000
    simulator.will_answer(sends(container, only=cut))

    async def rest(request):
        start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        return await sends(container[body + start :], status=206)(request)

    simulator.will_answer(rest)
    path = tmp_path / "aipd.scelle"
    await download(service, PROOF, 1, str(path), retries=retries)
    assert path.read_bytes() == container
    assert [request.path.rpartition("/")[2] for request in simulator.requests] == ["container", "body"]


async def test_a_line_that_broke_within_the_envelope_begins_again(
    service, simulator, container, tmp_path, retries
):
    simulator.will_answer(sends(container, only=100), sends(container, only=10), sends(container))
    path = tmp_path / "aipd.scelle"
    await download(service, PROOF, 1, str(path), retries=retries)
    assert path.read_bytes() == container


async def test_a_line_that_keeps_breaking_leaves_nothing(service, simulator, container, tmp_path, retries):
    simulator.will_answer(*(sends(container, only=100) for _ in range(3)))
    with pytest.raises(CutOff):
        await download(service, PROOF, 1, str(tmp_path / "aipd.scelle"), retries=retries)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (lambda data: b"\xff\xd8\xff" + data[3:], Outcome.MALFORMED),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), Outcome.SEAL_INVALID),
        (
            lambda data: data[:1_500_000] + bytes([data[1_500_000] ^ 1]) + data[1_500_001:],
            Outcome.PAYLOAD_DAMAGED,
        ),
        (lambda data: data[:-5], Outcome.MALFORMED),
    ],
)
async def test_what_is_not_what_was_sealed_leaves_nothing(
    service, simulator, container, tmp_path, *, spoil, outcome
):
    simulator.will_answer(sends(spoil(container)))
    with pytest.raises(RefusedContainer) as refused:
        await download(service, PROOF, 1, str(tmp_path / "aipd.scelle"))
    assert refused.value.outcome is outcome
    assert list(tmp_path.iterdir()) == []


async def test_what_the_caller_knows_is_checked(service, simulator, container, tmp_path):
    simulator.will_answer(sends(container))
    with pytest.raises(RefusedContainer) as refused:
        await download(service, PROOF, 1, str(tmp_path / "a.scelle"), expected=Expectations(dossier="D-2"))
    assert refused.value.outcome is Outcome.WRONG_DOSSIER

    def check(_examined):
        raise ClientError("not the one that was asked for")

    simulator.will_answer(sends(container))
    with pytest.raises(ClientError, match="not the one"):
        await download(service, PROOF, 1, str(tmp_path / "a.scelle"), check=check)
    assert list(tmp_path.iterdir()) == []


async def test_a_refusal_is_the_services(service, simulator, tmp_path):
    simulator.will_refuse("not_habilitated")
    with pytest.raises(SignInRefused):
        await download(service, PROOF, 1, str(tmp_path / "a.scelle"))
    assert list(tmp_path.iterdir()) == []


async def test_nothing_is_overwritten(service, simulator, container, tmp_path):
    path = tmp_path / "a.scelle"
    path.write_bytes(b"mine")
    with pytest.raises(ConflictProblem):
        await download(service, PROOF, 1, str(path))
    assert simulator.requests == []
    simulator.will_answer(sends(container))
    await download(service, PROOF, 1, str(path), force=True)
    assert path.read_bytes() == container
