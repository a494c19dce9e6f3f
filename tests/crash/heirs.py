"""Depositors who hand over and take their templates over, each prepared for one act."""

from dataclasses import dataclass

from client.remote.handover import hand_over
from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import Person
from tests.exchange.acts_on_dossiers import DossierAt, examine_whole
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock


@dataclass
class Giver:
    """Who hands its mandate over to ``new``."""

    dossier: DossierAt
    old: Identity
    new: Identity
    session: str
    said_at: int

    @classmethod
    async def prepare(cls, town, dossier) -> "Giver":
        old = await town.depositor(_authority(town), dossier)
        return cls(dossier, old, Identity.generate(Use.PERSON), await town.session(old), town.clock.now())

    async def succeed(self, town):
        # The proof names the address of the server, which is another one each time.
        request = hand_over(self.old, self.new, self.dossier.id, town.origin, now=self.said_at)
        path = {"dossier": self.dossier.id}
        body = request.model_dump(mode="json")
        return await town.ask("succeed_depositor", path, token=self.session, json=body)


@dataclass
class Taker:
    """Who takes its template over, by ``replacement``."""

    dossier: DossierAt
    session: str
    template: dict
    replacement: bytes
    new_seal: str

    @classmethod
    async def prepare(cls, town, dossier) -> "Taker":
        owner = await town.depositor(_authority(town), dossier)
        _, template = await _stored(town, dossier, owner)
        replacement = town.template(dossier, owner)
        seal_id = examine_whole(replacement).seal.seal_id.hex()
        return cls(dossier, await town.session(owner), template, replacement, seal_id)

    async def replace(self, town):
        path = {"dossier": self.dossier.id, "template": self.template["id"]}
        headers = {"If-Match": f'"{self.template["seal_id"]}"'}
        return await town.ask(
            "replace_template", path, token=self.session, data=self.replacement, headers=headers
        )


@dataclass
class Keeper:
    """Who gives its template another password, by ``head``."""

    dossier: DossierAt
    session: str
    template: dict
    head: bytes

    @classmethod
    async def prepare(cls, town, dossier) -> "Keeper":
        depositor = await town.depositor(_authority(town), dossier)
        sealed, template = await _stored(town, dossier, depositor)
        return cls(dossier, await town.session(depositor), template, other_password(sealed, depositor))

    async def rewrite(self, town):
        path = {"dossier": self.dossier.id, "template": self.template["id"]}
        headers = {"If-Match": '"1"'}
        return await town.ask("rewrite_template", path, token=self.session, data=self.head, headers=headers)


def _authority(town) -> Person:
    return Person("", town.root, town.authority)


async def _stored(town, dossier, depositor) -> tuple[bytes, dict]:
    """Return a template of its, as it was sealed and as the service shows it."""
    sealed = town.template(dossier, depositor)
    path = {"dossier": dossier.id}
    issued = await town.ok("create_template", path, token=town.root, data=sealed)
    return sealed, issued["template"]


def other_password(template: bytes, depositor: Identity) -> bytes:
    """Return preamble and envelope of a template that opens with another password than `World.template`'s."""
    examined = examine_whole(template)
    unlocked = unlock(examined, PasswordAccess("editrice", "correct horse battery"))
    access = PasswordAccess("editrice", "une autre phrase de passe", identity=depositor.seed)
    envelope = rewrap(examined, unlocked, depositor.signing, remove=[unlocked.slot_id], passwords=[access])
    return replace_envelope(examined, envelope)
