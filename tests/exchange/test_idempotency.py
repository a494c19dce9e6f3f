import asyncio

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.engines import engine  # noqa: F401 - both engines

KEY = {"Idempotency-Key": "test-key-0001"}


async def test_a_key_belongs_to_one_request(world):
    first = await world.ok("create_organisation", token=world.root, json={"name": "Un"}, headers=KEY)
    before = await world.state()
    other = await world.ask("create_organisation", token=world.root, json={"name": "Deux"}, headers=KEY)
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert await world.state() == before
    again = await world.ok("create_organisation", token=world.root, json={"name": "Un"}, headers=KEY)
    assert again == first


async def test_a_key_belongs_to_one_actor(world):
    one, two = await world.person("reviewer"), await world.person("reviewer")
    made = [
        (await world.ok("create_token", token=person.token, json={"label": "x"}, headers=KEY))["token"]["id"]
        for person in (one, two)
    ]
    assert len(set(made)) == 2


async def test_many_at_once_are_one(world):
    asked = [
        world.ask("create_organisation", token=world.root, json={"name": "Un"}, headers=KEY) for _ in range(8)
    ]
    answers = await asyncio.gather(*asked)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1


async def test_a_refused_request_is_not_remembered(world):
    body = {"name": "P", "role": "portal"}
    refused = await world.ask("create_account", token=world.root, json=body, headers=KEY)
    assert refused.status == 400
    organisation = await world.organisation()
    done = await world.ask(
        "create_account", token=world.root, json={**body, "organisation": organisation}, headers=KEY
    )
    assert done.status == 201


async def test_it_is_forgotten_after_a_day(world):
    first = await world.ok("create_organisation", token=world.root, json={"name": "Un"}, headers=KEY)
    world.clock.time += 86_401
    later = await world.ok("create_organisation", token=world.root, json={"name": "Un"}, headers=KEY)
    assert later["id"] != first["id"]


@pytest.mark.parametrize("key", ["short", "x" * 129, "with space", "accentué"])
async def test_a_key_has_a_form(world, key):
    headers = {"Idempotency-Key": key}
    answer = await world.ask("create_organisation", token=world.root, json={"name": "Un"}, headers=headers)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["field"] == "Idempotency-Key"


async def test_no_secret_is_remembered(world):
    account, code = await world.account("reviewer")
    made = await world.ok(
        "create_token", token=world.root, json={"label": "x", "account": account}, headers=KEY
    )
    await world.enrol(code, Identity.generate(Use.PERSON))
    kept = str(await world.state())
    for secret in (made["secret"], code, world.root):
        assert secret not in kept
