"""Tokens that take the place of others, which end by themselves."""

import asyncio
import hashlib

from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.api.tokens import draw

HOUR = 3600


def hashed(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


async def rotate(world, token_id, secret, *, by, **options):
    body = {"secret_hash": hashed(secret), **options}
    return await world.ask("rotate_token", {"token": token_id}, token=by, json=body)


async def makes(world, account, **options):
    body = {"account": account, "label": "back end", **options}
    issued = await world.ok("create_token", token=world.root, json=body)
    return issued["secret"], issued["token"]


async def works(world, token):
    answer = await world.ask("get_me", token=token)
    return answer.code or answer.json["token"]


async def test_the_old_one_goes_on_for_the_overlap_and_ends_by_itself(world):
    person = await world.person("auditor")
    old, made = await makes(world, person.account, lifetime=50 * HOUR, read_only=True)
    world.clock.time += HOUR
    new, size = draw(), await world.journal_size()
    answer = await rotate(world, made["id"], new, by=world.root, overlap=2 * HOUR)
    assert answer.status == 200, answer.body
    token, former = answer.json["token"], answer.json["former"]
    now = world.clock.now()
    assert (token["account"], token["label"], token["read_only"]) == (person.account, "back end", True)
    assert token["expires"] == now + 50 * HOUR
    assert (former["replaced_by"], former["expires"]) == (token["id"], now + 2 * HOUR)
    # One entry says all of it, and nothing of the secret.
    assert await world.journal_size() == size + 1
    entry = await world.last_entry()
    assert entry["action"] == "token.rotated"
    assert [(one["kind"], one["id"]) for one in entry["subjects"]] == [
        ("token", made["id"]),
        ("token", token["id"]),
        ("account", person.account),
    ]
    assert [await works(world, one) for one in (old, new)] == [made["id"], token["id"]]
    refused = await world.ask("create_token", token=new, json={"label": "x"})
    assert refused.code == "forbidden"
    world.clock.time += 2 * HOUR
    assert [await works(world, one) for one in (old, new)] == ["credential_expired", token["id"]]


async def test_asking_again_changes_nothing_and_another_successor_is_refused(world):
    person = await world.person("reviewer")
    old, made = await makes(world, person.account)
    new, other = draw(), draw()
    first = await rotate(world, made["id"], new, by=world.root)
    before = await world.state()
    world.clock.time += 60
    again = await rotate(world, made["id"], new, by=world.root, overlap=7)
    assert again.json == first.json
    refused = await rotate(world, made["id"], other, by=world.root)
    assert (refused.status, refused.code) == (409, "conflict")
    assert refused.json["extra"] == {"replaced_by": first.json["token"]["id"]}
    assert await world.state() == before
    assert await works(world, other) == "unauthenticated"
    # What has the place is rotated next, even to something that is there already: refused, once more.
    taken = await rotate(world, first.json["token"]["id"], old, by=world.root)
    assert (taken.status, taken.code) == (409, "already_exists")
    assert await world.state() == before


async def test_of_many_at_once_one_has_the_place(world):
    person = await world.person("reviewer")
    _, made = await makes(world, person.account)
    size, secrets = await world.journal_size(), [draw(), draw()] * 4
    answers = await asyncio.gather(*(rotate(world, made["id"], one, by=world.root) for one in secrets))
    assert await world.journal_size() == size + 1
    assert sorted(answer.status for answer in answers) == [200] * 4 + [409] * 4
    assert len({answer.json["token"]["id"] for answer in answers if answer.status == 200}) == 1
    live = [one for one in secrets[:2] if await works(world, one) != "unauthenticated"]
    assert len(live) == 1


async def test_a_token_rotates_itself_and_gains_no_time(world):
    reviewer = await world.person("reviewer")
    old, made = await makes(world, reviewer.account, lifetime=10 * HOUR)
    other, _ = await makes(world, reviewer.account, lifetime=20 * HOUR)
    world.clock.time += HOUR
    new = draw()
    refused = await rotate(world, made["id"], new, by=other)
    assert (refused.status, refused.code) == (403, "forbidden")
    session = await world.session(reviewer.identity)
    assert (await rotate(world, made["id"], new, by=session)).code == "forbidden"
    answer = await rotate(world, made["id"], new, by=old, overlap=0)
    assert answer.json["token"]["expires"] == made["expires"]
    assert [await works(world, one) for one in (old, new)] == [
        "credential_expired",
        answer.json["token"]["id"],
    ]
    assert (await rotate(world, made["id"], new, by=old, overlap=0)).code == "credential_expired"


async def test_an_overlap_lengthens_nothing(world):
    person = await world.person("reviewer")
    _, made = await makes(world, person.account, lifetime=HOUR)
    answer = await rotate(world, made["id"], draw(), by=world.root, overlap=300 * 24 * HOUR)
    assert answer.json["former"]["expires"] == made["expires"]


async def test_what_has_ended_has_no_successor(world):
    person = await world.person("reviewer")
    _, revoked = await makes(world, person.account)
    _, expired = await makes(world, person.account, lifetime=60)
    _, disabled = await makes(world, person.account)
    await world.ok("revoke_token", {"token": revoked["id"]}, token=world.root)
    world.clock.time += 60
    for made in (revoked, expired):
        refused = await rotate(world, made["id"], draw(), by=world.root)
        assert (refused.status, refused.code) == (409, "conflict")
    path = {"account": person.account}
    await world.ok("change_account", path, token=world.root, json={"disabled": True})
    new = draw()
    # Disabling has revoked it; enabling the account does not bring it back.
    assert (await rotate(world, disabled["id"], new, by=world.root)).code == "conflict"
    await world.ok("change_account", path, token=world.root, json={"disabled": False})
    assert (await rotate(world, disabled["id"], new, by=world.root)).code == "conflict"
    assert await works(world, new) == "unauthenticated"
