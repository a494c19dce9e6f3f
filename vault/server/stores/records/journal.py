"""The journal as stored: one row for each entry, and the tree over all of them in one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, insert, select, update

from vault.journal import Checkpoint, encode_entry
from vault.merkle import DIGEST_LENGTH, TreeHasher, leaf_hash
from vault.server.failpoints import Failpoint, reach
from vault.server.stores.records import schema
from vault.server.stores.records.handle import Handle, rows_of
from vault.server.stores.records.rows import JournalEntry

if TYPE_CHECKING:
    from vault.journal import Entry
    from vault.server.stores.records.handle import ChangeHandle

_HEAD: Final = 1
"""The id of the one row of ``journal_head``."""


class Recorded(NamedTuple):
    """An entry that commits with its change: what a receipt names."""

    position: int
    time: int
    entry: bytes
    leaf: bytes


class Journal:
    """Entries and proofs about them."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def checkpoint(self) -> Checkpoint:
        """Return size and root of the journal now.

        Raises:
            ValueError: the row that keeps them was damaged.
        """
        tree = await load_tree(self._handle)
        return Checkpoint(tree.size, tree.root())

    async def count(self) -> int:
        """Return how many entries there would be if none were missing, by the last one there is."""
        last = await self._handle.value(select(func.max(schema.journal.c.position)))
        return 0 if last is None else int(last) + 1

    async def entries(self, start: int, limit: int) -> tuple[JournalEntry, ...]:
        """Return up to ``limit`` entries from position ``start`` on, in order."""
        table = schema.journal
        return await self._handle.all(
            JournalEntry,
            rows_of(JournalEntry, table)
            .where(table.c.position >= start, table.c.position < start + limit)
            .order_by(table.c.position),
        )

    async def leaves(self, size: int) -> tuple[bytes, ...]:
        """Return the first ``size`` leaf digests: 32 bytes of memory for each."""
        table = schema.journal
        return await self._handle.values(
            select(table.c.leaf).where(table.c.position < size).order_by(table.c.position)
        )


async def load_tree(handle: Handle) -> TreeHasher:
    """Return the tree over all entries, as its head keeps it."""
    table = schema.journal_head
    row = (await handle.execute(select(table.c.size, table.c.frontier).where(table.c.id == _HEAD))).first()
    if row is None:
        return TreeHasher()
    digests = [row.frontier[at : at + DIGEST_LENGTH] for at in range(0, len(row.frontier), DIGEST_LENGTH)]
    return TreeHasher.resume(row.size, digests)


async def append(handle: ChangeHandle, tree: TreeHasher, entry: Entry) -> Recorded:
    """Write the entry of this change, ``tree`` being the tree over all entries before it.

    Raises:
        MalformedError: something that may not stand in the journal.
    """
    data = encode_entry(entry)
    leaf = leaf_hash(data)
    tree.append(leaf)
    await handle.insert(schema.journal, JournalEntry(handle.position, data, leaf))
    reach(Failpoint.ENTRY_WRITTEN)
    table = schema.journal_head
    state = {"size": tree.size, "frontier": b"".join(tree.frontier)}
    if handle.position:
        moved = update(table).where(table.c.id == _HEAD, table.c.size == handle.position)
        await handle.swap(moved.values(state), "the journal's size")
    else:
        await handle.execute(insert(table).values(id=_HEAD, **state))
    reach(Failpoint.JOURNAL_MOVED)
    return Recorded(handle.position, handle.now, data, leaf)
