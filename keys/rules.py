"""Who may issue which kind of statement, and at which time that is judged. Applied by ``trust``."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

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


def portal_may(statement: Statement) -> bool:
    """Tell whether the portal of a dossier may say this: keys and grants only when it opens the dossier."""
    return not isinstance(statement, DossierKey | Grant) or statement.generation == 1
