import asyncio

import pytest

from client.distrust import Distrusted
from client.errors import ConflictProblem, NotFoundProblem
from client.exchange.containers import ContainerFile
from client.exchange.opening import Access
from client.refusals import RefusedContainer
from client.remote.depositing import Rewriter, abandon, deposit
from client.remote.parts import Way
from client.remote.problems import (
    ContainerRefused,
    CutOff,
    NothingThere,
    NotOurService,
    SignInRefused,
    StateConflict,
    Unreachable,
)
from client.remote.retries import Retries
from tests.client import sayings as s
from tests.client.remote.conftest import seal
from tests.client.remote.uploads import Uploads, refusal
from vault.container.layout import BLOCK, parse_preamble
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import Outcome

READER = CarriedRecipient("reader", 0, s.EDITOR.public.kem)
DOSSIER_KEY = CarriedRecipient("dossier", 1, s.dossier_seed(1).public.kem)
RECOVERY = CarriedRecipient("recovery", 0, s.RECOVERY.public.kem)
REWRITER = Rewriter(Access(lambda: [s.EDITOR.decapsulation]).unlock, lambda _unlocked: s.EDITOR.signing)
PARTS = 6


async def at_once(_seconds):
    """Make no pause."""


WAY = Way(retries=Retries(attempts=3, sleep=at_once))


@pytest.fixture(scope="module")
def sealed():
    data = seal(
        {"log.txt": bytes(range(256)) * 4096 * (PARTS - 1) + b"and a little more"},
        signer=s.EDITOR.signing,
        recipients=(READER, DOSSIER_KEY, RECOVERY),
        writers=(s.AUTHORITY.public.signing_key_id,),
    )
    assert parse_preamble(data).leaf_count == PARTS
    return data


@pytest.fixture
def container(sealed, tmp_path):
    path = tmp_path / "log.scelle"
    path.write_bytes(sealed)
    return path


@pytest.fixture
def service():
    return Uploads()


@pytest.fixture
def send(service, container):
    async def work(way=WAY, **more):
        more.setdefault("parts_from", 1)
        return await deposit(service, s.anchor(), str(container), way=way, **more)

    return work


def failing(*failures):
    """Raise these, one at each call that ``(name, part)`` names, each once."""
    left = list(failures)

    def hook(name, part=0):
        for failure in left:
            if failure[0] == (name, part):
                left.remove(failure)
                raise failure[1]

    return hook


async def test_all_parts_go_and_the_receipt_is_judged(service, send, container):
    said, done = [], []
    kept = await send(WAY._replace(found=lambda *told: said.append(told)), advance=done.append)
    (taken,) = service.taken
    assert kept.receipt.seal_id == taken.seal.seal_id
    assert sorted(service.sent()) == list(range(1, PARTS + 1))
    assert (service.calls[0][0], service.calls[-1][0]) == ("begin", "complete")
    assert said == [(0, PARTS)]
    assert sum(done) == container.stat().st_size


@pytest.mark.parametrize("parallel", [1, 3])
async def test_so_many_go_at_a_time_and_no_more(service, send, parallel):
    met = asyncio.Event()

    async def meet(_part):
        if service.busy == parallel:
            met.set()
        await met.wait()

    service.gate = meet
    async with asyncio.timeout(30):
        await send(WAY._replace(parallel=parallel))
    assert service.busiest == parallel


async def test_below_a_size_it_goes_in_one_request(service, send):
    with pytest.raises(AttributeError, match="deposit"):
        await send(parts_from=2**30)
    assert service.calls == []


async def test_what_arrived_is_not_sent_again(service, send, container):
    service.before = failing(*[(("part", 4), CutOff("cut"))] * 3)
    with pytest.raises(CutOff):
        await send(WAY._replace(parallel=1))
    assert service.sent() == [1, 2, 3, 4, 4, 4]
    service.calls.clear()
    said, done = [], []
    await send(WAY._replace(resume=True, found=lambda *told: said.append(told)), advance=done.append)
    assert sorted(service.sent()) == [4, 5, 6]
    assert said == [(3, PARTS)]
    assert done[0] == 3 * BLOCK
    assert sum(done) == container.stat().st_size
    assert len(service.taken) == 1


async def test_one_failure_stops_the_others(service, send):
    service.before = failing((("part", 2), refusal("payload_damaged")))
    service.gate = lambda part: asyncio.sleep(0 if part == 2 else 3600)
    async with asyncio.timeout(30):
        with pytest.raises(ContainerRefused):
            await send()
    assert service.sent() == [2]
    assert service.busy == 0


@pytest.mark.parametrize(
    "error",
    [CutOff("cut"), Unreachable("gone"), refusal("unavailable"), refusal("digest_mismatch")],
    ids=lambda error: type(error).__name__,
)
async def test_every_request_is_made_again_when_it_broke(service, send, container, error):
    done = []
    service.before = failing(*((call, error) for call in [("begin", 0), ("part", 1), ("complete", 0)]))
    await send(advance=done.append)
    assert sum(done) == container.stat().st_size
    assert len(service.taken) == 1


async def test_replies_that_are_lost_are_asked_for_again(service, send):
    service.after = failing(*((call, CutOff("cut")) for call in [("begin", 0), ("part", 1), ("complete", 0)]))
    kept = await send()
    assert kept.receipt.seal_id == service.taken[0].seal.seal_id


async def test_what_was_published_already_is_only_asked_for(service, send):
    await send()
    service.calls.clear()
    kept = await send(WAY._replace(resume=True))
    assert [name for name, _part in service.calls] == ["begin", "complete"]
    assert kept.receipt.seal_id == service.taken[0].seal.seal_id


