"""Sending a large container in parts, several at a time, from wherever an earlier attempt came to.

The service is told everything but the payload first, finds an upload of the same container again, and says
which parts it has. Whatever breaks, the parts that arrived stay, also for another process or machine. Memory
is ``parallel`` pieces of 1 MiB, whatever the size of parts.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, ConflictProblem, NotFoundProblem
from client.remote.failures import not_ours
from client.remote.persisting import Persistence
from client.remote.problems import NothingThere, StateConflict
from client.remote.retries import LASTING, Retries
from client.remote.sending import Delivered
from client.remote.uploading import PIECE, upload_bytes, upload_span
from vault.api.models.uploads import UploadState
from vault.api.problems import Code
from vault.container.layout import BLOCK
from vault.container.rewrap import replace_envelope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from client.remote.problems import ServiceProblem
    from client.remote.sending import Delivery
    from client.remote.service import Service
    from vault.api.models.uploads import Upload as Session

    Found = Callable[[int, int], None]

FROM: Final = 64 * 1024 * 1024
"""Containers of this many bytes on go in parts: below, all of it is sent again before a session pays."""

PARALLEL: Final = 4
"""Parts on their way at a time: enough to fill a line with long ways, few enough for everybody's memory."""

_ROUNDS: Final = 3
"""How often a session may be lost, or found to lack what it had, before it is the service's fault."""


class Way(NamedTuple):
    """How a container goes in parts.

    Attributes:
        parallel: how many parts at a time.
        retries: how often and how patiently one request is repeated.
        resume: whether to go on only with what was begun earlier.
        found: called with how many parts are there already and how many there have to be.
        sign_in: signs in again where the session of whoever deposits ended meanwhile, which an hour does.
    """

    parallel: int = PARALLEL
    retries: Retries = LASTING
    resume: bool = False
    found: Found = lambda _there, _all: None
    sign_in: Callable[[], Awaitable[object]] | None = None


async def send_in_parts(service: Service, delivery: Delivery, way: Way) -> Delivered:
    """Deposit a container by an upload session.

    All of it is checked before anything is sent: damage is better found now than hours later by the service.

    Raises:
        RefusedContainer: a block is damaged; nothing was sent.
        NotFoundProblem: ``resume`` is set, and nothing of this container arrived earlier.
        ServiceProblem, TransportProblem: it is not known to be kept; what arrived stays for the next attempt.
    """
    await asyncio.to_thread(delivery.file.verify, delivery.examined, lambda _count: None)
    sending = _Sending(service, delivery, way)
    for _round in range(_ROUNDS - 1):
        try:
            return await sending.run()
        except _Again:
            sending.take_back()
    try:
        return await sending.run()
    except _Again as again:
        raise again.reason from None


async def give_up(service: Service, delivery: Delivery, retries: Retries = LASTING) -> None:
    """Let the service forget what arrived of an upload that did not finish.

    Raises:
        NotFoundProblem: nothing of this container arrived.
        ConflictProblem: it arrived whole, and is deposited.
        ServiceProblem, TransportProblem: it may still be there.
    """
    await _Sending(service, delivery, Way(retries=retries, resume=True)).give_up()


class _Again(Exception):  # noqa: N818 - no error: the session is gone or lacks something, and is begun again
    def __init__(self, reason: ServiceProblem) -> None:
        super().__init__()
        self.reason = reason


