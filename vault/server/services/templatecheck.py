"""Templates as they are stored: small containers in the records, which anybody can examine whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vault.container.arrival import ArrivalExaminer
from vault.container.examine import Expectations
from vault.container.outcomes import ContainerError
from vault.server.services.damage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.server.ports import Records
    from vault.server.stores.records.rows import Template, TemplateParts

PAGE: Final = 50


async def check_templates(records: Records, *, dossier_id: str | None) -> AsyncIterator[Finding]:
    """Yield the templates that are not what was made; one that was withdrawn has no bytes any more.

    Raises:
        RecordsUnavailableError.
    """
    last = ""
    while True:
        async with records.read() as view:
            page = await view.templates.after(last, dossier_id=dossier_id, limit=PAGE)
            parts = {one.id: await view.templates.parts(one.id) for one in page if one.withdrawn_at is None}
        if not page:
            return
        for template in page:
            detail = _wrong(template, parts[template.id]) if template.id in parts else ""
            if detail:
                yield Finding(
                    Kind.TEMPLATE_DAMAGED,
                    detail,
                    dossier=template.dossier_id,
                    template=template.id,
                    seal=template.seal_id.hex(),
                )
        last = page[-1].id


def _wrong(template: Template, parts: TemplateParts | None) -> str:
    """Return what is wrong, empty where nothing is."""
    if parts is None:
        return "the bytes of the template are missing"
    examiner = ArrivalExaminer(Expectations(template.dossier_id, {template.signer}, template.generation))
    try:
        examiner.update(parts.head)
        examiner.update(parts.body)
        examined = examiner.finalize()
    except ContainerError as error:
        return f"the template was changed: {error.detail}"
    found = (examined.seal.seal_id, examined.envelope.digest, examined.size)
    if found != (template.seal_id, template.envelope_digest, template.size):
        return "the template is not the one that its row names"
    return ""
