"""From exceptions to problems: the one table, read by the middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web
from pydantic import ValidationError

from vault.api.models.base import Problem
from vault.api.problems import KINDS, MEDIA_TYPE, Code, problem_type
from vault.container.outcomes import ContainerError
from vault.server.policy import ForbiddenError, HiddenError, NotHabilitatedError
from vault.server.ports import (
    BadCursorError,
    RecordsUnavailableError,
    StoreFullError,
    StoreUnavailableError,
)
from vault.server.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXCEPTIONS: Final[Mapping[type[Exception], Code]] = {
    ForbiddenError: Code.FORBIDDEN,
    NotHabilitatedError: Code.NOT_HABILITATED,
    HiddenError: Code.NOT_FOUND,
    web.HTTPNotFound: Code.NOT_FOUND,
    web.HTTPMethodNotAllowed: Code.METHOD_NOT_ALLOWED,
    web.HTTPRequestEntityTooLarge: Code.BODY_TOO_LARGE,
    web.HTTPClientError: Code.INVALID_REQUEST,
    BadCursorError: Code.INVALID_REQUEST,
    RecordsUnavailableError: Code.UNAVAILABLE,
    StoreUnavailableError: Code.UNAVAILABLE,
    StoreFullError: Code.UNAVAILABLE,
}
"""Looked up along an exception's own line of ancestors, so the nearest entry wins."""

_UNAVAILABLE_SECONDS: Final = 1
"""When it is worth trying again what database or object store refused: they may be back at once."""

_OWN_WORDS: Final = (ForbiddenError, NotHabilitatedError, HiddenError, BadCursorError)
"""Whose text was written for the one who asks; every other text may quote something and stays inside."""


def refusal(error: Exception) -> RefusedError:
    """Return what an exception means to the one who asked; what nobody foresaw is an internal error."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, ContainerError):
        return RefusedError(Code(error.outcome.value), error.detail)
    if isinstance(error, ValidationError):
        return _validation(error)
    for ancestor in type(error).__mro__:
        if ancestor in _EXCEPTIONS:
            code = _EXCEPTIONS[ancestor]
            return RefusedError(code, str(error) if isinstance(error, _OWN_WORDS) else KINDS[code].title)
    return RefusedError(Code.INTERNAL_ERROR, "the service failed; the request id finds the reason in its log")


def problem(refused: RefusedError, request_id: str | None) -> Problem:
    """Return the document of RFC 9457."""
    kind = KINDS[refused.code]
    return Problem(
        type=problem_type(refused.code),
        title=kind.title,
        status=kind.status,
        detail=refused.detail,
        code=refused.code.value,
        field=refused.field,
        request_id=request_id,
        extra=refused.extra,
    )


def response(refused: RefusedError, request_id: str | None) -> web.Response:
    """Return the answer that carries the problem."""
    document = problem(refused, request_id)
    answer = web.Response(
        status=document.status,
        body=document.model_dump_json(exclude_none=True).encode(),
        content_type=MEDIA_TYPE,
    )
    if refused.code in {Code.UNAUTHENTICATED, Code.CREDENTIAL_EXPIRED, Code.SIGN_IN_FAILED}:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="scelle"'
    wait = refused.retry_after
    if wait is None and refused.code is Code.UNAVAILABLE:
        wait = _UNAVAILABLE_SECONDS
    if wait is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _validation(error: ValidationError) -> RefusedError:
    """Name the field and the rule; the value stays out, it may be a secret in the wrong place."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])[:200]
    if first["type"] == "extra_forbidden":
        return RefusedError(Code.INVALID_REQUEST, "this field is not known here", field=field)
    if first["type"] == "json_invalid":
        return RefusedError(Code.INVALID_REQUEST, "the body is not JSON")
    return RefusedError(Code.INVALID_REQUEST, first["msg"], field=field or None)
