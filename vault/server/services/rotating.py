"""Rotating a dossier's key: the next key, and the envelopes that still name older ones.

A rotation has no state of its own. It is begun when the dossier names a newer key than some envelope, and it
has ended when none does and no older key is granted: whoever looks sees how far it is, any admin can go on.
In between, both keys are granted, so that everybody who may open a version can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.canonical import encode_binary
from keys.derivation import key_id
from keys.statements import DossierKey, read_unjudged
from vault.api.models.base import Page
from vault.api.models.rotation import Outdated, Rotation
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import OutdatedError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.grants import add_grants
from vault.server.services.keeping import keep, require_kept

if TYPE_CHECKING:
    from keys.statements import Signed
    from keys.trust import Verified
    from vault.api.models.rotation import OutdatedQuery, RotationRequest
    from vault.server.ports import Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change

PAGE_BYTES: Final = 4 * 1024 * 1024
"""What the envelopes of one page may have together; one is always handed out."""


class Rotating:
    """Moves a dossier from one key to the next."""

    def __init__(self, records: Records, beliefs: Beliefs) -> None:
        self._records = records
        self._beliefs = beliefs

    async def rotate(self, dossier_id: str, request: RotationRequest, act: Act) -> Rotation:
        """Give a dossier its next key, with its grants; deposits have to be sealed to it from now on.

        A closed dossier is rotated as well: what it holds stays, and so do those who may open it.

        Raises:
            RefusedError: statement_invalid; authority_missing; dossier_erased; conflict: no next key.
        """
        signed = views.signed_of(request.key, "key")
        grants = [views.signed_of(grant, f"grants.{n}") for n, grant in enumerate(request.grants)]
        async with self._records.change(act.origin) as tx:
            row = await dossier_of(tx, dossier_id)
            key = await self._accept(tx, signed, row)
            reach(Failpoint.ROTATION_JUDGED)
            named = key_id(key.statement.public_key)
            await keep(tx, key, subject=named, dossier_id=dossier_id, generation=key.statement.generation)
            try:
                await tx.dossiers.advance(dossier_id, expected=row.generation)
            except OutdatedError:
                raise _overtaken(row.generation) from None
            reach(Failpoint.DOSSIER_ADVANCED)
            await add_grants(tx, self._beliefs, grants, dossier_id, generation=key.statement.generation)
            await tx.record(
                Action.DOSSIER_KEY_ROTATED,
                [Subject("dossier", dossier_id)],
                {Fact.GENERATION: row.generation + 1, Fact.KEY: named, Fact.COUNT: len(grants)},
            )
            answer = await progress(tx, dossier_id)
            await act.remember(tx, answer)
        return answer

    async def get(self, dossier_id: str) -> Rotation:
        """Return how far a dossier is on its way to its current key."""
        async with self._records.read() as view:
            return await progress(view, dossier_id)

    async def outdated(self, dossier_id: str, query: OutdatedQuery, act: Act) -> Page[Outdated]:
        """Return envelopes that are sealed to older keys, and note in the journal that they were handed out.

        What is written anew meanwhile leaves the list; the first page is always what is left.

        Raises:
            RefusedError: dossier_erased.
        """
        async with self._records.change(act.origin) as tx:
            row = await dossier_of(tx, dossier_id)
            found = await tx.evidence.below(
                dossier_id, row.generation, cursor=query.cursor, limit=query.limit
            )
            fitting = _fitting(found.items)
            if fitting < len(found.items):
                found = await tx.evidence.below(
                    dossier_id, row.generation, cursor=query.cursor, limit=fitting
                )
            ends = await tx.evidence.ends([version.seal_id for version in found.items])
            items = tuple(_outdated(version, *ends[version.seal_id]) for version in found.items)
            await tx.record(
                Action.ENVELOPES_FETCHED, [Subject("dossier", dossier_id)], {Fact.COUNT: len(items)}
            )
        return Page(items=items, next=found.next)

    async def _accept(self, tx: Change, signed: Signed, row: rows.Dossier) -> Verified[DossierKey]:
        """Return a key, if it counts and comes after the dossier's current one."""
        verified = await self._beliefs.accept(tx, signed, DossierKey, now=tx.now, field="key")
        statement = verified.statement
        if statement.dossier != row.id:
            raise RefusedError(Code.STATEMENT_INVALID, "this is another dossier's key", field="key")
        if statement.generation != row.generation + 1:
            raise _overtaken(row.generation)
        (current,) = await tx.statements.find("dossier key", dossier_id=row.id, generation=row.generation)
        if statement.previous != key_id(read_unjudged(views.stored(current), DossierKey).public_key):
            raise RefusedError(
                Code.STATEMENT_INVALID, "it does not name the dossier's current key", field="key"
            )
        authority = await self._beliefs.require_authority(tx)
        # What is sealed already lists the one that there was then, and would be refused for another one.
        line = await self._beliefs.chain(tx, authority.signing_key_id)
        if not set(line) & set(statement.writers):
            raise RefusedError(Code.STATEMENT_INVALID, "the authority is not among the writers", field="key")
        return verified


async def dossier_of(view: View, dossier_id: str) -> rows.Dossier:
    """Return a dossier whose keys may change.

    Raises:
        RefusedError: dossier_erased.
    """
    row = await _dossier(view, dossier_id)
    require_kept(row)
    return row


async def progress(view: View, dossier_id: str) -> Rotation:
    """Return how far a dossier is on its way to its current key."""
    row = await _dossier(view, dossier_id)
    every = await view.evidence.sizes_below(dossier_id, row.generation + 1)
    left = await view.evidence.sizes_below(dossier_id, row.generation)
    return Rotation(
        dossier=dossier_id,
        generation=row.generation,
        versions=every.versions,
        envelope_bytes=every.head_bytes,
        body_bytes=every.body_bytes,
        outdated=left.versions,
        grants=await view.grants.count_below(dossier_id, row.generation),
    )


async def _dossier(view: View, dossier_id: str) -> rows.Dossier:
    row = await view.dossiers.get(dossier_id)
    assert row is not None
    return row


def _outdated(version: rows.Version, head: bytes, seal: bytes) -> Outdated:
    return Outdated(version=views.version(version), head=encode_binary(head), seal=encode_binary(seal))


def _fitting(found: tuple[rows.Version, ...]) -> int:
    """Return how many of the first are handed out together."""
    total = 0
    for number, version in enumerate(found):
        total += version.head_size
        if number and total > PAGE_BYTES:
            return number
    return len(found)


def _overtaken(generation: int) -> RefusedError:
    return RefusedError(
        Code.CONFLICT,
        f"the dossier's current key is {generation}; the next one is {generation + 1}",
        extra={"generation": generation},
    )
