import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from client.remote.problems import (
    CutOff,
    NothingThere,
    NotOurService,
    ServiceFailed,
    StateConflict,
    Unreachable,
    Untrusted,
)
from client.remote.retries import NO_RETRIES
from client.remote.service import Service, connect
from client.remote.transport import Transport, Upload
from tests.client.remote.conftest import problem
from vault.api.models.people import OrganisationRequest
from vault.api.route import CONTAINER

HEALTHY = {"status": "ok"}
ORGANISATION = {
    "id": "0" * 32,
    "name": "Éditeur",
    "quota_bytes": 1,
    "max_container_bytes": 1,
    "used_bytes": 0,
    "created": 1,
}
REQUEST = OrganisationRequest(name="Éditeur")


def healthy():
    return web.json_response(HEALTHY)


def made():
    return web.json_response(ORGANISATION, status=201)


async def hang_up(request):
    request.transport.close()
    return web.Response()


def upload(data, opened=None):
    async def pieces():
        if opened is not None:
            opened.append(True)
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    return Upload(len(data), pieces)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_an_answer_is_read_by_its_model(simulator):
    simulator.will_answer(healthy())
    async with connect(simulator.url) as service:
        assert (await service.live()).status == "ok"


async def test_a_problem_is_a_typed_exception(simulator):
    simulator.will_refuse("not_found", request_id="r7")
    async with connect(simulator.url) as service:
        with pytest.raises(NothingThere) as refused:
            await service.get_account("0" * 32)
    assert refused.value.request_id == "r7"


async def test_reading_is_tried_again(simulator, retries, pauses):
    simulator.will_answer(hang_up)
    simulator.will_refuse("unavailable")
    simulator.will_answer(healthy())
    async with connect(simulator.url, retries=retries) as service:
        assert (await service.live()).status == "ok"
    assert len(simulator.requests) == 3
    assert len(pauses) == 2


async def test_trying_again_ends(simulator, retries):
    for _ in range(3):
        simulator.will_refuse("unavailable")
    async with connect(simulator.url, retries=retries) as service:
        with pytest.raises(ServiceFailed):
            await service.live()
    assert len(simulator.requests) == 3


async def test_what_creates_is_tried_again_under_the_same_key(simulator, retries):
    simulator.will_answer(hang_up, made())
    async with connect(simulator.url, retries=retries) as service:
        await service.create_organisation(REQUEST)
    first, second = (request.headers["Idempotency-Key"] for request in simulator.requests)
    assert first == second
    assert len(first) == 32


async def test_a_caller_may_name_the_key(simulator):
    simulator.will_answer(made())
    async with connect(simulator.url) as service:
        await service.create_organisation(REQUEST, idempotency_key="order-00017")
    assert simulator.requests[0].headers["Idempotency-Key"] == "order-00017"


async def test_what_could_happen_twice_is_not_tried_again(simulator, retries, pauses):
    simulator.will_answer(hang_up)
    async with connect(simulator.url, retries=retries) as service:
        with pytest.raises(CutOff):
            await service.revoke_token("0" * 32)
    assert len(simulator.requests) == 1
    assert pauses == []


async def test_a_refusal_is_not_tried_again(simulator, retries):
    simulator.will_refuse("conflict")
    async with connect(simulator.url, retries=retries) as service:
        with pytest.raises(StateConflict):
            await service.create_organisation(REQUEST)
    assert len(simulator.requests) == 1


async def test_nobody_there_is_tried_again_and_said(retries, pauses):
    async with connect(f"http://127.0.0.1:{closed_port()}", retries=retries) as service:
        with pytest.raises(Unreachable, match="no connection to 127") as gone:
            await service.revoke_token("0" * 32)
    assert gone.value.exit_code == 7
    assert len(pauses) == 2


async def test_a_redirect_is_not_followed(simulator):
    simulator.will_answer(web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"}))
    async with connect(simulator.url, token="secret") as service:
        with pytest.raises(NotOurService, match="HTTP 307"):
            await service.get_me()
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(text="<html>", content_type="text/html", status=502),
        lambda: web.Response(text="<html>", content_type="text/html"),
        lambda: web.json_response({"status": 7}),
        lambda: web.json_response({"oops": 1}, status=400, content_type="application/problem+json"),
        lambda: web.Response(status=204),
    ],
)
async def test_an_answer_of_something_else_is_said_to_be_that(simulator, answer):
    simulator.will_answer(answer())
    async with connect(simulator.url) as service:
        with pytest.raises(NotOurService, match="not an answer of a Scellé service"):
            await service.live()


async def test_an_endless_answer_is_cut(simulator, monkeypatch):
    monkeypatch.setattr("client.remote.transport.MAX_ANSWER", 1000)
    simulator.will_answer(web.Response(body=b" " * 2000, content_type="application/json"))
    async with connect(simulator.url) as service:
        with pytest.raises(NotOurService, match="more than 1000 bytes"):
            await service.live()


async def test_the_token_goes_where_somebody_must_be_signed_in_and_nowhere_else(simulator):
    simulator.will_answer(healthy(), web.json_response({"role": "portal"}))
    async with connect(simulator.url, token="tok-1") as service:
        await service.live()
        await service.get_me()
    assert [request.headers.get("Authorization") for request in simulator.requests] == [None, "Bearer tok-1"]


