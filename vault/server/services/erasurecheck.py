"""Certificates of erased dossiers as they are stored: whole, signed, and in the journal where they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.errors import KeyMaterialError
from keys.statements import Erasure as ErasureStatement
from keys.statements import Signed, read_unjudged
from vault.certificates import ERASED_VERSION, CertificateError, LineTree
from vault.server.services.damage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.server.ports import Records
    from vault.server.stores.records.rows import Dossier
    from vault.server.stores.records.transactions import Reading

PAGE: Final = 50
_LINES: Final = 1000


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
    entries = await view.journal.entries(said.journal_position, 1)
    if [row.leaf for row in entries] != [said.journal_leaf]:
        return "the journal does not have the entry that the certificate names"
    tree, start = LineTree(ERASED_VERSION), 0
    try:
        while lines := await view.erasures.lines(dossier_id, start=start, limit=_LINES):
            for line in lines:
                tree.read(line)
            start += _LINES
        tree.require(count=said.versions, root=said.root)
    except CertificateError as error:
        return f"the lines of the certificate were changed: {error}"
    return ""