async def test_a_session_that_ended_is_begun_again(service, send, container):
    def hook(name, part):
        if part == 5 and service.calls.count(("part", 5)) == 1:
            service.lose()

    done = []
    service.before = hook
    await send(WAY._replace(parallel=1), advance=done.append)
    assert service.sent() == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]
    assert sum(done) == container.stat().st_size


async def test_who_is_overtaken_gets_the_same_receipt(service, send, container):
    def hook(name, part):
        if part == 5 and not service.published:
            data = container.read_bytes()
            begin = parse_preamble(data).payload_offset
            service.parts = {
                number + 1: data[begin + number * BLOCK : parse_preamble(data).leaves_offset][:BLOCK]
                for number in range(PARTS)
            }
            service.published = True
            raise refusal("conflict")

    service.before = hook
    kept = await send(WAY._replace(parallel=1))
    assert kept.receipt.seal_id == service.taken[0].seal.seal_id
    assert service.sent() == [1, 2, 3, 4, 5]


async def test_a_service_that_keeps_losing_them_is_not_asked_for_ever(service, send):
    service.before = lambda name, _part: service.lose() if name == "complete" else None
    with pytest.raises(NothingThere):
        await send()
    assert [name for name, _part in service.calls].count("begin") == 3


async def test_parts_that_are_missing_after_all_are_sent(service, send):
    def hook(name, _part):
        if name == "complete":
            service.before = lambda _name, _part: None
            del service.parts[3]

    service.before = hook
    await send()
    assert sorted(service.sent()) == [1, 2, 3, 3, 4, 5, 6]


async def test_going_on_needs_something_to_go_on_with(service, send):
    with pytest.raises(NotFoundProblem, match="deposit it without --resume"):
        await send(WAY._replace(resume=True))
    assert [name for name, _part in service.calls] == ["begin", "abandon"]
    assert service.taken == []


async def test_what_did_not_finish_can_be_given_up(service, send, container):
    service.before = failing(*[(("part", 4), CutOff("cut"))] * 3)
    with pytest.raises(CutOff):
        await send()
    await abandon(service, str(container))
    assert service.calls[-1] == ("abandon", 0)
    assert service.parts == {}
    with pytest.raises(NotFoundProblem):
        await abandon(service, str(container))


async def test_what_is_deposited_is_not_given_up(service, send, container):
    await send()
    with pytest.raises(ConflictProblem, match="deposited already"):
        await abandon(service, str(container))
    assert service.parts


async def test_a_key_that_was_rotated_costs_an_envelope_and_no_payload(service, send, container):
    def hook(name, _part):
        if name == "complete" and service.generation == 1:
            service.generation = 2
            raise refusal("dossier_key_outdated")

    service.before = hook
    kept = await send(rewriter=REWRITER)
    assert kept.rewritten
    assert sorted(service.sent()) == list(range(1, PARTS + 1))
    assert [name for name, _part in service.calls if name != "part"] == [
        "begin",
        "complete",
        "begin",
        "envelope",
        "complete",
    ]
    (taken,) = service.taken
    assert [
        slot.generation for slot in taken.envelope.envelope.recipient_slots if slot.role == "dossier"
    ] == [2]
    with ContainerFile.open(str(container)) as file:
        assert file.examine().envelope.digest == kept.receipt.envelope_digest


async def test_without_somebody_who_may_rewrite_the_refusal_stands(service, send):
    service.before = failing((("complete", 0), refusal("dossier_key_outdated")))
    with pytest.raises(StateConflict, match="dossier_key_outdated"):
        await send()


async def test_a_session_of_an_hour_is_renewed_once_for_all(service, send):
    expired = [True]

    def hook(name, _part):
        if name == "part" and expired:
            raise refusal("credential_expired")

    async def sign_in():
        signed_in.append(True)
        expired.clear()

    signed_in = []
    service.before = hook
    await send(WAY._replace(sign_in=sign_in))
    assert len(signed_in) == 1
    assert len(service.taken) == 1


@pytest.mark.parametrize("sign_in", [None, lambda: asyncio.sleep(0)])
async def test_who_cannot_sign_in_again_is_told(service, send, sign_in):
    def hook(name, _part):
        if name == "part":
            raise refusal("credential_expired")

    service.before = hook
    with pytest.raises(SignInRefused):
        await send(WAY._replace(sign_in=sign_in, parallel=1))
    assert len(service.sent()) == (1 if sign_in is None else 2)


async def test_what_is_damaged_is_refused_before_anything_is_sent(service, send, container):
    data = bytearray(container.read_bytes())
    data[parse_preamble(bytes(data)).payload_offset + 4 * BLOCK + 5] ^= 1
    container.write_bytes(data)
    with pytest.raises(RefusedContainer) as refused:
        await send()
    assert refused.value.outcome is Outcome.PAYLOAD_DAMAGED
    assert service.calls == []


@pytest.mark.parametrize(
    "about",
    [
        {"seal_id": "00" * 32},
        {"payload_length": 5},
        {"part_size": 1000},
        {"part_size": 0},
        {"parts": 99},
        {"received": (0,)},
        {"received": (99,)},
    ],
    ids=str,
)
async def test_a_session_about_something_else_gets_nothing(service, send, about):
    service.about = about
    with pytest.raises(NotOurService):
        await send()
    assert service.sent() == []


async def test_a_receipt_about_something_else_is_not_believed(service, send, monkeypatch):
    monkeypatch.setattr(s, "receipt", lambda examined, make=s.receipt: make(examined, size=1))
    with pytest.raises(Distrusted, match="mismatch"):
        await send()
