import pytest

from keys.canonical import encode_binary
from keys.keyfile import Use, encode_public
from keys.keyring import Identity
from tests.exchange.acts_of_people import carry
from tests.exchange.acts_on_dossiers import signer_id
from tests.exchange.world import open_world


async def test_a_session_lasts_an_hour_and_ends_when_asked(world):
    organisation = await world.organisation()
    portal = await world.person("portal", organisation=organisation)
    session = await world.session(portal.identity)
    me = await world.ok("get_me", token=session)
    assert me["role"] == "portal"
    assert me["habilitated"] is True
    assert me["key_id"] == signer_id(portal.identity)
    world.clock.time += 3599
    assert (await world.ask("get_me", token=session)).status == 200
    world.clock.time += 1
    expired = await world.ask("get_me", token=session)
    assert (expired.status, expired.code) == (401, "credential_expired")
    other = await world.session(portal.identity)
    await world.ok("delete_session", token=other)
    ended = await world.ask("get_me", token=other)
    assert (ended.status, ended.code) == (401, "unauthenticated")
    assert ended.headers["WWW-Authenticate"].startswith("Bearer")


async def test_an_unknown_key_is_told_nothing(world):
    reviewer = await world.person("reviewer")
    stranger = Identity.generate(Use.PERSON)
    shapes = []
    for identity in (reviewer.identity, stranger):
        challenge = await world.ok("create_challenge", json={"key_id": signer_id(identity)})
        shapes.append({name: len(str(value)) for name, value in challenge.items()})
    assert shapes[0] == shapes[1]
    unknown = await world.sign_in(stranger)
    assert (unknown.status, unknown.code) == (401, "sign_in_failed")
    wrong_origin = await world.sign_in(reviewer.identity, origin="https://elsewhere.example")
    assert (wrong_origin.status, wrong_origin.code) == (401, "sign_in_failed")

    def without_id(answer):
        return {name: value for name, value in answer.json.items() if name != "request_id"}

    assert without_id(unknown) == without_id(wrong_origin)


async def test_a_challenge_is_used_once_and_soon(world):
    reviewer = await world.person("reviewer")
    key = reviewer.identity.signing
    bodies = []
    send = world.ask

    async def spy(name, path=(), **options):
        if name == "create_session":
            bodies.append(options["json"])
        return await send(name, path, **options)

    world.ask = spy
    assert (await world.sign_in(reviewer.identity)).status == 201
    again = await send("create_session", json=bodies[0])
    assert (again.status, again.code) == (401, "sign_in_failed")
    challenge = await world.ok("create_challenge", json={"key_id": key.key_id.hex()})
    world.clock.time += 301
    late = await send("create_session", json={**bodies[0], "challenge": challenge["id"]})
    assert late.code == "sign_in_failed"


async def test_whoever_fails_too_often_waits(tmp_path):
    async with open_world(tmp_path / "service", sign_in_failures=3, sign_in_window=60) as world:
        reviewer = await world.person("reviewer")
        for _ in range(3):
            assert (await world.sign_in(Identity.generate(Use.PERSON))).status == 401
        body = {"challenge": "0" * 32, "key_id": "0" * 64, "signature": encode_binary(bytes(3373))}
        refused = await world.ask("create_session", json=body)
        assert (refused.status, refused.code) == (429, "too_many_attempts")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        world.clock.time += 61
        assert (await world.sign_in(reviewer.identity)).status == 201
        for _ in range(3):
            assert (await world.ask("fetch_template", {"code": "A" * 22})).status == 404
        assert (await world.ask("fetch_template", {"code": "A" * 22})).status == 429
        # Each thing that can be guessed is counted apart.
        assert (await world.sign_in(reviewer.identity)).status == 201


@pytest.mark.parametrize(("proxies", "counted_apart"), [("127.0.0.0/8", True), ("", False)])
async def test_behind_a_proxy_of_ours_each_waits_for_its_own_failures(tmp_path, proxies, counted_apart):
    async with open_world(tmp_path / "service", sign_in_failures=3, trusted_proxies=proxies) as world:

        async def fetch(source):
            code = {"code": "A" * 22}
            return (await world.ask("fetch_template", code, headers={"X-Forwarded-For": source})).status

        assert [await fetch("203.0.113.9") for _ in range(4)] == [404, 404, 404, 429]
        assert await fetch("203.0.113.10") == (404 if counted_apart else 429)
        # What whoever asks adds in front changes nothing.
        assert await fetch("203.0.113.11, 203.0.113.9") == 429


