"""Certificates of keys that have ended as they are stored: whole, signed, and in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.errors import KeyMaterialError
from keys.statements import Rotation, Signed, read_unjudged
from vault.server.services.certificatecheck import fault_of
from vault.server.services.damage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vault.server.ports import Records
    from vault.server.stores.records.retiring import Retirement
    from vault.server.stores.records.transactions import Reading

PAGE: Final = 50


async def check_retirements(records: Records, *, dossier_id: str | None) -> AsyncIterator[Finding]:
    """Yield the certificates that are not what was signed.

    Raises:
        RecordsUnavailableError.
    """
    position = -1
    while True:
        async with records.read() as view:
            page = await view.retirements.after(position, dossier_id=dossier_id, limit=PAGE)
        if not page:
            return
        for row in page:
            async with records.read() as view:
                detail = await _wrong(view, row)
            if detail:
                yield Finding(Kind.CERTIFICATE_DAMAGED, detail, dossier=row.dossier_id, position=row.position)
        position = page[-1].position


async def _wrong(view: Reading, row: Retirement) -> str:
    """Return what is wrong, empty where nothing is."""
    try:
        said = read_unjudged(Signed(*row.signed), Rotation)
    except KeyMaterialError:
        return "the statement of the certificate was changed"
    about = (said.dossier, said.ended, said.journal_position)
    if about != (row.dossier_id, row.generation, row.position):
        return "the certificate is not the one of this key"

    async def lines(start: int, limit: int) -> Sequence[bytes]:
        return await view.retirements.lines(row.position, start=start, limit=limit)

    return await fault_of(view, said, said.containers, lines)
