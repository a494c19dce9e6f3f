"""Handlers: rotating a dossier's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.base import Page, Paging
from vault.api.models.erasure import CertificateLines, LinesQuery
from vault.api.models.rotation import Outdated, OutdatedQuery, Retirement, Rotation, RotationRequest

if TYPE_CHECKING:
    from vault.server.call import Call


async def rotate_dossier_key(call: Call) -> Rotation:
    """Give a dossier its next key."""
    request = call.body(RotationRequest)
    return await call.services.rotating.rotate(call.path["dossier"], request, call.act)


async def get_rotation(call: Call) -> Rotation:
    """Show how far a rotation is."""
    return await call.services.rotating.get(call.path["dossier"])


async def list_outdated(call: Call) -> Page[Outdated]:
    """Hand out envelopes to be written anew."""
    query = call.query(OutdatedQuery)
    return await call.services.rotating.outdated(call.path["dossier"], query, call.act)


async def retire_dossier_key(call: Call) -> Rotation:
    """End the grants of older keys."""
    generation = int(call.path["generation"])
    return await call.services.retiring.retire(call.path["dossier"], generation, call.act)


async def list_retirements(call: Call) -> Page[Retirement]:
    """List which keys have ended."""
    return await call.services.retiring.list(call.path["dossier"], call.query(Paging))


async def list_retired(call: Call) -> CertificateLines:
    """Hand out lines of a certificate."""
    position = int(call.path["position"])
    return await call.services.retiring.lines(call.path["dossier"], position, call.query(LinesQuery))
