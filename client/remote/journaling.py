"""Checking the journal: every entry from the first on, against the server's signed word, now and before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, ClientError
from client.remote.carriage import from_model
from client.remote.failures import not_ours
from keys.canonical import decode_binary
from keys.errors import KeyMaterialError
from vault.api.models.base import MAX_LIST
from vault.api.models.journal import ConsistencyQuery, JournalQuery
from vault.journal import Checkpoint, JournalError, JournalVerifier
from vault.merkle import ProofError, verify_consistency

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from client.remote.service import Service
    from client.trust import Anchor
    from keys.statements import Signed
    from vault.journal import Entry


class JournalForged(ClientError):  # noqa: N818 - named like its siblings
    """The journal is not the one that the server signed before (exit code 5)."""

    exit_code = 5


class Verified(NamedTuple):
    """A checkpoint that the server signed, and its statement."""

    checkpoint: Checkpoint
    signed: Signed


async def fetch_checkpoint(service: Service, anchor: Anchor) -> Verified:
    """Return the server's present checkpoint, its signature verified.

    Raises:
        Distrusted: it is not signed by the server that the authority habilitated.
    """
    signed = from_model((await service.get_checkpoint()).checkpoint)
    statement = anchor.checkpoint(signed)
    return Verified(Checkpoint(statement.size, statement.root), signed)


async def extends(service: Service, old: Checkpoint, new: Checkpoint) -> None:
    """Check that the journal at ``new`` begins with the journal at ``old``, without reading it.

    Raises:
        JournalForged: it does not.
    """
    if old.size > new.size:
        raise _forged(f"{new.size} entries, {old.size} were signed before")
    answer = await service.get_consistency(ConsistencyQuery(first=old.size, second=new.size))
    try:
        verify_consistency(
            old_size=old.size,
            old_root=old.root,
            new_size=new.size,
            new_root=new.root,
            proof=[bytes.fromhex(digest) for digest in answer.proof],
        )
    except ProofError as error:
        raise _forged(str(error)) from None


async def entries(service: Service, *, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
    """Yield the bytes of entries from position ``start`` up to ``stop``, or to the end as it is now."""
    position = start
    while stop is None or position < stop:
        limit = MAX_LIST if stop is None else min(MAX_LIST, stop - position)
        page = await service.list_journal(JournalQuery(start=position, limit=limit))
        for item in page.items:
            if item.position != position:
                raise not_ours(f"entry {item.position} instead of {position}")
            try:
                yield decode_binary(item.entry, len(item.entry) * 3 // 4)
            except KeyMaterialError:
                raise not_ours("entry") from None
            position += 1
        if page.next is None or not page.items:
            return


async def verify_journal(
    service: Service,
    anchor: Anchor,
    before: Sequence[Signed],
    *,
    on_entry: Callable[[Entry], None] = lambda _entry: None,
) -> Verified:
    """Read the whole journal and check it against the present checkpoint and all that were kept.

    Args:
        service: signed in as an auditor or admin.
        anchor: whom to trust.
        before: checkpoints that were verified and kept earlier.
        on_entry: what to do with each entry.

    Returns:
        The present checkpoint: worth keeping.

    Raises:
        JournalForged: an entry was altered, removed, added or re-ordered.
        Distrusted: a checkpoint is not signed by the server.
    """
    present = await fetch_checkpoint(service, anchor)
    expected: dict[int, list[bytes]] = {present.checkpoint.size: [present.checkpoint.root]}
    for signed in before:
        statement = anchor.checkpoint(signed)
        expected.setdefault(statement.size, []).append(statement.root)
    verifier = JournalVerifier()
    try:
        _compare(verifier.checkpoint, expected)
        async for data in entries(service, stop=present.checkpoint.size):
            on_entry(verifier.add(data))
            _compare(verifier.checkpoint, expected)
    except JournalError as error:
        raise _forged(str(error)) from None
    if verifier.checkpoint.size < max(expected):
        raise _forged(f"{verifier.checkpoint.size} entries, {max(expected)} were signed")
    return present


def _compare(reached: Checkpoint, expected: dict[int, list[bytes]]) -> None:
    if any(root != reached.root for root in expected.get(reached.size, ())):
        raise _forged(f"the first {reached.size} entries are not those that were signed")


def _forged(reason: str) -> JournalForged:
    return JournalForged(
        N_(
            "the journal is not the one that the service signed: {reason}; "
            "keep your checkpoints and tell the auditors"
        ),
        reason=reason,
    )
