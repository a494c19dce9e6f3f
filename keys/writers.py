"""Who writes envelopes in the place of a writer that a seal lists, once that handed over.

Seals list key ids, and stay as they are. What is followed from them are the successions of the authority, and
of admins as long as their habilitation went along: forward only, never past a key that named two successors,
nor past one that was withdrawn when it handed over.

Decided in docs/decisions/0054-readers-follow-the-writers-that-a-seal-lists.md.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from keys.errors import StatementError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keys.succession import Tenure
    from keys.trust import Trust


def followers(trust: Trust, listed: Iterable[bytes], *, at: int) -> dict[bytes, bytes]:
    """Return who followed the listed writers by the time ``at``: new key id by old one.

    What a key wrote while it had the place stays written, so each of a chain is in it.

    Args:
        trust: the successions that are known, with the habilitations of admins.
        listed: key ids that a seal lists.
        at: UTC seconds.
    """
    found: dict[bytes, bytes] = {}
    for one in listed:
        for before, after in pairwise(_line(trust, one, at)):
            found[before.key] = after.key
    return found


def present_writers(trust: Trust, listed: Iterable[bytes], *, at: int) -> frozenset[bytes]:
    """Return the ids of the keys that may write something new at ``at`` because a listed one handed over.

    A listed key itself is not among them: that it may write stands in the seal.
    """
    found = (_present(trust, one, at) for one in listed)
    return frozenset(one for one in found if one is not None)


def _present(trust: Trust, listed: bytes, at: int) -> bytes | None:
    last = _line(trust, listed, at)[-1]
    if last.identity is None or last.refuse(at) is not None:
        return None
    if not trust.is_authoritys(listed):
        try:
            trust.habilitation(last.identity.signing, "admin", at=at)
        except StatementError:
            return None
    return last.key


def _line(trust: Trust, listed: bytes, at: int) -> list[Tenure]:
    """Return the tenures from a listed key on, as far as they are followed."""
    first, *others = trust.line(listed)
    reached = [first]
    authority = trust.is_authoritys(listed)
    for following in others:
        passed_on = authority or trust.went_along(reached[-1].key, following, "admin")
        if following.since > at or not passed_on:
            break
        reached.append(following)
    return reached
