"""Agreeing to what two admins have to agree to, taking it back, and seeing who did."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, ConflictProblem
from client.remote.carriage import to_model
from client.remote.pages import every
from client.remote.problems import approve_command
from keys.kinds import MAX_APPROVAL
from keys.statements import (
    CLOCK_TOLERANCE,
    Approval,
    Withdrawal,
    lasting,
    momentary,
    sign_statement,
)
from vault.api.models.approvals import NEEDED, Act, ApprovalQuery, ApprovalRequest, Approvals, ApprovalState
from vault.api.models.people import StatementRequest

if TYPE_CHECKING:
    from client.remote.service import Service
    from keys.keyfile import PublicIdentity
    from keys.keyring import Identity
    from keys.statements import Reason
    from vault.api.models.approvals import Approval as Given

SECONDS = MAX_APPROVAL - CLOCK_TOLERANCE
"""For how long one stands: as long as any may, a statement beginning a little before it is made."""


class Agreed(NamedTuple):
    """What is agreed on; see `keys.statements.Approval`."""

    act: Act
    subject: str
    digest: bytes


async def approve(service: Service, agreed: Agreed, identity: Identity, *, now: int) -> Given:
    """Agree with one's own key, for seven days at most.

    Raises:
        ServiceProblem: the service would do something else now, or one agreed before.
    """
    said = Approval(
        issuer=identity.signing.public_key,
        **lasting(now, SECONDS),
        service=service.origin,
        act=agreed.act.value,
        subject=agreed.subject,
        digest=agreed.digest,
    )
    signed = sign_statement(said, identity.signing)
    return await service.approve(ApprovalRequest(statement=to_model(signed)))


async def take_back(
    service: Service, approval_id: str, identity: Identity, *, reason: Reason, now: int
) -> Given:
    """Withdraw an approval, one's own or another admin's: it only keeps something from being done.

    Raises:
        ServiceProblem: there is none, it was withdrawn before, or what it approves was done.
    """
    said = Withdrawal(
        issuer=identity.signing.public_key,
        **momentary(now),
        withdrawn=bytes.fromhex(approval_id),
        reason=reason,
    )
    signed = sign_statement(said, identity.signing)
    return await service.withdraw_approval(approval_id, StatementRequest(statement=to_model(signed)))


def next_authority(present: PublicIdentity, new: PublicIdentity) -> Agreed:
    """Return what is agreed on where the authority's present key shall hand over to a new one."""
    return Agreed(Act.AUTHORITY, present.signing_key_id.hex(), new.key_id)


async def given_for(service: Service, agreed: Agreed) -> Approvals | None:
    """Return how many approvals something has, None where the service does it without."""
    if agreed.act not in (await service.version()).approvals:
        return None
    dossier = None if agreed.act is Act.AUTHORITY else agreed.subject
    admins = {
        one.account
        async for one in every(service.list_approvals, ApprovalQuery(dossier=dossier))
        if (one.act, one.subject, one.digest) == (agreed.act, agreed.subject, agreed.digest.hex())
        and one.state is ApprovalState.STANDING
    }
    return Approvals(needed=NEEDED, given=len(admins))


def require_approved(found: Approvals | None, act: Act, subject: str) -> None:
    """Return only if enough admins agreed; the service asks again when it is done.

    Args:
        found: what there is.
        act: what is done.
        subject: a dossier, or the file with the public half of the authority's next key.

    Raises:
        ConflictProblem: with what each who agrees has to type.
    """
    if found is not None and found.given < found.needed:
        raise ConflictProblem(
            N_("{given} of {needed} approvals are there; each admin who agrees types: {command}"),
            given=found.given,
            needed=found.needed,
            command=approve_command(act.value, subject),
        )
