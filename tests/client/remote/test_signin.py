import json

import pytest
from aiohttp import web

from client.errors import UsageProblem
from client.remote.problems import NotOurService, SignInRefused
from client.remote.service import connect
from client.remote.signin import enrol, sign_in, sign_in_with_token
from keys.canonical import decode_binary, encode_binary
from keys.errors import MalformedError, SignatureError, WrongUseError
from keys.possession import make_challenge, verify_enrolment, verify_sign_in, wrap_challenge
from tests.client import sayings as s

ME = {"role": "reviewer"}


@pytest.fixture
async def service(simulator):
    async with connect(simulator.url) as connected:
        yield connected


def challenge(**members):
    return web.json_response({"id": "0" * 32, "expires": 1, **members}, status=201)


def session():
    return web.json_response({"token": "scelle_session_1", "expires": 9, "me": ME}, status=201)


async def test_a_key_signs_in_without_being_shown(service, simulator):
    secret = make_challenge()
    simulator.will_answer(challenge(challenge=encode_binary(secret)), session(), web.json_response(ME))
    signed = await sign_in(service, s.REVIEWER)
    assert (signed.session.kind, signed.session.expires, signed.me.role) == ("session", 9, "reviewer")
    sent = json.loads(simulator.bodies[1])
    signature = decode_binary(sent["signature"], 3373)
    verify_sign_in(s.REVIEWER.public.signing, signature, origin=simulator.url, challenge=secret)
    await service.get_me()
    assert simulator.requests[2].headers["Authorization"] == "Bearer scelle_session_1"


async def test_an_answer_is_worth_nothing_at_another_service(service, simulator):
    """A service that passes on another's challenge gets a signature for its own name."""
    secret = make_challenge()
    simulator.will_answer(challenge(challenge=encode_binary(secret)), session())
    await sign_in(service, s.REVIEWER)
    signature = decode_binary(json.loads(simulator.bodies[1])["signature"], 3373)
    with pytest.raises(SignatureError):
        verify_sign_in(
            s.REVIEWER.public.signing, signature, origin="https://vault.example.org", challenge=secret
        )


async def test_an_unknown_key_is_refused(service, simulator):
    simulator.will_answer(challenge(challenge=encode_binary(make_challenge())))
    simulator.will_refuse("sign_in_failed")
    with pytest.raises(SignInRefused):
        await sign_in(service, s.REVIEWER)
    assert not service.signed_in


@pytest.mark.parametrize("members", [{}, {"challenge": "AAAA"}])
async def test_a_challenge_of_another_form_is_not_signed(service, simulator, members):
    simulator.will_answer(challenge(**members))
    with pytest.raises(NotOurService):
        await sign_in(service, s.REVIEWER)
    assert len(simulator.requests) == 1


async def test_a_key_that_signs_nothing_does_not_sign_in(service):
    with pytest.raises(WrongUseError):
        await sign_in(service, s.RECOVERY)


@pytest.mark.parametrize("token", ["", "two words", "a\r\nb", "é"])
async def test_what_cannot_be_a_token_is_not_sent(service, simulator, token):
    with pytest.raises(UsageProblem, match="not a service token"):
        await sign_in_with_token(service, token)
    assert simulator.requests == []


ACCOUNT = {"id": "0" * 32, "name": "r", "role": "reviewer", "disabled": False, "created": 1}


async def test_enrolling_proves_both_halves(service, simulator):
    secret = make_challenge()
    wrapped = wrap_challenge(secret, s.REVIEWER.public, origin=simulator.url)
    simulator.will_answer(challenge(wrapped=encode_binary(wrapped)), web.json_response(ACCOUNT, status=201))
    assert (await enrol(service, "c" * 22, s.REVIEWER)).name == "r"
    sent = json.loads(simulator.bodies[1])
    signature = decode_binary(sent["signature"], 3373)
    verify_enrolment(s.REVIEWER.public, signature, origin=simulator.url, challenge=secret)


async def test_a_challenge_of_another_service_is_not_answered(service, simulator):
    wrapped = wrap_challenge(make_challenge(), s.REVIEWER.public, origin="https://vault.example.org")
    simulator.will_answer(challenge(wrapped=encode_binary(wrapped)))
    with pytest.raises(MalformedError, match="comes from another service"):
        await enrol(service, "c" * 22, s.REVIEWER)
    assert len(simulator.requests) == 1
