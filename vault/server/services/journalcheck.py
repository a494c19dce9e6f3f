"""The journal against itself, and against the versions and certificates that it names, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keys.canonical import decode_binary
from keys.errors import KeyMaterialError
from vault.journal import Action, Checkpoint, Fact, decode_entry
from vault.merkle import DIGEST_LENGTH, TreeHasher, leaf_hash
from vault.server.services.damage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from vault.journal import Entry
    from vault.server.ports import Records
    from vault.server.stores.records.rows import JournalEntry, Version
    from vault.server.stores.records.transactions import Reading

PAGE: Final = 200
"""Entries of one transaction; they are short, so that no writer's old rows have to be kept for it."""

_DEPOSITS: Final = frozenset(
    {
        Action.EVIDENCE_DEPOSITED.value,
        Action.EVIDENCE_REENCRYPTED.value,
        Action.EVIDENCE_REPLACED.value,
    }
)
_ENVELOPES: Final = _DEPOSITS | {Action.ENVELOPE_REWRITTEN.value}


class _Told(NamedTuple):
    """What an entry says of a version's envelope."""

    position: int
    dossier: str
    evidence: str
    seal_id: bytes
    generation: int
    envelope_digest: bytes


class JournalCheck:
    """Reads every entry up to the head as it is when this begins; what comes later is not looked at."""

    def __init__(self, records: Records, progress: Callable[[int], None]) -> None:
        """Build it; ``progress`` is called with how many entries were read since it was called last."""
        self._records = records
        self._progress = progress
        # Over the entries as they are, and over the leaves that stand beside them: where one of the two gives
        # the root of the head, the other one was changed.
        self._entries, self._leaves = TreeHasher(), TreeHasher()
        self._whole = True

    async def findings(self) -> AsyncIterator[Finding]:
        """Yield what is wrong.

        Raises:
            RecordsUnavailableError.
        """
        head: Checkpoint | None = None
        async with self._records.read() as view:
            try:
                head = await view.journal.checkpoint()
            except ValueError:
                size = await view.journal.count()
            else:
                size = head.size
            extra = await view.journal.entries(size, 1)
        if head is None:
            yield Finding(Kind.JOURNAL_HEAD_DAMAGED, "the journal's head is not that of any tree")
        if extra:
            yield Finding(
                Kind.ENTRY_EXTRA, "an entry stands behind the journal's head", position=extra[0].position
            )
        for start in range(0, size, PAGE):
            async for finding in self._page(start, min(PAGE, size - start)):
                yield finding
            self._progress(min(PAGE, size - start))
        roots = {self._entries.root(), self._leaves.root()}
        if head is not None and self._whole and head.root not in roots:
            yield Finding(
                Kind.JOURNAL_DIFFERS, "the entries do not give the tree that the journal's head keeps"
            )

    async def _page(self, start: int, length: int) -> AsyncIterator[Finding]:
        told: list[_Told] = []
        ended: list[Entry] = []
        async with self._records.read() as view:
            found = await view.journal.entries(start, length)
            findings = list(self._take(start, length, found, told, ended))
            findings += [one async for one in _uncertified(view, ended)]
            versions = {
                one.seal_id: one for one in await view.evidence.by_seals({one.seal_id for one in told})
            }
        for finding in [*findings, *_compare(told, versions)]:
            yield finding

    def _take(
        self,
        start: int,
        length: int,
        found: Iterable[JournalEntry],
        told: list[_Told],
        ended: list[Entry],
    ) -> Iterator[Finding]:
        rows = {row.position: row for row in found}
        for position in range(start, start + length):
            row = rows.get(position)
            if row is None:
                self._whole = False
                yield Finding(Kind.ENTRY_MISSING, "a journal entry is missing", position=position)
                continue
            leaf = leaf_hash(row.entry)
            self._entries.append(leaf)
            self._leaves.append(row.leaf if len(row.leaf) == DIGEST_LENGTH else leaf)
            entry = _decode(row)
            if entry is None or leaf != row.leaf:
                yield Finding(Kind.ENTRY_DAMAGED, "a journal entry was changed", position=position)
            elif entry.action in _ENVELOPES:
                said = _read(entry)
                if said is not None:
                    told.append(said)
            elif entry.action == Action.DOSSIER_KEY_RETIRED.value:
                ended.append(entry)


def _decode(row: JournalEntry) -> Entry | None:
    try:
        entry = decode_entry(row.entry)
    except KeyMaterialError:
        return None
    return entry if entry.position == row.position else None


def _read(entry: Entry) -> _Told | None:
    subjects = {one.kind: one.id for one in entry.subjects}
    details = {one.name: one.value for one in entry.details}
    try:
        return _Told(
            entry.position,
            subjects.get("dossier", ""),
            subjects.get("evidence", ""),
            decode_binary(details[Fact.SEAL], DIGEST_LENGTH, "seal"),
            int(details[Fact.GENERATION]),
            decode_binary(details[Fact.ENVELOPE_DIGEST], DIGEST_LENGTH, "envelope"),
        )
    except (KeyError, ValueError, KeyMaterialError):
        return None  # signed over by nobody, and written by no version of this server


async def _uncertified(view: Reading, ended: Iterable[Entry]) -> AsyncIterator[Finding]:
    """Yield the ends of keys whose certificate has no row."""
    for entry in ended:
        dossier = next((one.id for one in entry.subjects if one.kind == "dossier"), "")
        # Keys that ended before there were certificates have none; their entries name no lines.
        certified = any(one.name == Fact.ROOT for one in entry.details)
        if certified and await view.retirements.get(dossier, entry.position) is None:
            yield Finding(
                Kind.CERTIFICATE_MISSING,
                "the journal tells of a key that ended with a certificate, and no row has that",
                dossier=dossier,
                position=entry.position,
            )


def _compare(told: Iterable[_Told], versions: Mapping[bytes, Version]) -> Iterator[Finding]:
    for one in told:
        version = versions.get(one.seal_id)
        where = Finding(
            Kind.VERSION_MISSING,
            "the journal tells of a version that no row has",
            dossier=one.dossier,
            evidence=one.evidence,
            seal=one.seal_id.hex(),
            position=one.position,
        )
        if version is None:
            yield where
            continue
        detail = ""
        if version.generation < one.generation:
            detail = f"the journal has generation {one.generation} of the envelope, the row an older one"
        elif version.generation == one.generation and version.envelope_digest != one.envelope_digest:
            detail = f"the journal has another envelope in generation {one.generation}"
        if detail:
            yield where._replace(
                kind=Kind.ROW_DIFFERS, detail=detail, number=max(version.number, 0), object=version.body_key
            )
