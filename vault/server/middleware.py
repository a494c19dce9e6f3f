"""Around every request: its id, its log line, and one place where exceptions become problems."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from keys.randomness import random_bytes
from vault.api.problems import Code
from vault.api.route import REQUEST_ID_HEADER, Route
from vault.server.call import Call
from vault.server.logs import naming, reason
from vault.server.problems import refusal, response
from vault.server.transferred import Break, transferred

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import structlog

    from vault.server.metrics import Metrics

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID: Final = web.RequestKey("request_id", str)
ROUTE: Final = web.RequestKey("route", Route)
CALL: Final = web.RequestKey("call", Call)

_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
"""A request id that whoever asks may choose; it stands in log and journal, so it is short and plain."""

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def name(request: web.Request) -> str:
    """Return the request's id: the one that it came with, if it is of the form, else one that is drawn."""
    if REQUEST_ID not in request:
        given = request.headers.getall(REQUEST_ID_HEADER, [])
        taken = len(given) == 1 and _GIVEN_ID.fullmatch(given[0])
        request[REQUEST_ID] = given[0] if taken else random_bytes(12).hex()
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

    def __init__(self, log: structlog.typing.FilteringBoundLogger, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return what ``handler`` answers, or the problem that it raised."""
        with naming(name(request)):
            return await self._answer(request, handler)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = name(request)
        started = time.monotonic()
        code: Code | None = None
        try:
            answer = await handler(request)
        except asyncio.CancelledError:
            transferred(request).broken = Break.SERVER
            self._line(request, started, status=499, code="aborted")
            raise
        except BrokenOffError as broken:
            if not isinstance(broken.__cause__, ConnectionError):
                self._log.error("failure", **reason(broken))
            self._line(request, started, status=broken.answer.status, code="broken_off")
            return broken.answer
        except Exception as error:  # noqa: BLE001 - the one place where every exception ends
            refused = refusal(error)
            code = refused.code
            if code is Code.INTERNAL_ERROR:
                self._log.error("failure", **reason(error))
            route = request.get(ROUTE)
            if route is not None and code not in route.codes:
                self._log.error("undeclared", route=route.name, code=code.value)
            answer = response(refused, request_id)
            if request.can_read_body:
                # What is still on its way is not waited for.
                answer.force_close()
        if isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            transferred(request).sent = len(answer.body)
        self._line(request, started, status=answer.status, code=code)
        return answer

    def _line(self, request: web.Request, started: float, *, status: int, code: Code | str | None) -> None:
        route, call = request.get(ROUTE), request.get(CALL)
        who = call.who if call else None
        count, seconds = transferred(request), time.monotonic() - started
        problem = code if isinstance(code, Code) else None
        self._metrics.end(route, status=status, code=problem, seconds=seconds, count=count)
        if count.broken is not None:
            self._log.warning(
                "broken_off", route=route.name if route else None, by=count.broken.value, **count.line()
            )
        self._log.info(
            "request",
            route=route.name if route else None,
            method=request.method if route else None,
            status=status,
            code=str(code) if code else None,
            role=who.role.value if who else None,
            account=who.account if who else None,
            key=who.signing_key.hex() if who and who.signing_key else None,
            **count.line(),
            milliseconds=round(seconds * 1000),
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
