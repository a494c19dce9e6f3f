import pytest

from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.targets import TARGETS
from vault.api.routes import BY_NAME, ROUTES

pytestmark = pytest.mark.asyncio(loop_scope="module")


def actor_for(route):
    return {"deposit": "editor", "record_opening": "reviewer"}.get(route, "admin")


@pytest.mark.parametrize("name", [route.name for route in ROUTES if route.idempotent])
async def test_the_same_request_twice_happens_once(everybody, name):
    world, actor = everybody.world, actor_for(name)
    request = {"token": everybody.token(actor)} | await TARGETS[name](everybody, actor)
    path = request.pop("path", ())
    request["headers"] = {"Idempotency-Key": f"key-of-{name}"}
    first = await world.ask(name, path, **request)
    assert first.status == BY_NAME[name].status, first.body
    before = await world.state()
    again = await world.ask(name, path, **request)
    assert await world.state() == before
    assert again.status == first.status
    shown_once = {"enrolment_code", "secret", "code", "link"}
    for field, value in first.json.items():
        assert again.json[field] == (None if field in shown_once else value)


async def test_a_key_of_another_deposit(everybody):
    world, session = everybody.world, everybody.sessions["editor"]
    key = {"Idempotency-Key": "key-of-two-deposits"}
    first = world.seal(everybody.editor.signing, everybody.dossier)
    assert (await world.deposit(session, everybody.dossier, first, headers=key)).status == 201
    before = await world.state()
    other = world.seal(everybody.editor.signing, everybody.dossier)
    answer = await world.deposit(session, everybody.dossier, other, headers=key)
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert await world.state() == before
