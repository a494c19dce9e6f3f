"""Bad input gets its typed problem and changes nothing: rows and objects are compared before and after."""

import asyncio
import io
import struct
from contextlib import asynccontextmanager

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import carry
from vault.container.manifest import CarriedRecipient

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def unchanged(world):
    before = await world.state()
    yield
    assert await world.state() == before


def header(envelope_length, payload_length, version=1):
    return b"\x89SCL\r\n\x1a\n" + struct.pack(">HIQ", version, envelope_length, payload_length)


def flip(container, position):
    spoiled = bytearray(container)
    spoiled[position] ^= 1
    return bytes(spoiled)


BODIES = {
    "jpeg": (lambda good: b"\xff\xd8\xff\xe0" + bytes(2000), "malformed"),
    "empty": (lambda good: b"", "malformed"),
    "header_only": (lambda good: good[:22], "malformed"),
    "envelope_of_ten_gib": (lambda good: header(2**32 - 1, 2**33) + bytes(64), "limit_exceeded"),
    "payload_of_ten_gib_that_never_comes": (lambda good: header(8000, 10 * 2**30), "malformed"),
    "later_version": (lambda good: header(8000, 100, version=2), "unsupported_version"),
    "cut_short": (lambda good: good[:-1], "malformed"),
    "one_byte_more": (lambda good: good + b"\x00", "malformed"),
    "payload_bit_flipped": (lambda good: flip(good, len(good) // 2), "payload_damaged"),
    "seal_signature_flipped": (lambda good: flip(good, len(good) - 1), "seal_invalid"),
    "envelope_signature_flipped": (
        lambda good: flip(good, 22 + struct.unpack_from(">I", good, 10)[0] - 1),
        "envelope_tampered",
    ),
}


@pytest.mark.parametrize("name", BODIES)
async def test_what_is_no_good_container_is_not_taken(everybody, name):
    world, (spoil, code) = everybody.world, BODIES[name]
    body = spoil(everybody.container)
    async with unchanged(world):
        answer = await world.deposit(everybody.sessions["editor"], everybody.dossier, body)
    assert (answer.status, answer.code) == (422, code)


@pytest.mark.parametrize("name", BODIES)
async def test_nor_as_a_template(everybody, name):
    world, (spoil, code) = everybody.world, BODIES[name]
    body = spoil(everybody.container)
    path = {"dossier": everybody.dossier.id}
    async with unchanged(world):
        answer = await world.ask("create_template", path, token=everybody.people["portal"].token, data=body)
    assert (answer.status, answer.code) == (422, code)


def sealed(everybody, signer=None, **options):
    signer = signer or everybody.editor
    return everybody.world.seal(signer.signing, everybody.dossier, **options)


def template(everybody):
    return everybody.world.template(everybody.dossier, everybody.editor)


REFUSED = {
    "another_dossier": (lambda e: sealed(e, name="autre"), 422, "wrong_dossier"),
    "no_mandate": (lambda e: sealed(e, signer=Identity.generate(Use.PERSON)), 403, "unknown_signer"),
    "a_colleagues_seal": (lambda e: sealed(e, signer=e.colleague), 403, "unknown_signer"),
    "a_type_outside_the_mandate": (lambda e: sealed(e, evidence_type="ethique"), 422, "type_not_allowed"),
    "a_template": (template, 422, "template_refused"),
    "an_older_key": (lambda e: sealed(e, generation=2), 409, "dossier_key_outdated"),
    "no_slot_for_the_dossier": (
        lambda e: sealed(
            e,
            recipients=[
                CarriedRecipient("recovery", 0, e.world.recovery.public.kem),
                CarriedRecipient("reader", 0, e.dossier.key.public.kem),
            ],
        ),
        409,
        "dossier_key_outdated",
    ),
    "no_recovery_slot": (
        lambda e: sealed(e, recipients=[CarriedRecipient("dossier", 1, e.dossier.key.public.kem)]),
        422,
        "recovery_slot_missing",
    ),
    "no_authority_among_the_writers": (lambda e: sealed(e, writers=()), 422, "writer_missing"),
    "supersedes_something": (lambda e: sealed(e, supersedes=bytes(range(32))), 409, "conflict"),
    "a_replayed_deposit": (lambda e: e.container, 409, "already_deposited"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_whole_container_that_policy_refuses(everybody, name):
    world, (make, status, code) = everybody.world, REFUSED[name]
    body = make(everybody)
    async with unchanged(world):
        answer = await world.deposit(everybody.sessions["editor"], everybody.dossier, body)
    assert (answer.status, answer.code) == (status, code), answer.body


async def test_a_replayed_deposit_gets_the_first_receipt(everybody):
    world, session = everybody.world, everybody.sessions["editor"]
    answer = await world.deposit(session, everybody.dossier, everybody.container)
    path = {"evidence": everybody.proof["evidence"], "number": 1}
    receipt = await world.ok("get_receipt", path, token=session)
    assert answer.json["extra"]["receipt"] == receipt["receipt"]


async def test_an_old_version_is_not_taken_back(everybody):
    world, session = everybody.world, everybody.sessions["editor"]
    old = sealed(everybody)
    version = await world.kept(session, everybody.dossier, old)
    path, headers = {"evidence": version["evidence"]}, {"If-Match": f'"{version["seal_id"]}"'}
    better = sealed(everybody, supersedes=bytes.fromhex(version["seal_id"]))
    done = await world.ask("replace_evidence", path, token=session, data=better, headers=headers)
    active = done.json["version"]["seal_id"]
    async with unchanged(world):
        posted = await world.deposit(session, everybody.dossier, old)
        assert (posted.status, posted.code) == (409, "already_deposited")
        headers = {"If-Match": f'"{active}"'}
        put = await world.ask("replace_evidence", path, token=session, data=old, headers=headers)
        assert (put.status, put.code) == (409, "already_deposited")


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (sealed, 409, "conflict"),
        (lambda e: sealed(e, supersedes=bytes(range(32))), 409, "conflict"),
        (
            lambda e: sealed(e, evidence_type="cgu", supersedes=bytes.fromhex(e.proof["seal_id"])),
            422,
            "type_not_allowed",
        ),
    ],
)
async def test_a_replacement_supersedes_the_active_seal_and_keeps_its_type(everybody, make, status, code):
    world, path = everybody.world, {"evidence": everybody.proof["evidence"]}
    headers, body = {"If-Match": f'"{everybody.proof["seal_id"]}"'}, make(everybody)
    async with unchanged(world):
        answer = await world.ask(
            "replace_evidence", path, token=everybody.sessions["editor"], data=body, headers=headers
        )
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "precondition_required"),
        ({"If-Match": '"' + "0" * 64 + '"'}, 412, "precondition_failed"),
        ({"If-Match": "*"}, 400, "invalid_request"),
        ({"If-Match": "W/" + '"' + "0" * 64 + '"'}, 400, "invalid_request"),
    ],
)
@pytest.mark.parametrize("route", ["replace_evidence", "archive_evidence"])
async def test_if_match_names_the_active_seal(everybody, route, headers, status, code):
    world, path = everybody.world, {"evidence": everybody.proof["evidence"]}
    data = everybody.container if route == "replace_evidence" else None
    headers = {**headers, **({"Content-Type": "application/vnd.scelle"} if data else {})}
    async with unchanged(world):
        answer = await world.ask(route, path, token=everybody.sessions["editor"], data=data, headers=headers)
    assert (answer.status, answer.code) == (status, code)


