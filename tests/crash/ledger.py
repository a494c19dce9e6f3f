"""What a crowd of clients was told, and what it is waiting to be told; and whether that is what there is.

A thing is named by kind and name: a version or an upload by its seal id, a grant or a mandate by its
statement's id, a dossier by its own, a key that has ended by its dossier and generation. Versions of any
dossier but one are "doomed"; the number of what was re-encrypted is 0. Its value is what the service must
show of it; None: nothing.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from tests.crash.inspection import Fault, Kind
from vault.server.stores.records import schema

Thing = tuple[str, str]
Picture = dict[Thing, Any]


@dataclass
class Change:
    """One request that changes something, from before it is sent until it is answered.

    Attributes:
        after: what there is of everything that it touches once it is done.
        action: what the journal calls it; empty: it stands nowhere.
        containers: by seal id, what will be fetched then.
    """

    after: Picture
    action: str = ""
    containers: dict[str, bytes] = field(default_factory=dict)


class Ledger:
    """Everything that was acknowledged.

    Attributes:
        known: what has to be there.
        pending: what was sent and not answered yet, by who sent it.
        actions: how often each has to stand in the journal.
        digests: SHA-256 of the container of each version.
        contents: SHA-256 of what was sealed, also of what was never sent.
        places: of each version, its evidence and number.
        receipts: of each version, as it was handed out.
        touched: versions that nobody has looked at since they were changed.
        acknowledged: how many changes.
        broken: how many were not answered because the server died.
        kept: how many of these were found to be done nevertheless.
        asked: how many containers were asked for; each that was handed out stands in the journal.
    """

    def __init__(self) -> None:
        self.known: Picture = {}
        self.pending: dict[int, Change] = {}
        self.actions: Counter[str] = Counter()
        self.digests: dict[str, bytes] = {}
        self.contents: dict[str, bytes] = {}
        self.places: dict[str, tuple[str, int]] = {}
        self.receipts: dict[str, dict] = {}
        self.touched: set[str] = set()
        self.faults: list[Fault] = []
        self.acknowledged = self.broken = self.kept = self.asked = self.fetched = 0

    def acknowledge(self, who: int) -> None:
        """Take what somebody waited for as done."""
        change = self.pending.pop(who)
        self.acknowledged += 1
        for thing, value in change.after.items():
            if value is None:
                self.known.pop(thing, None)
            else:
                self.known[thing] = value
            if thing[0] == "version":
                self.touched.add(thing[1])
        for seal_id, container in change.containers.items():
            self.digests[seal_id] = hashlib.sha256(container).digest()
        if change.action:
            self.actions[change.action] += 1

    def withdraw(self, who: int, fault: Fault) -> None:
        """Note an answer that nobody should get."""
        self.pending.pop(who)
        self.faults.append(fault)

    def compare(self, found: Picture, actions: Counter[str]) -> list[Fault]:
        """Name what is there and should not be, what is not and should, and what is there by half.

        Args:
            found: everything there is.
            actions: how often each stands in the journal.
        """
        faults, expected = [], Counter(self.actions)
        settled = set(self.known) | set(found)
        for change in self.pending.values():
            settled -= change.after.keys()
            got = {thing: found.get(thing) for thing in change.after}
            if got == change.after:
                expected[change.action] += bool(change.action)
            elif got != {thing: self.known.get(thing) for thing in change.after}:
                faults.append(Fault(Kind.HALF, f"{got} of {change.after}"))
        for thing in settled:
            got, value = found.get(thing), self.known.get(thing)
            if got != value:
                kind = Kind.HALF if value is None else Kind.LOST
                faults.append(Fault(kind, f"{thing} is {got}, not {value}"))
        faults += [
            Fault(Kind.JOURNAL, f"{action} {actions[action]} times, not {times}")
            for action, times in expected.items()
            if actions[action] != times
        ]
        return faults

    def count_broken(self, found: Picture) -> None:
        """Count what the death of the server left without an answer, and what of it was done."""
        self.broken += len(self.pending)
        for change in self.pending.values():
            self.kept += {thing: found.get(thing) for thing in change.after} == change.after


async def picture_below(site, dossier_id) -> Picture:
    """Return everything there is, as the rows have it; ``dossier_id`` is the one that all clients work on."""
    version, grant, upload, part = (
        table.c for table in (schema.versions, schema.grants, schema.uploads, schema.upload_parts)
    )
    dossier, depositor = schema.dossiers.c, schema.depositors.c
    async with site.records() as records, records.read() as view:
        execute = view.evidence._handle.execute
        columns = (version.seal_id, version.state, version.number, version.generation)
        of, erased = version.dossier_id, version.erased_at.is_not(None)
        versions = await execute(select(*columns).where(of == dossier_id))
        found: Picture = {("version", row[0].hex()): tuple(row[1:]) for row in versions}
        doomed = await execute(select(*columns, erased).where(of != dossier_id))
        found |= {
            ("doomed", seal_id.hex()): (state, max(number, 0), generation, bool(gone))
            for seal_id, state, number, generation, gone in doomed
        }
        retired = schema.retirements.c
        for name, generation in await execute(select(retired.dossier_id, retired.generation)):
            found["retired", f"{name} {generation}"] = True
        mandates = (await execute(select(depositor.mandate_id))).scalars()
        found |= {("mandate", mandate.hex()): True for mandate in mandates}
        for name, closed, ended in await execute(select(dossier.id, dossier.closed_at, dossier.erased_at)):
            state = "open" if closed is None else "closed"
            found["dossier", name] = state if ended is None else "erased"
        grants = await execute(select(grant.statement_id, grant.revoked_at))
        found |= {("grant", row[0].hex()): row[1] is not None for row in grants}
        parts: dict[str, set[int]] = {}
        for upload_id, number in await execute(select(part.upload_id, part.number)):
            parts.setdefault(upload_id, set()).add(number)
        columns = (upload.id, upload.seal_id, upload.state, upload.generation)
        for upload_id, seal_id, state, generation in await execute(select(*columns)):
            found["upload", seal_id.hex()] = (state, generation, frozenset(parts.get(upload_id, ())))
    return found


def seen(versions: dict[str, dict]) -> Picture:
    """Return what a list of versions shows."""
    return {
        ("version", seal_id): (row["state"], row["number"], row["generation"])
        for seal_id, row in versions.items()
    }
