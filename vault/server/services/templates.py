"""Templates: small containers that editors fetch by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vault.api.models.dossiers import TemplateIssued
from vault.api.problems import Code
from vault.api.tokens import hash_of
from vault.container.arrival import ArrivalExaminer
from vault.container.examine import Expectations
from vault.container.seal import TEMPLATE
from vault.journal import Action, Fact, Subject
from vault.server.ports import AlreadyExistsError, OutdatedError, new_id
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.admission import check_passwords, check_recovery
from vault.server.services.arriving import Arrival
from vault.server.services.keeping import require_kept
from vault.server.services.secrets import new_code

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keys.keyfile import PublicIdentity
    from vault.api.models.base import Page, Paging
    from vault.api.models.dossiers import Template, TemplateQuery
    from vault.container.examine import Examined
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act
    from vault.server.services.beliefs import Beliefs
    from vault.server.services.idempotency import Idempotency
    from vault.server.services.throttling import Throttling

FETCH: Final = "template"


class Fetched(NamedTuple):
    """A template's bytes and its seal id."""

    data: bytes
    seal_id: bytes


class Templates:
    """Stores templates, and hands each out to whoever has its code."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        beliefs: Beliefs,
        throttling: Throttling,
        idempotency: Idempotency,
        *,
        origin: str,
    ) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs
        self._throttling = throttling
        self._idempotency = idempotency
        self._origin = origin

    async def create(
        self, dossier_id: str, query: TemplateQuery, chunks: AsyncIterator[bytes], act: Act
    ) -> TemplateIssued:
        """Store a template after checking all that shows without a key; return its link, once.

        Raises:
            ContainerError: it is not whole.
            RefusedError: template_refused; password_forbidden; recovery_slot_missing; writer_missing;
                already_exists; dossier_closed; dossier_erased; authority_missing.
        """
        async with self._records.read() as view:
            authority = await self._beliefs.present_authority(view)
        arrival = Arrival(chunks, ArrivalExaminer(Expectations(dossier=dossier_id)))
        body = b"".join([chunk async for chunk in arrival.body()])
        examined = arrival.result
        repeated = await self._repeated(examined, act)
        if repeated is not None:
            return repeated
        check_template(examined, authority)
        seal, envelope, code = examined.seal.seal, examined.envelope, new_code()
        async with self._records.change(act.origin) as tx:
            dossier = await tx.dossiers.get(dossier_id)
            assert dossier is not None
            require_kept(dossier)
            if dossier.closed_at is not None:
                raise RefusedError(Code.DOSSIER_CLOSED, "the dossier is closed")
            await check_passwords(tx, dossier, envelope.envelope)
            await check_recovery(self._beliefs, tx, seal)
            try:
                row = await tx.templates.add(
                    template_id=new_id(),
                    dossier_id=dossier_id,
                    signer=seal.signer_key_id,
                    signing_public=seal.signer,
                    seal_id=examined.seal.seal_id,
                    generation=envelope.envelope.generation,
                    envelope_digest=envelope.digest,
                    head=arrival.head,
                    body=body,
                    code_hash=code.hash,
                    expires_at=tx.now + query.lifetime,
                )
            except AlreadyExistsError:
                raise RefusedError(Code.ALREADY_EXISTS, "this template is stored already") from None
            await tx.record(
                Action.TEMPLATE_MADE,
                [Subject("dossier", dossier_id), Subject("template", row.id)],
                {Fact.SEAL: row.seal_id, Fact.SIGNER: row.signer, Fact.UNTIL: row.expires_at},
            )
            link = f"{self._origin}/v1/templates/{code.text}"
            answer = TemplateIssued(template=views.template(row), code=code.text, link=link)
            await act.remember(tx, answer, secret=frozenset({"code", "link"}))
        return answer

    async def _repeated(self, examined: Examined, act: Act) -> TemplateIssued | None:
        """Return what an equal request was answered, without the link, which was shown once."""
        if act.memo is None:
            return None
        act.memo.digest = examined.seal.seal_id
        async with self._records.read() as view:
            found = await self._idempotency.find(view, act.memo)
        if found is None or found.answer is None:
            return None
        return TemplateIssued.model_validate_json(found.answer)

    async def list(self, dossier_id: str, paging: Paging, act: Act) -> Page[Template]:
        """Return a page of a dossier's templates, without their links; an editor's own alone."""
        editor = act.principal.editor_key
        async with self._records.read() as view:
            found = await view.templates.list(
                dossier_id,
                signers=await self._beliefs.line(view, dossier_id, editor) if editor is not None else None,
                cursor=paging.cursor,
                limit=paging.limit,
            )
        return views.page(found, views.template)

    async def withdraw(self, dossier_id: str, template_id: str, act: Act) -> None:
        """End a template's link and remove its bytes; one that has ended stays so.

        Raises:
            RefusedError: not_found.
        """
        async with self._records.read() as view:
            row = await view.templates.get(template_id)
        if row is None or row.dossier_id != dossier_id:
            raise RefusedError(Code.NOT_FOUND, "there is no such template")
        if row.withdrawn_at is not None:
            return
        async with self._records.change(act.origin) as tx:
            try:
                await tx.templates.withdraw(template_id)
            except OutdatedError:
                raise RefusedError(Code.NOT_FOUND, "there is no such template") from None
            await tx.record(
                Action.TEMPLATE_WITHDRAWN,
                [Subject("dossier", dossier_id), Subject("template", template_id)],
            )

    async def fetch(self, code: str, act: Act) -> Fetched:
        """Return the template that a code stands for, the journal entry written first.

        Raises:
            RefusedError: not_found, for a code that never was one, expired or was withdrawn;
                too_many_attempts.
        """
        await self._throttling.check(FETCH, act.source)
        code_hash = hash_of(code)
        async with self._records.read() as view:
            row = await view.templates.by_code(code_hash)
            parts = await view.templates.parts(row.id) if row else None
        if row is None or parts is None or row.expires_at <= self._clock.now():
            await self._throttling.failed(FETCH, act.source)
            raise RefusedError(Code.NOT_FOUND, "there is no template behind this link, or no longer")
        async with self._records.change(act.named("code", row.id).origin) as tx:
            await tx.record(
                Action.TEMPLATE_FETCHED,
                [Subject("dossier", row.dossier_id), Subject("template", row.id)],
                {Fact.SEAL: row.seal_id},
            )
        return Fetched(parts.head + parts.body, row.seal_id)


def check_template(examined: Examined, authority: PublicIdentity) -> None:
    """Return only if a whole container can serve as a template.

    Raises:
        RefusedError: template_refused; writer_missing.
    """
    seal, envelope = examined.seal.seal, examined.envelope.envelope
    if seal.evidence_type != TEMPLATE or seal.supersedes:
        raise RefusedError(Code.TEMPLATE_REFUSED, "this is evidence, not a template")
    if not any(slot.identity for slot in envelope.password_slots):
        raise RefusedError(
            Code.TEMPLATE_REFUSED, "no password opens this template to the depositor's identity"
        )
    if not seal.writers or seal.writers[0] != authority.signing_key_id:
        raise RefusedError(Code.WRITER_MISSING, "a template names the authority as the first writer")
