import pytest

from client.remote.problems import FAMILY_OF, SENTENCES, ServiceProblem, to_exception
from vault.api.models.base import Problem
from vault.api.problems import CONTAINER_CODES, KINDS, Code, problem_type


def exception(code, **members):
    return to_exception(
        Problem(
            type=problem_type(code),
            title="t",
            status=KINDS[code].status,
            code=code.value,
            **{"detail": "d", **members},
        )
    )


def test_there_is_a_sentence_for_every_code():
    assert set(SENTENCES) == set(Code)


@pytest.mark.parametrize("code", Code)
def test_every_sentence_can_be_filled_and_ends_with_its_code(code):
    assert str(exception(code)).endswith(f"[{code.value}]")


EXITS = {
    Code.UNAUTHENTICATED: 3,
    Code.CREDENTIAL_EXPIRED: 3,
    Code.FORBIDDEN: 3,
    Code.NOT_HABILITATED: 3,
    Code.SIGN_IN_FAILED: 3,
    Code.ACCOUNT_DISABLED: 3,
    Code.NO_ACCESS: 3,
    Code.NOT_FOUND: 4,
    Code.CONFLICT: 6,
    Code.ALREADY_DEPOSITED: 6,
    Code.PRECONDITION_FAILED: 6,
    Code.DOSSIER_KEY_OUTDATED: 6,
    Code.UNAVAILABLE: 7,
    Code.INTERNAL_ERROR: 7,
    Code.INVALID_REQUEST: 2,
    Code.QUOTA_EXCEEDED: 1,
}


@pytest.mark.parametrize(("code", "exit_code"), EXITS.items())
def test_a_code_has_its_exit_code(code, exit_code):
    assert exception(code).exit_code == exit_code


def test_every_outcome_of_a_container_but_no_access_is_about_integrity():
    assert {code for code, family in FAMILY_OF.items() if family.exit_code == 5} == set(CONTAINER_CODES) - {
        Code.NO_ACCESS
    }


def test_a_problem_keeps_what_programs_need():
    error = exception(
        Code.CONFLICT, field="supersedes", extra={"active": "ab"}, request_id="r1", detail="another is active"
    )
    assert (error.code, error.status, error.field) == (Code.CONFLICT, 409, "supersedes")
    assert (error.extra, error.request_id, error.detail) == ({"active": "ab"}, "r1", "another is active")


def test_a_code_of_a_newer_service_is_still_a_refusal():
    error = to_exception(Problem(type="urn:x", title="t", status=418, detail="no coffee here", code="teapot"))
    assert type(error) is ServiceProblem
    assert (error.code, error.exit_code) == (None, 1)
    assert str(error) == "the service refused: no coffee here [teapot]"
