"""Handlers: re-encrypting what was deposited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.base import Paging
from vault.server.call import Reply

if TYPE_CHECKING:
    from vault.api.models.base import Page
    from vault.api.models.evidence import Version
    from vault.api.models.reencryption import Left, Reencryption
    from vault.api.models.uploads import Upload
    from vault.server.call import Call


async def get_reencryption(call: Call) -> Reencryption:
    """Say how much is left."""
    return await call.services.reencrypting.get(call.path["dossier"])


async def list_left(call: Call) -> Page[Left]:
    """List what is left."""
    return await call.services.reencrypting.left(call.path["dossier"], call.query(Paging))


async def reencrypt(call: Call) -> Reply:
    """Take a container into another one's place."""
    answer = await call.services.deposits.reencrypt(*_version(call), call.stream, call.act)
    return Reply(answer, {"ETag": f'"{answer.version.seal_id}"'})


async def begin_reencryption(call: Call) -> Upload:
    """Begin, or find what was begun."""
    return await call.services.uploads.begin_reencryption(*_version(call), call.stream, call.act)


async def erase_originals(call: Call) -> Version:
    """Destroy what was re-encrypted."""
    match = bytes.fromhex(call.tag)
    return await call.services.reencrypting.erase(*_version(call), match, call.act)


def _version(call: Call) -> tuple[str, int]:
    return call.path["evidence"], int(call.path["number"])
