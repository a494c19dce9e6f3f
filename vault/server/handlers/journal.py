"""Handlers: the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.journal import Checkpoint, Consistency, ConsistencyQuery, JournalPage, JournalQuery

if TYPE_CHECKING:
    from vault.server.call import Call


async def list_journal(call: Call) -> JournalPage:
    """List entries."""
    return await call.services.journal.list(call.query(JournalQuery))


async def get_checkpoint(call: Call) -> Checkpoint:
    """Sign size and root."""
    return await call.services.journal.checkpoint()


async def get_consistency(call: Call) -> Consistency:
    """Prove that nothing was taken back."""
    return await call.services.journal.consistency(call.query(ConsistencyQuery))
