"""What must be true of rows, journal and objects after a crash, whatever was going on; each fault is named.

Nothing here fails by itself: whoever asks gets the faults as a list, to be empty or to be counted.
"""

from collections import Counter
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from sqlalchemy import func, select

from keys.statements import Receipt, Signed, read_unjudged
from tests.crash.pairs import Site
from vault.journal import Action, JournalError, JournalVerifier
from vault.merkle import leaf_hash
from vault.server.ports import object_key
from vault.server.stores.records import schema

_ALL = 1_000_000
PUBLISHING = (Action.EVIDENCE_DEPOSITED, Action.EVIDENCE_REPLACED, Action.EVIDENCE_REENCRYPTED)


class Kind(StrEnum):
    """What is wrong."""

    LOST = "lost"
    HALF = "half-visible"
    ORPHAN = "orphan"
    JOURNAL = "journal"
    COUNT = "count"
    ANSWER = "answer"


class Fault(NamedTuple):
    """One thing that is not as it must be."""

    kind: Kind
    what: str


class Leftovers(NamedTuple):
    """What no row names: objects, what is put together of parts, and what was on its way into the store."""

    objects: set[str]
    staged: set[str]
    drafts: set[str]

    def __len__(self) -> int:
        return len(self.objects) + len(self.staged) + len(self.drafts)

    def __bool__(self) -> bool:
        return len(self) > 0

    @property
    def faults(self) -> list[Fault]:
        return [
            Fault(Kind.ORPHAN, f"{what} {name}")
            for what, names in zip(("object", "staged", "draft"), self, strict=True)
            for name in sorted(names)
        ]


class Trail:
    """The journal as it was last seen: what comes after has to go on from there.

    Attributes:
        actions: how often each stands in it.
        leaves: of its entries.
    """

    def __init__(self) -> None:
        self.actions: Counter[str] = Counter()
        self.leaves: tuple[bytes, ...] = ()
        self._verifier = JournalVerifier()

    async def follow(self, view) -> list[Fault]:
        """Read what was added, and name what does not go on from what was there."""
        checkpoint = await view.journal.checkpoint()
        if checkpoint.size < len(self.leaves):
            return [Fault(Kind.JOURNAL, f"{checkpoint.size} entries where there were {len(self.leaves)}")]
        entries = await view.journal.entries(len(self.leaves), _ALL)
        try:
            self.actions.update(self._verifier.add(row.entry).action for row in entries)
        except JournalError as error:
            return [Fault(Kind.JOURNAL, str(error))]
        faults = []
        if self._verifier.checkpoint != checkpoint:
            faults.append(Fault(Kind.JOURNAL, "its head is not the tree of its entries"))
        leaves = await view.journal.leaves(_ALL)
        self.leaves += tuple(leaf_hash(row.entry) for row in entries)
        if leaves != self.leaves:
            faults.append(Fault(Kind.JOURNAL, "its leaves are not those of its entries"))
        return faults

    def hold(self, receipt: Receipt) -> bool:
        """Tell whether a receipt stands where it says."""
        at = receipt.journal_position
        return at < len(self.leaves) and self.leaves[at] == receipt.journal_leaf


class Rows:
    """All rows that the faults are found in, read at one moment, without what is large."""

    async def read(self, view) -> "Rows":
        handle = view.evidence._handle

        async def every(*what):
            return (await handle.execute(select(*what))).mappings().all()

        self.proofs = await every(schema.proofs)
        self.versions = await every(schema.versions)
        self.dossiers = await every(schema.dossiers)
        self.organisations = await every(schema.organisations)
        head = schema.heads.c
        heads = await every(head.seal_id, func.length(head.head).label("size"))
        self.heads = {row["seal_id"]: row["size"] for row in heads}
        seal = schema.seals.c
        self.receipts = {
            row["seal_id"]: Signed(row["receipt"], row["receipt_signature"])
            for row in await every(seal.seal_id, seal.receipt, seal.receipt_signature)
        }
        self.uploads = await every(schema.uploads)
        self.condemned = {row["key"] for row in await every(schema.condemned)}
        return self

    @property
    def open_uploads(self):
        return [row for row in self.uploads if row["state"] == "open"]

    @property
    def named(self) -> dict[str, int]:
        """Size of every object that a row names, by its key."""
        trailers = {row["trailer_key"]: row["trailer_size"] for row in self.open_uploads}
        kept = [row for row in self.versions if row["erased_at"] is None]
        return {row["body_key"]: row["body_size"] for row in kept} | trailers


