"""Routes: re-encrypting what was deposited, and erasing what it was before."""

from __future__ import annotations

from typing import Final

from vault.api.models.base import Page, Paging
from vault.api.models.evidence import Deposited, Version
from vault.api.models.reencryption import Left, Reencryption
from vault.api.models.uploads import Upload
from vault.api.problems import Code
from vault.api.route import CONTAINER, Route, Tag
from vault.api.tables.evidence import DEPOSIT

_TAKEN: Final = (
    *(code for code in DEPOSIT if code not in {Code.DOSSIER_CLOSED, Code.TEMPLATE_REFUSED}),
    Code.APPROVALS_MISSING,
)

REENCRYPTION: Final = (
    Route(
        name="get_reencryption",
        method="GET",
        path="/v1/dossiers/{dossier}/reencryption",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="How much of a dossier was sealed before its current key, and what is left of the originals.",
        answer=Reencryption,
    ),
    Route(
        name="list_left",
        method="GET",
        path="/v1/dossiers/{dossier}/reencryption/left",
        rule="manage_any_dossier",
        tag=Tag.DOSSIERS,
        summary="Versions to be re-encrypted, and those of which an original is to be erased.",
        query=Paging,
        answer=Page[Left],
        problems=(Code.DOSSIER_ERASED,),
    ),
    Route(
        name="reencrypt",
        method="POST",
        path="/v1/evidence/{evidence}/versions/{number}/reencryption",
        rule="reencrypt",
        tag=Tag.EVIDENCE,
        summary="Put a new container with the same files in the place of a version, active or archived.",
        status=201,
        sends=CONTAINER,
        answer=Deposited,
        idempotent=True,
        problems=_TAKEN,
    ),
    Route(
        name="begin_reencryption",
        method="POST",
        path="/v1/evidence/{evidence}/versions/{number}/uploads",
        rule="reencrypt",
        tag=Tag.UPLOADS,
        summary="Begin to send in parts what re-encrypts a version, or find the upload again.",
        sends=CONTAINER,
        answer=Upload,
        problems=_TAKEN,
    ),
    Route(
        name="erase_originals",
        method="DELETE",
        path="/v1/evidence/{evidence}/versions/{number}/originals",
        rule="reencrypt",
        tag=Tag.EVIDENCE,
        summary="Destroy envelopes and bodies of what a version was before; their seals and receipts stay.",
        answer=Version,
        if_match=True,
        problems=(Code.CONFLICT, Code.DOSSIER_ERASED, Code.APPROVALS_MISSING),
    ),
)
