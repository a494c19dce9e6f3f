"""Those whom a command is about: named one by one, or as a group that this person made.

A group is a list in one's own profile, with the fingerprint of each member as it was confirmed. The service
neither keeps it nor can add to it, and a member whose keys are others now is not taken for that member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.distrust import Distrusted
from client.errors import N_, AccessProblem, ClientError, NotFoundProblem
from client.remote.carriage import read_identity
from client.remote.granting import believe
from client.remote.pages import every
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from client.records import Group, Member
    from client.remote.service import Service
    from client.trust import Anchor, Person
    from vault.api.models.people import Reviewer


class Candidate(NamedTuple):
    """Somebody who may be given grants, or the reason why not.

    Attributes:
        account: id of the account.
        name: what the service calls it, or called it when the group was made.
        fingerprint: of its keys.
        person: who it is on the authority's word; None where there is a refusal.
        refusal: what to tell.
    """

    account: str
    name: str
    fingerprint: str
    person: Person | None = None
    refusal: ClientError | None = None


def candidate(anchor: Anchor, listed: Reviewer) -> Candidate:
    """Return somebody whom the service lists, judged by what the authority signed."""
    fingerprint = read_identity(listed.identity).fingerprint
    try:
        return Candidate(listed.account, listed.name, fingerprint, believe(anchor, listed))
    except Distrusted as refusal:
        return Candidate(listed.account, listed.name, fingerprint, refusal=refusal)


async def candidates_of(service: Service, anchor: Anchor, group: Group) -> list[Candidate]:
    """Return the members of a group, each judged now and held to the fingerprint that was confirmed."""
    listed = {item.account: item async for item in every(service.list_reviewers, Paging())}
    return [_member(anchor, member, listed.get(member.account)) for member in group.members]


def _member(anchor: Anchor, member: Member, listed: Reviewer | None) -> Candidate:
    if listed is None:
        refusal: ClientError = NotFoundProblem(
            N_("{name} is not among the reviewers and admins any more"), name=member.name
        )
        return Candidate(member.account, member.name, member.fingerprint, refusal=refusal)
    found = candidate(anchor, listed)
    if found.fingerprint == member.fingerprint:
        return found
    refusal = other_fingerprint(member, found.fingerprint)
    return Candidate(member.account, member.name, found.fingerprint, refusal=refusal)


def other_fingerprint(member: Member, fingerprint: str) -> AccessProblem:
    """Return what is told about a member whose keys are others than those that were confirmed."""
    return AccessProblem(
        N_(
            "{name} has another fingerprint now, {fingerprint}; find out why, then make the group again "
            "with scelle group set"
        ),
        name=member.name,
        fingerprint=fingerprint,
    )
