"""Calls: the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.calls.base import Calls
from client.remote.transport import Call
from vault.api.models.journal import Checkpoint, Consistency, JournalPage

if TYPE_CHECKING:
    from vault.api.models.journal import ConsistencyQuery, JournalQuery


class JournalCalls(Calls):
    """Routes of the chapter "journal"."""

    async def list_journal(self, query: JournalQuery | None = None) -> JournalPage:
        """Return entries in order, by position."""
        return await self._transport.fetch(self._route("list_journal"), JournalPage, Call(query=query))

    async def get_checkpoint(self) -> Checkpoint:
        """Return the server's signed word on size and root, to be verified."""
        return await self._transport.fetch(self._route("get_checkpoint"), Checkpoint)

    async def get_consistency(self, query: ConsistencyQuery) -> Consistency:
        """Return the proof that the journal at one size begins with the journal at a smaller one."""
        return await self._transport.fetch(self._route("get_consistency"), Consistency, Call(query=query))
