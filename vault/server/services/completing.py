"""Completing an upload: its parts become one body, which is published as every deposit is."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from vault.api.models.evidence import Deposited
from vault.api.problems import Code
from vault.container.examine import Expectations, Outline
from vault.container.heads import judge_head, parse_head
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import HiddenError
from vault.server.ports import ObjectDamagedError, ObjectNotFoundError, OutdatedError, StoreError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.parting import part_count, seal_of
from vault.server.services.publishing import Incoming, Place
from vault.server.stores.records.uploads import COMPLETED
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from vault.container.seal import SignedSeal
    from vault.server.ports import Clock, ObjectStore, Records, StagedPart, StoredObject
    from vault.server.services.acts import Act, View
    from vault.server.services.publishing import Publishing
    from vault.server.stores.records.rows import Upload

_NAMED: Final = 100
"""Missing parts that a refusal names; a session can lack thousands."""


class _CompletedError(Exception):
    """Somebody else completed it in the meantime; the transaction is undone."""


class Completing:
    """Publishes uploads."""

    def __init__(self, records: Records, store: ObjectStore, clock: Clock, publishing: Publishing) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._publishing = publishing

    async def complete(self, upload_id: str, act: Act) -> Deposited:
        """Publish an upload; asked again, answer the same.

        Raises:
            ContainerError, RefusedError: it is not published, and stays until it is given up or expires.
        """
        async with self._records.read() as view:
            upload = _there(await view.uploads.get(upload_id, now=self._clock.now()))
            if upload.state == COMPLETED:
                return await _published(view, upload)
            parts = await view.uploads.parts(upload.id)
        _check_parts(upload, parts)
        try:
            seal = await seal_of(self._store, upload)
        except ObjectNotFoundError:
            # Whoever was faster has published it, and removed leaves and seal.
            async with self._records.read() as view:
                current = _there(await view.uploads.get(upload_id, now=self._clock.now()))
                if current.state != COMPLETED:
                    raise
                return await _published(view, current)
        body = await self._assemble(upload, parts)
        reach(Failpoint.UPLOAD_ASSEMBLED)
        try:
            answer = await self._publish(upload, seal, body, act)
        except _CompletedError:
            async with self._records.read() as view:
                return await _published(view, upload)
        except OutdatedError:
            raise _gone() from None
        reach(Failpoint.UPLOAD_PUBLISHED)
        with suppress(StoreError):  # the janitor finds it
            await settle(self._store.delete(upload.trailer_key))
        reach(Failpoint.UPLOAD_CLEANED)
        return answer

    async def _assemble(self, upload: Upload, parts: tuple[StagedPart, ...]) -> StoredObject:
        try:
            return await self._store.assemble(upload.staged, parts)
        except (ObjectNotFoundError, ObjectDamagedError):
            raise RefusedError(
                Code.CONFLICT, "the store does not have all of this upload: give it up and begin again"
            ) from None

    async def _publish(self, upload: Upload, seal: SignedSeal, body: StoredObject, act: Act) -> Deposited:
        async with self._records.change(act.origin) as tx:
            # The envelope may have been renewed since.
            current = _there(await tx.uploads.get(upload.id, now=tx.now))
            if current.state == COMPLETED:
                raise _CompletedError
            preamble, envelope = parse_head(current.head)
            judge_head(preamble, envelope, seal, Expectations(generation=current.generation))
            outline, place = Outline(preamble, envelope, seal), Place.of(current)
            dossier = await self._publishing.check_signer(tx, place, outline, act, now=tx.now)
            await self._publishing.check_seal(tx, dossier, place, outline)
            incoming = Incoming(outline, current.head, body)
            answer = await self._publishing.publish(tx, dossier, place, incoming, act)
            await tx.uploads.complete(upload.id, body_key=body.key, now=tx.now)
            reach(Failpoint.UPLOAD_MARKED)
        return answer


async def _published(view: View, upload: Upload) -> Deposited:
    version = await view.evidence.by_seal(upload.seal_id)
    receipt = await view.evidence.receipt(upload.seal_id)
    assert version is not None
    assert receipt is not None
    return Deposited(version=views.version(version), receipt=views.statement(receipt))


def _check_parts(upload: Upload, parts: tuple[StagedPart, ...]) -> None:
    missing = sorted(set(range(1, part_count(upload) + 1)) - {part.number for part in parts})
    if missing:
        raise RefusedError(
            Code.UPLOAD_INCOMPLETE,
            f"{len(missing)} parts are missing",
            extra={"missing": missing[:_NAMED], "count": len(missing)},
        )


def _there(upload: Upload | None) -> Upload:
    if upload is None:
        raise _gone()
    return upload


def _gone() -> HiddenError:
    return HiddenError("there is nothing here that you may see")
