import inspect

import pytest

from client.remote.problems import NothingThere
from client.remote.service import Service, connect
from client.remote.transport import Upload
from vault.api.routes import BY_NAME

NOT_CALLS = {"url", "origin", "signed_in", "use_token"}


def calls():
    return {name for name in dir(Service) if not name.startswith("_")} - NOT_CALLS


def test_there_is_one_method_for_each_route_and_no_other():
    assert calls() == set(BY_NAME)


@pytest.mark.parametrize("route", BY_NAME.values(), ids=lambda route: route.name)
def test_a_method_takes_what_its_route_takes(route):
    parameters = inspect.signature(getattr(Service, route.name)).parameters
    assert set(route.parameters) <= set(parameters)
    assert ("idempotency_key" in parameters) == route.idempotent
    assert ("if_match" in parameters) == route.if_match
    assert ("acting_for" in parameters) == route.acting
    assert ("offset" in parameters) == route.ranged
    assert ("query" in parameters) == (route.query is not None)
    assert ("container" in parameters) == (route.sends is not None)
    assert ("digest" in parameters) == route.digested
    assert bool({"request", "publication"} & set(parameters)) == (route.request is not None)


async def test_each_method_asks_for_its_route(simulator, retries):
    """Whatever the answer: the request is the route's."""
    async with connect(simulator.url, token="secret", retries=retries) as service:
        for route in BY_NAME.values():
            simulator.will_refuse("not_found")
            arguments = {}
            for name, parameter in inspect.signature(getattr(Service, route.name)).parameters.items():
                if name != "self" and parameter.default is inspect.Parameter.empty:
                    arguments[name] = EXAMPLES[name](route)
            with pytest.raises(NothingThere):
                await finish(getattr(service, route.name)(**arguments))
            asked = simulator.requests[-1]
            values = {name: arguments[name] for name in route.parameters}
            assert (asked.method, asked.path) == (route.method, route.url(**values)), route.name
            assert ("Authorization" in asked.headers) == (not route.public), route.name


async def finish(called):
    if inspect.isawaitable(called):
        return await called
    async with called:
        return None


async def _no_bytes():
    for piece in ():
        yield piece


def _upload(_route):
    return Upload(0, _no_bytes)


EXAMPLES = {
    "request": lambda route: route.request.model_construct(),
    "publication": lambda route: route.request.model_construct(),
    "query": lambda route: route.query.model_construct(),
    "container": _upload,
    "approval": lambda _route: "00" * 32,
    "if_match": lambda _route: "00" * 32,
    "generation": lambda _route: 1,
    "number": lambda _route: 1,
    "part": lambda _route: 1,
    "position": lambda _route: 0,
    "digest": lambda _route: bytes(32),
    **{
        name: lambda _route: "ab" * 16
        for name in (
            "organisation",
            "account",
            "token",
            "dossier",
            "key",
            "template",
            "code",
            "grant",
            "evidence",
            "upload",
        )
    },
}


async def test_neither_a_token_nor_a_session_is_shown(simulator):
    async with connect(simulator.url, token="tok-secret") as service:
        assert "tok-secret" not in repr(service)
        assert "signed in" in repr(service)
        service.use_token(None)
        assert "not signed in" in repr(service)
