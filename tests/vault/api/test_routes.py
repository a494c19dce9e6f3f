import re

import pytest
from pydantic import BaseModel

from vault.api.problems import Code
from vault.api.routes import BY_NAME, ROUTES

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


def test_names_are_distinct():
    assert len(BY_NAME) == len(ROUTES)


def test_no_two_routes_share_method_and_path():
    shapes = [(route.method, re.sub(r"\{[a-z_]+\}", "{}", route.path)) for route in ROUTES]
    assert len(set(shapes)) == len(shapes)


@every_route
def test_a_route_takes_json_or_raw_bytes_and_answers_one_thing(route):
    assert not (route.request and route.sends)
    assert not (route.answer and route.gives)
    assert (route.status == 204) == (route.answer is None and route.gives is None)


@every_route
def test_what_is_read_carries_no_body_and_what_creates_says_so(route):
    if route.method in {"GET", "DELETE"}:
        assert route.request is None
        assert route.sends is None
        assert not route.idempotent
    if route.idempotent:
        assert (route.method, route.status) == ("POST", 201)


@every_route
def test_only_what_the_service_says_about_itself_stands_outside_v1(route):
    assert route.path.startswith("/v1/") != (route.tag == "service")


@every_route
def test_each_model_refuses_what_it_does_not_know_and_each_answer_passes_over_it(route):
    for model in (route.request, route.query):
        assert model is None or model.model_config["extra"] == "forbid"
    assert route.answer is None or issubclass(route.answer, BaseModel)


def test_codes_follow_from_what_a_route_takes():
    codes = BY_NAME["replace_evidence"].codes
    assert {Code.PRECONDITION_REQUIRED, Code.BODY_TOO_LARGE, Code.SEAL_INVALID, Code.FORBIDDEN} <= set(codes)
    assert Code.FORBIDDEN not in BY_NAME["get_trust"].codes
    assert Code.NOT_FOUND not in BY_NAME["list_accounts"].codes


def test_a_path_is_filled_in():
    assert BY_NAME["fetch_body"].url(evidence="ab", number=2) == "/v1/evidence/ab/versions/2/body"
