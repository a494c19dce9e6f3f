import pytest

from tests.exchange.access import read_matrix
from tests.exchange.targets import TARGETS
from vault.api.route import IDEMPOTENCY_HEADER
from vault.api.routes import BY_NAME, ROUTES
from vault.server.policy import RULES, Role

MATRIX = read_matrix()

# One service for all cells: they ask thousands of times and change what is made for them alone.
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_route_and_every_actor_stands_in_the_matrix():
    assert [cell.route for cell in MATRIX[:: len({cell.actor for cell in MATRIX})]] == [
        route.name for route in ROUTES
    ]
    assert set(TARGETS) == set(BY_NAME)
    assert {role.value for role in Role} <= {cell.actor for cell in MATRIX}


async def test_every_rule_is_used_by_a_route():
    assert {route.rule for route in ROUTES} == set(RULES)


@pytest.mark.parametrize("cell", MATRIX, ids=lambda cell: f"{cell.route}-{cell.actor}")
async def test_access(everybody, cell):
    route, world = BY_NAME[cell.route], everybody.world
    request = {"token": everybody.token(cell.actor)} | await TARGETS[cell.route](everybody, cell.actor)
    if route.acting:
        request["acting_for"] = everybody.acting_for(cell.actor)
    before = await world.journal_size()
    answer = await world.ask(cell.route, request.pop("path", ()), **request)
    expected = route.status if cell.expected == "ok" else int(cell.expected)
    assert answer.status == expected, answer.body
    if cell.expected != "ok":
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert await world.journal_size() == before
    elif route.method != "GET" or "fetch" in cell.route or cell.route == "get_my_grants":
        written = await world.journal_size() - before
        silent = cell.route == "create_challenge" or (
            cell.route == "delete_session" and cell.actor not in everybody.sessions
        )
        assert written == (0 if silent else 1)
    else:
        assert await world.journal_size() == before


async def test_nothing_undeclared_was_answered(everybody):
    lines = everybody.world.log.getvalue().splitlines()
    assert len(lines) > len(MATRIX) / 2
    assert [line for line in lines if '"undeclared"' in line or '"failure"' in line] == []
    assert IDEMPOTENCY_HEADER not in "".join(lines)
