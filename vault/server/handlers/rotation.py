"""Handlers: rotating a dossier's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.rotation import Outdated, OutdatedQuery, Rotation, RotationRequest

if TYPE_CHECKING:
    from vault.api.models.base import Page
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
    return await call.services.rotating.retire(call.path["dossier"], generation, call.act)
