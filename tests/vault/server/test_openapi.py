import json
import re

import pytest

from vault.api.problems import KINDS, MEDIA_TYPE
from vault.api.routes import ROUTES
from vault.server.describing import describe
from vault.server.openapi import document

DOCUMENT = document(ROUTES, version="1.2.3")


def references(value):
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def operations():
    return {
        operation["operationId"]: (path, method, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def test_it_is_openapi_3_1():
    assert DOCUMENT["openapi"] == "3.1.0"
    assert set(DOCUMENT) == {"openapi", "info", "tags", "paths", "components"}
    assert DOCUMENT["info"]["title"]
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_every_reference_leads_somewhere():
    schemas = DOCUMENT["components"]["schemas"]
    found = set(references(DOCUMENT))
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= set(schemas)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in schemas)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_is_described_as_the_table_has_it(route):
    path, method, operation = operations()[route.name]
    assert (path, method.upper()) == (route.path, route.method)
    assert operation["security"] == ([] if route.public else [{"bearer": []}])
    parameters = {(item["in"], item["name"]): item for item in operation.get("parameters", [])}
    for name in route.parameters:
        assert parameters[("path", name)]["required"] is True
    for name in route.query.model_fields if route.query else ():
        assert ("query", name) in parameters
    assert (("header", "If-Match") in parameters) == route.if_match
    assert (("header", "Idempotency-Key") in parameters) == route.idempotent
    assert (("header", "Content-Digest") in parameters) == route.digested
    assert ("requestBody" in operation) == bool(route.request or route.sends)
    responses = operation["responses"]
    assert str(route.status) in responses
    for code in route.codes:
        answer = responses[str(KINDS[code].status)]
        assert f"`{code.value}`" in answer["description"]
        assert MEDIA_TYPE in answer["content"]


def test_requests_refuse_unknown_fields_in_the_schema_too():
    schema = DOCUMENT["components"]["schemas"]["OrganisationRequest"]
    assert schema["additionalProperties"] is False


def test_it_is_json_and_the_page_shows_every_operation():
    description = describe()
    assert json.loads(description.openapi)["paths"].keys() == DOCUMENT["paths"].keys()
    page = description.page.decode()
    for route in ROUTES:
        assert f'id="{route.name.replace("_", "-")}"' in page


def test_the_page_fetches_nothing_and_runs_nothing():
    page = describe().page.decode()
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert not re.search(r"\son\w+=", page)
    assert " style=" not in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))
