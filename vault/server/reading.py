"""Taking a request apart: path, query, headers and body, each by a written form."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import TYPE_CHECKING, Final

from aiohttp import ClientPayloadError
from aiohttp.http_exceptions import HttpProcessingError

from vault.api.models.base import MAX_JSON_BYTES
from vault.api.problems import Code
from vault.api.route import DIGEST_HEADER, IDEMPOTENCY_HEADER, JSON
from vault.server.policy import HiddenError
from vault.server.refusals import RefusedError
from vault.server.transferred import Break, transferred

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp import web
    from pydantic import BaseModel

    from vault.api.route import Route

PARAMETERS: Final[Mapping[str, re.Pattern[str]]] = {
    "account": re.compile(r"[0-9a-f]{32}"),
    "approval": re.compile(r"[0-9a-f]{64}"),
    "code": re.compile(r"[A-Za-z0-9_-]{22}"),
    "dossier": re.compile(r"[A-Za-z0-9._-]{1,64}"),
    "evidence": re.compile(r"[0-9a-f]{32}"),
    "generation": re.compile(r"[1-9][0-9]{0,8}"),
    "grant": re.compile(r"[0-9a-f]{32}"),
    "key": re.compile(r"[0-9a-f]{64}"),
    "number": re.compile(r"[1-9][0-9]{0,8}"),
    "organisation": re.compile(r"[0-9a-f]{32}"),
    "part": re.compile(r"[1-9][0-9]{0,4}"),
    "position": re.compile(r"0|[1-9][0-9]{0,14}"),
    "template": re.compile(r"[0-9a-f]{32}"),
    "token": re.compile(r"[0-9a-f]{32}"),
    "upload": re.compile(r"[0-9a-f]{32}"),
}
"""The form of every path parameter; what has another form names nothing that exists."""

_IDEMPOTENCY_KEY: Final = re.compile(r"[A-Za-z0-9._-]{8,128}")
_TAGS: Final = {
    "seal id": re.compile(r'"([0-9a-f]{64})"'),
    "generation": re.compile(r'"([1-9][0-9]{0,14})"'),
    "root": re.compile(r'"([0-9a-f]{64})"'),
}
_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
"""A member of the dictionary that RFC 9530 makes of Content-Digest; SHA-256 has 32 bytes."""
_BROKEN: Final = (OSError, ClientPayloadError, HttpProcessingError)
"""What reading a body raises where the sender hung up, or sent something else than it announced."""
_IDLE_SECONDS: Final = 60
"""A sender that is silent for longer is cut off."""
_AHEAD: Final = 512 * 1024
"""Twice as many bytes may wait for being read, and one piece more; then the sender has to wait."""


def path_values(request: web.Request) -> dict[str, str]:
    """Return the path's parameters.

    Raises:
        HiddenError: one has a form that nothing here has.
    """
    values = dict(request.match_info)
    for name, value in values.items():
        if not PARAMETERS[name].fullmatch(value):
            raise HiddenError("there is nothing here that you may see")
    return values


def query_values(request: web.Request, model: type[BaseModel] | None) -> BaseModel | None:
    """Return the query by its model; a repeated or unknown name is refused.

    Raises:
        RefusedError: invalid_request.
        ValidationError: the same, by field.
    """
    names = list(request.query.keys())
    if len(set(names)) != len(names):
        raise RefusedError(Code.INVALID_REQUEST, "a query parameter is given twice")
    if model is None:
        if names:
            raise RefusedError(Code.INVALID_REQUEST, "this parameter is not known here", field=names[0][:200])
        return None
    return model.model_validate(dict(request.query))


def idempotency_key(request: web.Request) -> str | None:
    """Return the Idempotency-Key, if one is sent.

    Raises:
        RefusedError: invalid_request.
    """
    value = request.headers.get(IDEMPOTENCY_HEADER)
    if value is not None and not _IDEMPOTENCY_KEY.fullmatch(value):
        raise RefusedError(
            Code.INVALID_REQUEST,
            "an idempotency key has 8 to 128 characters, letters, digits and . _ -",
            field=IDEMPOTENCY_HEADER,
        )
    return value


def if_match(request: web.Request, route: Route) -> str:
    """Return the seal id or root (hexadecimal) or the generation that If-Match names.

    Raises:
        RefusedError: precondition_required where there is none, invalid_request where it is neither.
    """
    value = request.headers.get("If-Match")
    if value is None:
        raise RefusedError(
            Code.PRECONDITION_REQUIRED, f"send If-Match with the {route.names}", field="If-Match"
        )
    match = _TAGS[route.names].fullmatch(value.strip())
    if match is None:
        raise RefusedError(
            Code.INVALID_REQUEST, f"If-Match is one {route.names} in quotation marks", field="If-Match"
        )
    return match[1]


def content_digest(request: web.Request) -> bytes:
    """Return the SHA-256 that Content-Digest names; other algorithms beside it are passed over.

    Raises:
        RefusedError: invalid_request where there is none, or more than one.
    """
    members = ",".join(request.headers.getall(DIGEST_HEADER, ())).split(",")
    found = [match[1] for match in map(_DIGEST.fullmatch, map(str.strip, members)) if match]
    if len(found) != 1:
        raise RefusedError(
            Code.INVALID_REQUEST, "send the SHA-256 of the body as sha-256=:…:", field=DIGEST_HEADER
        )
    return base64.b64decode(found[0])


def check_body(request: web.Request, route: Route, maximum: int) -> None:
    """Refuse a body by its headers, before a byte of it is read.

    Raises:
        RefusedError: unsupported_media_type, body_too_large or invalid_request.
    """
    expected = JSON if route.request else route.sends
    if expected is None:
        if request.can_read_body:
            raise RefusedError(Code.INVALID_REQUEST, "no body is expected here")
        return
    if request.content_type != expected:
        raise RefusedError(
            Code.UNSUPPORTED_MEDIA_TYPE, f"the body has to be {expected}", field="Content-Type"
        )
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedError(
            Code.UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed", field="Content-Encoding"
        )
    if request.content_length is not None and request.content_length > maximum:
        raise RefusedError(Code.BODY_TOO_LARGE, f"the body is larger than {maximum} bytes")


async def body_stream(request: web.Request, maximum: int) -> AsyncIterator[bytes]:
    """Yield the body as it arrives, counting: no more than ``maximum`` bytes, no endless silence.

    Raises:
        RefusedError: body_too_large, or invalid_request where the sender falls silent.
    """
    count, received = transferred(request), 0
    while True:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                chunk = await request.content.readany()
        except TimeoutError:
            count.broken = Break.SILENCE
            raise RefusedError(Code.INVALID_REQUEST, "the body stopped arriving") from None
        except _BROKEN:
            count.broken = Break.SENDER
            raise RefusedError(Code.INVALID_REQUEST, "the body broke off") from None
        if not chunk:
            return
        received += len(chunk)
        count.received += len(chunk)
        if received > maximum:
            raise RefusedError(Code.BODY_TOO_LARGE, f"the body is larger than {maximum} bytes")
        yield chunk


async def json_body(request: web.Request) -> bytes:
    """Return a JSON body's bytes, at most one MiB.

    Raises:
        RefusedError: body_too_large.
    """
    return b"".join([chunk async for chunk in body_stream(request, MAX_JSON_BYTES)])
