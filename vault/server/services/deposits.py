"""Deposits: a container is checked while it streams, stored beside, and published in one transaction.

Bytes first, row second: until the transaction commits nobody sees anything, and whatever ends the upload
early leaves nothing.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from vault.api.models.evidence import Deposited
from vault.container.arrival import ArrivalExaminer
from vault.container.examine import Expectations
from vault.server.failpoints import Failpoint, reach
from vault.server.refusals import RefusedError
from vault.server.services.arriving import Arrival
from vault.server.services.publishing import Incoming, Place
from vault.server.stores.settle import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vault.container.examine import Examined
    from vault.server.ports import ObjectStore, Records, StoredObject
    from vault.server.services.acts import Act, View
    from vault.server.services.discarding import Discarding
    from vault.server.services.idempotency import Idempotency
    from vault.server.services.publishing import Publishing


class _RepeatedDepositError(Exception):
    """The same request was answered before; carries that answer out of the transaction that it undoes."""

    def __init__(self, answer: Deposited) -> None:
        super().__init__()
        self.answer = answer


class Deposits:
    """Takes containers."""

    def __init__(
        self,
        records: Records,
        store: ObjectStore,
        publishing: Publishing,
        idempotency: Idempotency,
        discarding: Discarding,
    ) -> None:
        self._records = records
        self._store = store
        self._publishing = publishing
        self._idempotency = idempotency
        self._discarding = discarding

    async def create(self, dossier_id: str, chunks: AsyncIterator[bytes], act: Act) -> Deposited:
        """Deposit a new proof.

        Raises:
            ContainerError, RefusedError: it is not taken; nothing is left of it.
        """
        return await self._take(Place(dossier_id), chunks, act)

    async def replace(self, proof_id: str, match: bytes, chunks: AsyncIterator[bytes], act: Act) -> Deposited:
        """Replace a proof whose active seal is ``match``.

        Raises:
            ContainerError, RefusedError: it is not taken; nothing is left of it.
        """
        async with self._records.read() as view:
            place = await self._publishing.find_place(view, proof_id, match)
        return await self._take(place, chunks, act)

    async def reencrypt(
        self, proof_id: str, number: int, chunks: AsyncIterator[bytes], act: Act
    ) -> Deposited:
        """Let a container with the same files take the place of a version.

        Raises:
            ContainerError, RefusedError: it is not taken; nothing is left of it.
        """
        async with self._records.read() as view:
            place = await self._publishing.find_original(view, proof_id, number)
        return await self._take(place, chunks, act)

    async def _take(self, place: Place, chunks: AsyncIterator[bytes], act: Act) -> Deposited:
        async with self._records.read() as view:
            # What needs no byte of the body is refused before it is sent.
            await self._publishing.check_place(view, place)
        reach(Failpoint.DEPOSIT_BEGUN)
        arrival = Arrival(chunks, ArrivalExaminer(Expectations(dossier=place.dossier)))
        async with aclosing(arrival.body()) as body:
            stored = await self._store.put(body)
        reach(Failpoint.BODY_STORED)
        try:
            return await self._judge_and_publish(place, arrival, stored, act)
        except _RepeatedDepositError as repeated:
            reach(Failpoint.REPEAT_FOUND)
            await settle(self._discarding.unnamed(stored.key))
            reach(Failpoint.REPEAT_CLEANED)
            return repeated.answer
        except BaseException as error:
            await settle(self._discard(stored, refused=isinstance(error, RefusedError)))
            raise

    async def _discard(self, stored: StoredObject, *, refused: bool) -> None:
        """Remove bytes that no row names.

        What was refused was not committed. Otherwise whoever asked may be gone in the very moment of the
        commit, or the database was not heard of since: what was committed, or will be, stays.
        """
        reach(Failpoint.DISCARD_BEGUN)
        await (self._discarding.unnamed if refused else self._discarding.undecided)(stored.key)
        reach(Failpoint.DISCARD_ENDED)

    async def _judge_and_publish(
        self, place: Place, arrival: Arrival[Examined], stored: StoredObject, act: Act
    ) -> Deposited:
        outline = arrival.result.outline
        async with self._records.change(act.origin) as tx:
            dossier = await self._publishing.check_signer(tx, place, outline, act, now=tx.now)
            await self._check_unanswered(tx, outline.seal.seal_id, act)
            await self._publishing.check_seal(tx, dossier, place, outline)
            reach(Failpoint.DEPOSIT_JUDGED)
            incoming = Incoming(outline, arrival.head, stored)
            answer = await self._publishing.publish(tx, dossier, place, incoming, act)
            await act.remember(tx, answer)
        return answer

    async def _check_unanswered(self, view: View, seal_id: bytes, act: Act) -> None:
        """Raise if this very request was answered before."""
        if act.memo is None:
            return
        act.memo.digest = seal_id
        found = await self._idempotency.find(view, act.memo)
        if found is not None and found.answer is not None:
            raise _RepeatedDepositError(Deposited.model_validate_json(found.answer))
