"""Routes: the journal."""

from __future__ import annotations

from typing import Final

from vault.api.models.journal import Checkpoint, Consistency, ConsistencyQuery, JournalPage, JournalQuery
from vault.api.route import Route, Tag

JOURNAL: Final = (
    Route(
        name="list_journal",
        method="GET",
        path="/v1/journal",
        rule="journal",
        tag=Tag.JOURNAL,
        summary="Entries in order.",
        query=JournalQuery,
        answer=JournalPage,
    ),
    Route(
        name="get_checkpoint",
        method="GET",
        path="/v1/journal/checkpoint",
        rule="journal",
        tag=Tag.JOURNAL,
        summary="The server's signed word on size and root.",
        answer=Checkpoint,
    ),
    Route(
        name="get_consistency",
        method="GET",
        path="/v1/journal/consistency",
        rule="journal",
        tag=Tag.JOURNAL,
        summary="Proof that the journal at one size begins with the journal at a smaller one.",
        query=ConsistencyQuery,
        answer=Consistency,
    ),
)
