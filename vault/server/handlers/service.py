"""Handlers: what the service says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from vault.api.models.service import Health, Readiness, VersionAnswer
from vault.api.route import HTML, JSON
from vault.container.layout import VERSION
from vault.server.describing import describe, server_version
from vault.server.page import POLICY

if TYPE_CHECKING:
    from vault.server.call import Call


async def live(call: Call) -> Health:
    """Say that the process runs."""
    del call
    return Health(status="ok")


async def ready(call: Call) -> Readiness:
    """Say whether it can do its work."""
    parts = await call.services.health.check()
    return Readiness(status="ok", parts=dict.fromkeys(parts, "ok"))


async def version(call: Call) -> VersionAnswer:
    """Say what runs here."""
    acts = call.services.approvals.acts
    return VersionAnswer(name="scelle", version=server_version(), api="v1", container=VERSION, approvals=acts)


async def openapi(call: Call) -> web.Response:
    """Hand out the interface as OpenAPI."""
    del call
    return web.Response(body=describe().openapi, content_type=JSON)


async def docs(call: Call) -> web.Response:
    """Hand out the interface as a page."""
    del call
    headers = {"Content-Security-Policy": POLICY}
    return web.Response(body=describe().page, content_type=HTML, charset="utf-8", headers=headers)