async def test_a_colleague_replaces_nothing_through_the_portal_either(everybody):
    world, path = everybody.world, {"evidence": everybody.proof["evidence"]}
    seal_id = everybody.proof["seal_id"]
    body = sealed(everybody, signer=everybody.colleague, supersedes=bytes.fromhex(seal_id))
    headers, portal = {"If-Match": f'"{seal_id}"'}, everybody.people["portal"].token
    async with unchanged(world):
        answer = await world.ask("replace_evidence", path, token=portal, data=body, headers=headers)
    assert (answer.status, answer.code) == (403, "unknown_signer")


async def test_a_mandate_that_does_not_allow_replacing(everybody):
    world, dossier = everybody.world, everybody.dossier
    depositor = await world.depositor(everybody.people["portal"], dossier, may_replace=False)
    session = await world.session(depositor)
    version = await world.kept(session, dossier, sealed(everybody, signer=depositor))
    path, headers = {"evidence": version["evidence"]}, {"If-Match": f'"{version["seal_id"]}"'}
    better = sealed(everybody, signer=depositor, supersedes=bytes.fromhex(version["seal_id"]))
    async with unchanged(world):
        own = await world.ask("replace_evidence", path, token=session, data=better, headers=headers)
        assert (own.status, own.code) == (404, "not_found")
        portal = everybody.people["portal"].token
        through = await world.ask("replace_evidence", path, token=portal, data=better, headers=headers)
        assert (through.status, through.code) == (403, "unknown_signer")


