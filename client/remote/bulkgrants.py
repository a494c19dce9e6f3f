"""Grants in bulk: planned from what the service shows, then made or ended one by one.

Each grant is a request, a transaction and an entry in the journal of its own. Whatever stops the work, what
is done stays done, and the same plan made again is shorter by it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, AccessProblem, ClientError
from client.remote.granting import fetch_grants, give_grant, keep_judged, require_scope
from client.remote.pages import every
from client.remote.problems import HOPELESS, ServiceProblem
from vault.api.models.base import Paging
from vault.api.models.dossiers import DossierQuery, DossierState
from vault.api.problems import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from client.profile import ServiceProfile
    from client.remote.people import Candidate
    from client.remote.service import Service
    from client.trust import Anchor
    from keys.keyring import Identity
    from vault.api.models.base import Page
    from vault.api.models.dossiers import Dossier, Grant


class Giving(NamedTuple):
    """One dossier for one person: what is to be given, or what came of it.

    Attributes:
        dossier: which one.
        to: whom.
        missing: generations that are to be granted.
        failure: why nothing, or not all, is or was given.
        given: the grants that were made.
    """

    dossier: Dossier
    to: Candidate
    missing: tuple[int, ...] = ()
    failure: ClientError | None = None
    given: tuple[Grant, ...] = ()


async def dossiers_of(service: Service, procedure: str) -> list[Dossier]:
    """Return the dossiers of a démarche, closed ones included, erased ones not."""

    async def page(query: DossierQuery) -> Page[Dossier]:
        return await service.list_dossiers(query)

    return [
        item
        async for item in every(page, DossierQuery())
        if item.procedure == procedure and item.state is not DossierState.ERASED
    ]


async def grants_of(service: Service, dossier: str) -> list[Grant]:
    """Return the grants of a dossier, revoked ones included, as the service shows them."""

    async def page(query: Paging) -> Page[Grant]:
        return await service.list_grants(dossier, query)

    return [item async for item in every(page, Paging())]


async def generations_of(service: Service, dossier: str, kem_key: str) -> set[int]:
    """Return the generations of a dossier's key that are granted to a KEM key, named by its id in hex."""
    return _generations(await grants_of(service, dossier), kem_key)


async def plan_grants(
    service: Service, dossiers: Iterable[Dossier], people: Sequence[Candidate], *, own: str
) -> list[Giving]:
    """Return what has to be given so that each of ``people`` opens each dossier; nothing is changed.

    Args:
        service: signed in as an admin.
        dossiers: which.
        people: to whom; those with a refusal are kept, to be named.
        own: id of one's own KEM key, in hex: what it was granted can be given.
    """
    plan = []
    for dossier in dossiers:
        granted = await grants_of(service, dossier.id)
        mine = _generations(granted, own)
        for to in people:
            if to.person is None:
                plan.append(Giving(dossier, to, failure=to.refusal))
                continue
            there = _generations(granted, to.person.identity.kem_key_id.hex())
            missing = tuple(sorted(mine - there))
            plan.append(Giving(dossier, to, missing, _refuse(to, dossier, mine)))
    return plan


async def give_planned(
    service: Service,
    known: ServiceProfile,
    anchor: Anchor,
    issuer: Identity,
    plan: Sequence[Giving],
    *,
    tell: Callable[[int], None],
) -> list[Giving]:
    """Make the grants of a plan, and return what came of each line.

    Args:
        service: signed in as an admin.
        known: what is remembered of it.
        anchor: whom to trust.
        issuer: the admin's identity, which opens its own grants and signs the new ones.
        plan: without lines that failed already.
        tell: called with the number of grants done since the last call.
    """
    done: list[Giving] = []
    hopeless: ClientError | None = None
    for dossier, lines in groupby(plan, key=lambda line: line.dossier.id):
        keys: dict[int, Identity] = {}
        failure = hopeless
        if failure is None:
            try:
                fetched = await fetch_grants(service, dossier)
                keys = keep_judged(known, anchor, fetched).opened_by(issuer)
            except ClientError as error:
                failure = error
        for line in lines:
            came = line._replace(failure=failure)
            if failure is None:
                came = await _give(service, line, keys, issuer=issuer, now=anchor.now(), tell=tell)
                if isinstance(came.failure, HOPELESS):
                    failure = came.failure
            done.append(came)
        if isinstance(failure, HOPELESS):
            hopeless = failure
    return done


async def plan_endings(
    service: Service, dossiers: Iterable[Dossier], accounts: Collection[str]
) -> list[Grant]:
    """Return the standing grants of these accounts on these dossiers; nothing is changed."""
    return [
        grant
        for dossier in dossiers
        for grant in await grants_of(service, dossier.id)
        if grant.account in accounts and not grant.revoked
    ]


async def _give(
    service: Service,
    line: Giving,
    keys: dict[int, Identity],
    *,
    issuer: Identity,
    now: int,
    tell: Callable[[int], None],
) -> Giving:
    to = line.to.person
    given: list[Grant] = []
    assert to is not None
    for generation in line.missing:
        try:
            if generation not in keys:
                raise no_grant()
            given.append(
                await give_grant(
                    service, line.dossier.id, generation, keys[generation], issuer=issuer, to=to, now=now
                )
            )
        except ServiceProblem as error:
            if error.code is not Code.ALREADY_EXISTS:
                return line._replace(failure=error, given=tuple(given))
        except ClientError as error:
            return line._replace(failure=error, given=tuple(given))
        tell(1)
    return line._replace(given=tuple(given))


def no_grant() -> AccessProblem:
    """Return what is told to an admin who has nothing to give."""
    return AccessProblem(N_("you have no grant on this dossier yourself; ask another admin"))


def _refuse(to: Candidate, dossier: Dossier, mine: set[int]) -> ClientError | None:
    assert to.person is not None
    if not mine:
        return no_grant()
    try:
        require_scope(to.person, to.name, dossier.procedure)
    except AccessProblem as refusal:
        return refusal
    return None


def _generations(granted: Iterable[Grant], kem_key: str) -> set[int]:
    return {grant.generation for grant in granted if grant.grantee == kem_key and not grant.revoked}
