"""An account's key hands over to the next one, and its grants are wrapped to that: by their holder alone.

Every step can be the last one before the machine dies: the new key is on the disk before anything is sent,
and how far it is stands at the service, in the grants themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, AccessProblem, ClientError
from client.remote.carriage import to_model
from client.remote.failures import not_ours
from client.remote.granting import fetch_grants, keep_judged
from client.remote.handover import say_when
from client.remote.pages import every
from client.remote.problems import HOPELESS, NothingThere, SignInRefused
from client.remote.signin import challenge_for, prove_possession, sign_in
from keys.errors import KeyMaterialError
from keys.grants import make_grant
from keys.keyfile import Use
from keys.statements import Grant, Succession, lasting, momentary, read_unjudged, sign_statement
from vault.api.models.dossiers import DossierQuery
from vault.api.models.people import StatementRequest
from vault.api.models.successions import KeySuccession
from vault.api.problems import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client.profile import ServiceProfile
    from client.records import Dossier
    from client.remote.service import Service
    from client.remote.signin import SignedIn
    from client.trust import Anchor
    from keys.keyring import Identity
    from vault.api.models.base import Page
    from vault.api.models.dossiers import Dossier as Listed
    from vault.api.models.signin import Challenge
    from vault.api.models.successions import AccountSucceeded


class Held(NamedTuple):
    """A dossier that somebody was granted.

    Attributes:
        dossier: its id.
        fetched: what opens it, unjudged.
        outdated: generations whose grant is wrapped to another key than the one asked about.
    """

    dossier: str
    fetched: Dossier
    outdated: tuple[int, ...]

    def all_outdated(self) -> Held:
        """Return it as it is once the key has handed over: nothing is wrapped to the next one yet."""
        generations = tuple(read_unjudged(signed, Grant).generation for signed in self.fetched.grants)
        return self._replace(outdated=generations)


async def signs_in(service: Service, identity: Identity) -> SignedIn | None:
    """Sign in with a key, if the service knows it; None if it does not, or not any more."""
    try:
        return await sign_in(service, identity)
    except SignInRefused as problem:
        if problem.code is not Code.SIGN_IN_FAILED:
            raise
        return None


async def held_grants(service: Service, identity: Identity, *, role: str) -> list[Held]:
    """Return what was granted to the one who asks, and which of it is not wrapped to ``identity``.

    Args:
        service: signed in.
        identity: whose key grants should be wrapped to.
        role: who asks; a portal is granted nothing.
    """
    if role not in {"reviewer", "admin"}:
        return []

    async def page(query: DossierQuery) -> Page[Listed]:
        return await service.list_dossiers(query)

    found = []
    async for listed in every(page, DossierQuery()):
        try:
            fetched = await fetch_grants(service, listed.id)
        except NothingThere:
            # An admin sees dossiers that it was not granted.
            continue
        claimed = [read_unjudged(signed, Grant) for signed in fetched.grants]
        wanted = identity.public.kem_key_id
        outdated = tuple(grant.generation for grant in claimed if grant.grantee != wanted)
        found.append(Held(listed.id, fetched, outdated))
    return found


def say_succession(
    old: Identity, new: Identity, challenge: Challenge, *, origin: str, at: int
) -> KeySuccession:
    """Return the statement that ``new`` stands in the place of ``old`` from ``at`` on, with its proof.

    Args:
        old: the account's identity.
        new: who follows it.
        challenge: wrapped to ``new`` by the service.
        origin: the service's name.
        at: UTC seconds.

    Raises:
        ClientError: the challenge is not for this key.
    """
    key = old.signing
    said = Succession(key.public_key, **momentary(at), old=old.public, new=new.public)
    try:
        proof = prove_possession(new, challenge, origin=origin)
    except KeyMaterialError:
        raise not_ours("challenge") from None
    return KeySuccession(
        statement=to_model(sign_statement(said, key)),
        challenge=challenge.id,
        signature=proof,
    )


async def hand_account_over(service: Service, old: Identity, new: Identity, *, now: int) -> AccountSucceeded:
    """Put ``new`` in the place of ``old``, with its habilitation and grants; nobody is signed in then.

    Args:
        service: signed in as ``old``.
        old: the account's identity.
        new: who follows it; its key file is written already.
        now: UTC seconds by this machine's clock.

    Raises:
        ServiceProblem: the service refuses; nothing was changed.
    """

    async def send(at: int) -> AccountSucceeded:
        return await service.succeed_account(await _succession(service, old, new, at=at))

    return await say_when(send, now=now)


async def hand_authority_over(service: Service, old: Identity, new: Identity, *, now: int) -> None:
    """Let ``new`` stand in the place of ``old``, which speaks as the authority now.

    Args:
        service: signed in as an admin.
        old: the present authority.
        new: who follows it; its key file is written already.
        now: UTC seconds by this machine's clock.

    Raises:
        ServiceProblem: the service refuses; nothing was changed.
    """

    async def send(at: int) -> None:
        await service.succeed_authority(await _succession(service, old, new, at=at))

    await say_when(send, now=now)


async def _succession(service: Service, old: Identity, new: Identity, *, at: int) -> KeySuccession:
    challenge = await challenge_for(service, new)
    return say_succession(old, new, challenge, origin=service.origin, at=at)


class Rewrapping:
    """Wraps one's own grants to the key that one has now.

    Args:
        service: signed in as ``new``.
        known: the profile.
        anchor: whom to trust.
        old: what the grants are wrapped to.
        new: what they will be wrapped to.
    """

    def __init__(
        self, service: Service, known: ServiceProfile, anchor: Anchor, old: Identity, new: Identity
    ) -> None:
        self._service = service
        self._known = known
        self._anchor = anchor
        self._old = old
        self._new = new

    async def all(
        self, held: Sequence[Held], advance: Callable[[int], None]
    ) -> tuple[int, list[tuple[str, ClientError]]]:
        """Wrap what is left, and return how many grants that were, and for which dossiers it failed.

        Args:
            held: from `held_grants`.
            advance: called with the number of grants done since the last call.

        Raises:
            ClientError: the service is away, or the session over.
        """
        count, failed = 0, []
        for one in held:
            try:
                count += await self._dossier(one, advance)
            except HOPELESS:
                raise
            except ClientError as error:
                failed.append((one.dossier, error))
        return count, failed

    async def _dossier(self, held: Held, advance: Callable[[int], None]) -> int:
        if not held.outdated:
            return 0
        keys = keep_judged(self._known, self._anchor, held.fetched).opened_by(self._old)
        for generation in held.outdated:
            if generation not in keys:
                raise AccessProblem(
                    N_("the grant on {dossier} is wrapped to another key than the one that you gave"),
                    dossier=held.dossier,
                )
            signed = make_grant(
                keys[generation].seed,
                dossier=held.dossier,
                generation=generation,
                grantee=self._new.public.kem,
                issuer=self._new.signing,
                period=lasting(self._anchor.now(), 0),
            )
            await self._service.rewrap_grant(
                held.dossier, generation, StatementRequest(statement=to_model(signed))
            )
            advance(1)
        return len(held.outdated)


def use_of(identity: Identity) -> Use:
    """Return what a key is made for: the next one is made for the same.

    Raises:
        AccessProblem: no account has a key like this.
    """
    use = identity.public.use
    if use not in {Use.PERSON, Use.SERVICE}:
        raise AccessProblem(N_("accounts have keys of persons and of portals; this one is for another use"))
    return use
