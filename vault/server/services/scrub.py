"""Looks at all versions, templates and certificates and at the journal, without a key, and names damages.

It changes nothing but its own line in ``runs``. What it reads may change meanwhile: rows are read in one
moment for each version, and before a damage is said the version is looked at once more if its row moved.
"""

from __future__ import annotations

from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys.signing import SIGNATURE_LENGTH
from vault.container import limits
from vault.container.layout import SEAL_HEAD
from vault.server.ports import (
    ObjectDamagedError,
    ObjectNotFoundError,
    RecordsError,
    StoreError,
    StoreUnavailableError,
)
from vault.server.services.beliefs import Beliefs
from vault.server.services.bodies import BodyCheck, body_size, find_seal
from vault.server.services.damage import Finding, Kind
from vault.server.services.erasurecheck import check_erasures
from vault.server.services.hashing import hashed
from vault.server.services.journalcheck import JournalCheck
from vault.server.services.retirementcheck import check_retirements
from vault.server.services.rowcheck import Rows, check_rows, read_rows, seal_of
from vault.server.services.templatecheck import check_templates
from vault.server.stores.records.runs import Ended

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from vault.container.seal import SignedSeal
    from vault.server.ports import Clock, ObjectStore, Records
    from vault.server.stores.records.rows import Version

SCRUB: Final = "scrub"
"""Name of the runs."""

PAGE: Final = 50
_LOOKS: Final = 3
"""How often a version is looked at that is damaged and changes at the same time."""

_LONGEST_END: Final = SEAL_HEAD + limits.SEAL + SIGNATURE_LENGTH


@dataclass(kw_only=True)
class Scrubbing:
    """What a run found.

    Attributes:
        started_at: UTC seconds.
        ended_at: UTC seconds, 0 while it goes on.
        outcome: as in `Ended`.
        dossier: the one dossier that was looked at, None for everything.
        total: versions that there were when it began.
        total_bytes: of their bodies.
        entries: of the journal that were looked at.
        examined: versions that were looked at.
        examined_bytes: of their bodies.
        damaged: damages that were found.
        unreadable: versions whose object could not be read, though the store works.
    """

    started_at: int
    ended_at: int = 0
    outcome: str = "failed"
    dossier: str | None = None
    total: int = 0
    total_bytes: int = 0
    entries: int = 0
    examined: int = 0
    examined_bytes: int = 0
    damaged: int = 0
    unreadable: int = 0

    def counts(self) -> dict[str, int | str | None]:
        """Return all fields by name."""
        return dict(self.__dict__)


