"""Handing out container bytes: judged and written into the journal before the first byte leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.policy import RULES, judge
from vault.server.policy import Subject as Named
from vault.server.ports import StoreError
from vault.server.refusals import RefusedError
from vault.server.services.keeping import require_kept

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from vault.server.ports import ObjectStore, Records
    from vault.server.services.acts import Act
    from vault.server.services.gathering import FactGathering
    from vault.server.stores.records.rows import Version


class Slice(NamedTuple):
    """A range of bytes within a whole of ``total``."""

    offset: int
    length: int
    total: int


class Fetched(NamedTuple):
    """Bytes that may leave.

    Attributes:
        version: what they belong to.
        head: those that come first, from the records.
        body: the rest's key in the store and range, None where the head is all.
        slice: what is sent of the whole.
    """

    version: Version
    head: bytes
    body: tuple[str, int, int] | None
    slice: Slice


class Fetching:
    """Reads versions for the depositor that sealed them and for reviewers with a grant."""

    def __init__(self, records: Records, store: ObjectStore, facts: FactGathering) -> None:
        self._records = records
        self._store = store
        self._facts = facts

    async def container(self, proof_id: str, number: int, act: Act) -> Fetched:
        """Return the whole container."""
        version, head = await self._record(proof_id, number, act, "container", None)
        body = (version.body_key, 0, version.body_size)
        return Fetched(version, head, body, _whole(len(head) + version.body_size))

    async def envelope(self, proof_id: str, number: int, act: Act) -> Fetched:
        """Return preamble and envelope."""
        version, head = await self._record(proof_id, number, act, "envelope", None)
        return Fetched(version, head, None, _whole(len(head)))

    async def body(self, proof_id: str, number: int, act: Act, choose: Callable[[Version], Slice]) -> Fetched:
        """Return payload, leaves and seal, or the range that ``choose`` picks.

        Raises:
            RefusedError: range_not_satisfiable, from ``choose``.
        """
        version, _ = await self._record(proof_id, number, act, "body", choose)
        chosen = choose(version)
        return Fetched(version, b"", (version.body_key, chosen.offset, chosen.length), chosen)

    def stream(self, fetched: Fetched) -> AsyncGenerator[bytes, None]:
        """Return the bytes of the store, in pieces of at most 1 MiB: see `ObjectStore.get`."""
        assert fetched.body is not None
        key, offset, length = fetched.body
        return self._store.get(key, offset=offset, length=length)

    async def _record(
        self, proof_id: str, number: int, act: Act, part: str, choose: Callable[[Version], Slice] | None
    ) -> tuple[Version, bytes]:
        """Judge once more and write the journal entry, in one transaction.

        Raises:
            HiddenError: not, or no longer, for the one who asks.
            RefusedError: dossier_erased; unavailable.
        """
        path = {"evidence": proof_id, "number": str(number)}
        stored = None if part == "envelope" else await self._stored(proof_id, number)
        async with self._records.change(act.origin) as tx:
            gathered = await self._facts.within(tx, Named.VERSION, path, act.principal)
            judge(RULES["fetch_container"], act.principal, gathered.facts if gathered else None)
            version = await tx.evidence.version(proof_id, number)
            assert version is not None
            dossier = await tx.dossiers.get(version.dossier_id)
            assert dossier is not None
            require_kept(dossier)
            head = await tx.evidence.head(version.seal_id)
            assert head is not None
            facts: dict[Fact, str | int | bytes] = {
                Fact.PART: part,
                Fact.SEAL: version.seal_id,
                Fact.VERSION: number,
                Fact.GENERATION: version.generation,
            }
            if choose is not None:
                chosen = choose(version)
                facts |= {Fact.OFFSET: chosen.offset, Fact.LENGTH: chosen.length}
            if isinstance(stored, StoreError):
                raise stored
            if part != "envelope" and stored != (version.body_key, version.body_size):
                raise RefusedError(Code.UNAVAILABLE, "the stored bytes cannot be read at the moment")
            await tx.record(
                Action.EVIDENCE_FETCHED,
                [Subject("dossier", version.dossier_id), Subject("evidence", proof_id)],
                facts,
            )
        return version, head

    async def _stored(self, proof_id: str, number: int) -> tuple[str, int] | StoreError | None:
        """Return key and size of a body as the store has it, or why it cannot tell.

        It is asked before the transaction: one that hangs would let every writer wait for it there.
        """
        async with self._records.read() as view:
            version = await view.evidence.version(proof_id, number)
        if version is None:
            return None
        try:
            return version.body_key, await self._store.size(version.body_key)
        except StoreError as error:
            return error


def _whole(total: int) -> Slice:
    return Slice(0, total, total)
