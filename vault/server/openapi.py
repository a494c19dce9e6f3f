"""OpenAPI 3.1, printed from the route table and the models; nothing is written twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from vault.api.models.base import Problem
from vault.api.problems import KINDS, MEDIA_TYPE, Code
from vault.api.route import ACTING_HEADER, DIGEST_HEADER, IDEMPOTENCY_HEADER, JSON, Route
from vault.server.reading import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

VERSION: Final = "3.1.0"
_REFERENCE: Final = "#/components/schemas/{model}"
_BINARY: Final[dict[str, Any]] = {"type": "string", "format": "binary"}


def document(routes: Iterable[Route], *, version: str) -> dict[str, Any]:
    """Return the whole description as one JSON object.

    Args:
        routes: the table, in the order in which it is shown.
        version: the server's version.
    """
    table = tuple(routes)
    models: set[type[BaseModel]] = {Problem}
    for route in table:
        models |= {model for model in (route.request, route.answer, route.query) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    references, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_REFERENCE
    )
    by_model: dict[Any, Any] = {model: reference for (model, _), reference in references.items()}
    paths: dict[str, Any] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_model, schemas["$defs"])
    return {
        "openapi": VERSION,
        "info": {
            "title": "Scellé",
            "version": version,
            "summary": "Deposit sealed evidence; only habilitated reviewers open it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag.value for route in table)],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A service token, or the token of a session.",
                }
            },
        },
    }


def _operation(route: Route, models: dict[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag.value],
        "security": [] if route.public else [{"bearer": []}],
    }
    parameters = [*_path_parameters(route), *_query_parameters(route, models, schemas), *_headers(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.request is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": models[route.request]}}}
    elif route.sends is not None:
        operation["requestBody"] = {"required": True, "content": {route.sends: {"schema": _BINARY}}}
    operation["responses"] = _responses(route, models)
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{PARAMETERS[name].pattern}$"},
        }
        for name in route.parameters
    ]


def _query_parameters(route: Route, models: dict[Any, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = schemas[models[route.query]["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": field}
        for name, field in schema["properties"].items()
    ]


def _headers(route: Route) -> list[dict[str, Any]]:
    taken = (
        (route.idempotent, IDEMPOTENCY_HEADER, False, "Repeats of the request have its effect once."),
        (route.if_match, "If-Match", True, f"The {route.names}, in quotation marks."),
        (route.ranged, "Range", False, "One range of bytes."),
        (route.digested, DIGEST_HEADER, True, "SHA-256 of the body: `sha-256=:…:` (RFC 9530)."),
        (route.acting, ACTING_HEADER, False, "From a portal: key id of the editor that it acts for."),
    )
    return [
        {
            "name": name,
            "in": "header",
            "required": required,
            "description": text,
            "schema": {"type": "string"},
        }
        for takes, name, required, text in taken
        if takes
    ]


def _responses(route: Route, models: dict[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if route.answer is not None:
        success["content"] = {JSON: {"schema": models[route.answer]}}
    elif route.gives is not None:
        success["content"] = {route.gives: {"schema": _BINARY}}
    responses = {str(route.status): success}
    if route.ranged:
        responses["206"] = {**success, "description": "The range that was asked for."}
    by_status: dict[int, list[Code]] = {}
    for code in route.codes:
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = {
            "description": "; ".join(f"`{code.value}`: {KINDS[code].title}" for code in codes),
            "content": {MEDIA_TYPE: {"schema": models[Problem]}},
        }
    return responses


def anchor(name: str) -> str:
    """Return a name as it can stand in a link within a page."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
