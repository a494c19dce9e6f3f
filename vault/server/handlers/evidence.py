"""Handlers: deposits, versions, receipts, openings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.evidence import (
    Deposited,
    EvidenceQuery,
    Opening,
    OpeningRequest,
    Receipt,
    Version,
)
from vault.server.call import Reply
from vault.server.handlers.streaming import choose_range, send

if TYPE_CHECKING:
    from aiohttp import web

    from vault.api.models.base import Page
    from vault.server.call import Call
    from vault.server.services.fetching import Slice
    from vault.server.stores.records import rows


async def deposit(call: Call) -> Reply:
    """Take a new proof."""
    answer = await call.services.deposits.create(call.path["dossier"], call.stream, call.act)
    return _tagged(answer)


async def list_evidence(call: Call) -> Page[Version]:
    """List versions."""
    query = call.query(EvidenceQuery)
    return await call.services.evidence.list(call.path["dossier"], query, call.act)


async def get_evidence(call: Call) -> Reply:
    """Show a proof."""
    answer = await call.services.evidence.get(call.path["evidence"], call.act)
    return Reply(answer, {"ETag": f'"{answer.seal_id}"'})


async def replace_evidence(call: Call) -> Reply:
    """Take a better version."""
    proof, match = call.path["evidence"], bytes.fromhex(call.tag)
    answer = await call.services.deposits.replace(proof, match, call.stream, call.act)
    return _tagged(answer)


async def archive_evidence(call: Call) -> Reply:
    """Archive a proof."""
    match = bytes.fromhex(call.tag)
    answer = await call.services.evidence.archive(call.path["evidence"], match, call.act)
    return Reply(answer, {"ETag": f'"{answer.seal_id}"'})


async def fetch_container(call: Call) -> web.StreamResponse:
    """Hand out a whole container."""
    fetched = await call.services.fetching.container(*_version(call), call.act)
    tag = f"{fetched.version.seal_id.hex()}.{fetched.version.generation}"
    return await send(call, fetched, tag=tag, partial=False)


async def fetch_envelope(call: Call) -> web.StreamResponse:
    """Hand out preamble and envelope."""
    fetched = await call.services.fetching.envelope(*_version(call), call.act)
    return await send(call, fetched, tag=str(fetched.version.generation), partial=False)


async def rewrite_envelope(call: Call) -> Reply:
    """Take a new envelope."""
    rewriting = call.services.rewriting
    answer = await rewriting.rewrite(*_version(call), int(call.tag), call.stream, call.act)
    return Reply(answer, {"ETag": f'"{answer.generation}"'})


async def fetch_body(call: Call) -> web.StreamResponse:
    """Hand out a body, or a range of it."""

    def choose(version: rows.Version) -> Slice:
        return choose_range(call.request, version.body_size, tag=version.seal_id.hex())

    fetched = await call.services.fetching.body(*_version(call), call.act, choose)
    partial = fetched.slice.length < fetched.slice.total
    return await send(call, fetched, tag=fetched.version.seal_id.hex(), partial=partial)


async def get_receipt(call: Call) -> Receipt:
    """Hand a receipt out again."""
    return await call.services.evidence.receipt(*_version(call))


async def record_opening(call: Call) -> Opening:
    """Store a reviewer's word."""
    request = call.body(OpeningRequest)
    return await call.services.evidence.record_opening(*_version(call), request, call.act)


def _version(call: Call) -> tuple[str, int]:
    return call.path["evidence"], int(call.path["number"])


def _tagged(answer: Deposited) -> Reply:
    return Reply(answer, {"ETag": f'"{answer.version.seal_id}"'})