class Scrub:
    """Verifies what is stored."""

    def __init__(
        self,
        records: Records,
        store: ObjectStore,
        clock: Clock,
        *,
        found: Callable[[Finding], None],
        progress: Callable[[Scrubbing], None] | None = None,
    ) -> None:
        """Build it.

        Args:
            records: what is remembered.
            store: what is kept.
            clock: where the time comes from.
            found: called with each damage as soon as it is known.
            progress: called now and then while it works.
        """
        self._records = records
        self._store = store
        self._clock = clock
        self._found = found
        self._progress = progress or (lambda _scrubbing: None)
        self._beliefs = Beliefs()

    async def run(self, dossier_id: str | None = None) -> Scrubbing:
        """Look at everything, or at what one dossier holds, and keep how it ended.

        Of one dossier nothing is kept: that it is well says nothing of the others. The journal belongs to all
        of them and is not looked at then.

        Raises:
            StoreError, RecordsError: it could not go on.
        """
        scrubbing = Scrubbing(started_at=self._clock.now(), dossier=dossier_id)
        try:
            async with self._records.read() as view:
                scrubbing.total, scrubbing.total_bytes = await view.evidence.total(dossier_id=dossier_id)
            if dossier_id is None:
                await self._journal(scrubbing)
            async for finding in check_templates(self._records, dossier_id=dossier_id):
                self._say(finding, scrubbing)
            async for finding in check_erasures(self._records, dossier_id=dossier_id):
                self._say(finding, scrubbing)
            async for finding in check_retirements(self._records, dossier_id=dossier_id):
                self._say(finding, scrubbing)
            await self._versions(scrubbing)
            scrubbing.outcome = "done"
        except (StoreError, RecordsError):
            raise
        except BaseException:
            scrubbing.outcome = "stopped"
            raise
        finally:
            scrubbing.ended_at = self._clock.now()
            if dossier_id is None:
                with suppress(RecordsError):
                    await self._keep(scrubbing)
        return scrubbing

    async def _keep(self, scrubbing: Scrubbing) -> None:
        async with self._records.bookkeeping() as books:
            await books.runs.keep(
                Ended(
                    SCRUB,
                    scrubbing.started_at,
                    scrubbing.ended_at,
                    scrubbing.outcome,
                    examined=scrubbing.examined,
                    damaged=scrubbing.damaged,
                )
            )

    def _say(self, finding: Finding, scrubbing: Scrubbing) -> None:
        if finding.kind is Kind.UNREADABLE:
            scrubbing.unreadable += 1
        else:
            scrubbing.damaged += 1
        self._found(finding)

    async def _journal(self, scrubbing: Scrubbing) -> None:
        def count(entries: int) -> None:
            scrubbing.entries += entries
            self._progress(scrubbing)

        async for finding in JournalCheck(self._records, count).findings():
            self._say(finding, scrubbing)

    async def _versions(self, scrubbing: Scrubbing) -> None:
        """Look at the versions in the order of their deposits; what comes meanwhile comes last."""
        position = -1
        while True:
            async with self._records.read() as view:
                page = await view.evidence.after(position, dossier_id=scrubbing.dossier, limit=PAGE)
            if not page:
                return
            for version in page:
                for finding in await self._version(version.seal_id, scrubbing):
                    self._say(finding, scrubbing)
                scrubbing.examined += 1
                self._progress(scrubbing)
            position = page[-1].position

    async def _version(self, seal_id: bytes, scrubbing: Scrubbing) -> list[Finding]:
        """Return what is wrong with a version, all of it at one moment."""
        findings: list[Finding] = []
        before = scrubbing.examined_bytes
        found = await self._rows(seal_id)
        for _look in range(_LOOKS):
            if found is None:
                return []  # the journal tells whether it should be there
            scrubbing.examined_bytes = before
            findings = [_placed(one, found.version) async for one in self._look(found, scrubbing)]
            if not findings:
                break
            again = await self._rows(seal_id)
            if again == found:
                break
            found = again
        return findings

    async def _rows(self, seal_id: bytes) -> Rows | None:
        async with self._records.read() as view:
            return await read_rows(view, seal_id, self._beliefs, at=self._clock.now())

    async def _look(self, found: Rows, scrubbing: Scrubbing) -> AsyncGenerator[Finding, None]:
        version, seal, size = found.version, seal_of(found), None
        if version.erased_at is not None:
            # It may be there until a lock ends; nobody is promised that it is.
            for one in check_rows(found, seal):
                yield one
            return
        body: list[Finding] = []
        try:
            size = await self._store.size(version.body_key)
            if seal is None:
                seal = find_seal(await self._end(version.body_key, size), version.seal_id)
            if seal is not None:
                body = [one async for one in self._body(version.body_key, size, seal, scrubbing)]
            else:
                body = [
                    Finding(Kind.SEAL_LOST, "neither rows nor object have the seal: nothing proves the body")
                ]
        except ObjectNotFoundError:
            body = [Finding(Kind.OBJECT_MISSING, "the object is not in the store")]
        except ObjectDamagedError:
            body = [Finding(Kind.OBJECT_SHORT, "the object ends before its length")]
        except StoreUnavailableError as error:
            await self._store.check()
            body = [Finding(Kind.UNREADABLE, f"{error}; run it again")]
        for one in [*check_rows(found, seal), *body]:
            yield one

    async def _end(self, key: str, size: int) -> bytes:
        length = min(size, _LONGEST_END)
        async with aclosing(self._store.get(key, offset=size - length, length=length)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def _body(
        self, key: str, size: int, seal: SignedSeal, scrubbing: Scrubbing
    ) -> AsyncGenerator[Finding, None]:
        sealed = body_size(seal)
        if size < sealed:
            yield Finding(Kind.OBJECT_SHORT, f"the object has {size} bytes instead of {sealed}")
            return
        if size > sealed:
            yield Finding(Kind.OBJECT_LONG, f"the object has {size} bytes instead of {sealed}")
        check = BodyCheck(seal)
        async with aclosing(self._store.get(key, length=sealed)) as chunks:
            async for chunk in chunks:
                await hashed(chunk, check.update)
                scrubbing.examined_bytes += len(chunk)
                self._progress(scrubbing)
        for one in check.findings():
            yield one


def _placed(finding: Finding, version: Version) -> Finding:
    return finding._replace(
        dossier=version.dossier_id,
        evidence=version.proof_id,
        number=max(version.number, 0),
        seal=version.seal_id.hex(),
        object=version.body_key,
    )
