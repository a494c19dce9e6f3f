import asyncio
import io
import json

import pytest

from tests.exchange.acts_of_people import carry
from tests.exchange.acts_on_dossiers import PROCEDURE
from tests.exchange.everybody import stranger

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_the_service_says_about_itself(everybody):
    world = everybody.world
    assert await world.ok("live") == {"status": "ok"}
    parts = dict.fromkeys(("database", "schema", "objects", "running"), "ok")
    assert await world.ok("ready") == {"status": "ok", "parts": parts}
    assert (await world.ok("version"))["container"] == 1
    described = await world.ask("openapi")
    assert json.loads(described.body)["openapi"] == "3.1.0"
    page = await world.ask("docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/livez", "/v1/trust", "/v1/me", "/nowhere"])
async def test_every_answer_has_an_id_and_the_headers_of_caution(everybody, path):
    answer = await everybody.world.send("GET", path, headers={"X-Request-Id": "mine\t"})
    assert len(answer.headers["X-Request-Id"]) == 24
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Server"] == "scelle"


async def announce(world, path, token, length, *, media_type="application/vnd.scelle"):
    """Ask with Expect: 100-continue, as curl does; return what comes before any byte of the body is sent."""
    host, port = world.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    line = (await reader.readline()).decode()
    return line, reader, writer


async def test_nobody_sends_gigabytes_to_be_refused(everybody):
    world = everybody.world
    path = f"/v1/dossiers/{everybody.dossier.id}/evidence"
    for token, length, media_type, status in (
        ("nobody", 10, "application/vnd.scelle", "401"),
        (everybody.token("reviewer"), 10, "application/vnd.scelle", "403"),
        (everybody.token("other_editor"), 10, "application/vnd.scelle", "404"),
        (everybody.token("editor"), 2**50, "application/vnd.scelle", "413"),
        (everybody.token("editor"), 10, "text/plain", "415"),
    ):
        line, _, writer = await announce(world, path, token, length, media_type=media_type)
        assert line.split()[1] == status
        writer.close()
        await writer.wait_closed()


async def test_whoever_may_is_told_to_go_on_and_is_judged_once(everybody, monkeypatch):
    world, asked = everybody.world, []
    identify = world.services.identification.identify

    async def counting(secret, *, acting_for):
        asked.append(secret)
        return await identify(secret, acting_for=acting_for)

    monkeypatch.setattr(type(world.services.identification), "identify", staticmethod(counting))
    container = world.seal(everybody.editor.signing, everybody.dossier)
    path = f"/v1/dossiers/{everybody.dossier.id}/evidence"
    line, reader, writer = await announce(world, path, everybody.token("editor"), len(container))
    assert line.split()[1] == "100"
    assert await reader.readline() == b"\r\n"
    writer.write(container)
    await writer.drain()
    assert (await reader.readline()).split()[1] == b"201"
    assert len(asked) == 1
    writer.close()
    await writer.wait_closed()


async def test_lists_go_on_where_they_stopped(everybody):
    world, token = everybody.world, everybody.token("editor")
    for number in range(5):
        container = world.seal(everybody.editor.signing, everybody.dossier, content=bytes([number]))
        await world.kept(token, everybody.dossier, container)
    path, seen, cursor = {"dossier": everybody.dossier.id}, [], None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = await world.ok("list_evidence", path, token=token, params=params)
        assert len(page["items"]) <= 2
        seen += [item["seal_id"] for item in page["items"]]
        cursor = page.get("next")
        if cursor is None:
            break
    whole = await world.ok("list_evidence", path, token=token, params={"limit": "200"})
    assert seen == [item["seal_id"] for item in whole["items"]]
    assert len(seen) == len(set(seen))


async def test_lists_hold_what_one_may_see_and_nothing_else(everybody):
    world = everybody.world
    expected = {
        "editor": {everybody.dossier.id},
        "other_editor": {everybody.other_dossier.id},
        "portal": {everybody.dossier.id},
        "acting": {everybody.dossier.id},
        "other_portal": {everybody.other_dossier.id},
        "reviewer": {everybody.dossier.id},
        "ungranted": set(),
        "revoked": set(),
        "admin": {everybody.dossier.id, everybody.other_dossier.id},
    }
    for actor, dossiers in expected.items():
        listed = await world.ok(
            "list_dossiers", token=everybody.token(actor), acting_for=everybody.acting_for(actor)
        )
        assert {item["id"] for item in listed["items"]} == dossiers, actor
    path = {"dossier": everybody.dossier.id}
    colleagues = await world.ok("list_evidence", path, token=everybody.token("colleague"))
    assert colleagues["items"] == []


