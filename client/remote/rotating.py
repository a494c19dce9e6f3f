"""Rotating a dossier's key: a new one for those who stay, every envelope wrapped to it, the old one's end.

What was sealed stays byte for byte, and so do its seals: kilobytes move. How far it is stands at the service
alone: any admin can go on with what another began. Until the end both keys are granted, so that nobody who
may open a container is kept from it at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.distrust import Distrusted
from client.dossiers import KnownDossier
from client.errors import N_, AccessProblem, ClientError, UsageProblem
from client.remote.bulkgrants import grants_of
from client.remote.carriage import from_model, to_model
from client.remote.granting import believe, covers, fetch_grants, sign_grant
from client.remote.pages import every
from client.remote.problems import StateConflict
from keys.derivation import key_id
from keys.keyfile import Use
from keys.keyring import Identity
from keys.kinds import MAX_WRITERS
from keys.statements import DossierKey, lasting, read_unjudged, sign_statement
from keys.statements import Grant as GrantStatement
from vault.api.models.base import Paging
from vault.api.models.rotation import RotationRequest
from vault.api.problems import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from client.records import Dossier
    from client.remote.service import Service
    from client.trust import Anchor, Person
    from vault.api.models.base import SignedStatement
    from vault.api.models.dossiers import Grant
    from vault.api.models.people import Reviewer
    from vault.api.models.rotation import Rotation

    Advance = Callable[[int], None]


class Member(NamedTuple):
    """Somebody who holds the dossier's current key.

    Attributes:
        account: id of the account.
        name: what it is called.
        kem_key_id: key id that the grant is made to, 32 bytes.
        person: who gets the next key; None where that is nobody who may.
    """

    account: str
    name: str
    kem_key_id: bytes
    person: Person | None


class Plan(NamedTuple):
    """What rotating a dossier's key would do.

    Attributes:
        known: what is known of the dossier, judged, with one's own grants.
        rotation: how far it is.
        staying: who gets the next key.
        leaving: who holds the current key and will not get the next one.
        grants: all grants that there ever were.
    """

    known: KnownDossier
    rotation: Rotation
    staying: tuple[Member, ...]
    leaving: tuple[Member, ...]
    grants: tuple[Grant, ...]

    @property
    def unfinished(self) -> bool:
        """Whether an earlier rotation did not come to its end."""
        return bool(self.rotation.outdated or self.rotation.grants)

    @property
    def removed(self) -> frozenset[bytes]:
        """Key ids of all who were ever granted the dossier and do not stay: their own accesses go too."""
        ever = {bytes.fromhex(grant.grantee) for grant in self.grants}
        # Keys that handed over are among them: of whoever stays, the present one alone does.
        ever |= {
            read_unjudged(from_model(said), GrantStatement).grantee
            for grant in self.grants
            for said in (grant.statement, grant.made)
            if said is not None
        }
        return frozenset(ever) - {member.kem_key_id for member in self.staying}


async def plan(service: Service, anchor: Anchor, dossier: str, *, without: Collection[str] = ()) -> Plan:
    """Return what rotating would do, after judging everybody who is to have the next key.

    Args:
        service: signed in as an admin.
        anchor: whom to trust.
        dossier: its id.
        without: account ids of those who shall not have it.

    Raises:
        Distrusted: the dossier's keys are not said by somebody who may.
        UsageProblem: somebody who holds no grant was named.
    """
    rotation = await service.get_rotation(dossier)
    procedure = (await service.get_dossier(dossier)).procedure
    fetched = await fetch_grants(service, dossier)
    listed = {item.account: item async for item in every(service.list_reviewers, Paging())}
    known = KnownDossier(anchor, _with_issuers(fetched, listed.values()))
    known.require_keys()
    members, grants = {}, await grants_of(service, dossier)
    for grant in grants:
        if not grant.revoked and grant.generation == rotation.generation and grant.account:
            found = _member(anchor, known, grant, listed.get(grant.account))
            if found.person and not covers(found.person, procedure):
                found = found._replace(person=None)
            members[grant.account] = found
    # Whoever was shut out by an attempt that was then interrupted is none.
    if strangers := set(without) - {grant.account for grant in grants}:
        raise UsageProblem(
            N_("{account} never had a grant on this dossier; look with scelle grant list {dossier}"),
            account=min(strangers),
            dossier=dossier,
        )
    staying = tuple(one for one in members.values() if one.person and one.account not in without)
    leaving = tuple(one for one in members.values() if one not in staying)
    return Plan(known, rotation, staying, leaving, tuple(grants))


async def shut_out(service: Service, dossier: str, planned: Plan, accounts: Collection[str]) -> None:
    """Revoke all grants of these accounts: from now on the service hands them nothing of the dossier."""
    for grant in planned.grants:
        if grant.account in accounts and not grant.revoked:
            await service.revoke_grant(dossier, grant.id)


def _with_issuers(fetched: Dossier, listed: Iterable[Reviewer]) -> Dossier:
    """Return it with the habilitations of all who may have signed other people's grants."""
    more = [from_model(model) for item in listed for model in _said(item) if model]
    return fetched._replace(issuers=tuple(dict.fromkeys((*fetched.issuers, *more))))


