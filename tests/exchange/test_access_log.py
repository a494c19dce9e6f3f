"""What the log says of a request: its id everywhere, its bytes, where it broke off, and nothing it held."""

import asyncio
import io
import json
import logging

import pytest

from vault.api.route import CONTAINER, REQUEST_ID_HEADER
from vault.server.logs import LibraryHandler, logger

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 30


@pytest.fixture
def world(everybody):
    """The service, with nothing in its log."""
    world = everybody.world
    world.log.seek(0)
    world.log.truncate()
    return world


def lines(world, **having):
    found = [json.loads(line) for line in world.log.getvalue().splitlines()]
    return [line for line in found if having.items() <= line.items()]


async def line_of(world, **having):
    """Return the one line; an answer may arrive before its line is written."""
    for _ in range(PATIENCE * 100):
        if found := lines(world, **having):
            (line,) = found
            return line
        await asyncio.sleep(0.01)
    pytest.fail(f"no line of {having}")


async def test_the_id_that_a_request_brings_stands_in_answer_problem_log_and_journal(everybody, world):
    brought = {REQUEST_ID_HEADER: "portal-2801.a_7"}
    token = everybody.token("editor")
    answer = await world.deposit(
        token, everybody.dossier, world.seal(everybody.editor.signing, everybody.dossier), headers=brought
    )
    assert (answer.status, answer.headers[REQUEST_ID_HEADER]) == (201, "portal-2801.a_7")
    assert (await world.last_entry())["request"] == "portal-2801.a_7"
    refused = await world.send("GET", "/v1/me", headers=brought)
    assert refused.json["request_id"] == refused.headers[REQUEST_ID_HEADER] == "portal-2801.a_7"
    assert [line["request_id"] for line in lines(world)] == ["portal-2801.a_7"] * 2


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["short-1"],
        ["x" * 65],
        ["two words here"],
        ["<script>alert(1)</script>"],
        ["é" * 8],
        ["12345678", "12345678"],
    ],
)
async def test_an_id_of_another_form_is_drawn(world, headers):
    given = [(REQUEST_ID_HEADER, value) for value in headers]
    async with world.http.get(f"{world.origin}/livez", headers=given) as answer:
        drawn = answer.headers[REQUEST_ID_HEADER]
    assert len(drawn) == 24
    assert drawn not in headers
    assert [line["request_id"] for line in lines(world)] == [drawn]


async def test_the_line_of_a_request_counts_the_bytes_of_both_bodies(everybody, world):
    token = everybody.token("editor")
    container = world.seal(everybody.editor.signing, everybody.dossier, content=b"x" * 3_000_000)
    answer = await world.deposit(token, everybody.dossier, io.BytesIO(container))
    line = await line_of(world, event="request", route="deposit")
    assert (line["bytes_in"], line["bytes_out"]) == (len(container), len(answer.body))
    where = {"evidence": answer.json["version"]["evidence"], "number": 1}
    fetched = await world.ask("fetch_container", where, token=token)
    line = await line_of(world, event="request", route="fetch_container")
    assert (line["bytes_in"], line["bytes_out"]) == (0, len(fetched.body))
    assert fetched.body == container


async def open_raw(world, head, *, limit=2**16):
    host, port = world.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=limit)
    writer.write(f"{head}\r\nHost: {host}\r\n".encode())
    return reader, writer


async def test_an_upload_that_breaks_off_has_a_line(everybody, world):
    container = world.seal(everybody.editor.signing, everybody.dossier)
    _, writer = await open_raw(world, f"POST /v1/dossiers/{everybody.dossier.id}/evidence HTTP/1.1")
    writer.write(
        f"Authorization: Bearer {everybody.token('editor')}\r\nContent-Type: {CONTAINER}\r\n"
        f"{REQUEST_ID_HEADER}: broken-upload\r\nContent-Length: {len(container)}\r\n\r\n".encode()
        + container[:1000]
    )
    await writer.drain()
    writer.transport.abort()
    line = await line_of(world, event="broken_off")
    assert (line["route"], line["by"], line["request_id"]) == ("deposit", "sender", "broken-upload")
    assert line["bytes_in"] <= 1000


async def begin_download(everybody, world):
    """Deposit more than sockets hold, and fetch the first bytes of it."""
    token = everybody.token("editor")
    container = world.seal(everybody.editor.signing, everybody.dossier, content=bytes(48 * 1024 * 1024))
    version = await world.kept(token, everybody.dossier, io.BytesIO(container))
    path = f"/v1/evidence/{version['evidence']}/versions/1/container"
    reader, writer = await open_raw(world, f"GET {path} HTTP/1.1")
    writer.write(f"Authorization: Bearer {token}\r\n\r\n".encode())
    assert (await reader.readline()).split()[1] == b"200"
    return container, version, reader, writer


