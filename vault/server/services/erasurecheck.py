"""Certificates of erased dossiers as they are stored: whole, signed, and in the journal where they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.errors import KeyMaterialError
from keys.statements import Erasure as ErasureStatement
from keys.statements import Signed, read_unjudged
from vault.server.services.certificatecheck import fault_of
from vault.server.services.damage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vault.server.ports import Records
    from vault.server.stores.records.rows import Dossier
    from vault.server.stores.records.transactions import Reading

PAGE: Final = 50


async def check_erasures(records: Records, *, dossier_id: str | None) -> AsyncIterator[Finding]:
    """Yield the certificates that are not what was signed.

    Raises:
        RecordsUnavailableError.
    """
    async for dossier in _erased(records, dossier_id):
        async with records.read() as view:
            detail = await _wrong(view, dossier.id)
        if detail:
            yield Finding(Kind.CERTIFICATE_DAMAGED, detail, dossier=dossier.id)


async def _erased(records: Records, dossier_id: str | None) -> AsyncIterator[Dossier]:
    if dossier_id is not None:
        async with records.read() as view:
            dossier = await view.dossiers.get(dossier_id)
        if dossier is not None and dossier.erased_at is not None:
            yield dossier
        return
    cursor = None
    while True:
        async with records.read() as view:
            page = await view.dossiers.list(erased=True, cursor=cursor, limit=PAGE)
        for dossier in page.items:
            yield dossier
        cursor = page.next
        if cursor is None:
            return


async def _wrong(view: Reading, dossier_id: str) -> str:
    """Return what is wrong, empty where nothing is."""
    found = await view.erasures.get(dossier_id)
    if found is None:
        return "the dossier is erased, and its certificate is missing"
    try:
        said = read_unjudged(Signed(*found.signed), ErasureStatement)
    except KeyMaterialError:
        return "the statement of the certificate was changed"
    if (said.dossier, said.journal_position) != (dossier_id, found.position):
        return "the certificate is not the one of this dossier"

    async def lines(start: int, limit: int) -> Sequence[bytes]:
        return await view.erasures.lines(dossier_id, start=start, limit=limit)

    return await fault_of(view, said, said.versions, lines)
