"""Routes: deposits that arrive in parts."""

from __future__ import annotations

from typing import Final

from vault.api.models.evidence import Deposited
from vault.api.models.uploads import Upload, UploadPart
from vault.api.problems import Code
from vault.api.route import CONTAINER, OCTETS, Route, Tag
from vault.api.tables.evidence import DEPOSIT
from vault.container.layout import PREAMBLE_LENGTH
from vault.container.limits import ENVELOPE

UPLOADS: Final = (
    Route(
        name="begin_upload",
        method="POST",
        path="/v1/dossiers/{dossier}/uploads",
        rule="deposit",
        tag=Tag.UPLOADS,
        summary="Begin to deposit a new proof in parts, or find that again: a container without its payload.",
        sends=CONTAINER,
        answer=Upload,
        acting=True,
        problems=DEPOSIT,
    ),
    Route(
        name="begin_replacement",
        method="POST",
        path="/v1/evidence/{evidence}/uploads",
        rule="replace_evidence",
        tag=Tag.UPLOADS,
        summary="Begin to replace a proof in parts, or find the upload again.",
        sends=CONTAINER,
        answer=Upload,
        if_match=True,
        acting=True,
        problems=DEPOSIT,
    ),
    Route(
        name="get_upload",
        method="GET",
        path="/v1/uploads/{upload}",
        rule="upload",
        tag=Tag.UPLOADS,
        summary="An upload, and which of its parts are stored.",
        answer=Upload,
        acting=True,
    ),
    Route(
        name="put_part",
        method="PUT",
        path="/v1/uploads/{upload}/parts/{part}",
        rule="upload",
        tag=Tag.UPLOADS,
        summary="Store one part of the payload, in any order; the same again changes nothing.",
        sends=OCTETS,
        answer=UploadPart,
        digested=True,
        acting=True,
        problems=(Code.CONFLICT, Code.PAYLOAD_DAMAGED),
    ),
    Route(
        name="put_upload_envelope",
        method="PUT",
        path="/v1/uploads/{upload}/envelope",
        rule="upload",
        tag=Tag.UPLOADS,
        summary="Put a newer envelope in the place of the upload's: the dossier's key was rotated meanwhile.",
        sends=CONTAINER,
        max_body=PREAMBLE_LENGTH + ENVELOPE,
        answer=Upload,
        acting=True,
        problems=DEPOSIT,
    ),
    Route(
        name="complete_upload",
        method="POST",
        path="/v1/uploads/{upload}/completion",
        rule="upload",
        tag=Tag.UPLOADS,
        summary="Publish what was uploaded; asked again, it answers the same.",
        status=201,
        answer=Deposited,
        acting=True,
        problems=(*DEPOSIT, Code.UPLOAD_INCOMPLETE),
    ),
    Route(
        name="abandon_upload",
        method="DELETE",
        path="/v1/uploads/{upload}",
        rule="upload",
        tag=Tag.UPLOADS,
        summary="Give an upload up, with all its parts.",
        status=204,
        acting=True,
        problems=(Code.CONFLICT,),
    ),
)
