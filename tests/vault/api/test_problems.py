from vault.api.problems import CONTAINER_CODES, KINDS, Code, problem_type
from vault.container.outcomes import Outcome


def test_every_code_has_a_status_and_a_title():
    assert set(KINDS) == set(Code)
    assert all(400 <= kind.status < 600 for kind in KINDS.values())
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)


def test_the_outcomes_of_a_container_are_codes_of_the_same_name():
    assert [code.value for code in CONTAINER_CODES] == [outcome.value for outcome in Outcome]


def test_a_type_names_its_code():
    assert problem_type(Code.CONFLICT) == "urn:scelle:problem:conflict"
