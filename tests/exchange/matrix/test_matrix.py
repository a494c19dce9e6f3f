"""Every actor on every route of a running server: the answers are those of ``matrix.toml``."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import pytest_asyncio

from tests.exchange.matrix.ledger import FORGOTTEN, Ledger
from tests.exchange.matrix.requests import SENDS, Request, request_for
from tests.exchange.matrix.world import World, a_world
from vault.api.problems import KINDS, Code
from vault.api.route import REQUEST_ID_HEADER
from vault.api.routes import BY_NAME, ROUTES
from vault.server.policy import RULES

DATA = tomllib.loads(Path(__file__).with_name("matrix.toml").read_text(encoding="utf-8"))
ACTORS = list(DATA["actors"])
COLUMNS = [line.split()[-1] for line in DATA["matrix"]["columns"].strip().splitlines()]
ROWS = [
    line.split()
    for name, block in DATA["matrix"].items()
    if name != "columns"
    for line in block.strip().splitlines()
]
MATRIX = {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in ROWS}
CELLS = [(route, actor) for route in MATRIX for actor in COLUMNS]
HIDDEN = [cell for cell in CELLS if MATRIX[cell[0]][cell[1]] == "hid"]
LISTS = [(route, actor) for route, shown in DATA["lists"].items() for actor in shown]

RECORDED_READINGS = {
    "fetch_container",
    "fetch_envelope",
    "fetch_body",
    "fetch_template",
    "get_my_grants",
    "list_outdated",
}
"""What is handed out only with an entry in the journal."""
UNRECORDED_CHANGES = {
    "create_challenge",
    "begin_upload",
    "begin_replacement",
    "begin_reencryption",
    "put_part",
    "put_upload_envelope",
    "abandon_upload",
}
"""What is forgotten anyway."""
SHOWN_BY = {
    "list_dossiers": "id",
    "list_evidence": "evidence",
    "list_reviewers": "account",
    "list_templates": "id",
    "list_tokens": "account",
}
"""What an item of a list is about."""
ABSENT = {
    "dossier": "D-none",
    "evidence": "0" * 32,
    "number": 99,
    "token": "0" * 32,
    "key": "0" * 64,
    "template": "0" * 32,
    "grant": "0" * 32,
    "generation": 99,
    "upload": "0" * 32,
    "part": 99,
    "position": 10**9,
}
"""Names of the right form that nothing has."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def outcome(self) -> str:
        """Return what the matrix would call it: the status, and the code of a problem."""
        if self.headers.get("content-type") != "application/problem+json":
            return str(self.status)
        return f"{self.status} {json.loads(self.body)['code']}"


class Arena:
    """The world, who asks it, and how to put it back."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self.world = world
        self.ledger = Ledger(world.folder)
        self._session = session

    def complaints(self) -> list[str]:
        """Return what the server's log holds beside what is as it should be: undeclared, failed."""
        return [line for line in self.world.log.getvalue().splitlines() if '"level": "info"' not in line]

    async def ask(self, request: Request, **path: Any) -> Answer:
        """Send a request, with other names in its path where some are given."""
        url = self.world.url + request.route.url(**{**request.path, **path})
        async with self._session.request(
            request.route.method, url, params=request.query, headers=request.headers, data=request.body
        ) as answer:
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                await answer.read(),
            )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def arena(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "data"
    async with a_world(folder) as world, aiohttp.ClientSession() as session:
        arena = Arena(world, session)
        yield arena
        arena.ledger.close()


def expected(route: str, actor: str) -> str:
    word = MATRIX[route][actor]
    return str(BY_NAME[route].status) if word == "yes" else DATA["outcomes"][word]


async def test_the_matrix_has_exactly_the_routes_and_the_actors_that_there_are():
    assert [row[0] for row in ROWS] == list(MATRIX), "a route stands there twice"
    assert set(MATRIX) == {route.name for route in ROUTES}, "every route has its line in matrix.toml"
    assert set(SENDS) == {route.name for route in ROUTES}, "every route has its request in requests.py"
    assert COLUMNS == ACTORS
    assert {route.rule for route in ROUTES} == set(RULES), "every rule is some route's"
    for outcome in filter(None, DATA["outcomes"].values()):
        status, code = outcome.split()
        assert KINDS[Code(code)].status == int(status)
    for route, shown in DATA["lists"].items():
        assert set(shown) == {actor for actor in ACTORS if MATRIX[route][actor] == "yes"}


@pytest.mark.parametrize(("route", "actor"), CELLS)
async def test_everybody_gets_what_the_matrix_says(arena, route, actor):
    request = await request_for(arena.world, BY_NAME[route], actor)
    before, version = arena.ledger.look(), arena.ledger.version()
    answer = await arena.ask(request)
    changed = arena.ledger.version() != version
    after = arena.ledger.look() if changed else before
    if changed and request.route.method != "GET":
        arena.ledger.restore()
    assert answer.outcome == expected(route, actor)
    assert arena.complaints() == []
    assert after.entries() - before.entries() == _entries(request, actor)
    if MATRIX[route][actor] != "yes":
        assert json.loads(answer.body)["code"] in request.route.codes
        assert after.objects == before.objects
        kept = {name for name in after.tables if after.tables[name] != before.tables[name]}
        assert kept <= FORGOTTEN


@pytest.mark.parametrize(("route", "actor"), HIDDEN)
async def test_what_one_may_not_see_looks_like_what_does_not_exist(arena, route, actor):
    request = await request_for(arena.world, BY_NAME[route], actor)
    hidden = await arena.ask(request)
    for name in request.path:
        absent = await arena.ask(request, **{name: ABSENT[name]})
        assert _without_id(absent) == _without_id(hidden)


@pytest.mark.parametrize(("route", "actor"), LISTS)
async def test_lists_show_what_one_may_see(arena, route, actor):
    world = arena.world
    names = {
        "D-own": "own",
        "D-foreign": "foreign",
        "D-turned": "turned",
        world.proof: "proof",
        world.template: "template",
        **{account.id: name for name, account in world.accounts.items()},
    }
    request = await request_for(world, BY_NAME[route], actor)
    items = json.loads((await arena.ask(request)).body)["items"]
    assert {names[item[SHOWN_BY[route]]] for item in items} == set(DATA["lists"][route][actor])


def _entries(request: Request, actor: str) -> int:
    """Return how many entries a request adds to the journal: one for each change and each handing out."""
    name = request.route.name
    if MATRIX[name][actor] != "yes" or name in UNRECORDED_CHANGES:
        return 0
    if name == "delete_session" and not actor.endswith(("editor", "reviewer")):
        # Only these come with a session; a service token is not ended by signing out.
        return 0
    if name == "rewrap_grant":
        # Nobody has rotated here: what is wrapped to the present key already stays as it is.
        return 0
    return int(request.route.method != "GET" or name in RECORDED_READINGS)


def _without_id(answer: Answer) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return all that an answer tells, but for what tells requests apart."""
    headers, body = dict(answer.headers), json.loads(answer.body)
    assert body.pop("request_id") == headers.pop(REQUEST_ID_HEADER.lower())
    del headers["date"]
    return answer.status, headers, body
