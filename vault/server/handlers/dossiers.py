"""Handlers: dossiers, keys, depositors, templates, grants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from vault.api.models.base import Page, Paging
from vault.api.models.dossiers import (
    Depositor,
    DepositorRequest,
    Dossier,
    DossierKeys,
    DossierQuery,
    DossierRequest,
    Grant,
    MyGrants,
    Succeeded,
    SuccessionRequest,
    Template,
    TemplateIssued,
    TemplateQuery,
)
from vault.api.models.people import StatementRequest
from vault.api.route import CONTAINER
from vault.server.call import Reply

if TYPE_CHECKING:
    from vault.server.call import Call


async def create_dossier(call: Call) -> Dossier:
    """Open a dossier."""
    return await call.services.dossiers.create(call.body(DossierRequest), call.act)


async def list_dossiers(call: Call) -> Page[Dossier]:
    """List dossiers."""
    return await call.services.dossiers.list(call.query(DossierQuery), call.act)


async def get_dossier(call: Call) -> Dossier:
    """Show a dossier."""
    return await call.services.dossiers.get(call.path["dossier"])


async def close_dossier(call: Call) -> Dossier:
    """Close a dossier."""
    return await call.services.dossiers.close(call.path["dossier"], call.act)


async def get_dossier_keys(call: Call) -> DossierKeys:
    """Show a dossier's keys."""
    return await call.services.dossiers.keys(call.path["dossier"])


async def add_depositor(call: Call) -> Depositor:
    """Give a mandate."""
    request = call.body(DepositorRequest)
    return await call.services.depositors.add(call.path["dossier"], request, call.act)


async def list_depositors(call: Call) -> Page[Depositor]:
    """List who has a mandate."""
    return await call.services.depositors.list(call.path["dossier"], call.query(Paging))


async def remove_depositor(call: Call) -> None:
    """End a mandate."""
    key = bytes.fromhex(call.path["key"])
    await call.services.depositors.remove(call.path["dossier"], key, call.act)


async def succeed_depositor(call: Call) -> Succeeded:
    """Hand over to a new key."""
    request = call.body(SuccessionRequest)
    return await call.services.succession.succeed(call.path["dossier"], request, call.act)


async def create_template(call: Call) -> TemplateIssued:
    """Store a template."""
    query = call.query(TemplateQuery)
    return await call.services.templates.create(call.path["dossier"], query, call.stream, call.act)


async def list_templates(call: Call) -> Page[Template]:
    """List templates."""
    return await call.services.templates.list(call.path["dossier"], call.query(Paging), call.act)


async def replace_template(call: Call) -> Reply:
    """Take a template over."""
    place, match = (call.path["dossier"], call.path["template"]), bytes.fromhex(call.tag)
    answer = await call.services.ownership.replace(*place, match, call.stream, call.act)
    return Reply(answer, {"ETag": f'"{answer.seal_id}"'})


async def rewrite_template(call: Call) -> Reply:
    """Take a template's new envelope."""
    place, expected = (call.path["dossier"], call.path["template"]), int(call.tag)
    answer = await call.services.ownership.rewrite(*place, expected, call.stream, call.act)
    return Reply(answer, {"ETag": f'"{answer.generation}"'})


async def withdraw_template(call: Call) -> None:
    """End a template."""
    await call.services.templates.withdraw(call.path["dossier"], call.path["template"], call.act)


async def fetch_template(call: Call) -> web.Response:
    """Hand a template out."""
    found = await call.services.templates.fetch(call.path["code"], call.act)
    headers = {"ETag": f'"{found.seal_id.hex()}"'}
    return web.Response(body=found.data, content_type=CONTAINER, headers=headers)


async def get_my_grants(call: Call) -> MyGrants:
    """Hand out what opens a dossier."""
    return await call.services.grants.mine(call.path["dossier"], call.act)


async def add_grant(call: Call) -> Grant:
    """Add a grant."""
    return await call.services.grants.add(call.path["dossier"], call.body(StatementRequest), call.act)


async def list_grants(call: Call) -> Page[Grant]:
    """List grants."""
    return await call.services.grants.list(call.path["dossier"], call.query(Paging))


async def revoke_grant(call: Call) -> None:
    """End a grant."""
    await call.services.grants.revoke(call.path["dossier"], call.path["grant"], call.act)
