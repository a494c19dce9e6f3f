"""Around every request: its id, its log line, and one place where exceptions become problems."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from keys.randomness import random_bytes
from vault.api.problems import Code
from vault.api.route import REQUEST_ID_HEADER, Route
from vault.server.call import Call
from vault.server.logs import reason
from vault.server.problems import refusal, response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import structlog

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID: Final = web.RequestKey("request_id", str)
ROUTE: Final = web.RequestKey("route", Route)
CALL: Final = web.RequestKey("call", Call)

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def name(request: web.Request) -> str:
    """Return the request's id; the first to ask draws it."""
    if REQUEST_ID not in request:
        request[REQUEST_ID] = random_bytes(12).hex()
    return request[REQUEST_ID]


class BrokenOffError(Exception):
    """An answer ended before its end: its status is out already, so nothing can be said but by hanging up.

    Attributes:
        answer: what was being sent.
    """

    def __init__(self, answer: web.StreamResponse) -> None:
        super().__init__("the answer broke off")
        self.answer = answer


class Envelope:
    """Answers every request with an id, logs it once, and never lets an exception's text out."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        self._log = log

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return what ``handler`` answers, or the problem that it raised."""
        request_id = name(request)
        started = time.monotonic()
        code: Code | None = None
        try:
            answer = await handler(request)
        except asyncio.CancelledError:
            self._line(request, started, status=499, code="aborted")
            raise
        except BrokenOffError as broken:
            if not isinstance(broken.__cause__, ConnectionError):
                self._log.error("failure", request_id=request_id, **reason(broken))
            self._line(request, started, status=broken.answer.status, code="broken_off")
            return broken.answer
        except Exception as error:  # noqa: BLE001 - the one place where every exception ends
            refused = refusal(error)
            code = refused.code
            if code is Code.INTERNAL_ERROR:
                self._log.error("failure", request_id=request_id, **reason(error))
            route = request.get(ROUTE)
            if route is not None and code not in route.codes:
                self._log.error("undeclared", request_id=request_id, route=route.name, code=code.value)
            answer = response(refused, request_id)
            if request.can_read_body:
                # What is still on its way is not waited for.
                answer.force_close()
        self._line(request, started, status=answer.status, code=code.value if code else None)
        return answer

    def _line(self, request: web.Request, started: float, *, status: int, code: str | None) -> None:
        route, call = request.get(ROUTE), request.get(CALL)
        who = call.who if call else None
        self._log.info(
            "request",
            request_id=request[REQUEST_ID],
            route=route.name if route else None,
            method=request.method if route else None,
            status=status,
            code=code,
            role=who.role.value if who else None,
            account=who.account if who else None,
            key=who.signing_key.hex() if who and who.signing_key else None,
            milliseconds=round((time.monotonic() - started) * 1000),
        )


def middleware(envelope: Envelope) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the outermost middleware; it also sees requests that no route takes."""

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await envelope.answer(request, handler)

    return around


async def add_headers(request: web.Request, answer: web.StreamResponse) -> None:
    """Add id and security headers to whatever is answered."""
    for name, value in SECURITY_HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers["Server"] = "scelle"
    if REQUEST_ID in request:
        answer.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
