"""What the authority says: who the service is, what the recovery key is, who may act, and who no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client import distrust
from client.distrust import Distrusted, judging
from client.errors import N_, UsageProblem
from client.remote.carriage import from_model, read_identity, to_model
from client.remote.handover import say_when
from client.remote.trust import learn
from keys.errors import Refusal
from keys.keyfile import encode_public
from keys.statements import (
    CLOCK_TOLERANCE,
    Habilitation,
    RecoveryKey,
    Succession,
    Withdrawal,
    lasting,
    momentary,
    read_unjudged,
    sign_statement,
)
from keys.succession import Successions
from vault.api.models.people import StatementRequest
from vault.api.models.trust import AuthorityPublication

if TYPE_CHECKING:
    from client.records import Pin
    from client.remote.service import Service
    from client.trust import Anchor, Person
    from keys.keyfile import PublicIdentity
    from keys.keyring import Identity
    from keys.statements import Reason, Role
    from vault.api.models.people import Account

_NO_ORGANISATION: Final = "-"
"""What a habilitation names where the account belongs to no organisation."""


async def publish(
    service: Service, authority: Identity, learned: Pin, recovery: PublicIdentity, *, now: int
) -> Pin:
    """Publish the authority on a service whose key was confirmed, and return whom to trust from now on.

    Args:
        service: signed in as an admin.
        authority: the authority's identity.
        learned: what the service says about itself, its key confirmed by a person.
        recovery: the recovery key's public identity.
        now: UTC seconds.

    Raises:
        StateConflict: one is published already.
    """
    key = authority.signing
    server = Habilitation(
        issuer=key.public_key,
        **lasting(now, 0),
        subject=learned.server,
        role="server",
        organisation=learned.origin,
        scope=(),
    )
    statement = RecoveryKey(issuer=key.public_key, **lasting(now, 0), public_key=recovery.kem)
    await service.publish_authority(
        AuthorityPublication(
            authority=encode_public(authority.public),
            server=to_model(sign_statement(server, key)),
            recovery=to_model(sign_statement(statement, key)),
        )
    )
    return await learn(service)


async def publish_recovery_key(
    service: Service, anchor: Anchor, authority: Identity, recovery: PublicIdentity
) -> None:
    """Say for the authority that seals carry a slot for another recovery key from now on.

    Args:
        service: signed in as an admin.
        anchor: whom to trust.
        authority: the identity that speaks as the authority now.
        recovery: the public identity of the next recovery key.

    Raises:
        ServiceProblem: the service refuses, such as a key that was the recovery key before.
    """

    async def send(at: int) -> None:
        statement = RecoveryKey(authority.signing.public_key, **lasting(at, 0), public_key=recovery.kem)
        signed = sign_statement(statement, authority.signing)
        await service.publish_recovery_key(StatementRequest(statement=to_model(signed)))

    await say_when(send, now=anchor.now())


async def habilitate(
    service: Service,
    anchor: Anchor,
    authority: Identity,
    account: Account,
    *,
    scope: tuple[str, ...] = (),
    seconds: int,
) -> Account:
    """Say for the authority that an account's identity may act in its role.

    Args:
        service: signed in as an admin.
        anchor: whom to trust.
        authority: the authority's identity.
        account: enrolled; its fingerprint was compared by another way.
        scope: the démarches that it may act in; none means all.
        seconds: how long it stands.

    Raises:
        UsageProblem: the account has no identity yet, or a role that is not habilitated.
        StateConflict: the service has this statement already.
    """
    if account.identity is None:
        raise UsageProblem(
            N_("{name} has no key yet; it has to be tied to the account with scelle enrol"), name=account.name
        )
    statement = Habilitation(
        issuer=authority.signing.public_key,
        **lasting(_after_last(account, anchor.now()), seconds),
        subject=read_identity(account.identity),
        role=_role(account),
        organisation=account.organisation or _NO_ORGANISATION,
        scope=scope,
    )
    signed = sign_statement(statement, authority.signing)
    return await service.habilitate(account.id, StatementRequest(statement=to_model(signed)))


def standing(anchor: Anchor, account: Account) -> Person:
    """Return who an account is on the authority's word, by a habilitation that stands now.

    Raises:
        UsageProblem: it has none, or no key.
        Distrusted: what the service shows does not count for this key and role.
    """
    if account.identity is None or account.habilitation is None:
        raise UsageProblem(N_("{name} has no habilitation"), name=account.name)
    said = (account.habilitation, account.withdrawal, *account.successions)
    statements = [from_model(model) for model in said if model]
    return anchor.person(read_identity(account.identity), statements, roles=(_role(account),))


async def renew(
    service: Service,
    anchor: Anchor,
    authority: Identity,
    account: Account,
    *,
    scope: tuple[str, ...] | None = None,
    seconds: int,
) -> Account:
    """Say anew what the authority says of a key already; the habilitation before stands until it ends.

    Nobody compares a fingerprint again: key, role and organisation are those of the habilitation that the
    authority signed, not those that the service names.

    Args:
        service: signed in as an admin.
        anchor: whom to trust.
        authority: the authority's identity.
        account: whose habilitation stands now.
        scope: the démarches from now on; None keeps them.
        seconds: how long the new one stands.

    Raises:
        UsageProblem, Distrusted: as `standing`.
    """
    person = standing(anchor, account)
    old = person.habilitation
    statement = old._replace(
        subject=person.identity,
        issuer=authority.signing.public_key,
        **lasting(_after_last(account, anchor.now()), seconds),
        scope=old.scope if scope is None else scope,
    )
    signed = sign_statement(statement, authority.signing)
    return await service.habilitate(account.id, StatementRequest(statement=to_model(signed)))


async def withdraw(
    service: Service, anchor: Anchor, issuer: Identity, account: Account, *, reason: Reason
) -> Account:
    """Withdraw an account's habilitations from now on, for the authority or as a habilitated admin.

    A renewed one stands beside the one before: the service shows the next as soon as one is withdrawn.

    Raises:
        UsageProblem: the account has no habilitation.
        Distrusted: what the service shows is about another key.
        StateConflict: it was withdrawn before.
    """
    if account.habilitation is None:
        raise UsageProblem(N_("{name} has no habilitation"), name=account.name)
    shown = _own_habilitation(account)
    seen = set[bytes]()
    while shown not in seen:
        seen.add(shown)
        statement = Withdrawal(
            issuer=issuer.signing.public_key, **momentary(anchor.now()), withdrawn=shown, reason=reason
        )
        signed = sign_statement(statement, issuer.signing)
        request = StatementRequest(statement=to_model(signed))
        account = await service.withdraw_habilitation(account.id, request)
        if account.habilitation is None or account.withdrawal is not None:
            break
        shown = _own_habilitation(account)
    return account


def _own_habilitation(account: Account) -> bytes:
    """Return the id of an account's habilitation, if it is about the account's key or one that this followed.

    Raises:
        Distrusted: it is about another.
    """
    assert account.habilitation is not None
    signed = from_model(account.habilitation)
    with judging(distrust.HABILITATION):
        subject = read_unjudged(signed, Habilitation).subject
        handed = [read_unjudged(from_model(model), Succession) for model in account.successions]
    line = Successions(handed).lineage(subject.signing_key_id)
    own = {subject, *(tenure.identity for tenure in line)}
    if account.identity is None or read_identity(account.identity) not in own:
        raise Distrusted(distrust.HABILITATION, Refusal.MISMATCH)
    return signed.id


def _after_last(account: Account, now: int) -> int:
    """Return when a new habilitation is issued: now, but after the one there is, because the latest counts.

    What the service shows as the one there is has not been judged, so it moves the time by seconds at most.
    """
    if account.habilitation is None:
        return now
    last = read_unjudged(from_model(account.habilitation), Habilitation).issued
    return last + 1 if now <= last < now + CLOCK_TOLERANCE else now


def _role(account: Account) -> Role:
    roles: dict[str, Role] = {"reviewer": "reviewer", "portal": "portal", "admin": "admin"}
    role = roles.get(account.role.value)
    if role is None:
        raise UsageProblem(
            N_("{name} is an {role}; reviewers, portals and admins are habilitated"),
            name=account.name,
            role=account.role.value,
        )
    return role