async def test_a_reviewer_sees_itself_among_the_reviewers(everybody):
    world, me = everybody.world, everybody.people["reviewer"]
    alone = await world.ok("list_reviewers", token=me.token)
    assert [item["account"] for item in alone["items"]] == [me.account]
    everyone = await world.ok("list_reviewers", token=everybody.token("portal"), params={"limit": "200"})
    valid = {item["account"]: item["valid"] for item in everyone["items"]}
    assert valid[me.account] is True
    assert valid[everybody.people["withdrawn"].account] is False
    assert everybody.people["disabled"].account not in valid


async def test_a_reviewer_for_another_procedure_sees_nothing_of_this_one(everybody):
    world, portal, admin = everybody.world, everybody.people["portal"], everybody.people["admin"]
    scoped = await world.person("reviewer")
    dossier = await world.dossier(
        portal, [admin.identity, scoped.identity], organisation=everybody.organisation
    )
    path = {"dossier": dossier.id}
    assert (await world.ok("get_my_grants", path, token=scoped.token))["grants"]
    # Renewed for another démarche: the newest habilitation counts, and the grant gives nothing any more.
    world.clock.time += 1
    narrow = world.habilitation(scoped.identity, "reviewer", scope=("sans échange",))
    await world.habilitate(scoped.account, narrow)
    assert (await world.ok("list_dossiers", token=scoped.token))["items"] == []
    refused = await world.ask("get_my_grants", path, token=scoped.token)
    assert refused.status == 404
    world.clock.time += 1
    both = world.habilitation(scoped.identity, "reviewer", scope=("sans échange", PROCEDURE))
    await world.habilitate(scoped.account, both)
    assert (await world.ok("get_my_grants", path, token=scoped.token))["grants"]


@pytest.mark.parametrize("role", ["reviewer", "admin"])
async def test_no_grant_is_taken_for_whom_the_procedure_leaves_out(everybody, role):
    world, portal, admin = everybody.world, everybody.people["portal"], everybody.people["admin"]
    outside = await world.person(role, scope=("sans échange",))
    inside = await world.person(role, scope=("sans échange", PROCEDURE))
    dossier = await world.dossier(portal, [admin.identity], organisation=everybody.organisation)
    path, before = {"dossier": dossier.id}, await world.journal_size()
    for person, status in ((outside, 422), (inside, 201)):
        body = {"statement": carry(world.grant(admin.identity, dossier.id, dossier.key, person.identity))}
        answer = await world.ask("add_grant", path, token=world.root, json=body)
        assert answer.status == status, answer.body
    assert await world.journal_size() == before + 1
    late = world.dossier_request(portal.identity, [admin.identity, outside.identity])
    refused = await world.ask("create_dossier", token=portal.token, json=late)
    assert (refused.status, refused.json["field"]) == (422, "grants.1")


async def test_a_closed_dossier_takes_nothing_more_and_keeps_what_it_has(everybody):
    world, portal, admin = everybody.world, everybody.people["portal"], everybody.people["admin"]
    dossier = await world.dossier(portal, [admin.identity], organisation=everybody.organisation)
    editor = await world.depositor(portal, dossier)
    session = await world.session(editor)
    version = await world.kept(session, dossier, world.seal(editor.signing, dossier))
    closed = await world.ok("close_dossier", {"dossier": dossier.id}, token=world.root)
    assert closed["state"] == "closed"
    late = await world.deposit(session, dossier, world.seal(editor.signing, dossier))
    assert (late.status, late.code) == (409, "dossier_closed")
    body = world.mandate_request(portal.identity, dossier.id, stranger())
    path = {"dossier": dossier.id}
    assert (await world.ask("add_depositor", path, token=portal.token, json=body)).code == "dossier_closed"
    template = io.BytesIO(world.template(dossier, editor))
    made = await world.ask("create_template", path, token=portal.token, data=template)
    assert made.code == "dossier_closed"
    own = {"evidence": version["evidence"], "number": 1}
    assert (await world.ask("fetch_container", own, token=session)).status == 200


async def test_a_removed_depositor_is_nobody(everybody):
    world, portal = everybody.world, everybody.people["portal"]
    editor = await world.depositor(portal, everybody.dossier)
    session = await world.session(editor)
    path = {"dossier": everybody.dossier.id, "key": editor.public.signing_key_id.hex()}
    await world.ok("remove_depositor", path, token=portal.token)
    assert (await world.ask("get_me", token=session)).code == "unauthenticated"
    assert (await world.sign_in(editor)).code == "sign_in_failed"
    again = await world.ask("remove_depositor", path, token=portal.token)
    assert (again.status, again.code) == (404, "not_found")


async def test_the_log_names_routes_and_not_paths(everybody):
    world, code = everybody.world, "SecretCodeInThePath123"
    await world.ask("fetch_template", {"code": code})
    await world.send("GET", "/v1/me?token=secret_in_a_query")
    log = world.log.getvalue()
    assert '"fetch_template"' in log
    for secret in (code, "secret_in_a_query", everybody.token("editor"), world.root):
        assert secret not in log
    assert all(isinstance(json.loads(line), dict) for line in log.splitlines())
