"""Templates: small containers that editors fetch by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, update

from vault.server.failpoints import Failpoint, reach
from vault.server.stores.records import schema
from vault.server.stores.records.handle import ChangeHandle, Handle, rows_of
from vault.server.stores.records.paging import page
from vault.server.stores.records.rows import Page, Template, TemplateParts

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement


class Templates:
    """Templates and their bytes."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def get(self, template_id: str) -> Template | None:
        """Return one, withdrawn or not."""
        table = schema.templates
        return await self._handle.first(Template, rows_of(Template, table).where(table.c.id == template_id))

    async def by_code(self, code_hash: bytes) -> Template | None:
        """Return the template whose link has a code of this SHA-256, expired and withdrawn ones included."""
        table = schema.templates
        return await self._handle.first(
            Template, rows_of(Template, table).where(table.c.code_hash == code_hash)
        )

    async def by_signer(self, dossier_id: str, signer: bytes) -> tuple[Template, ...]:
        """Return a dossier's templates that this signing key sealed and that were not withdrawn."""
        table = schema.templates
        return await self._handle.all(
            Template,
            rows_of(Template, table)
            .where(table.c.dossier_id == dossier_id, table.c.signer == signer, table.c.withdrawn_at.is_(None))
            .order_by(table.c.position),
        )

    async def parts(self, template_id: str) -> TemplateParts | None:
        """Return a template's bytes; None once it is withdrawn."""
        table = schema.template_parts
        return await self._handle.first(
            TemplateParts, rows_of(TemplateParts, table).where(table.c.template_id == template_id)
        )

    async def after(self, template_id: str, *, dossier_id: str | None, limit: int) -> tuple[Template, ...]:
        """Return templates, withdrawn ones included, in the order of their ids.

        Args:
            template_id: of the last one that was seen, empty for the beginning.
            dossier_id: of this dossier alone.
            limit: how many at most.
        """
        table = schema.templates
        query = rows_of(Template, table).where(table.c.id > template_id)
        if dossier_id is not None:
            query = query.where(table.c.dossier_id == dossier_id)
        return await self._handle.all(Template, query.order_by(table.c.id).limit(limit))

    async def list(
        self,
        dossier_id: str,
        *,
        signers: Collection[bytes] | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Template]:
        """Return a page of a dossier's templates, withdrawn ones included.

        Args:
            dossier_id: of this dossier.
            signers: sealed by one of these keys.
            cursor: of the page before.
            limit: 1 to 200.

        Raises:
            BadCursorError: not a cursor of this list.
        """
        table = schema.templates
        query = rows_of(Template, table).where(table.c.dossier_id == dossier_id)
        if signers is not None:
            query = query.where(table.c.signer.in_(signers))
        return await page(self._handle, Template, query, table, cursor=cursor, limit=limit)


class TemplateChanges(Templates):
    """Templates, to be made, taken over and withdrawn."""

    def __init__(self, handle: ChangeHandle) -> None:
        super().__init__(handle)
        self._change = handle

    async def add(
        self,
        *,
        template_id: str,
        dossier_id: str,
        signer: bytes,
        signing_public: bytes,
        seal_id: bytes,
        generation: int,
        envelope_digest: bytes,
        head: bytes,
        body: bytes,
        code_hash: bytes,
        expires_at: int,
    ) -> Template:
        """Store a template; ``head`` is preamble and envelope, ``body`` the rest.

        Raises:
            AlreadyExistsError: this seal is a stored template's, or the dossier is not there.
        """
        template = await self._change.insert(
            schema.templates,
            Template(
                id=template_id,
                dossier_id=dossier_id,
                signer=signer,
                signing_public=signing_public,
                seal_id=seal_id,
                generation=generation,
                envelope_digest=envelope_digest,
                size=len(head) + len(body),
                code_hash=code_hash,
                expires_at=expires_at,
                withdrawn_at=None,
                position=self._change.position,
                created_at=self._change.now,
            ),
        )
        await self._change.insert(schema.template_parts, TemplateParts(template_id, head, body))
        return template

    async def replace(
        self,
        template_id: str,
        *,
        expected: bytes,
        signer: bytes,
        signing_public: bytes,
        seal_id: bytes,
        generation: int,
        envelope_digest: bytes,
        head: bytes,
        body: bytes,
    ) -> Template:
        """Put another template in the place of the one with the seal ``expected``; its link stays.

        Raises:
            OutdatedError: it is not there, was withdrawn, or has another seal.
            AlreadyExistsError: the new seal is a stored template's.
        """
        table = schema.templates
        values = {
            "signer": signer,
            "signing_public": signing_public,
            "seal_id": seal_id,
            "generation": generation,
            "envelope_digest": envelope_digest,
            "size": len(head) + len(body),
        }
        return await self._move(
            template_id, table.c.seal_id == expected, values, {"head": head, "body": body}
        )

    async def rewrite_head(
        self, template: Template, *, generation: int, envelope_digest: bytes, head: bytes
    ) -> Template:
        """Put another preamble and envelope before a template's body.

        Raises:
            OutdatedError: it is not there, was withdrawn, or is no longer as ``template`` says.
        """
        table = schema.templates
        found = await self.parts(template.id)
        before = len(found.head) if found else 0
        values = {
            "generation": generation,
            "envelope_digest": envelope_digest,
            "size": template.size - before + len(head),
        }
        condition = and_(
            table.c.seal_id == template.seal_id, table.c.envelope_digest == template.envelope_digest
        )
        return await self._move(template.id, condition, values, {"head": head})

    async def _move(
        self,
        template_id: str,
        condition: ColumnElement[bool],
        values: dict[str, Any],
        parts: dict[str, bytes],
    ) -> Template:
        table, bytes_ = schema.templates, schema.template_parts
        await self._change.swap(
            update(table)
            .where(table.c.id == template_id, table.c.withdrawn_at.is_(None), condition)
            .values(**values),
            "the template",
        )
        reach(Failpoint.TEMPLATE_MOVED)
        await self._change.swap(
            update(bytes_).where(bytes_.c.template_id == template_id).values(**parts), "the template's bytes"
        )
        reach(Failpoint.TEMPLATE_WRITTEN)
        after = await self.get(template_id)
        assert after is not None
        return after

    async def withdraw(self, template_id: str) -> None:
        """End a template's link and remove its bytes.

        Raises:
            OutdatedError: it is not there, or withdrawn already.
        """
        table = schema.templates
        await self._change.swap(
            update(table)
            .where(table.c.id == template_id, table.c.withdrawn_at.is_(None))
            .values(withdrawn_at=self._change.now),
            "the template",
        )
        await self._change.execute(
            delete(schema.template_parts).where(schema.template_parts.c.template_id == template_id)
        )