BAD_JSON = {
    "unknown_field": ({"name": "Un", "colour": "red"}, "colour"),
    "wrong_type": ({"name": 7}, "name"),
    "missing_field": ({}, "name"),
    "negative": ({"name": "Un", "quota_bytes": -1}, "quota_bytes"),
    "control_character": ({"name": "a\x1b[2J"}, "name"),
}


@pytest.mark.parametrize("name", BAD_JSON)
async def test_json_is_read_strictly_and_the_field_named(everybody, name):
    world, (body, field) = everybody.world, BAD_JSON[name]
    async with unchanged(world):
        answer = await world.ask("create_organisation", token=world.root, json=body)
    assert (answer.status, answer.code, answer.json["field"]) == (400, "invalid_request", field)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"name": NaN}', b"[" * 100_000])
async def test_what_is_not_a_json_object(everybody, body):
    world, headers = everybody.world, {"Content-Type": "application/json"}
    async with unchanged(world):
        answer = await world.ask("create_organisation", token=world.root, data=body, headers=headers)
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("route", "media_type"),
    [
        ("deposit", "multipart/form-data; boundary=x"),
        ("deposit", "application/octet-stream"),
        ("create_template", "application/json"),
    ],
)
async def test_media_types_are_not_guessed(everybody, route, media_type):
    world, headers = everybody.world, {"Content-Type": media_type}
    token = everybody.sessions["editor"] if route == "deposit" else everybody.people["portal"].token
    async with unchanged(world):
        answer = await world.ask(
            route, {"dossier": everybody.dossier.id}, token=token, data=b"x", headers=headers
        )
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_json_of_more_than_a_mebibyte(everybody):
    world, headers = everybody.world, {"Content-Type": "application/json"}

    async def endless():
        for _ in range(40):
            yield b" " * 65_536

    async with unchanged(world):
        said = await world.ask(
            "create_organisation", token=world.root, data=io.BytesIO(bytes(2**20 + 1)), headers=headers
        )
        assert (said.status, said.code) == (413, "body_too_large")
        chunked = await world.ask("create_organisation", token=world.root, data=endless(), headers=headers)
        assert (chunked.status, chunked.code) == (413, "body_too_large")


async def test_a_container_larger_than_the_tenant_may_deposit(everybody):
    world, path = everybody.world, {"organisation": everybody.organisation}
    container = sealed(everybody)
    limits = {"max_container_bytes": len(container) - 1}
    before = next(
        item
        for item in (await world.ok("list_organisations", token=world.root))["items"]
        if item["id"] == everybody.organisation
    )
    await world.ok("change_organisation", path, token=world.root, json=limits)
    async with unchanged(world):
        answer = await world.deposit(everybody.sessions["editor"], everybody.dossier, container)
    assert (answer.status, answer.code) == (413, "body_too_large")
    limits = {"max_container_bytes": before["max_container_bytes"], "quota_bytes": before["used_bytes"]}
    await world.ok("change_organisation", path, token=world.root, json=limits)
    async with unchanged(world):
        answer = await world.deposit(everybody.sessions["editor"], everybody.dossier, container)
    assert (answer.status, answer.code) == (403, "quota_exceeded")
    await world.ok("change_organisation", path, token=world.root, json={"quota_bytes": before["quota_bytes"]})
    await world.kept(everybody.sessions["editor"], everybody.dossier, container)


