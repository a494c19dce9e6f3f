"""Routes: rotating a dossier's key."""

from __future__ import annotations

from typing import Final

from vault.api.models.base import Page, Paging
from vault.api.models.erasure import CertificateLines, LinesQuery
from vault.api.models.rotation import Outdated, OutdatedQuery, Retirement, Rotation, RotationRequest
from vault.api.problems import Code
from vault.api.route import Route, Tag

ROTATION: Final = (
    Route(
        name="rotate_dossier_key",
        method="POST",
        path="/v1/dossiers/{dossier}/keys",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="Give a dossier its next key; deposits are sealed to it from now on.",
        status=201,
        request=RotationRequest,
        answer=Rotation,
        idempotent=True,
        problems=(
            Code.STATEMENT_INVALID,
            Code.AUTHORITY_MISSING,
            Code.ALREADY_EXISTS,
            Code.CONFLICT,
            Code.DOSSIER_ERASED,
        ),
    ),
    Route(
        name="get_rotation",
        method="GET",
        path="/v1/dossiers/{dossier}/rotation",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="How much of a dossier is still sealed to older keys.",
        answer=Rotation,
    ),
    Route(
        name="list_outdated",
        method="GET",
        path="/v1/dossiers/{dossier}/rotation/outdated",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="Envelopes that are sealed to older keys, with their seals, to be written anew.",
        query=OutdatedQuery,
        answer=Page[Outdated],
        problems=(Code.DOSSIER_ERASED,),
    ),
    Route(
        name="retire_dossier_key",
        method="POST",
        path="/v1/dossiers/{dossier}/keys/{generation}/retirement",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="End all grants of a key, and of those before it, once no envelope is sealed to them.",
        answer=Rotation,
        problems=(Code.CONFLICT, Code.DOSSIER_ERASED),
    ),
    Route(
        name="list_retirements",
        method="GET",
        path="/v1/dossiers/{dossier}/retirements",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="Which keys of a dossier have ended, the newest first, with what the server signed about it.",
        query=Paging,
        answer=Page[Retirement],
    ),
    Route(
        name="list_retired",
        method="GET",
        path="/v1/dossiers/{dossier}/retirements/{position}/lines",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="The lines of such a certificate.",
        query=LinesQuery,
        answer=CertificateLines,
    ),
)
