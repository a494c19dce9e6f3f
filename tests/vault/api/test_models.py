import pytest
from pydantic import ValidationError

from vault.api.models.base import Page, Paging
from vault.api.models.evidence import EvidenceQuery, State
from vault.api.models.people import AccountRequest, OrganisationRequest, Token
from vault.api.models.signin import Role


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="extra"):
        OrganisationRequest.model_validate_json('{"name":"Éditeur","colour":"red"}')


def test_a_wrong_type_is_not_converted():
    with pytest.raises(ValidationError):
        OrganisationRequest.model_validate_json('{"name":"Éditeur","quota_bytes":"12"}')


def test_names_carry_no_control_character():
    with pytest.raises(ValidationError):
        OrganisationRequest.model_validate_json('{"name":"a\\u001b[31m"}')
    with pytest.raises(ValidationError):
        OrganisationRequest.model_validate_json('{"name":"a\\u2028b"}')


def test_a_role_is_one_of_four():
    assert AccountRequest.model_validate_json('{"name":"R","role":"reviewer"}').role is Role.REVIEWER
    with pytest.raises(ValidationError):
        AccountRequest.model_validate_json('{"name":"R","role":"editor"}')


def test_a_query_is_text_and_knows_its_names():
    assert EvidenceQuery.model_validate({"limit": "3", "state": "archived"}).state is State.ARCHIVED
    for bad in ({"limit": "0"}, {"limit": "201"}, {"cursor": "a b"}, {"colour": "red"}):
        with pytest.raises(ValidationError):
            Paging.model_validate(bad)


def test_an_answer_from_a_newer_server_is_read():
    text = (
        '{"items":[{"id":"' + "0" * 32 + '","account":"' + "1" * 32 + '","label":"ci","read_only":false,'
        '"created":1,"expires":2,"revoked":false,"colour":"red"}],"next":null,"total":9}'
    )
    assert Page[Token].model_validate_json(text).items[0].label == "ci"