async def test_a_download_that_the_receiver_leaves_has_a_line(everybody, world):
    container, _, _, writer = await begin_download(everybody, world)
    writer.transport.abort()
    line = await line_of(world, event="broken_off")
    assert (line["route"], line["by"]) == ("fetch_container", "receiver")
    assert line["bytes_out"] < len(container)
    assert (await line_of(world, event="request", route="fetch_container"))["code"] == "broken_off"
    assert lines(world, event="failure") == []


async def test_a_download_that_the_store_ends_has_a_line_and_its_reason(everybody, world):
    _, version, reader, writer = await begin_download(everybody, world)
    async with world.records.read() as view:
        kept = await view.evidence.version(version["evidence"], 1)
    (path,) = (world.folder / "store").rglob(kept.body_key)
    with path.open("r+b") as file:
        file.truncate(0)
    await reader.read()
    writer.close()
    line = await line_of(world, event="broken_off")
    assert (line["route"], line["by"]) == ("fetch_container", "store")
    failure = await line_of(world, event="failure")
    assert failure["request_id"] == line["request_id"]
    assert "ObjectDamagedError" in failure["exception"]
    # The others at this service look at what is stored no more.
    path.unlink()


CANARY = "canary_in_a_cage"


@pytest.fixture
def libraries(world):
    """What libraries log goes where it goes in a server."""
    handler, root = LibraryHandler(logger(world.log)), logging.getLogger()
    root.addHandler(handler)
    yield
    root.removeHandler(handler)


@pytest.mark.usefixtures("libraries")
async def test_nothing_of_what_a_request_holds_is_in_the_log(everybody, world):
    token, dossier = everybody.token("editor"), everybody.dossier.id
    sent = {
        "Authorization": f"Bearer {CANARY}",
        "Cookie": f"a={CANARY}",
        "User-Agent": CANARY,
        "Referer": f"https://{CANARY}/",
        "X-Forwarded-For": CANARY,
        CANARY: CANARY,
    }
    for method in ("GET", "POST", "PUT", CANARY.upper().replace("_", "")):
        for path in (
            f"/{CANARY}",
            f"/v1/templates/{CANARY[:22]}",
            f"/v1/me?{CANARY}={CANARY}",
            "/v1/sessions",
        ):
            await world.send(method, path, headers=sent, data=io.BytesIO(CANARY.encode()))
    container = world.seal(everybody.editor.signing, everybody.dossier)
    bodies = [
        ("create_challenge", {}, {"json": {CANARY: CANARY}}),
        ("create_challenge", {}, {"json": {"key_id": CANARY}}),
        (
            "create_session",
            {},
            {"data": f'{{"{CANARY}'.encode(), "headers": {"Content-Type": "application/json"}},
        ),
        ("deposit", {"dossier": dossier}, {"data": CANARY.encode() * 100}),
        ("deposit", {"dossier": dossier}, {"data": container[:-200] + CANARY.encode() * 20}),
        ("deposit", {"dossier": CANARY}, {"data": container}),
        ("list_evidence", {"dossier": dossier}, {"params": {"type": CANARY, "cursor": CANARY}}),
        ("list_evidence", {"dossier": dossier}, {"params": {"cursor": CANARY}}),
        ("replace_evidence", {"evidence": everybody.proof["evidence"]}, {"headers": {"If-Match": CANARY}}),
        ("deposit", {"dossier": dossier}, {"headers": {"Idempotency-Key": f"{CANARY}!"}}),
        ("deposit", {"dossier": dossier}, {"headers": {"Scelle-Acting-For": CANARY}}),
        ("fetch_body", {"evidence": CANARY, "number": CANARY}, {"headers": {"Range": CANARY}}),
    ]
    for name, path, options in bodies:
        answer = await world.ask(name, path, token=token, **options)
        assert answer.status >= 400, name
    for raw in (f"GET /{CANARY} HTTP/{CANARY}", f"{CANARY} {CANARY} {CANARY}", f"GET /\0{CANARY} HTTP/1.1"):
        reader, writer = await open_raw(world, raw)
        writer.write(f"X: {CANARY}\r\n\r\n".encode())
        await reader.read()
        writer.close()
    # What is no HTTP at all is refused before there is a request, and told by the library.
    assert len(lines(world, event="request")) == 12 + len(bodies)
    assert lines(world, event="library")
    log = world.log.getvalue().lower()
    for told in (CANARY, CANARY.replace("_", ""), CANARY[:22], token.lower()):
        assert told not in log
