"""Reviewers who give themselves a new key, each prepared for one act."""

from dataclasses import dataclass

from keys.canonical import encode_binary
from keys.keyfile import Use
from keys.keyring import Identity
from keys.possession import make_challenge, sign_enrolment
from keys.statements import Succession, momentary, sign_statement
from tests.exchange.acts_of_people import Person, carry
from tests.exchange.acts_on_dossiers import DossierAt
from vault.server.ports import new_id
from vault.server.services.signin import ENROL
from vault.server.stores.records.rows import Challenge

_SPARE = 3
"""A challenge is good for one use, and gone where a server died over it."""


@dataclass
class Heir:
    """A key that somebody will hand over to, and challenges that it may answer."""

    identity: Identity
    challenges: list[Challenge]

    def request(self, town, old: Identity, challenge: Challenge, at: int) -> dict:
        key, public = self.identity.signing, self.identity.public
        said = Succession(old.signing.public_key, **momentary(at), old=old.public, new=public)
        proof = sign_enrolment(key, public, origin=town.origin, challenge=challenge.challenge)
        return {
            "statement": carry(sign_statement(said, old.signing)),
            "challenge": challenge.id,
            "signature": encode_binary(proof),
        }


async def expect_heirs(records, now) -> list[Heir]:
    """Let a service expect three new keys, for a day: of two people, and of the authority."""
    heirs = []
    for use in (Use.PERSON, Use.PERSON, Use.AUTHORITY):
        identity = Identity.generate(use)
        rows = [
            Challenge(new_id(), ENROL, make_challenge(), identity.public.key_id, now + 86_400)
            for _ in range(_SPARE)
        ]
        for row in rows:
            async with records.bookkeeping() as books:
                await books.challenges.add(row, now=now)
        heirs.append(Heir(identity, rows))
    return heirs


@dataclass
class Rekeyers:
    """What is ready to be sent.

    Attributes:
        old: who hands over to ``heir``, by ``session``.
        owner: session of who handed over, and wraps its grant anew by ``rewrapped``.
        crown: the key that the authority will hand over to.
    """

    dossier: DossierAt
    old: Person
    heir: Heir
    session: str
    said_at: int
    owner: str
    rewrapped: dict
    crown: Heir

    async def succeed(self, town):
        # The proof names the address of the server, which is another one each time.
        for challenge in self.heir.challenges:
            body = self.heir.request(town, self.old.identity, challenge, self.said_at)
            answer = await town.ask("succeed_account", token=self.session, json=body)
            if answer.code != "possession_unproven":
                break
        return answer

    async def succeed_authority(self, town):
        for challenge in self.crown.challenges:
            body = self.crown.request(town, town.authority, challenge, town.clock.now())
            answer = await town.ask("succeed_authority", token=town.root, json=body)
            if answer.code != "possession_unproven":
                break
        return answer

    async def rewrap(self, town):
        path = {"dossier": self.dossier.id, "generation": 1}
        return await town.ask("rewrap_grant", path, token=self.owner, json=self.rewrapped)


async def prepare_rekeyers(town, admin, dossier, people) -> Rekeyers:
    """Grant the dossier to two people, let the second hand over, and sign what will be sent."""
    old, former = people
    heir, next_, crown = town.heirs
    for person in people:
        grant = town.grant(admin.identity, dossier.id, dossier.key, person.identity)
        path = {"dossier": dossier.id}
        await town.ok("add_grant", path, token=admin.token, json={"statement": carry(grant)})
    now = town.clock.now()
    body = next_.request(town, former.identity, next_.challenges[0], now)
    await town.ok("succeed_account", token=await town.session(former.identity), json=body)
    rewrapped = town.grant(next_.identity, dossier.id, dossier.key, next_.identity)
    return Rekeyers(
        dossier=dossier,
        old=old,
        heir=heir,
        session=await town.session(old.identity),
        said_at=now,
        owner=await town.session(next_.identity),
        rewrapped={"statement": carry(rewrapped)},
        crown=crown,
    )
