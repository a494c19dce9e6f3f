"""Who holds a place when: keys that hand over to a successor, each of them once.

A key is named by its signing key id (32 bytes). Nothing here checks a signature: `Trust` hands in successions
that it has verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keys.canonical import MAX_INTEGER
from keys.errors import Refusal, StatementError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keys.keyfile import PublicIdentity
    from keys.kinds import Succession

FOREVER: Final = MAX_INTEGER + 1
"""Later than any time that a statement can name."""


class Tenure(NamedTuple):
    """A key's time in a place: from ``since`` on, before ``before``.

    Attributes:
        key: signing key id.
        identity: the successor's identity; None for the first key, which is known by its id only.
        since: UTC seconds, included.
        before: UTC seconds, not included.
        disputed: the key named two different successors; nobody follows it.
    """

    key: bytes
    identity: PublicIdentity | None
    since: int
    before: int
    disputed: bool

    def refuse(self, at: int) -> StatementError | None:
        """Return why the key does not hold the place at ``at``; None if it does."""
        if at < self.since:
            return StatementError(Refusal.SUPERSEDED, "the key had not yet been handed to at that time")
        if at < self.before:
            return None
        if self.disputed:
            return StatementError(Refusal.DISPUTED, "the key named two different successors")
        return StatementError(Refusal.SUPERSEDED, "the key had handed over to a successor by that time")


class Successions:
    """All successions that are known, by the key that handed over."""

    def __init__(self, successions: Iterable[Succession]) -> None:
        self._from: dict[bytes, list[Succession]] = {}
        for succession in sorted(successions, key=lambda each: each.issued):
            self._from.setdefault(succession.old.signing_key_id, []).append(succession)

    def lineage(self, first: bytes) -> tuple[Tenure, ...]:
        """Return the tenures of the place that ``first`` (a signing key id) was given, in order.

        A key that named two different successors leaves at the first naming, and nobody follows: whichever
        was meant, one of them is a thief's. The same successor named twice is named at the first time. A
        circle ends before a key returns.
        """
        tenures: list[Tenure] = []
        seen: set[bytes] = set()
        key, identity, since = first, None, 0
        while key not in seen:
            seen.add(key)
            named = self._from.get(key, [])
            disputed = len({succession.new for succession in named}) > 1
            before = max(since, named[0].issued) if named else FOREVER
            tenures.append(Tenure(key, identity, since, before, disputed))
            if not named or disputed:
                break
            identity = named[0].new
            key, since = identity.signing_key_id, before
        return tuple(tenures)

    def contradicts(self, succession: Succession) -> bool:
        """Tell whether the same key is known to have named somebody else."""
        named = self._from.get(succession.old.signing_key_id, [])
        return any(other.new != succession.new for other in named)


def require_place(lineage: tuple[Tenure, ...], key: bytes, *times: int) -> None:
    """Return only if ``key`` (a signing key id) holds the place at each of ``times``.

    Raises:
        StatementError: it never does (``mismatch``), or not then (``superseded``, ``disputed``).
    """
    for tenure in lineage:
        if tenure.key == key:
            for refusal in map(tenure.refuse, times):
                if refusal is not None:
                    raise refusal
            return
    raise StatementError(Refusal.MISMATCH, "another key than the one named, and none that followed it")
