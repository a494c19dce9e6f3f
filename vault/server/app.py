"""The application: built from the route table, or not at all."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import HttpVersion11, web

from vault.api.route import JSON
from vault.api.routes import ROUTES
from vault.server.call import Call, Reply
from vault.server.describing import server_version
from vault.server.failpoints import Failpoint, reach
from vault.server.gate import Gate, check_rules
from vault.server.handlers.table import HANDLERS
from vault.server.logs import naming
from vault.server.metrics import Metrics
from vault.server.middleware import CALL, REQUEST_ID, ROUTE, Envelope, add_headers, middleware, name
from vault.server.reading import json_body
from vault.server.services.idempotency import digest_of
from vault.server.stores.records.rows import Remembered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import structlog
    from pydantic import BaseModel

    from vault.api.route import Route
    from vault.server.services.registry import Services

    Handler = Callable[[Call], Awaitable[BaseModel | Reply | web.StreamResponse | None]]

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class UnhandledRouteError(Exception):
    """A route without a handler, or a handler without a route."""


def create_app(
    services: Services, log: structlog.typing.FilteringBoundLogger, metrics: Metrics | None = None
) -> web.Application:
    """Return the application, after checking that every route has a rule, a form and a handler.

    Args:
        services: what does the work.
        log: where every request has its line.
        metrics: where it is counted; by default nobody looks.

    Raises:
        UnruledRouteError, UnhandledRouteError: the server does not start.
    """
    check_rules(ROUTES)
    if odd := {route.name for route in ROUTES} ^ HANDLERS.keys():
        raise UnhandledRouteError(f"routes and handlers differ: {', '.join(sorted(odd))}")
    metrics = metrics or Metrics(server_version())
    envelope = Envelope(log, metrics)
    gate = Gate(services)
    app = web.Application(middlewares=[middleware(envelope)])
    app.on_response_prepare.append(add_headers)
    for route in ROUTES:
        app.router.add_route(
            route.method,
            route.path,
            _serve(route, gate, HANDLERS[route.name], metrics),
            expect_handler=_expect(route, gate, envelope),
        )
    return app


async def _enter(request: web.Request, route: Route, gate: Gate) -> Call:
    request[ROUTE] = route
    call = request.get(CALL)
    if call is None:
        call = request[CALL] = await gate.enter(request, route, request[REQUEST_ID])
    return call


def _serve(
    route: Route, gate: Gate, handler: Handler, metrics: Metrics
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        call = await _enter(request, route, gate)
        if route.request is not None:
            raw = await json_body(request)
            call.body_model = route.request.model_validate_json(raw)
            if call.memo is not None:
                call.memo.digest = digest_of(route.name, call.path, raw)
                once = call.services.idempotency.once
                return _answer(route, await once(call.memo, partial(handler, call)))
        with metrics.under_way(route):
            return _answer(route, await handler(call))

    return serve


def _expect(
    route: Route, gate: Gate, envelope: Envelope
) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """Let a client that asks first send its body only if it may: aiohttp asks here, before any middleware."""

    async def expect(request: web.Request) -> web.StreamResponse | None:
        try:
            with naming(name(request)):
                await _enter(request, route, gate)
        except Exception as error:  # noqa: BLE001 - raised again where every exception ends
            return await envelope.answer(request, partial(_fail, error))
        if request.version == HttpVersion11:
            await request.writer.write(_CONTINUE)
            # The body's own count begins after this.
            request.writer.output_size = 0
        return None

    return expect


async def _fail(error: Exception, _request: web.Request) -> web.StreamResponse:
    raise error


def _answer(
    route: Route, result: BaseModel | Reply | Remembered | web.StreamResponse | None
) -> web.StreamResponse:
    if isinstance(result, web.StreamResponse):
        return result
    reach(Failpoint.ANSWER_READY)
    if isinstance(result, Remembered):
        return web.Response(status=result.status, body=result.answer, content_type=JSON)
    if result is None:
        return web.Response(status=route.status)
    reply = result if isinstance(result, Reply) else Reply(result)
    return web.Response(
        status=route.status,
        body=reply.model.model_dump_json().encode(),
        content_type=JSON,
        headers=reply.headers,
    )