async def test_a_container_is_sent_raw_with_its_length(simulator):
    simulator.will_refuse("not_found")
    async with connect(simulator.url) as service:
        with pytest.raises(NothingThere):
            await service.deposit("D-1", upload(b"x" * 2500), acting_for="ab" * 32)
    (request,) = simulator.requests
    assert simulator.bodies == [b"x" * 2500]
    assert request.headers["Content-Type"] == CONTAINER
    assert request.headers["Content-Length"] == "2500"
    assert request.headers["Scelle-Acting-For"] == "ab" * 32
    assert "Transfer-Encoding" not in request.headers


async def test_a_large_container_is_announced_and_not_sent_where_it_is_refused(simulator):
    opened = []

    async def refuse_at_once(request):
        raise web.HTTPExpectationFailed  # never reached: the simulator reads bodies first

    async def expect(request):
        assert request.headers["Expect"] == "100-continue"
        opened.append("asked")
        raise web.HTTPForbidden(
            text='{"type":"t","title":"t","status":403,"detail":"d","code":"forbidden"}',
            content_type="application/problem+json",
        )

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", refuse_at_once, expect_handler=expect)
    runner = web.AppRunner(app, lingering_time=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port := closed_port()).start()
    sent = []

    async def pieces():
        sent.append(True)
        yield b"x" * 1_000_000

    try:
        async with connect(f"http://127.0.0.1:{port}", token="t") as service:
            with pytest.raises(Exception, match="forbidden"):
                await service.deposit("D-1", Upload(1_000_000, pieces))
    finally:
        await runner.cleanup()
    assert opened == ["asked"]
    assert sent == []


async def test_if_match_is_an_entity_tag(simulator):
    simulator.will_refuse("precondition_failed")
    async with connect(simulator.url) as service:
        with pytest.raises(StateConflict):
            await service.archive_evidence("0" * 32, if_match="ab" * 32)
    assert simulator.requests[0].headers["If-Match"] == f'"{"ab" * 32}"'


async def test_a_part_is_asked_for_by_its_first_byte(simulator):
    simulator.will_answer(web.Response(body=b"rest", status=206, headers={"ETag": '"77"'}))
    async with connect(simulator.url) as service, service.fetch_body("0" * 32, 2, offset=70) as stream:
        assert b"".join([chunk async for chunk in stream.chunks()]) == b"rest"
        assert (stream.length, stream.tag) == (4, "77")
    assert simulator.requests[0].headers["Range"] == "bytes=70-"
    assert simulator.requests[0].headers["Accept-Encoding"] == "identity"


async def test_a_whole_answer_instead_of_a_part_is_refused(simulator):
    simulator.will_answer(web.Response(body=b"everything"))
    async with connect(simulator.url) as service:
        with pytest.raises(NotOurService):
            async with service.fetch_body("0" * 32, 2, offset=70):
                pass


async def test_an_answer_that_ends_too_early_is_cut_off(simulator):
    async def half(request):
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"x" * 10)
        request.transport.close()
        return answer

    simulator.will_answer(half)
    async with connect(simulator.url) as service, service.fetch_container("0" * 32, 1) as stream:
        with pytest.raises(CutOff):
            async for _ in stream.chunks():
                pass


async def test_silence_is_cut_off(simulator):
    waiting = asyncio.Event()

    async def silent(request):
        await waiting.wait()
        return healthy()

    simulator.will_answer(silent)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=0.05)
    async with Transport(simulator.url, retries=NO_RETRIES, timeout=timeout) as transport:
        with pytest.raises(CutOff, match="in time"):
            await Service(transport).live()
    waiting.set()


@pytest.fixture
async def stuck():
    """A service that accepts everything and reads no body."""
    done = asyncio.Event()

    async def accept(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await done.wait()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    done.set()
    server.close()
    await asyncio.sleep(0.01)


async def test_a_service_that_stops_reading_is_left(stuck):
    async def endless():
        while True:
            yield b"x" * 1_000_000

    async with Transport(stuck, retries=NO_RETRIES, idle=0.05) as transport:
        with pytest.raises(CutOff, match="in time"):
            await Service(transport).deposit("D-1", Upload(10_000_000_000, endless))


async def test_a_slow_answer_is_waited_for_once_the_body_is_taken(simulator):
    async def slow(_request):
        await asyncio.sleep(0.2)
        return problem("not_found")

    simulator.will_answer(slow)
    async with Transport(simulator.url, idle=0.05) as transport:
        with pytest.raises(NothingThere):
            await Service(transport).deposit("D-1", upload(b"x" * 2500))


def self_signed(folder):
    """Return a TLS context with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path, retries, pauses):
    asked = []

    async def answer(request):
        asked.append(request)
        return healthy()

    app = web.Application()
    app.router.add_get("/livez", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = closed_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=self_signed(tmp_path)).start()
    try:
        async with connect(f"https://127.0.0.1:{port}", token="secret", retries=retries) as service:
            with pytest.raises(Untrusted, match="certificate"):
                await service.live()
    finally:
        await runner.cleanup()
    assert asked == []
    assert pauses == []