async def test_an_enrolment_code_works_once_and_for_the_identity_that_proved_itself(world):
    account, code = await world.account("reviewer")
    first, second = Identity.generate(Use.PERSON), Identity.generate(Use.PERSON)
    wrong_use = await world.enrol(code, Identity.generate(Use.SERVICE))
    assert (wrong_use.status, wrong_use.json["field"]) == (400, "identity")
    text = encode_public(first.public)
    challenge = await world.ok("create_challenge", json={"identity": text})
    body = {
        "code": code,
        "challenge": challenge["id"],
        "identity": text,
        "signature": encode_binary(bytes(3373)),
    }
    unproven = await world.ask("enrol", json=body)
    assert (unproven.status, unproven.code) == (422, "possession_unproven")
    done = await world.enrol(code, first)
    assert (done.status, done.json["fingerprint"]) == (201, first.public.fingerprint)
    used = await world.enrol(code, second)
    assert (used.status, used.code) == (404, "not_found")
    _, other_code = await world.account("reviewer")
    taken = await world.enrol(other_code, first)
    assert (taken.status, taken.code) == (409, "already_exists")
    fresh = await world.ok(
        "change_account", {"account": account}, token=world.root, json={"new_enrolment_code": True}
    )
    assert (await world.enrol(fresh["enrolment_code"], second)).status == 201


async def test_an_enrolment_code_expires(world):
    _, code = await world.account("reviewer")
    world.clock.time += 8 * 86_400
    late = await world.enrol(code, Identity.generate(Use.PERSON))
    assert (late.status, late.code) == (404, "not_found")


async def test_disabling_ends_everything_at_once(world):
    reviewer = await world.person("reviewer")
    session = await world.session(reviewer.identity)
    path = {"account": reviewer.account}
    await world.ok("change_account", path, token=world.root, json={"disabled": True})
    for token in (session, reviewer.token):
        refused = await world.ask("get_me", token=token)
        assert (refused.status, refused.code) == (403, "account_disabled")
    assert (await world.sign_in(reviewer.identity)).code == "sign_in_failed"
    await world.ok("change_account", path, token=world.root, json={"disabled": False})
    for token in (session, reviewer.token):
        assert (await world.ask("get_me", token=token)).code == "unauthenticated"
    assert (await world.sign_in(reviewer.identity)).status == 201


async def test_of_two_habilitations_both_are_withdrawn_one_after_the_other(world):
    reviewer = await world.person("reviewer")
    world.clock.time += 60
    renewed = world.habilitation(reviewer.identity, "reviewer")
    await world.habilitate(reviewer.account, renewed)
    await world.withdraw(reviewer._replace(habilitation=renewed))
    shown = await world.ok("get_account", {"account": reviewer.account}, token=world.root)
    assert shown["habilitation"] == carry(reviewer.habilitation)
    assert shown["withdrawal"] is None
    assert (await world.ok("get_me", token=reviewer.token))["habilitated"] is True
    last = await world.withdraw(reviewer)
    assert last["withdrawal"] is not None
    assert (await world.ok("get_me", token=reviewer.token))["habilitated"] is False
    again = await world.ask(
        "withdraw_habilitation",
        {"account": reviewer.account},
        token=world.root,
        json={"statement": carry(world.withdrawal(renewed))},
    )
    assert (again.status, again.code) == (409, "already_exists")


async def test_an_admin_is_disabled_by_another_one(world):
    me = await world.ok("get_me", token=world.root)
    answer = await world.ask(
        "change_account", {"account": me["account"]}, token=world.root, json={"disabled": True}
    )
    assert answer.status == 400


async def test_a_token_for_reading_changes_nothing(world):
    reviewer = await world.person("reviewer")
    token = await world.token(reviewer.account, read_only=True)
    assert (await world.ask("list_reviewers", token=token)).status == 200
    refused = await world.ask("create_token", token=token, json={"label": "x"})
    assert (refused.status, refused.code) == (403, "forbidden")


async def test_a_token_does_not_outlive_what_made_it_nor_reach_further(world):
    reviewer = await world.person("reviewer")
    short = await world.token(reviewer.account, lifetime=3600)
    made = await world.ok("create_token", token=short, json={"label": "x", "lifetime": 7200})
    assert made["token"]["expires"] == world.clock.now() + 3600
    other = await world.person("reviewer")
    body = {"label": "x", "account": other.account}
    refused = await world.ask("create_token", token=short, json=body)
    assert (refused.status, refused.code) == (403, "forbidden")
    own = await world.ok("list_tokens", token=short)
    assert {item["account"] for item in own["items"]} == {reviewer.account}
    everyone = await world.ok("list_tokens", token=world.root)
    assert {reviewer.account, other.account} <= {item["account"] for item in everyone["items"]}


async def test_a_revoked_token_is_nobodys(world):
    reviewer = await world.person("reviewer")
    (listed,) = (await world.ok("list_tokens", token=reviewer.token))["items"]
    await world.ok("revoke_token", {"token": listed["id"]}, token=reviewer.token)
    assert (await world.ask("get_me", token=reviewer.token)).code == "unauthenticated"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x y", "Bearer \udcff", "scelle_token_x"]
)
async def test_what_is_no_bearer(world, header):
    answer = await world.send("GET", "/v1/me", headers={"Authorization": header})
    assert (answer.status, answer.code) == (401, "unauthenticated")


async def test_the_authority_is_published_once(world):
    again = await world.ask("publish_authority", token=world.root, json=world.publication())
    assert (again.status, again.code) == (409, "already_exists")
    trust = await world.ok("get_trust")
    assert trust["fingerprint"] == world.authority.public.fingerprint
    assert trust["origin"] == world.origin