async def inspect(site: Site, *, receipts=(), trail: Trail | None = None) -> tuple[list[Fault], Leftovers]:
    """Return what is wrong, and what no row names, which a janitor has yet to remove.

    Args:
        site: whose server is stopped, or not asked for anything.
        receipts: that were handed out.
        trail: the journal as it was last seen.
    """
    trail = trail or Trail()
    async with site.records() as records, records.read() as view:
        faults = await trail.follow(view)
        rows = await Rows().read(view)
    async with site.store() as store:
        there = {one.key: one.size async for one in store.list()}
        staged = {one.key async for one in store.list_staged()}
    faults += _judge_versions(rows)
    faults += _judge_receipts(rows, trail, receipts)
    faults += _judge_counts(rows, trail)
    faults += _judge_objects(rows, there, staged)
    # What an upload is put together to stays its own until it is published or given up.
    whole = {object_key(row["staged"]) for row in rows.open_uploads}
    left = Leftovers(
        there.keys() - rows.named.keys() - whole,
        staged - {row["staged"] for row in rows.open_uploads},
        await site.drafts(),
    )
    return faults, left


def _judge_versions(rows: Rows) -> list[Fault]:
    """One active version for each active proof, none for others; each version there with all that it has."""
    found = []
    for proof in rows.proofs:
        every = [row for row in rows.versions if row["proof_id"] == proof["id"]]
        own = [row for row in every if row["number"] > 0]
        places = Counter(row["place"] for row in own)
        if len(places) != len(own) or not {row["place"] for row in every} <= places.keys():
            found.append(f"proof {proof['id']} has two versions in one place, or none where one was")
        active = [row for row in own if row["state"] == "active"]
        if len(active) != (proof["state"] == "active"):
            found.append(f"proof {proof['id']} is {proof['state']} with {len(active)} active versions")
        if sorted(row["number"] for row in own) != list(range(1, proof["version"] + 1)):
            found.append(f"proof {proof['id']} lacks a version, or has one too many")
        newest = {row["seal_id"] for row in own if row["number"] == proof["version"]}
        if newest != {proof["seal_id"]}:
            found.append(f"proof {proof['id']} does not name its newest version")
    for row in rows.versions:
        size = row["head_size"] if row["erased_at"] is None else None
        if rows.heads.get(row["seal_id"]) != size:
            found.append(f"version {row['seal_id'].hex()} has no envelope, or another")
        if row["seal_id"] not in rows.receipts:
            found.append(f"version {row['seal_id'].hex()} has no seal and no receipt")
    published = {row["seal_id"] for row in rows.versions}
    found += [
        f"upload {row['id']} is completed, and not published"
        for row in rows.uploads
        if row["state"] == "completed" and row["seal_id"] not in published
    ]
    return [Fault(Kind.HALF, what) for what in found]


def _judge_receipts(rows: Rows, trail: Trail, receipts) -> list[Fault]:
    """Each is about the version that it belongs to, and stands in the journal where it says."""
    faults = []
    versions = {row["seal_id"]: row for row in rows.versions}
    for seal_id, signed in rows.receipts.items():
        receipt, row = read_receipt(signed), versions[seal_id]
        about = (receipt.seal_id, receipt.proof, receipt.journal_position)
        if about != (seal_id, row["proof_id"], row["position"]):
            faults.append(Fault(Kind.HALF, f"version {seal_id.hex()} has the receipt of something else"))
        if not trail.hold(receipt):
            faults.append(Fault(Kind.JOURNAL, f"the receipt of {seal_id.hex()} does not stand in it"))
    for receipt in receipts:
        if receipt.seal_id not in versions:
            faults.append(Fault(Kind.LOST, f"version {receipt.seal_id.hex()}, which was receipted"))
        elif receipt.seal_id not in rows.receipts or read_receipt(rows.receipts[receipt.seal_id]) != receipt:
            faults.append(Fault(Kind.LOST, f"the receipt of {receipt.seal_id.hex()} that was handed out"))
    return faults


@cache
def read_receipt(signed: Signed) -> Receipt:
    """Return a receipt that is signed by the key that it names."""
    return read_unjudged(signed, Receipt)


def _judge_counts(rows: Rows, trail: Trail) -> list[Fault]:
    faults = []
    published = sum(trail.actions[action] for action in PUBLISHING)
    if published != len(rows.versions):
        faults.append(Fault(Kind.JOURNAL, f"{published} deposits in it, {len(rows.versions)} versions"))
    owner = {row["id"]: row["organisation_id"] for row in rows.dossiers}
    used: Counter[str] = Counter()
    for row in rows.versions:
        if row["erased_at"] is not None:
            continue
        used[owner[row["dossier_id"]]] += row["head_size"] + row["body_size"]
    faults += [
        Fault(Kind.COUNT, f"organisation {row['id']} uses {used[row['id']]} bytes")
        for row in rows.organisations
        if row["used_bytes"] != used[row["id"]]
    ]
    return faults


def _judge_objects(rows: Rows, there: dict[str, int], staged: set[str]) -> list[Fault]:
    """Everything is there, whole, that a row names, and nobody is about to remove it."""
    lost = [f"object {key}" for key, size in rows.named.items() if there.get(key) != size]
    lost += [f"object {key}, condemned and named" for key in rows.named if key in rows.condemned]
    lost += [
        f"parts of upload {row['id']}"
        for row in rows.open_uploads
        if row["staged"] not in staged and object_key(row["staged"]) not in there
    ]
    return [Fault(Kind.LOST, what) for what in lost]
