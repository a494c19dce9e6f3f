"""What the records hold of one dossier, read beside the server: no call of a server's is spent on it."""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import func, select

from vault.journal import JournalVerifier
from vault.server.stores.records import schema
from vault.server.stores.records.store import SqlRecords

_ALL = 1_000_000
Name = tuple[str, ...]
State = tuple[object, ...]


class Picture(NamedTuple):
    """What there is.

    Attributes:
        things: the state of each, by a name whose first word is its kind.
        versions: evidence and number by seal id, of what can be had.
        journal: how often each action stands there, of the whole service.
    """

    things: dict[Name, State]
    versions: dict[str, tuple[str, int]]
    journal: Counter[str]


class Change(NamedTuple):
    """What an act changed, named so that two runs of it are the same.

    Attributes:
        things: how often something of a kind went from one state to another.
        journal: what was added to it.
    """

    things: Counter[tuple[str, State | None, State | None]]
    journal: Counter[str]


class Sight:
    """Looks at the records of one service again and again."""

    def __init__(self, records: SqlRecords) -> None:
        self._records = records
        self._verifier = JournalVerifier()
        self._actions: Counter[str] = Counter()
        self._entries = 0

    async def look(self, dossier: str) -> Picture:
        """Take a picture of a dossier and of the journal."""
        things: dict[Name, State] = {}
        async with self._records.read() as view:
            handle = view.evidence._handle

            async def rows_of(table, *more):
                query = select(*(more or (table,))).where(table.c.dossier_id == dossier)
                return (await handle.execute(query)).mappings().all()

            one = select(schema.dossiers).where(schema.dossiers.c.id == dossier)
            for row in (await handle.execute(one)).mappings():
                ended = [row[name] is not None for name in ("closed_at", "erased_at")]
                things["dossier", dossier] = (row["generation"], *ended)
            versions = await rows_of(schema.versions)
            for row in versions:
                # What was re-encrypted has a number that nobody can know before.
                number = max(row["number"], 0)
                state = (row["state"], number, row["generation"], row["erased_at"] is not None)
                things["version", row["seal_id"].hex()] = state
            heads = schema.heads.c
            joined = select(heads.seal_id).join(schema.versions, heads.seal_id == schema.versions.c.seal_id)
            found = await handle.execute(joined.where(schema.versions.c.dossier_id == dossier))
            things |= {("envelope", seal_id.hex()): () for seal_id in found.scalars()}
            for row in await rows_of(schema.grants):
                things["grant", row["id"]] = (row["generation"], row["revoked_at"] is not None)
            for row in await rows_of(schema.depositors):
                things["depositor", row["id"]] = (row["removed_at"] is not None,)
            for row in await rows_of(schema.templates):
                state = (row["generation"], row["withdrawn_at"] is not None)
                things["template", row["id"], row["seal_id"].hex()] = state
            uploads, parts = schema.uploads.c, schema.upload_parts.c
            count = select(func.count()).where(parts.upload_id == uploads.id).scalar_subquery()
            for row in await rows_of(schema.uploads, schema.uploads, count.label("parts")):
                things["upload", row["id"]] = (row["state"], row["generation"], row["parts"])
            entries = await view.journal.entries(self._entries, _ALL)
        self._entries += len(entries)
        self._actions.update(self._verifier.add(row.entry).action for row in entries)
        there = {
            row["seal_id"].hex(): (row["proof_id"], row["number"])
            for row in versions
            if row["erased_at"] is None and row["number"] > 0
        }
        return Picture(things, there, Counter(self._actions))


def change_between(before: Picture, after: Picture) -> Change:
    """Return what changed."""
    old, new = before.things, after.things
    steps = Counter((name[0], old.get(name), new.get(name)) for name in old.keys() | new.keys())
    return Change(
        Counter({step: n for step, n in steps.items() if step[1] != step[2]}), after.journal - before.journal
    )
