"""Routes: for how long dossiers are kept, and erasing them."""

from __future__ import annotations

from typing import Final

from vault.api.models.base import Page, Paging
from vault.api.models.erasure import CertificateLines, Erasure, LinesQuery, Retention, RetentionRequest
from vault.api.problems import Code
from vault.api.route import Route, Tag

ERASURE: Final = (
    Route(
        name="list_retentions",
        method="GET",
        path="/v1/retentions",
        rule="admin",
        tag=Tag.DOSSIERS,
        summary="How long dossiers are kept after they were closed, by démarche.",
        query=Paging,
        answer=Page[Retention],
    ),
    Route(
        name="set_retention",
        method="PUT",
        path="/v1/retentions",
        rule="admin",
        tag=Tag.DOSSIERS,
        summary="Set how long dossiers of a démarche are kept after they were closed.",
        request=RetentionRequest,
        answer=Retention,
    ),
    Route(
        name="get_erasure",
        method="GET",
        path="/v1/dossiers/{dossier}/erasure",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="What erasing the dossier would destroy, or has destroyed.",
        answer=Erasure,
    ),
    Route(
        name="erase_dossier",
        method="POST",
        path="/v1/dossiers/{dossier}/erasure",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="Erase a closed dossier, or go on removing it: ask again while bodies are waiting.",
        answer=Erasure,
        if_match=True,
        names="root",
        problems=(Code.DOSSIER_OPEN, Code.RETENTION_RUNNING, Code.APPROVALS_MISSING),
    ),
    Route(
        name="list_erased",
        method="GET",
        path="/v1/dossiers/{dossier}/erasure/lines",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="The lines of the certificate of an erased dossier.",
        query=LinesQuery,
        answer=CertificateLines,
    ),
)
