"""Who may issue which kind of statement, and at which time that is judged. Applied by ``trust``."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from keys.errors import Refusal, StatementError
from keys.kinds import (
    MOMENTARY,
    Approval,
    Checkpoint,
    DossierKey,
    Erasure,
    Grant,
    Habilitation,
    Mandate,
    Opening,
    Receipt,
    RecoveryKey,
    Role,
    Rotation,
    Statement,
    Withdrawal,
)
from keys.statements import CLOCK_TOLERANCE


class Rule(NamedTuple):
    """Who may issue a kind.

    Attributes:
        authority: the authority may.
        roles: who is habilitated in one of these may.
        portal: the portal that opened the dossier may; dossier keys and grants of generation 1 only.
    """

    authority: bool
    roles: tuple[Role, ...] = ()
    portal: bool = False


RULES: Final[dict[type[Any], Rule]] = {
    Habilitation: Rule(authority=True),
    RecoveryKey: Rule(authority=True),
    Withdrawal: Rule(authority=True, roles=("admin",)),
    Mandate: Rule(authority=True, portal=True),
    DossierKey: Rule(authority=True, roles=("admin",), portal=True),
    Grant: Rule(authority=True, roles=("admin",), portal=True),
    Opening: Rule(authority=False, roles=("reviewer",)),
    Receipt: Rule(authority=False, roles=("server",)),
    Checkpoint: Rule(authority=False, roles=("server",)),
    Erasure: Rule(authority=False, roles=("server",)),
    Rotation: Rule(authority=False, roles=("server",)),
    Approval: Rule(authority=False, roles=("admin",)),
}


class Moment(NamedTuple):
    """When an issuer is judged.

    Attributes:
        at: it is habilitated then.
        held: it holds its place at each of these times.
        cutoff: withdrawals issued up to here are looked at.
    """

    at: int
    held: tuple[int, ...]
    cutoff: int

    @classmethod
    def now(cls, at: int) -> Moment:
        """Return the plain case: everything is judged at one time."""
        return cls(at, (at,), at)

    @classmethod
    def of(cls, statement: Statement, at: int) -> Moment:
        """Return when the issuer of ``statement`` is judged by somebody who judges it at ``at``."""
        if isinstance(statement, Withdrawal):
            return cls(statement.issued, (statement.issued,), statement.issued - 1)
        if isinstance(statement, (*MOMENTARY, Grant)):
            return cls.now(statement.issued)
        return cls(at, (statement.issued,), at)


class KnownWithdrawal(NamedTuple):
    """A withdrawal that is known.

    Attributes:
        issued: from when on it counts.
        issuer: signing key id of who said it.
        entitled: whether that key may withdraw anything; if not, only what it said itself.
    """

    issued: int
    issuer: bytes
    entitled: bool


def portal_may(statement: Statement) -> bool:
    """Tell whether the portal of a dossier may say this: keys and grants only when it opens the dossier."""
    return not isinstance(statement, DossierKey | Grant) or statement.generation == 1


def refuse_dates(statement: Statement, at: int) -> StatementError | None:
    """Return why the dates of a statement do not count at a time; None if they do."""
    if statement.issued > at + CLOCK_TOLERANCE:
        return StatementError(Refusal.EARLY, f"this {statement.kind} is dated after that time")
    if isinstance(statement, MOMENTARY):
        return None
    if statement.valid_from > at:
        return StatementError(Refusal.EARLY, f"this {statement.kind} was not yet valid at that time")
    if statement.valid_until and statement.valid_until < at:
        return StatementError(Refusal.EXPIRED, f"this {statement.kind} had expired at that time")
    return None
