import pytest
from aiohttp import web

from client.distrust import Distrusted
from client.errors import UsageProblem
from client.remote.carriage import to_model
from client.remote.problems import NotOurService
from client.remote.service import connect
from client.remote.trust import learn, name_authority, renew
from keys.keyfile import encode_public
from tests.client import sayings as s


def answer(origin, pin, **changes):
    return web.json_response(
        {
            "origin": origin,
            "server_identity": encode_public(pin.server),
            "server_key_id": pin.server.signing_key_id.hex(),
            "authority": encode_public(pin.authority) if pin.authority else None,
            "server": to_model(pin.habilitation).model_dump() if pin.habilitation else None,
            "recovery": to_model(pin.recovery).model_dump() if pin.recovery else None,
            "successions": [to_model(signed).model_dump() for signed in pin.successions],
            **changes,
        }
    )


@pytest.fixture
async def service(simulator):
    async with connect(simulator.url) as connected:
        yield connected


async def test_what_a_service_says_is_learned_as_one_piece(service, simulator):
    pin = s.pin()
    simulator.will_answer(answer(simulator.url, pin))
    assert await learn(service) == pin._replace(url=simulator.url, origin=simulator.url)


async def test_a_service_without_an_authority_can_be_learned_too(service, simulator):
    pin = s.pin(authority=None, habilitation=None, recovery=None)
    simulator.will_answer(answer(simulator.url, pin))
    assert (await learn(service)).authority is None


async def test_a_service_that_goes_by_another_name_is_refused(service, simulator):
    simulator.will_answer(answer("https://vault.example.org", s.pin()))
    with pytest.raises(UsageProblem, match=r"calls itself https://vault\.example\.org"):
        await learn(service)


@pytest.mark.parametrize(
    "changes",
    [
        {"habilitation": None},
        {"recovery": None},
        {"habilitation": s.habilitation(s.SERVER, "server", by=s.STRANGER)},
        {"habilitation": s.habilitation(s.PORTAL, "portal")},
        {"habilitation": s.habilitation(s.PORTAL, "server")},
        {"recovery": s.recovery(by=s.STRANGER)},
        {"authority": s.STRANGER.public},
    ],
)
async def test_an_authority_that_does_not_vouch_is_refused(service, simulator, changes):
    simulator.will_answer(answer(simulator.url, s.pin(**changes)))
    with pytest.raises(Distrusted):
        await learn(service)


@pytest.mark.parametrize(
    "changes", [{"server_identity": "no key"}, {"server": {"statement": "AA", "signature": "AA"}}]
)
async def test_what_has_another_form_is_no_answer(service, simulator, changes):
    simulator.will_answer(answer(simulator.url, s.pin(), **changes))
    with pytest.raises(NotOurService):
        await learn(service)


def test_what_was_confirmed_stands():
    pin, later = s.pin(), s.pin(habilitation=s.habilitation(s.SERVER, "server", at=s.NOW - 5))
    assert renew(pin, later) == later


def test_another_authority_is_refused():
    other = s.pin(
        authority=s.STRANGER.public,
        habilitation=s.habilitation(s.SERVER, "server", by=s.STRANGER),
        recovery=s.recovery(by=s.STRANGER),
    )
    with pytest.raises(Distrusted):
        renew(s.pin(), other)
    with pytest.raises(Distrusted):
        renew(s.pin(), s.pin(authority=None))


def test_a_successor_is_followed_and_the_first_stays_pinned():
    heir = s.identity("B", s.Use.AUTHORITY)
    handed_over = s.pin(
        authority=heir.public,
        successions=(s.succession(s.AUTHORITY, heir, at=s.NOW - 9),),
    )
    assert renew(s.pin(), handed_over).authority == s.AUTHORITY.public


def test_a_template_names_the_authority():
    pin = s.pin()
    assert name_authority(pin, s.AUTHORITY.public.signing_key_id) == pin
    with pytest.raises(Distrusted):
        name_authority(pin, s.STRANGER.public.signing_key_id)
    with pytest.raises(Distrusted):
        name_authority(s.pin(authority=None), s.AUTHORITY.public.signing_key_id)
