"""A request has an id that the client draws: the service logs it, and a failure names it to the person."""

import re

import pytest
from aiohttp import web

from client.cli.failure import describe_client_error
from client.remote.problems import CutOff, NothingThere, ServiceFailed
from client.remote.retries import NO_RETRIES
from client.remote.service import connect


def healthy():
    return web.json_response({"status": "ok"})


async def hang_up(request):
    request.transport.close()
    return web.Response()


async def test_every_attempt_of_a_request_bears_its_id_and_every_request_its_own(simulator, retries):
    simulator.will_answer(hang_up, hang_up, healthy(), healthy())
    async with connect(simulator.url, retries=retries) as service:
        await service.live()
        await service.live()
    first, second, third, other = (request.headers["X-Request-Id"] for request in simulator.requests)
    assert first == second == third != other
    assert re.fullmatch(r"[0-9a-f]{24}", first)


async def test_a_failure_of_the_service_names_the_request(simulator):
    simulator.will_refuse("internal_error", request_id="r7")
    simulator.will_refuse("unavailable")
    simulator.will_answer(hang_up)
    async with connect(simulator.url, retries=NO_RETRIES) as service:
        for _ in range(3):
            with pytest.raises((ServiceFailed, CutOff)) as failed:
                await service.live()
            sent = simulator.requests[-1].headers["X-Request-Id"]
            named = "r7" if len(simulator.requests) == 1 else sent
            assert failed.value.report_as == named
            assert str(failed.value).endswith(f" (request {named})")
            assert describe_client_error(failed.value).endswith(f" (request {named})")


async def test_an_answer_that_ends_too_early_names_the_request(simulator):
    async def half(request):
        answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"{")
        request.transport.close()
        return answer

    simulator.will_answer(half)
    async with connect(simulator.url, retries=NO_RETRIES) as service:
        with pytest.raises(CutOff) as cut:
            await service.live()
    assert cut.value.report_as == simulator.requests[-1].headers["X-Request-Id"]


async def test_a_refusal_that_says_what_to_do_names_no_request(simulator):
    simulator.will_refuse("not_found", request_id="r7")
    async with connect(simulator.url) as service:
        with pytest.raises(NothingThere) as refused:
            await service.get_account("0" * 32)
    assert "r7" not in str(refused.value)
