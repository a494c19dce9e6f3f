"""Upload sessions: begun, found again, given a newer envelope, given up.

What begins one is a container without its payload. All that it says is checked there, before any byte of
payload; leaves and seal are kept as one object, the trailer, and go behind the last part.
"""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from vault.api.models.uploads import Upload, UploadState
from vault.api.problems import Code
from vault.container.announcement import AnnouncementExaminer
from vault.container.examine import Expectations, Outline
from vault.container.heads import judge_head, parse_head
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import HiddenError
from vault.server.ports import (
    AlreadyExistsError,
    OutdatedError,
    QuotaExceededError,
    RecordsError,
    new_id,
    object_key,
)
from vault.server.refusals import RefusedError
from vault.server.services.arriving import Arrival
from vault.server.services.parting import part_count, part_size, seal_of
from vault.server.services.publishing import Place
from vault.server.stores.records import rows
from vault.server.stores.records.uploads import OPEN
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from vault.server.ports import Clock, ObjectStore, Records, StoredObject
    from vault.server.services.acts import Act
    from vault.server.services.discarding import Discarding
    from vault.server.services.publishing import Publishing


class Uploads:
    """Sessions, but for what goes into them and what comes out."""

    def __init__(
        self,
        records: Records,
        store: ObjectStore,
        clock: Clock,
        publishing: Publishing,
        discarding: Discarding,
        *,
        lifetime: int,
        part_bytes: int,
    ) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._publishing = publishing
        self._discarding = discarding
        self._lifetime = lifetime
        self._part_bytes = part_bytes

    async def begin(self, dossier_id: str, chunks: AsyncIterator[bytes], act: Act) -> Upload:
        """Begin the deposit of a new proof, or find it again.

        Raises:
            ContainerError, RefusedError: it would not be taken; nothing is left of it.
        """
        return await self._begin(Place(dossier_id), chunks, act)

    async def begin_replacement(
        self, proof_id: str, match: bytes, chunks: AsyncIterator[bytes], act: Act
    ) -> Upload:
        """Begin to replace a proof whose active seal is ``match``, or find that again.

        Raises:
            ContainerError, RefusedError: it would not be taken; nothing is left of it.
        """
        async with self._records.read() as view:
            place = await self._publishing.find_place(view, proof_id, match)
        return await self._begin(place, chunks, act)

    async def begin_reencryption(
        self, proof_id: str, number: int, chunks: AsyncIterator[bytes], act: Act
    ) -> Upload:
        """Begin to send what re-encrypts a version, or find that again.

        Raises:
            ContainerError, RefusedError: it would not be taken; nothing is left of it.
        """
        async with self._records.read() as view:
            place = await self._publishing.find_original(view, proof_id, number)
        return await self._begin(place, chunks, act)

    async def get(self, upload_id: str) -> Upload:
        """Return a session.

        Raises:
            HiddenError: it expired in this moment.
        """
        async with self._records.read() as view:
            upload = await view.uploads.get(upload_id, now=self._clock.now())
            if upload is None:
                raise _gone()
            received = tuple(part.number for part in await view.uploads.parts(upload.id))
        count = part_count(upload)
        return Upload(
            id=upload.id,
            dossier=upload.dossier_id,
            replaces=upload.proof_id,
            reencrypts=upload.original.hex() if upload.original else None,
            evidence_type=upload.evidence_type,
            seal_id=upload.seal_id.hex(),
            state=UploadState(upload.state),
            generation=upload.generation,
            payload_length=upload.payload_length,
            part_size=upload.part_size,
            parts=count,
            received=received if upload.state == OPEN else tuple(range(1, count + 1)),
            expires=upload.expires_at,
        )

    async def renew(self, upload_id: str, chunks: AsyncIterator[bytes], act: Act) -> Upload:
        """Put a newer envelope in the place of a session's.

        Raises:
            ContainerError: it is no envelope, or not this seal's, or not by a writer whom the seal lists.
            RefusedError: conflict; or as a deposit is refused for its envelope.
        """
        head = b"".join([chunk async for chunk in chunks])
        preamble, envelope = parse_head(head)
        async with self._records.read() as view:
            upload = await view.uploads.get(upload_id, now=self._clock.now())
        if upload is None:
            raise _gone()
        if upload.state != OPEN:
            raise RefusedError(Code.CONFLICT, "the upload is completed")
        seal = await seal_of(self._store, upload)
        judge_head(preamble, envelope, seal, Expectations(generation=upload.generation))
        if head != upload.head:
            await self._renew(upload, head, Outline(preamble, envelope, seal), act)
        return await self.get(upload_id)

    async def abandon(self, upload_id: str) -> None:
        """Forget a session, its parts and all that the store keeps of it.

        Raises:
            RefusedError: conflict, where it is completed.
        """
        now = self._clock.now()
        async with self._records.read() as view:
            upload = await view.uploads.get(upload_id, now=now)
        if upload is None:
            raise _gone()
        try:
            async with self._records.bookkeeping() as tx:
                await tx.uploads.abandon(upload.id, now=now)
        except OutdatedError:
            raise RefusedError(
                Code.CONFLICT, "the upload is completed: what was deposited cannot be given up"
            ) from None
        reach(Failpoint.UPLOAD_ABANDONED)
        # Nobody can have published it since: that needs the session.
        keys = (upload.trailer_key, object_key(upload.staged))
        await settle(self._discarding.unnamed(*keys, staged=upload.staged))

    # --- beginning ---------------------------------------------------------------------------------------

    async def _begin(self, place: Place, chunks: AsyncIterator[bytes], act: Act) -> Upload:
        async with self._records.read() as view:
            # What needs no byte of the body is refused before it is sent.
            dossier = await self._publishing.check_place(view, place)
            organisation = await view.organisations.get(dossier.organisation_id)
        assert organisation is not None
        arrival = Arrival(chunks, AnnouncementExaminer(Expectations(dossier=place.dossier)))
        async with aclosing(_limited(arrival, organisation.max_container_bytes)) as rest:
            trailer = await self._store.put(rest)
        reach(Failpoint.UPLOAD_TRAILER_STORED)
        staged = ""
        try:
            found = await self._find(place, arrival, act)
            if found is None:
                staged = await self._store.stage()
                reach(Failpoint.UPLOAD_STAGED)
                found = await self._add(self._row(place, arrival, trailer, staged), organisation.id)
                # Where somebody else was faster, theirs is found.
                found = found or await self._find(place, arrival, act)
        finally:
            await settle(self._clear(arrival.result.seal.seal_id, trailer.key, staged))
        if found is None:
            raise RefusedError(Code.CONFLICT, "another upload of this container was begun and given up")
        return await self.get(found.id)

    async def _find(self, place: Place, arrival: Arrival[Outline], act: Act) -> rows.Upload | None:
        """Return the session of this seal, having judged whether who asks may have it, or begin it."""
        outline, now = arrival.result, self._clock.now()
        async with self._records.read() as view:
            dossier = await self._publishing.check_signer(view, place, outline, act, now=now)
            found = await view.uploads.by_seal(outline.seal.seal_id, now=now)
            if found is None or (found.proof_id, found.original) != (place.proof, place.original):
                await self._publishing.check_seal(view, dossier, place, outline)
                return None
        if found.state == OPEN and outline.envelope.envelope.generation > found.generation:
            await self._renew(found, arrival.head, outline, act)
        return found

    async def _add(self, upload: rows.Upload, organisation_id: str) -> rows.Upload | None:
        """Store a session; None where there is one of this seal meanwhile."""
        try:
            async with self._records.bookkeeping() as tx:
                await tx.uploads.begin(upload, organisation_id)
        except AlreadyExistsError:
            return None
        except QuotaExceededError:
            raise RefusedError(
                Code.QUOTA_EXCEEDED,
                "the organisation's quota does not leave room beside what is stored and being uploaded",
            ) from None
        reach(Failpoint.UPLOAD_BEGUN)
        return upload

    def _row(
        self, place: Place, arrival: Arrival[Outline], trailer: StoredObject, staged: str
    ) -> rows.Upload:
        outline, now = arrival.result, self._clock.now()
        seal, length = outline.seal.seal, outline.preamble.payload_length
        return rows.Upload(
            id=new_id(),
            dossier_id=place.dossier,
            proof_id=place.proof,
            seal_id=outline.seal.seal_id,
            signer=seal.signer_key_id,
            evidence_type=seal.evidence_type,
            state=OPEN,
            generation=outline.envelope.envelope.generation,
            head=arrival.head,
            trailer_key=trailer.key,
            trailer_size=trailer.size,
            staged=staged,
            body_key=None,
            payload_length=length,
            part_size=part_size(length, self._part_bytes),
            size=outline.size,
            created_at=now,
            expires_at=now + self._lifetime,
            original=place.original,
        )

    async def _renew(self, before: rows.Upload, head: bytes, outline: Outline, act: Act) -> None:
        now, generation = self._clock.now(), outline.envelope.envelope.generation
        place = Place.of(before)
        async with self._records.read() as view:
            dossier = await self._publishing.check_signer(view, place, outline, act, now=now)
            await self._publishing.admission.check_contents(view, dossier, outline)
        if generation <= before.generation:
            raise _other_envelope(before.generation)
        try:
            async with self._records.bookkeeping() as tx:
                await tx.uploads.renew(before, head=head, generation=generation, now=now)
        except OutdatedError:
            raise _other_envelope(before.generation) from None
        reach(Failpoint.UPLOAD_RENEWED)

    async def _clear(self, seal_id: bytes, trailer_key: str, staged: str) -> None:
        """Remove what was stored for a session that did not come about; while in doubt, leave it."""
        if not staged:
            # No row was written for it.
            await self._discarding.unnamed(trailer_key)
            return
        with suppress(RecordsError):
            async with self._records.read() as view:
                kept = await view.uploads.by_seal(seal_id, now=self._clock.now())
            if kept is None or kept.trailer_key != trailer_key:
                await self._discarding.undecided(trailer_key, staged=staged)


async def _limited(arrival: Arrival[Outline], maximum: int) -> AsyncGenerator[bytes, None]:
    """Yield leaves and seal, of a container that is not too large for the organisation."""
    async with aclosing(arrival.body()) as rest:
        async for chunk in rest:
            if arrival.announced > maximum:
                break
            yield chunk
        else:
            if arrival.result.size <= maximum:
                return
    raise RefusedError(Code.BODY_TOO_LARGE, f"the container is larger than {maximum} bytes")


def _gone() -> HiddenError:
    return HiddenError("there is nothing here that you may see")


def _other_envelope(generation: int) -> RefusedError:
    return RefusedError(
        Code.CONFLICT,
        "the upload has another envelope, or is not open any more",
        extra={"generation": generation},
    )