class _Sending:
    """One container on its way."""

    def __init__(self, service: Service, delivery: Delivery, way: Way) -> None:
        self._service = service
        self._delivery = delivery
        self._way = way
        self._resume = way.resume
        self._told = False
        self._done = 0
        self._asking = Persistence(way.retries, way.sign_in)

    async def run(self) -> Delivered:
        """Begin or find the session, send what it lacks, and publish.

        Raises:
            _Again: the session ended on the way, or lacks parts that it had.
        """
        session = await self._begin()
        try:
            if session.state is UploadState.OPEN:
                session = await self._renew(session)
                await self._send_parts(session)
            acting = self._delivery.acting_for
            answer = await self._asking.ask(
                lambda: self._service.complete_upload(session.id, acting_for=acting)
            )
        except NothingThere as gone:
            raise _Again(gone) from gone
        except StateConflict as refused:
            if refused.code is Code.UPLOAD_INCOMPLETE:
                raise _Again(refused) from refused
            raise
        self._advance(self._delivery.file.size - self._done)
        return Delivered(answer.version, answer.receipt)

    async def give_up(self) -> None:
        """Find the session and end it."""
        session = await self._begin()
        if session.state is not UploadState.OPEN:
            raise ConflictProblem(
                N_("{path}: this is deposited already; scelle evidence archive puts it aside"),
                path=self._delivery.file.path,
            )
        await self._abandon(session)

    def take_back(self) -> None:
        """Count from the beginning again."""
        self._advance(-self._done)

    # --- the session -------------------------------------------------------------------------------------

    async def _begin(self) -> Session:
        delivery, service = self._delivery, self._service
        seal = delivery.examined.seal
        announced = upload_bytes(
            replace_envelope(delivery.examined, delivery.examined.envelope)
            + delivery.examined.leaves
            + seal.encode()
        )
        acting = delivery.acting_for
        if delivery.replaces is None:
            session = await self._asking.ask(
                lambda: service.begin_upload(seal.seal.dossier, announced, acting_for=acting)
            )
        elif delivery.reencrypts is not None:
            place = delivery.replaces, delivery.reencrypts
            session = await self._asking.ask(lambda: service.begin_reencryption(*place, announced))
        else:
            evidence, superseded = delivery.replaces, seal.seal.supersedes.hex()
            session = await self._asking.ask(
                lambda: service.begin_replacement(evidence, announced, if_match=superseded, acting_for=acting)
            )
        self._check(session)
        await self._tell(session)
        return session

    def _check(self, session: Session) -> None:
        """Refuse a session that is not about this container, or whose parts do not make a payload."""
        examined, size = self._delivery.examined, session.part_size
        length = examined.preamble.payload_length
        about = session.seal_id == examined.seal.seal_id.hex() and session.payload_length == length
        if not about or size < BLOCK or size % BLOCK or session.parts != -(-length // size):
            raise not_ours("upload")
        if not all(1 <= number <= session.parts for number in session.received):
            raise not_ours("upload")

    async def _tell(self, session: Session) -> None:
        there = len(session.received)
        if self._resume and not there and session.state is UploadState.OPEN:
            await self._abandon(session)
            raise NotFoundProblem(
                N_(
                    "{path}: nothing of an unfinished upload of this container is at the service; "
                    "deposit it without --resume"
                ),
                path=self._delivery.file.path,
            )
        self._resume = False
        if not self._told:
            self._way.found(there, session.parts)
        self._told = True

    async def _abandon(self, session: Session) -> None:
        acting = self._delivery.acting_for
        with suppress(NothingThere):
            await self._asking.ask(lambda: self._service.abandon_upload(session.id, acting_for=acting))

    async def _renew(self, session: Session) -> Session:
        """Send the envelope again where it was written anew since the session began."""
        delivery = self._delivery
        envelope = delivery.examined.envelope
        if session.generation >= envelope.envelope.generation:
            return session
        head = upload_bytes(replace_envelope(delivery.examined, envelope))
        acting = delivery.acting_for
        return await self._asking.ask(
            lambda: self._service.put_upload_envelope(session.id, head, acting_for=acting)
        )

    # --- its parts ---------------------------------------------------------------------------------------

    async def _send_parts(self, session: Session) -> None:
        """Send what is missing, several at a time; the first failure stops all of them."""
        there = set(session.received)
        self._advance(sum(self._span(session, number)[1] for number in there))
        missing = iter([number for number in range(1, session.parts + 1) if number not in there])
        workers = [
            asyncio.ensure_future(self._work(session, missing)) for _worker in range(self._way.parallel)
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, session: Session, missing: Iterator[int]) -> None:
        for number in missing:
            await self._send_part(session, number)

    async def _send_part(self, session: Session, number: int) -> None:
        delivery = self._delivery
        start, length = self._span(session, number)
        offset = delivery.examined.preamble.payload_offset + start
        digest = await asyncio.to_thread(self._digest, offset, length)
        body = upload_span(delivery.file, offset, length, self._advance)
        acting = delivery.acting_for
        try:
            await self._asking.ask(
                lambda: self._service.put_part(session.id, number, body, digest=digest, acting_for=acting)
            )
        except StateConflict as ended:
            # Somebody else completed it meanwhile, or gave it up.
            raise _Again(ended) from ended

    @staticmethod
    def _span(session: Session, number: int) -> tuple[int, int]:
        """Return first byte in the payload and length of a part."""
        start = (number - 1) * session.part_size
        return start, min(session.part_size, session.payload_length - start)

    def _digest(self, offset: int, length: int) -> bytes:
        state = sha256()
        for start in range(offset, offset + length, PIECE):
            state.update(self._delivery.file.read_at(start, min(PIECE, offset + length - start)))
        return state.digest()

    def _advance(self, count: int) -> None:
        self._done += count
        self._delivery.advance(count)
