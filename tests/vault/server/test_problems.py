import json

import pytest
from aiohttp import web

from vault.api.models.people import OrganisationRequest
from vault.api.problems import MEDIA_TYPE, Code
from vault.container.outcomes import ContainerError, Outcome
from vault.server.policy import ForbiddenError, HiddenError, NotHabilitatedError
from vault.server.ports import BadCursorError, RecordsUnavailableError, StoreFullError, StoreUnavailableError
from vault.server.problems import problem, refusal, response
from vault.server.refusals import RefusedError

SECRET = "scelle_token_do_not_show"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ForbiddenError("no"), Code.FORBIDDEN),
        (NotHabilitatedError("no"), Code.NOT_HABILITATED),
        (HiddenError("no"), Code.NOT_FOUND),
        (BadCursorError("no"), Code.INVALID_REQUEST),
        (RecordsUnavailableError("no"), Code.UNAVAILABLE),
        (StoreFullError("no"), Code.UNAVAILABLE),
        (web.HTTPNotFound(), Code.NOT_FOUND),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), Code.METHOD_NOT_ALLOWED),
        (web.HTTPBadRequest(), Code.INVALID_REQUEST),
        (RuntimeError("no"), Code.INTERNAL_ERROR),
        (KeyError("no"), Code.INTERNAL_ERROR),
    ],
)
def test_one_table_from_exceptions_to_codes(error, code):
    assert refusal(error).code is code


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_of_a_container_keeps_its_name(outcome):
    refused = refusal(ContainerError(outcome, "why"))
    assert (refused.code.value, refused.detail) == (outcome.value, "why")


def test_no_text_of_an_unforeseen_exception_gets_out():
    for error in (RuntimeError(SECRET), web.HTTPBadRequest(text=SECRET), StoreFullError(SECRET)):
        assert SECRET not in refusal(error).detail


@pytest.mark.parametrize("error", [StoreFullError("full"), StoreUnavailableError("gone")])
def test_what_is_not_available_now_says_when_to_try_again(error):
    answer = response(refusal(error), "r1")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "Retry-After" not in response(refusal(RuntimeError("broken")), "r1").headers


def test_a_validation_error_names_the_field_and_not_the_value():
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is, is asked below
        OrganisationRequest.model_validate({"name": "Un", "token": SECRET})
    refused = refusal(caught.value)
    assert (refused.code, refused.field) == (Code.INVALID_REQUEST, "token")
    assert SECRET not in refused.detail


def test_a_problem_is_that_of_the_rfc():
    refused = RefusedError(Code.TOO_MANY_ATTEMPTS, "wait", field="code", extra={"a": 1}, retry_after=9)
    answer = response(refused, "r1")
    assert (answer.status, answer.content_type) == (429, MEDIA_TYPE)
    assert answer.headers["Retry-After"] == "9"
    assert json.loads(answer.body) == {
        "type": "urn:scelle:problem:too_many_attempts",
        "title": "Too many failed attempts",
        "status": 429,
        "detail": "wait",
        "code": "too_many_attempts",
        "field": "code",
        "request_id": "r1",
        "extra": {"a": 1},
    }
    assert problem(refused, None).request_id is None
