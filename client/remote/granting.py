"""Grants: a dossier's private key, wrapped to one person and signed by somebody who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.dossiers import KnownDossier
from client.errors import N_, AccessProblem
from client.records import Dossier
from client.remote.carriage import from_model, from_models, read_identity, to_model
from keys.grants import make_grant
from keys.statements import lasting
from vault.api.models.people import StatementRequest

if TYPE_CHECKING:
    from collections.abc import Collection

    from client.profile import ServiceProfile
    from client.remote.service import Service
    from client.trust import Anchor, Person
    from keys.keyring import Identity
    from keys.statements import Role
    from vault.api.models.base import SignedStatement
    from vault.api.models.dossiers import Grant
    from vault.api.models.people import Reviewer

GRANTABLE: tuple[Role, ...] = ("reviewer", "admin")


async def fetch_keys(service: Service, dossier: str, *, acting_for: str | None = None) -> Dossier:
    """Return the statements about a dossier's keys, unjudged, fit for the profile."""
    answer = await service.get_dossier_keys(dossier, acting_for=acting_for)
    return Dossier(
        dossier,
        keys=from_models(answer.keys),
        issuers=from_models(answer.issuers),
        passwords=answer.passwords,
    )


async def fetch_grants(service: Service, dossier: str) -> Dossier:
    """Return all statements that open a dossier for the one who asks, unjudged, fit for the profile."""
    known = await fetch_keys(service, dossier)
    answer = await service.get_my_grants(dossier)
    return known._replace(
        keys=tuple(dict.fromkeys(known.keys + from_models(answer.keys))),
        grants=from_models(answer.grants),
        mandates=from_models(answer.mandates),
        issuers=tuple(dict.fromkeys(known.issuers + from_models(answer.issuers))),
    )


def keep_judged(known: ServiceProfile, anchor: Anchor, fetched: Dossier) -> KnownDossier:
    """Add statements to the profile, once the keys among them are judged, and return all that is known.

    Raises:
        Distrusted: a key that was never said by somebody who might; nothing is kept.
    """
    judged = KnownDossier(anchor, known.joined(fetched))
    judged.require_keys()
    known.keep_dossier(fetched)
    return judged


def believe(anchor: Anchor, listed: Reviewer) -> Person:
    """Return a reviewer or admin whom the service lists, if the authority says so.

    Raises:
        Distrusted: there is no valid habilitation for the keys that are listed.
    """
    said = (listed.habilitation, listed.withdrawal, *listed.successions)
    statements = [from_model(model) for model in said if model]
    return anchor.person(read_identity(listed.identity), statements, roles=GRANTABLE)


def covers(person: Person, procedure: str) -> bool:
    """Tell whether somebody's habilitation covers a démarche; one without scope covers all."""
    scope = person.habilitation.scope
    return not scope or procedure in scope


def require_scope(person: Person, name: str, procedure: str) -> Person:
    """Return a person, if its habilitation covers a démarche: nothing of another is wrapped to it.

    Args:
        person: believed on the authority's word.
        name: what people call it.
        procedure: the dossier's démarche; which one that is stands in no statement, so whoever opens the
            dossier knows it, and everybody else has the service's word.

    Raises:
        AccessProblem: it does not.
    """
    if not covers(person, procedure):
        raise AccessProblem(
            N_("{name} is habilitated for {scope} alone, not for the démarche of this dossier: {procedure}"),
            name=name,
            scope=", ".join(person.habilitation.scope),
            procedure=procedure or "-",
        )
    return person


async def give_grants(
    service: Service,
    known: KnownDossier,
    dossier: str,
    *,
    issuer: Identity,
    to: Person,
    now: int,
    there: Collection[int] = (),
) -> list[Grant]:
    """Give all of a dossier's keys that one was granted oneself to one more person.

    Args:
        service: signed in as an admin.
        known: the dossier, with one's own grants.
        dossier: its id.
        issuer: the admin's identity, which opens those grants and signs the new ones.
        to: who gets them.
        now: UTC seconds.
        there: generations that this person was granted before.

    Raises:
        Distrusted: one's own grants do not count.
        ServiceProblem: the service refuses, such as ``already_exists``.
    """
    return [
        await give_grant(service, dossier, generation, key, issuer=issuer, to=to, now=now)
        for generation, key in known.opened_by(issuer).items()
        if generation not in there
    ]


async def give_grant(
    service: Service, dossier: str, generation: int, key: Identity, *, issuer: Identity, to: Person, now: int
) -> Grant:
    """Wrap the key of one generation to one person; raises `ServiceProblem` as `give_grants` does."""
    statement = sign_grant(dossier, generation, key, issuer=issuer, to=to, now=now)
    return await service.add_grant(dossier, StatementRequest(statement=statement))


def sign_grant(
    dossier: str, generation: int, key: Identity, *, issuer: Identity, to: Person, now: int
) -> SignedStatement:
    """Return a dossier's key of one generation, wrapped to one person, without an end."""
    return to_model(
        make_grant(
            key.seed,
            dossier=dossier,
            generation=generation,
            grantee=to.identity.kem,
            issuer=issuer.signing,
            period=lasting(now, 0),
        )
    )
