"""The journal as it is handed out: entries, signed checkpoints, proofs of consistency."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from keys.canonical import encode_binary
from keys.statements import Checkpoint as CheckpointStatement
from keys.statements import momentary, sign_statement
from vault.api.models.journal import Checkpoint, Consistency, Entry, JournalPage
from vault.api.problems import Code
from vault.merkle import consistency_proof
from vault.server.refusals import RefusedError
from vault.server.services import views

if TYPE_CHECKING:
    from vault.api.models.journal import ConsistencyQuery, JournalQuery
    from vault.server.ports import Clock, Records
    from vault.server.services.serverkeys import ServerKeys


class JournalReading:
    """Lets an auditor read and verify."""

    def __init__(self, records: Records, clock: Clock, keys: ServerKeys, *, origin: str) -> None:
        self._records = records
        self._clock = clock
        self._keys = keys
        self._origin = origin

    async def list(self, query: JournalQuery) -> JournalPage:
        """Return entries in order, as stored."""
        async with self._records.read() as view:
            size = (await view.journal.checkpoint()).size
            found = await view.journal.entries(query.start, query.limit)
        after = query.start + len(found)
        return JournalPage(
            items=tuple(
                Entry(position=row.position, entry=encode_binary(row.entry), leaf=row.leaf.hex())
                for row in found
            ),
            size=size,
            next=after if found and after < size else None,
        )

    async def checkpoint(self) -> Checkpoint:
        """Return the server's signed word on size and root now."""
        async with self._records.read() as view:
            size, root = await view.journal.checkpoint()
            now = self._clock.now()
            key = await self._keys.signing(view, now)
        signed = sign_statement(
            CheckpointStatement(
                issuer=key.public_key,
                **momentary(now),
                origin=self._origin,
                size=size,
                root=root,
            ),
            key,
        )
        return Checkpoint(size=size, root=root.hex(), checkpoint=views.statement(signed))

    async def consistency(self, query: ConsistencyQuery) -> Consistency:
        """Return the proof that the journal at ``second`` begins with the journal at ``first``.

        Raises:
            RefusedError: invalid_request: no such sizes.
        """
        async with self._records.read() as view:
            size = (await view.journal.checkpoint()).size
            if not 0 <= query.first <= query.second <= size:
                raise RefusedError(
                    Code.INVALID_REQUEST, f"ask for 0 ≤ first ≤ second ≤ {size}", field="first"
                )
            leaves = await view.journal.leaves(query.second)
        proof = await asyncio.to_thread(consistency_proof, leaves, query.first)
        return Consistency(
            first=query.first, second=query.second, proof=tuple(digest.hex() for digest in proof)
        )