async def test_an_upload_that_breaks_off_leaves_nothing(everybody):
    world, container = everybody.world, sealed(everybody, content=bytes(3 * 1024 * 1024))

    async with unchanged(world):
        for sent in (0, 10, 5_000, len(container) // 2, len(container) - 1):
            await hang_up(world, everybody, container, sent)
        lines = [line for line in world.log.getvalue().splitlines() if "failure" in line]
        assert lines == []
    await world.kept(everybody.sessions["editor"], everybody.dossier, io.BytesIO(container))


async def hang_up(world, everybody, container, sent):
    """Announce a container, send a part of it, close the connection, and wait until the service noticed."""
    logged = world.log.getvalue().count('"deposit"')
    host, port = world.origin.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /v1/dossiers/{everybody.dossier.id}/evidence HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {everybody.sessions['editor']}\r\n"
        f"Content-Type: application/vnd.scelle\r\nContent-Length: {len(container)}\r\n\r\n".encode()
        + container[:sent]
    )
    await writer.drain()
    await asyncio.sleep(0)
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(20):
        while world.log.getvalue().count('"deposit"') == logged:  # noqa: ASYNC110 - a log sets no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/accounts/abc",
        "/v1/dossiers/a b",
        "/v1/evidence/" + "0" * 31,
        "/v1/evidence/" + "0" * 32,
        "/v2",
        "/",
    ],
)
async def test_what_names_nothing_is_not_found(everybody, path):
    answer = await everybody.world.send("GET", path, token=everybody.world.root)
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"cursor": "%%%"}, {"page": "2"}, {"state": "x"}],
)
async def test_queries_are_read_strictly(everybody, query):
    path = {"dossier": everybody.dossier.id}
    answer = await everybody.world.ask(
        "list_evidence", path, token=everybody.sessions["editor"], params=query
    )
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_a_cursor_of_another_making_is_refused(everybody):
    path = {"dossier": everybody.dossier.id}
    answer = await everybody.world.ask(
        "list_evidence", path, token=everybody.sessions["editor"], params={"cursor": "AAAA"}
    )
    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_a_method_that_a_path_does_not_have(everybody):
    answer = await everybody.world.send("DELETE", "/v1/trust")
    assert (answer.status, answer.code) == (405, "method_not_allowed")


async def test_statements_by_whom_may_not_say_them(everybody):
    world, people = everybody.world, everybody.people
    impostor = Identity.generate(Use.PERSON)
    depositor = Identity.generate(Use.PERSON)
    path = {"dossier": everybody.dossier.id}
    async with unchanged(world):
        for issuer in (impostor, people["other_portal"].identity, people["admin"].identity):
            body = world.mandate_request(issuer, everybody.dossier.id, depositor)
            answer = await world.ask("add_depositor", path, token=people["portal"].token, json=body)
            assert (answer.status, answer.code) == (422, "statement_invalid")
        signed = world.grant(
            impostor, everybody.dossier.id, everybody.dossier.key, people["ungranted"].identity
        )
        answer = await world.ask("add_grant", path, token=world.root, json={"statement": carry(signed)})
        assert (answer.status, answer.code) == (422, "statement_invalid")
        body = world.dossier_request(impostor, [people["admin"].identity])
        answer = await world.ask("create_dossier", token=people["portal"].token, json=body)
        assert (answer.status, answer.code) == (422, "statement_invalid")


async def test_a_dossier_is_granted_to_an_admin_and_to_the_habilitated_alone(everybody):
    world, people, portal = everybody.world, everybody.people, everybody.people["portal"]
    async with unchanged(world):
        for grantees in (["reviewer"], ["admin", "withdrawn"], ["admin", "lapsed"], ["admin", "disabled"]):
            body = world.dossier_request(portal.identity, [people[name].identity for name in grantees])
            answer = await world.ask("create_dossier", token=portal.token, json=body)
            assert (answer.status, answer.code) == (422, "statement_invalid"), grantees


async def test_every_problem_above_is_declared_for_its_route(everybody):
    lines = everybody.world.log.getvalue().splitlines()
    assert [line for line in lines if '"undeclared"' in line] == []
