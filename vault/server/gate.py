"""The gate: every request is identified and judged here, before a byte of its body is read.

It runs once for each request. Where a client asks first (``Expect: 100-continue``), it runs before the answer
to that, so that whoever may not deposit is told so without sending gigabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vault.api.models.base import MAX_JSON_BYTES
from vault.api.problems import Code
from vault.api.route import ACTING_HEADER
from vault.server.call import Call
from vault.server.policy import RULES, Subject, admit, judge
from vault.server.reading import (
    PARAMETERS,
    body_stream,
    check_body,
    content_digest,
    idempotency_key,
    if_match,
    path_values,
    query_values,
)
from vault.server.refusals import RefusedError
from vault.server.services.acts import actor_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from vault.api.route import Route
    from vault.server.policy import Principal
    from vault.server.services.acts import Memo
    from vault.server.services.registry import Services

_SUBJECTS: Final = {
    "dossier": Subject.DOSSIER,
    "evidence": Subject.EVIDENCE,
    "token": Subject.TOKEN,
    "upload": Subject.UPLOAD,
}
"""Path parameters that belong to somebody, and the subject that a rule for such a path has to judge."""


class UnruledRouteError(Exception):
    """A route that nobody wrote a rule for, or whose rule does not look at what its path names."""


def check_rules(routes: Iterable[Route]) -> None:
    """Refuse a route table that the policy does not cover; called before a server listens.

    Raises:
        UnruledRouteError: naming the route.
    """
    for route in routes:
        rule = RULES.get(route.rule)
        if rule is None:
            raise UnruledRouteError(f"{route.name}: there is no rule {route.rule}")
        for parameter in route.parameters:
            if parameter not in PARAMETERS:
                raise UnruledRouteError(f"{route.name}: there is no form for {parameter}")
            subject = Subject.VERSION if "number" in route.parameters else _SUBJECTS.get(parameter)
            if rule.subject is Subject.TEMPLATE and "template" in route.parameters:
                # It is gathered by both, so that a template is looked for in its own dossier alone.
                subject = None if parameter == "dossier" else subject
            if subject is not None and rule.subject is not subject:
                raise UnruledRouteError(f"{route.name}: the rule {route.rule} does not judge the {parameter}")


class Gate:
    """Lets a request through as a `Call`, or raises what stands in its way."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def enter(self, request: web.Request, route: Route, request_id: str) -> Call:
        """Identify who asks, judge, then check the form of path, headers and query.

        Raises:
            DeniedError, RefusedError, ValidationError: not let through.
        """
        path, who, maximum = {}, None, MAX_JSON_BYTES
        if not route.public:
            who = await self._identify(request, route)
            rule = RULES[route.rule]
            admit(rule, who, reading=route.method == "GET")
            path = path_values(request)
            if rule.subject is not Subject.NOTHING:
                gathered = await self._services.facts.gather(rule.subject, path, who)
                judge(rule, who, gathered.facts if gathered else None)
                assert gathered is not None
                maximum = gathered.max_container_bytes
        else:
            path = path_values(request)
        if route.request is not None:
            maximum = MAX_JSON_BYTES
        if route.max_body is not None:
            maximum = min(maximum, route.max_body)
        call = Call(
            request=request,
            route=route,
            services=self._services,
            request_id=request_id,
            source=self._services.sources.of(
                request.remote or "", request.headers.getall("X-Forwarded-For", [])
            ),
            who=who,
            path=path,
            query_model=query_values(request, route.query),
            memo=self._memo(request, route, who),
            match=if_match(request, route) if route.if_match else None,
            digest=content_digest(request) if route.digested else None,
        )
        check_body(request, route, maximum)
        if route.sends is not None:
            call.chunks = body_stream(request, maximum)
        return call

    async def _identify(self, request: web.Request, route: Route) -> Principal:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise RefusedError(Code.UNAUTHENTICATED, "send a token or a session as a bearer")
        acting_for = self._acting_for(request, route)
        return await self._services.identification.identify(token.strip(), acting_for=acting_for)

    def _memo(self, request: web.Request, route: Route, who: Principal | None) -> Memo | None:
        key = idempotency_key(request) if route.idempotent else None
        if key is None:
            return None
        return self._services.idempotency.memo(actor_of(who), route.name, key, status=route.status)

    @staticmethod
    def _acting_for(request: web.Request, route: Route) -> bytes | None:
        value = request.headers.get(ACTING_HEADER)
        if value is None:
            return None
        if not route.acting or not PARAMETERS["key"].fullmatch(value):
            raise RefusedError(
                Code.INVALID_REQUEST,
                "this header names an editor by key id, on routes that take it",
                field=ACTING_HEADER,
            )
        return bytes.fromhex(value)
