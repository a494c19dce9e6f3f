"""The journal: entries, checkpoints and proofs that nothing was taken back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vault.api.models.base import MAX_LIST, Answer, Base64, Count, Hex32, Query, SignedStatement


class JournalQuery(Query):
    """Which entries, by position."""

    start: Count = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIST)] = 100


class Entry(Answer):
    """One entry as stored: the leaf of the tree is the hash of exactly these bytes."""

    position: Count
    entry: Base64 = Field(description="Canonical JSON.")
    leaf: Hex32


class JournalPage(Answer):
    """Entries in order; ``next`` is the position of the following one, absent at the end."""

    items: tuple[Entry, ...]
    size: Count
    next: Count | None = None


class Checkpoint(Answer):
    """The server's signed word on size and root."""

    size: Count
    root: Hex32
    checkpoint: SignedStatement


class ConsistencyQuery(Query):
    """Two sizes of the journal."""

    first: Count
    second: Count


class Consistency(Answer):
    """RFC 6962: the larger journal begins with the smaller one."""

    first: Count
    second: Count
    proof: tuple[Hex32, ...]
