"""Handlers: deposits that arrive in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.server.call import Reply

if TYPE_CHECKING:
    from vault.api.models.uploads import Upload, UploadPart
    from vault.server.call import Call


async def begin_upload(call: Call) -> Upload:
    """Begin to take a new proof."""
    return await call.services.uploads.begin(call.path["dossier"], call.stream, call.act)


async def begin_replacement(call: Call) -> Upload:
    """Begin to take a better proof."""
    match = bytes.fromhex(call.tag)
    return await call.services.uploads.begin_replacement(call.path["evidence"], match, call.stream, call.act)


async def get_upload(call: Call) -> Upload:
    """Show an upload."""
    return await call.services.uploads.get(call.path["upload"])


async def put_part(call: Call) -> UploadPart:
    """Take a part."""
    number, length = int(call.path["part"]), call.request.content_length
    return await call.services.parts.put(call.path["upload"], number, length, call.stream, call.sha256)


async def put_upload_envelope(call: Call) -> Upload:
    """Take a newer envelope."""
    return await call.services.uploads.renew(call.path["upload"], call.stream, call.act)


async def complete_upload(call: Call) -> Reply:
    """Publish."""
    answer = await call.services.completing.complete(call.path["upload"], call.act)
    return Reply(answer, {"ETag": f'"{answer.version.seal_id}"'})


async def abandon_upload(call: Call) -> None:
    """Forget an upload."""
    await call.services.uploads.abandon(call.path["upload"])