def _said(item: Reviewer) -> tuple[SignedStatement | None, ...]:
    return (item.habilitation, item.withdrawal, *item.successions)


def _member(anchor: Anchor, known: KnownDossier, grant: Grant, listed: Reviewer | None) -> Member:
    """Judge who holds a grant: no service adds anybody whom no admin ever chose."""
    person = None
    if listed is not None and listed.valid:
        try:
            # Whoever wrapped its grant anew was chosen by the one that it was made by.
            chosen = known.granted(from_model(grant.made or grant.statement))
            found = believe(anchor, listed)
        except Distrusted:
            pass
        else:
            if known.is_grantee(chosen, found.identity) and chosen.generation == grant.generation:
                person = found
    name = listed.name if listed else grant.account or grant.grantee
    return Member(grant.account or "", name, bytes.fromhex(grant.grantee), person)


def require_admins(planned: Plan) -> list[Person]:
    """Return the admins who will have the next key.

    Raises:
        AccessProblem: nobody could let a later reviewer in, or rotate again.
    """
    people = [member.person for member in planned.staying if member.person]
    admins = [person for person in people if person.habilitation.role == "admin"]
    if not admins:
        raise AccessProblem(N_("no admin would have the dossier's next key; grant it to one first"))
    return admins


async def give_next_key(
    service: Service, anchor: Anchor, dossier: str, planned: Plan, issuer: Identity
) -> Rotation:
    """Make the dossier's next key, give it to those who stay, and forget its private half.

    Raises:
        AccessProblem: no admin would have it.
        ClientError: somebody else was faster.
    """
    people = [member.person for member in planned.staying if member.person]
    admins = require_admins(planned)
    now, current = anchor.now(), planned.known.current_key()
    # Nobody new: what is sealed already, and every template, lists the writers of the present key.
    # That goes for the authority too: one that followed writes in dossiers that are opened from then on.
    staying = {*anchor.authority_line, *(admin.identity.signing_key_id for admin in admins)}
    # Whoever followed a listed key writes in its place, so that key stays listed.
    writers = dict.fromkeys(one for one in current.writers if planned.known.writer_stays(one, staying))
    key, generation = Identity.generate(Use.DOSSIER), current.generation + 1
    statement = DossierKey(
        issuer=issuer.signing.public_key,
        **lasting(now, 0),
        dossier=dossier,
        generation=generation,
        public_key=key.public.kem,
        previous=key_id(current.public_key),
        writers=tuple(writers)[:MAX_WRITERS],
    )
    grants = tuple(
        sign_grant(dossier, generation, key, issuer=issuer, to=person, now=now) for person in people
    )
    del key
    request = RotationRequest(
        key=to_model(sign_statement(statement, issuer.signing)),
        grants=grants,
    )
    try:
        return await service.rotate_dossier_key(dossier, request)
    except StateConflict as refused:
        if refused.code is Code.CONFLICT:
            raise ClientError(
                N_("somebody else gave {dossier} its next key just now; go on with --resume"), dossier=dossier
            ) from refused
        raise


async def end(service: Service, dossier: str, generation: int) -> Rotation:
    """End the keys before ``generation``, which nothing is sealed to any more.

    Raises:
        ClientError: something still is.
    """
    try:
        return await service.retire_dossier_key(dossier, generation - 1)
    except StateConflict as refused:
        if carrying := refused.extra.get("carrying"):
            raise ClientError(
                N_(
                    "{count} containers of {dossier} have an access for the old key that no rotation takes "
                    "away; scelle reencrypt {dossier} does, then go on with --resume"
                ),
                count=carrying,
                dossier=dossier,
            ) from refused
        if "outdated" not in refused.extra:
            raise
        raise ClientError(
            N_("{count} containers of {dossier} are not rotated yet; go on with --resume"),
            count=refused.extra.get("outdated", 0),
            dossier=dossier,
        ) from refused
