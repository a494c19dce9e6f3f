"""Handlers: retention times, and erasing dossiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.base import Page, Paging
from vault.api.models.erasure import CertificateLines, Erasure, LinesQuery, Retention, RetentionRequest

if TYPE_CHECKING:
    from vault.server.call import Call


async def list_retentions(call: Call) -> Page[Retention]:
    """List retention times."""
    return await call.services.retentions.list(call.query(Paging))


async def set_retention(call: Call) -> Retention:
    """Set a retention time."""
    return await call.services.retentions.set(call.body(RetentionRequest), call.act)


async def get_erasure(call: Call) -> Erasure:
    """Show what an erasure would destroy, or has destroyed."""
    return await call.services.erasing.look(call.path["dossier"])


async def erase_dossier(call: Call) -> Erasure:
    """Erase a dossier, or go on removing it."""
    return await call.services.erasing.erase(call.path["dossier"], bytes.fromhex(call.tag), call.act)


async def list_erased(call: Call) -> CertificateLines:
    """Hand out lines of a certificate."""
    return await call.services.erasing.lines(call.path["dossier"], call.query(LinesQuery))
